"""Cost per unit of value, with quality beside it."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.frame import Frame
from meterbook.reports.numbers import change, count, percent, price, ratio
from meterbook.reports.section import Section


def _build(frame: Frame) -> Mapping[str, Any] | None:
    now, before = frame.units(frame.span), frame.units(frame.week.before)
    if not now:
        return None
    rows = []
    for name, row in now.items():
        cost = ratio(row["cost_usd"], row["successes"])
        was = ratio(before[name]["cost_usd"], before[name]["successes"]) if name in before else None
        moved = change(cost, was) if cost is not None and was else None
        target = row["target_usd"]
        rows.append(
            {
                "label": row["label"],
                "feature": row["feature"],
                "cost": price(cost),
                "change": percent(moved, plus=True),
                "target": price(target),
                "mood": "" if target is None or cost is None else "over" if cost > target else "under",
                "units": count(row["successes"]),
                "success": percent(ratio(row["successes"], row["units"])),
                "quality": percent(ratio(row["quality_sum"], row["quality_count"])),
                "escalated": percent(ratio(row["escalations"], row["units"])),
            }
        )
    return {"rows": rows, "basis": frame.week.basis}


SECTION = Section("units", _build, "No outcomes arrived for this week; cost per unit needs them.", "Cost per unit of value")
