"""What a month cost beside its budget, the month before, and what was forecast of it on the way."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.budget_status import day_of
from meterbook.reports.change_text import VISIBLE, relative
from meterbook.reports.charts import ACCENT, MUTED, Chart, Read, bars
from meterbook.reports.figures import Row
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import dollars, head, percent
from meterbook.reports.section import Section

_NOTE = "Of the budgets that of everything in a month counts; a row of the forecast is a day on which something was said of everything."


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    if not frame.now and not frame.before:
        return None
    rows = list(_bars(frame))
    texts = [(name, head(value)) for name, value, _ in rows]
    label = f"{frame.title}: " + ", ".join(f"{name} {text}" for name, text in texts)
    drawn = bars(texts, [float(value) for _, value, _ in rows], [colour for _, _, colour in rows])
    chart = Chart(
        name="month_plan",
        question=_question(frame),
        label=label,
        figure=drawn,
        header=("What", "Dollars"),
        rows=[*((name, dollars(value)) for name, value, _ in rows), *_band(frame)],
        read=[Read("marts.cost", frame.cost), Read("marts.budget_use", frame.budgets), Read("marts.forecast", frame.forecasts)],
        note=_NOTE,
    )
    return {"chart": chart, "sentences": list(sentences(frame))}


def _question(frame: MonthFrame) -> str:
    month, rivals = f"{frame.span[0]:%B}", [*(["its budget"] if frame.plan else []), *(["its forecasts"] if frame.forecasts else [])]
    within = f"within {' and '.join(rivals)}" if rivals else ""
    if not within:
        return f"What did {month} cost?" if frame.is_whole else f"What has {month} cost so far?"
    return f"Did {month} stay {within}?" if frame.is_whole else f"Does {month} stay {within}?"


def _bars(frame: MonthFrame) -> Iterator[tuple[str, Decimal, str]]:
    before, now = frame.names
    if frame.before:
        yield before, frame.before, MUTED
    if frame.plan:
        yield "Budget", frame.plan["amount_usd"], MUTED
    for row in _told(frame):
        yield f"Forecast of {day_of(row['day'])}", row["point_usd"], MUTED
    yield now, frame.now, ACCENT


def _told(frame: MonthFrame) -> list[Row]:
    """The forecasts a month is held against; of one that is not over, where it lands too."""
    found = [frame.early, frame.latest if frame.is_whole else frame.landing]
    return list({row["day"]: row for row in found if row}.values())


def _band(frame: MonthFrame) -> Iterator[tuple[str, str]]:
    for row in _told(frame):
        yield f"80 % band of {day_of(row['day'])}", f"{dollars(row['low_usd'])} to {dollars(row['high_usd'])}"


def sentences(frame: MonthFrame) -> Iterator[str]:
    """What the month is off its budget and its forecasts, and whether these held it in their band."""
    plan = frame.plan
    if plan is None:
        yield "There is no monthly budget for everything: add one to budgets.yaml to see it here."
    elif frame.is_whole:
        yield f"Actual is {_off(frame.now, plan['amount_usd'])} the budget of {dollars(plan['amount_usd'])}."
    elif frame.landing:
        off = _off(frame.landing["point_usd"], plan["amount_usd"])
        yield f"It is expected to land {off} the budget of {dollars(plan['amount_usd'])}."
    for row in _told(frame) if frame.is_whole else ():
        held = "held it" if row["low_usd"] <= frame.now <= row["high_usd"] else "did not hold it"
        band = f"its 80 % band, {dollars(row['low_usd'])} to {dollars(row['high_usd'])}, {held}"
        yield f"It is {_off(frame.now, row['point_usd'])} the forecast of {day_of(row['day'])}: {band}."
    if not frame.forecasts:
        yield "Nothing was forecast of this month: a forecast needs two days of history."


def _off(now: Decimal, rival: Decimal) -> str:
    gap, moved = now - rival, relative(now, rival)
    if abs(gap) <= VISIBLE:
        return "level with"
    size = f" ({percent(moved, plus=True)})" if moved is not None else ""
    return f"{dollars(abs(gap))}{size} {'over' if gap > 0 else 'under'}"


SECTION = Section("month_plan", _build, "No cost in this month.")
