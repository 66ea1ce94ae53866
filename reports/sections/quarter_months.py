"""Cost by month of the quarter before and of the quarter, beside what was planned."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.charts import ACCENT, MUTED, Chart, Read, bars
from meterbook.reports.figures import ZERO
from meterbook.reports.numbers import NONE, dollars, head, plural
from meterbook.reports.periods import days_of, months_of_quarter
from meterbook.reports.quarter_frame import QuarterFrame, told
from meterbook.reports.section import Section


def _build(frame: QuarterFrame) -> Mapping[str, Any] | None:
    costs = frame.by_month
    if not costs:
        return None
    plan, own = frame.planned, [month for month in costs if month >= frame.months[0]]
    rows = [_row(frame, month) for month in costs]
    label = f"{frame.title}: " + ", ".join(f"{name} {text}" for name, _, text, *_ in rows)
    drawn = bars([(name, text) for name, _, text, *_ in rows], [float(costs[month]) for month in costs], _colours(frame))
    chart = Chart(
        name="quarter_months",
        question="What did each month cost, and what was planned?",
        label=label,
        figure=drawn,
        header=("Month", "Cost", "Budget of everything"),
        rows=[(name, cost, budget) for name, cost, _, budget in rows],
        read=[Read("marts.cost", frame.cost), Read("marts.budget_use", plan.read if plan else [])],
        note="A budget is shown where budgets.yaml has one of everything for the month.",
    )
    return {"chart": chart, "sentences": sentences(frame, own)}


def _row(frame: QuarterFrame, month: str) -> tuple[str, str, str, str]:
    """A month: name, cost, its label in the figure, and its budget."""
    first, end = days_of(month)
    cost, budget = frame.by_month[month], frame.planned.of_month(month) if frame.planned else None
    name = f"{first:%B}" + (f" to {frame.last.day}" if first < frame.span[1] < end else "")
    beside = f" of {head(budget)}" if budget is not None else ""
    return name, dollars(cost), f"{head(cost)}{beside}", dollars(budget) if budget is not None else NONE


def _colours(frame: QuarterFrame) -> list[str]:
    return [ACCENT if month >= frame.months[0] else MUTED for month in frame.by_month]


def sentences(frame: QuarterFrame, own: list[str]) -> list[str]:
    """What lacks: months without data, a plan, and what the days that are compared are."""
    found = []
    lacking = [month for month in months_of_quarter(frame.quarter) if month not in own and days_of(month)[0] < frame.span[1]]
    if lacking:
        found.append(f"No cost is known of {', '.join(f'{days_of(month)[0]:%B}' for month in lacking)}: it is unknown, and not nothing.")
    if frame.planned is None:
        found.append("There is no budget for everything: one in budgets.yaml, by month or quarter, is what the quarter is held against.")
    elif frame.planned.is_own:
        found.append(f"The budget of the quarter is {head(frame.planned.amount_usd)}.")
    if not frame.is_like and frame.before != ZERO:
        began = frame.earlier[0]
        days = plural((frame.earlier[1] - began).days, "day")
        found.append(f"Of {told(frame.former)} there is data from {began.day} {began:%B} on: its {days} are compared in proportion.")
    return found


SECTION = Section("quarter_months", _build, "No cost is recorded in this quarter.")
