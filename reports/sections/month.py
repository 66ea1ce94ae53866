"""The month so far against its plan, with where it lands."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from meterbook.reports.charts import ACCENT, MUTED, Chart, figure, text_at
from meterbook.reports.frame import Frame
from meterbook.reports.numbers import dollars, head
from meterbook.reports.section import Section


def _build(frame: Frame) -> Mapping[str, Any] | None:
    if not frame.month:
        return None
    first = frame.week.last.replace(day=1)
    end = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    days = [str(row["day"]) for row in frame.month]
    sums = list(accumulate((row["cost_usd"] for row in frame.month), initial=Decimal(0)))[1:]
    plan = frame.plan
    traces = [{"type": "scatter", "mode": "lines", "x": days, "y": [float(value) for value in sums], "line": {"color": ACCENT, "width": 3}}]
    labels = [text_at(days[-1], float(sums[-1]), f"{head(sums[-1])} so far", shift=-12)]
    rows = [[day, dollars(value)] for day, value in zip(days, sums, strict=True)]
    if plan:
        amount = plan["amount_usd"]
        steady = [str(first), str(end)]
        traces.append(_line(steady, [0, float(amount)], "dash", MUTED))
        labels.append(
            text_at(str(end), float(amount), f"plan {head(amount)}", right=True, shift=12 if amount >= (plan["forecast_usd"] or 0) else -14)
        )
        rows.append([f"plan for {first:%B}", dollars(amount)])
    if plan and plan["forecast_usd"] is not None and days[-1] != str(end):
        landing = plan["forecast_usd"]
        traces.append(_line([days[-1], str(end)], [float(sums[-1]), float(landing)], "dot", ACCENT))
        labels.append(text_at(str(end), float(landing), f"forecast {head(landing)}", right=True, shift=_side(landing, amount)))
        rows.append([f"forecast for {first:%B}", dollars(landing)])
    drawn = figure(
        traces,
        annotations=labels,
        xaxis={"type": "date", "tickformat": "%-d %b", "nticks": 6, "range": [str(first), str(end + timedelta(days=1))]},
    )
    label = f"{first:%B} so far: {head(sums[-1])} on {frame.week.last.day} {frame.week.last:%B}"
    if plan:
        label += f"; plan {head(plan['amount_usd'])}; forecast {head(plan['forecast_usd'])}"
    return {"chart": Chart("month", label, drawn, ("Day", "Cost to date"), rows), "name": f"{first:%B}", "has_plan": plan is not None}


def _side(mine: Decimal, other: Decimal | None) -> int:
    """The upper of two lines is labelled above, the lower well below, so that labels never meet."""
    return 12 if other is None or mine >= other else -26


def _line(x: list[str], y: list[float], dash: str, color: str) -> dict[str, Any]:
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": {"color": color, "width": 2, "dash": dash}, "hoverinfo": "skip"}


SECTION = Section("month", _build, "No cost in this month yet.", "Month to date against plan")
