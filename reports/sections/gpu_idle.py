"""Who answers for idle GPU time: warm idle of the team that held the GPU, free idle of the owner of its pool."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import ZERO, Frame, Row
from meterbook.reports.gpu_evidence import HOUR
from meterbook.reports.numbers import NONE, dollars, percent, ratio
from meterbook.reports.section import Section

SHOWN = 12
STATES = ("warm idle", "free idle")
_NOBODY = "unallocated"


def _build(frame: Frame) -> Mapping[str, Any] | None:
    found = frame.rows(
        """
        select owner, idle_state, cast(sum(idle_seconds) as bigint) as idle_seconds,
            cast(sum(unpriced_seconds) as bigint) as unpriced_seconds, sum(cost_usd) as cost_usd
        from marts.gpu_idle where day >= ? and day < ? group by owner, idle_state order by owner, idle_state
        """,
        *frame.span,
    )
    if not found:
        return None
    owners = {row["owner"]: [one for one in found if one["owner"] == row["owner"]] for row in found}
    rows = sorted(owners.items(), key=lambda pair: (-sum((one["cost_usd"] or ZERO for one in pair[1]), ZERO), pair[0]))
    unpriced = sum(row["unpriced_seconds"] for row in found)
    whole = sum(row["idle_seconds"] for row in found)
    return {
        "rows": [_row("nobody" if name == _NOBODY else name, parts) for name, parts in rows[:SHOWN]],
        "more": max(0, len(rows) - SHOWN),
        "total": _row("Total", found),
        "unpriced": f"{percent(ratio(unpriced, whole))} of these hours have no price." if unpriced else "",
    }


def _row(name: str, parts: list[Row]) -> Mapping[str, str]:
    by_state = {state: [one for one in parts if one["idle_state"] == state] for state in STATES}
    warm, free = (sum(one["idle_seconds"] for one in by_state[state]) for state in STATES)
    return {"owner": name, "warm": _hours(warm), "free": _hours(free), **_costs(by_state), "cost": _cost(parts)}


def _costs(by_state: Mapping[str, list[Row]]) -> Mapping[str, str]:
    warm, free = (_cost(by_state[state]) for state in STATES)
    return {"warm_cost": warm, "free_cost": free}


def _cost(parts: list[Row]) -> str:
    costs = [one["cost_usd"] for one in parts if one["cost_usd"] is not None]
    # A dash is unknown; no idle time costs nothing.
    return dollars(sum(costs, ZERO)) if costs or not parts else NONE


def _hours(seconds: int) -> str:
    return f"{Decimal(seconds) / HOUR:,.0f}"


SECTION = Section("gpu_idle", _build, "No idle GPU time in this week.", "Idle GPU time by owner")
