"""A team's month so far against its budget, with where it lands."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

from meterbook.reports.charts import Picture
from meterbook.reports.forecasts import told
from meterbook.reports.month_svg import Course, drawn
from meterbook.reports.numbers import dollars, head
from meterbook.reports.section import Section
from meterbook.reports.sections.month import question, read
from meterbook.reports.team_frame import TeamFrame


def _build(frame: TeamFrame) -> Mapping[str, Any] | None:
    if not frame.month:
        return None
    first = frame.week.last.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    days = Decimal(last.day)
    sums = list(accumulate(row["cost_usd"] for row in frame.month))
    used = [(Decimal(row["day"].day) / days, value) for row, value in zip(frame.month, sums, strict=True)]
    plan, landing = frame.plan, frame.landing if frame.week.last < last else None
    amount = plan["amount_usd"] if plan else None
    rows = [(f"by {row['day'].day} {first:%B}", dollars(value)) for row, value in zip(frame.month, sums, strict=True)]
    label = f"{first:%B} so far: {head(sums[-1])}"
    if amount is not None:
        rows.append(("budget", dollars(amount)))
        label += f"; budget {head(amount)}"
    bounds = {}
    if landing:
        bounds = {name: landing[f"{name}_usd"] for name in ("low", "point", "high")}
        rows += [(name, dollars(bounds[key])) for name, key in (("forecast", "point"), ("80 % from", "low"), ("80 % to", "high"))]
        label += f"; forecast {head(bounds['point'])}, 80 % between {head(bounds['low'])} and {head(bounds['high'])}"
    course = Course(label, f"1 {first:%b}", f"{last.day} {last:%b}", used, amount, **bounds)
    picture = Picture(
        question=question(frame, "budget"),
        label=label,
        picture=drawn(course),
        header=("Cost to date", "USD"),
        rows=rows,
        read=read(frame),
    )
    return {"picture": picture, "band": told(landing) if landing else "", "has_plan": plan is not None}


SECTION = Section("team_month", _build, "No cost in this month yet.")
