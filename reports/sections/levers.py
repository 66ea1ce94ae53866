"""What all levers would spare together, in their published order: each of what those before it leave, so that the column adds up."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import ZERO, Row
from meterbook.reports.lever_text import SCENARIOS, spread
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import count, dollars, percent, ratio
from meterbook.reports.section import Section

_NAMES = {
    "duplicates": "Response cache (duplicates)",
    "retries": "Retries and failures",
    "caps": "Caps on output",
    "routing": "Smaller models first",
    "prompt cache": "Provider's prompt cache",
    "batch": "Batch",
}
_ROWS = """
    select place, lever, scenario, cast(sum(requests) as bigint) as requests, sum(before_usd) as before_usd, sum(after_usd) as after_usd,
        sum(saving_usd) as saving_usd
    from marts.lever where day >= ? and day < ? group by place, lever, scenario order by place, scenario
"""


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    rows = frame.rows(_ROWS, *frame.span)
    if not any(row["requests"] for row in rows):
        return None
    levers = {row["lever"]: [one for one in rows if one["lever"] == row["lever"]] for row in rows}
    ordered = list(levers.values())
    saved = {name: sum((_of(found, name)["saving_usd"] for found in levers.values()), ZERO) for name in SCENARIOS}
    before, after = (_three(found, column) for found, column in ((ordered[0], "before_usd"), (ordered[-1], "after_usd")))
    return {
        "baseline": _cells(before),
        "rows": [
            {"lever": _NAMES[lever], "calls": _calls(found), **_cells(_three(found, "saving_usd"))} for lever, found in levers.items()
        ],
        "saved": _cells(saved),
        "result": _cells(after),
        "spread": spread(*saved.values()),
        "share": percent(ratio(saved["point"], before["point"])),
    }


def _of(found: Sequence[Row], scenario: str) -> Row:
    return next(row for row in found if row["scenario"] == scenario)


def _three(found: Sequence[Row], column: str) -> Mapping[str, Decimal]:
    return {name: _of(found, name)[column] for name in SCENARIOS}


def _cells(values: Mapping[str, Decimal]) -> Mapping[str, str]:
    return {name: dollars(value) for name, value in values.items()}


def _calls(found: Sequence[Row]) -> str:
    return count(max(row["requests"] for row in found))


SECTION = Section("levers", _build, "No lever touches a call of this month.", "All levers, one after the other")
