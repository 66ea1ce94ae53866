"""Failed attempts: what they cost, and what of it a retry policy would have spared."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.frame import Row
from meterbook.reports.lever_text import SHOWN, spread, spread_of, summed
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import count, dollars, plural
from meterbook.reports.section import Section

_SUMS = ("failed_attempts", "repeated_attempts", "paid_attempts", "unpriced_attempts", "beyond_attempts")
_COSTS = ("cost_usd", "uncertain_cost_usd", "low_saving_usd", "point_saving_usd", "high_saving_usd")
_ROWS = f"""
    select feature, model, error_class, {", ".join(f"cast(sum({name}) as bigint) as {name}" for name in _SUMS)},
        {", ".join(f"sum({name}) as {name}" for name in _COSTS)}
    from marts.retry_waste where day >= ? and day < ? group by feature, provider, model, error_class
    order by coalesce(sum(cost_usd), 0) desc, failed_attempts desc, feature, model, error_class
"""


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    rows = frame.rows(_ROWS, *frame.span)
    if not rows:
        return None
    failed, unpriced = (sum(row[f"{name}_attempts"] for row in rows) for name in ("failed", "unpriced"))
    return {
        "failed": plural(failed, "attempt"),
        "cost": dollars(summed(rows, "cost_usd")),
        "uncertain": dollars(summed(rows, "uncertain_cost_usd")) if summed(rows, "uncertain_cost_usd") else "",
        "unpriced": plural(unpriced, "attempt") if unpriced else "",
        "saving": spread_of(rows),
        "rows": [_row(row) for row in rows[:SHOWN]],
        "more": max(0, len(rows) - SHOWN),
    }


def _row(row: Row) -> Mapping[str, str]:
    return {
        "feature": row["feature"],
        "model": row["model"],
        "error": row["error_class"],
        "failed": count(row["failed_attempts"]),
        "repeated": count(row["repeated_attempts"]),
        "beyond": count(row["beyond_attempts"]),
        "cost": dollars(row["cost_usd"]),
        "saving": spread(row["low_saving_usd"], row["point_saving_usd"], row["high_saving_usd"]),
    }


SECTION = Section("retry_waste", _build, "No failed attempts in this month.", "Retries and failures")
