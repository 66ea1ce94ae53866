"""What became of all records, in five figures."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.numbers import plural, share
from meterbook.reports.quality import Quality
from meterbook.reports.section import Section
from meterbook.reports.sections.kpis import Kpi

_FATES = (
    ("Set aside", "quarantined", "wrong, each with its reason"),
    ("Duplicates", "duplicates", "known already, counted once"),
    ("Filtered, replaced", "", "left out by a mapping, or by a later export"),
)


def _build(quality: Quality) -> Mapping[str, Any] | None:
    rows = quality.total("rows_in")
    if not quality.inputs:
        return None
    gone = {"": quality.total("filtered") + quality.total("superseded")}
    found = [
        Kpi("Records in", f"{rows:,}", plural(quality.total("files"), "file"), f"of {plural(len(quality.inputs), 'format')}"),
        Kpi("Kept", f"{quality.total('rows_out'):,}", share(quality.total("rows_out"), rows), "of all records"),
    ]
    for name, column, basis in _FATES:
        value = gone[column] if column in gone else quality.total(column)
        mood = "over" if column == "quarantined" and value else ""
        found.append(Kpi(name, f"{value:,}", share(value, rows), basis, mood))
    return {"kpis": found}


SECTION = Section("account", _build, "No file has been taken in.", template="kpis")
