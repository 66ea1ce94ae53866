"""Batch: what could go by it, what it saved, and what lanes of priority cost beyond the standard tier."""

from collections.abc import Mapping, Sequence
from typing import Any

from meterbook.reports.frame import Row
from meterbook.reports.lever_text import SHOWN, spread, spread_of, summed
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import NONE, count, dollars, percent, plural, ratio
from meterbook.reports.section import Section

_COUNTS = ("requests", "eligible_requests", "compared_requests")
_COSTS = ("cost_usd", "eligible_cost_usd", "low_saving_usd", "point_saving_usd", "high_saving_usd", "standard_cost_usd", "difference_usd")
_ROWS = f"""
    select feature, served_tier, {", ".join(f"cast(sum({name}) as bigint) as {name}" for name in _COUNTS)},
        {", ".join(f"sum({name}) as {name}" for name in _COSTS)}
    from marts.batch_use where day >= ? and day < ? group by feature, served_tier
    order by sum(high_saving_usd) desc, coalesce(sum(cost_usd), 0) desc, feature, served_tier
"""


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    rows = frame.rows(_ROWS, *frame.span)
    if not rows:
        return None
    movable = [row for row in rows if row["eligible_requests"] or row["high_saving_usd"]]
    lanes = [row for row in rows if row["served_tier"] != "standard"]
    return {
        "eligible": dollars(summed(rows, "eligible_cost_usd")),
        "share": percent(ratio(summed(rows, "eligible_cost_usd"), summed(rows, "cost_usd"))),
        "saving": spread_of(rows),
        "rows": [_row(row) for row in movable[:SHOWN]],
        "more": max(0, len(movable) - SHOWN),
        "lanes": [_lane(row) for row in lanes[:SHOWN]],
        "said": _said(lanes),
    }


def _row(row: Row) -> Mapping[str, str]:
    return {
        "feature": row["feature"],
        "cost": dollars(row["cost_usd"]),
        "eligible": dollars(row["eligible_cost_usd"]),
        "saving": spread(row["low_saving_usd"], row["point_saving_usd"], row["high_saving_usd"]),
    }


def _lane(row: Row) -> Mapping[str, str]:
    missing = row["requests"] - row["compared_requests"]
    return {
        "feature": row["feature"],
        "tier": row["served_tier"],
        "requests": count(row["requests"]),
        "cost": dollars(row["cost_usd"]),
        "standard": dollars(row["standard_cost_usd"])
        + (f", {plural(missing, 'call')} unknown" if missing and row["compared_requests"] else ""),
        "difference": NONE if row["difference_usd"] is None else dollars(-row["difference_usd"], plus=True),
    }


def _said(lanes: Sequence[Row]) -> str:
    known = [row["difference_usd"] for row in lanes if row["difference_usd"] is not None]
    saved, more = (sum(found) for found in ([one for one in known if one > 0], [-one for one in known if one < 0]))
    parts = [f"cheaper tiers saved {dollars(saved)}"] if saved else []
    parts += [f"dearer ones cost {dollars(more)} more"] if more else []
    return f"Against the standard tier, {' and '.join(parts)}." if parts else ""


SECTION = Section("batch_use", _build, "No calls in this month.", "Batch and priority")
