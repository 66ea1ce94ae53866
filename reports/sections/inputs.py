"""Every format that came in, and what became of its records."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.numbers import NONE
from meterbook.reports.quality import FATES, Quality
from meterbook.reports.section import Section

_COUNTS = ("files", "rows_in", *FATES)


def _build(quality: Quality) -> Mapping[str, Any] | None:
    rows = [
        {**{name: f"{row[name]:,}" for name in _COUNTS}, "format": row["format"], "days": _days(row), "has_aside": row["quarantined"] > 0}
        for row in quality.inputs
    ]
    return {"rows": rows, "total": {name: f"{quality.total(name):,}" for name in _COUNTS}} if rows else None


def _days(row: Mapping[str, Any]) -> str:
    first, last = row["first_day"], row["last_day"]
    if first is None:
        return NONE
    return f"{first.day} {first:%b %Y} to {last.day} {last:%b %Y}" if first != last else f"{first.day} {first:%b %Y}"


SECTION = Section("inputs", _build, "No file has been taken in.", "What came in")
