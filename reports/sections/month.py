"""The month so far against its plan, with where it lands."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from meterbook.reports.charts import ACCENT, MUTED, Chart, Read, figure, spread, text_at
from meterbook.reports.figures import Counted
from meterbook.reports.forecasts import told
from meterbook.reports.frame import Frame, Row
from meterbook.reports.numbers import dollars, head
from meterbook.reports.section import Section

LATE_DAYS = 8
"""So near the end of a month the label of today would meet those at its end, and joins them."""
HEADROOM = 1.12
"""Room above the highest line for three labels that end together."""
BAND = "rgba(59,125,216,0.18)"
"""The accent, so thin that lines and the ground show through it, light or dark."""
_BOUNDS = (("forecast", "point_usd"), ("80 % band from", "low_usd"), ("80 % band to", "high_usd"))
Points = Sequence[tuple[date, Decimal]]


def _build(frame: Frame) -> Mapping[str, Any] | None:
    if not frame.month:
        return None
    first = frame.week.last.replace(day=1)
    end = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    sums = accumulate((row["cost_usd"] for row in frame.month), initial=Decimal(0))
    points = list(zip((row["day"] for row in frame.month), list(sums)[1:], strict=True))
    plan, landing = frame.plan, frame.landing if points[-1][0] < end else None
    rows = [[str(day), dollars(value)] for day, value in points]
    label = f"{first:%B} so far: {head(points[-1][1])} on {points[-1][0].day} {first:%B}"
    if plan:
        rows.append([f"plan for {first:%B}", dollars(plan["amount_usd"])])
        label += f"; plan {head(plan['amount_usd'])}"
    if landing:
        rows += [[f"{name} for {first:%B}", dollars(landing[column])] for name, column in _BOUNDS]
        label += f"; forecast {head(landing['point_usd'])}, 80 % between {head(landing['low_usd'])} and {head(landing['high_usd'])}"
    chart = Chart(
        name="month",
        question=question(frame),
        label=label,
        figure=_drawn(points, first, end, plan, landing),
        header=("Day", "Cost to date"),
        rows=rows,
        read=read(frame),
    )
    return {"chart": chart, "has_plan": plan is not None, "band": told(landing) if landing else ""}


def question(frame: Frame, plan: str = "plan") -> str:
    """What the figure of a month answers: of one that is over, where it ended; `plan` is what its budget is called."""
    month, is_over = f"{frame.week.last:%B}", frame.week.ends_month
    if not frame.plan:
        return f"What did {month} cost?" if is_over else f"What has {month} cost so far?"
    return f"Where did {month} end against its {plan}?" if is_over else f"Where does {month} stand against its {plan}?"


def read(frame: Frame) -> list[Read]:
    """What the figure of a month is computed from."""
    cost, landing = Counted(sum(row["rows"] for row in frame.month)), [frame.landing] if frame.landing else []
    return [Read("marts.cost", cost), Read("marts.budget_use", frame.budgets), Read("marts.forecast", landing)]


def _drawn(points: Points, first: date, end: date, plan: Row | None, landing: Row | None) -> Mapping[str, Any]:
    today, so_far = points[-1]
    traces = [_line(points, "solid", ACCENT, 3)]
    ends = []
    if plan:
        traces.append(_line([(first, Decimal(0)), (end, plan["amount_usd"])], "dash", MUTED))
        ends.append(("plan", plan["amount_usd"]))
    if landing:
        traces += [_line([(today, so_far), (end, landing["point_usd"])], "dot", ACCENT), *_band(today, end, so_far, landing)]
        ends.append(("forecast", landing["point_usd"]))
    is_late = (end - today).days <= LATE_DAYS
    if is_late:
        ends.append(("so far", so_far))
    shown = [float(value) for value in (*(value for _, value in points), *(value for _, value in ends), *_bounds(landing))]
    top, low = max(0.0, *shown) * HEADROOM, min(0.0, *shown) * HEADROOM
    lifts = spread([float(value) for _, value in ends], top, low)
    labels = [text_at(str(end), float(value), f"{name} {head(value)}", shift=lift) for (name, value), lift in zip(ends, lifts, strict=True)]
    if not is_late:
        labels.append(text_at(str(today), float(so_far), f"so far {head(so_far)}", shift=-12))
    return figure(
        traces,
        right=100,
        annotations=labels,
        xaxis={"type": "date", "tickformat": "%-d %b", "nticks": 5, "range": [str(first), str(end)]},
        yaxis={"range": [low, top]},
    )


def _bounds(landing: Row | None) -> tuple[Decimal, ...]:
    return (landing["low_usd"], landing["high_usd"]) if landing else ()


def _band(today: date, end: date, so_far: Decimal, landing: Row) -> list[dict[str, Any]]:
    """Where four of five landings lie, from what is used today to the end of the month."""
    low, high = (_line([(today, so_far), (end, landing[column])], "solid", ACCENT, 0) for column in ("low_usd", "high_usd"))
    return [low, {**high, "fill": "tonexty", "fillcolor": BAND}]


def _line(points: Points, dash: str, color: str, width: int = 2) -> dict[str, Any]:
    x, y = [str(day) for day, _ in points], [float(value) for _, value in points]
    line = {"color": color, "width": width, "dash": dash}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": line, "hoverinfo": "skip", "cliponaxis": False}


SECTION = Section("month", _build, "No cost in this month yet.")
