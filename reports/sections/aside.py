"""Records that were set aside, by reason, each with an example.

The records themselves stay in the lake: a page travels further than they should.
"""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.numbers import plural
from meterbook.reports.quality import Quality
from meterbook.reports.section import Section

SHOWN = 25


def _build(quality: Quality) -> Mapping[str, Any] | None:
    found = quality.reasons
    rows = [
        {
            "reason": row["reason"],
            "format": row["format"],
            "records": f"{row['records']:,}",
            "files": f"{row['files']:,}",
            "example": row["file"],
            "line": f"{row['line']:,}",
        }
        for row in found[:SHOWN]
    ]
    kept, all_of_them = sum(row["records"] for row in found), quality.total("quarantined")
    more = f"And {plural(len(found) - len(rows), 'more reason')}." if len(found) > len(rows) else ""
    cut = f"Reasons are kept of {kept:,} of them: 10,000 of a file." if kept < all_of_them else ""
    return {"rows": rows, "total": f"{kept:,}", "more": " ".join(filter(None, (more, cut)))} if rows else None


SECTION = Section("aside", _build, "No record was set aside.", "Set aside")
