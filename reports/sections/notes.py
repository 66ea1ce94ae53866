"""What is odd about files that were taken in: clocks, caps, pages that go on, units, exports that others replace."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.quality import Quality
from meterbook.reports.section import Section

SHOWN = 25


def _build(quality: Quality) -> Mapping[str, Any] | None:
    found = quality.notes
    rows = [{"flag": f"it {row['flag']}", "files": f"{row['files']:,}", "file": row["file"]} for row in found[:SHOWN]]
    return {"rows": rows, "more": len(found) - len(rows)} if rows else None


SECTION = Section("notes", _build, "Nothing is odd about any file.", "Notes on files")
