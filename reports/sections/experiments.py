"""Experiments that ran in the week or month: what each arm costs per successful unit, whether quality held, and what to do."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.experiments import LOOK_BACK, Advice, Experiment, Judged, experiments
from meterbook.reports.frame import Frame
from meterbook.reports.intervals import Interval
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import change, count, percent, price
from meterbook.reports.section import Section

_MOODS = {Advice.GRADUATE: "under", Advice.WORSE: "over", Advice.DEARER: "over"}


def _build(frame: Frame | MonthFrame) -> Mapping[str, Any] | None:
    first, end = frame.span
    found = [one for one in experiments(frame.rows, end - LOOK_BACK, end) if one.last >= first]
    return {"experiments": [_shown(one) for one in found]} if found else None


def _shown(one: Experiment) -> Mapping[str, Any]:
    control = one.judged[0].arm.unit_cost
    return {
        "name": one.name,
        "feature": one.feature,
        "unit": one.unit,
        "since": f"{one.first.day} {one.first:%B}",
        "days": (one.last - one.first).days + 1,
        "rows": [_row(judged, control) for judged in one.judged],
    }


def _row(one: Judged, control: Decimal | None) -> Mapping[str, Any]:
    cost, is_scored = one.arm.unit_cost, one.arm.quality is not None
    return {
        "arm": one.arm.name,
        "cost": price(cost),
        "between": _between(one.cost),
        "change": percent(change(cost, control), plus=True) if one.advice and cost is not None and control else "",
        "difference": _between(one.difference),
        "units": count(one.arm.total["successes"]),
        "quality": percent(one.arm.quality if is_scored else one.arm.success),
        "advice": one.advice or "control",
        "reason": one.reason,
        "mood": _MOODS.get(one.advice, "") if one.advice else "",
    }


def _between(found: Interval | None) -> str:
    return f"{price(Decimal(found.low))} to {price(Decimal(found.high))}" if found else ""


SECTION = Section("experiments", _build, "No experiment with two arms ran in these days.", "Experiments")
