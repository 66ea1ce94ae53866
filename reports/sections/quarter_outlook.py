"""What is known of the quarter after: its cost at today's rate, its budgets, units that are planned, what ends; and pages of months."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from meterbook.reports.commitment_words import last
from meterbook.reports.commitments import Commitments, ending
from meterbook.reports.figures import ZERO, Row
from meterbook.reports.numbers import head, plural, price
from meterbook.reports.periods import days_of, days_of_quarter, months_of_quarter, quarter_of
from meterbook.reports.quarter_frame import QuarterFrame, told
from meterbook.reports.quarter_plan import EVERYTHING
from meterbook.reports.section import Section

RECENT = timedelta(days=28)
"""Today's rate is that of so many days."""
_BUDGETS = """
    select budget.budget, budget.period, amount.starts_on, amount.ends_on, amount.amount
    from book.budget as budget
    inner join book.budget_amount as amount on amount.budget = budget.budget
    where budget.measure = 'dollars' and budget.scope = ? and budget.period in ('month', 'quarter')
    order by budget.period desc, budget.budget, amount.starts_on
"""
_PLANNED = "select unit, starts_on, ends_on, per_month from book.unit_plan order by unit, starts_on"


def _build(frame: QuarterFrame) -> Mapping[str, Any] | None:
    following = quarter_of(frame.whole[1])
    facts = [*_rate(frame, following), *_budget(frame, following), *_planned(frame, following), *_ending(frame, following)]
    links = [(f"{days_of(month)[0]:%B}", address) for month in frame.months if (address := frame.facts.beside.get(month))]
    if not facts and not links:
        return None
    return {"name": told(following), "facts": facts, "links": links}


def _rate(frame: QuarterFrame, following: str) -> Iterator[tuple[str, str]]:
    """What the next quarter costs at the rate of the last days; nothing where there are too few."""
    first = frame.span[1] - RECENT
    if first < frame.began or not frame.now:
        return
    days = days_of_quarter(following)
    usd = frame.total((first, frame.span[1])) * (days[1] - days[0]).days / RECENT.days
    yield "At today's rate", f"{head(usd)}: {plural((days[1] - days[0]).days, 'day')} like the last {RECENT.days}; no forecast"


def _budget(frame: QuarterFrame, following: str) -> Iterator[tuple[str, str]]:
    rows = frame.rows(_BUDGETS, EVERYTHING)
    own = [row for row in rows if row["period"] == "quarter"]
    if own:
        held = _held(own, days_of_quarter(following)[0])
        yield "Budget", "none yet" if held is None else head(held)
    elif rows:
        found = [_held(rows, days_of(month)[0]) for month in months_of_quarter(following)]
        known = [usd for usd in found if usd is not None]
        whole = f"{head(sum(known, ZERO))} in {plural(len(known), 'monthly budget')}" if known else "none yet"
        yield "Budget", whole if len(known) in {0, len(found)} else f"{whole}; {len(found) - len(known)} of its months have none"


def _held(rows: list[Row], day: date) -> Decimal | None:
    return next((row["amount"] for row in rows if row["starts_on"] <= day < row["ends_on"]), None)


def _planned(frame: QuarterFrame, following: str) -> Iterator[tuple[str, str]]:
    """Units that are meant to be delivered, with what they cost at what one cost in this quarter."""
    rows = frame.rows(_PLANNED)
    for unit in frame.valued:
        counts = [_per_month(rows, unit.row["unit"], days_of(month)[0]) for month in months_of_quarter(following)]
        known = [count for count in counts if count is not None]
        if known:
            usd = f", {head(unit.cost * sum(known))} at {price(unit.cost)} each" if unit.cost is not None else ""
            yield f"Planned: {unit.label}", f"{sum(known):,}{usd}"


def _per_month(rows: list[Row], unit: str, day: date) -> int | None:
    return next((row["per_month"] for row in rows if row["unit"] == unit and row["starts_on"] <= day < row["ends_on"]), None)


def _ending(frame: QuarterFrame, following: str) -> Iterator[tuple[str, str]]:
    for one in ending(Commitments(frame.rows, frame.span).all, days_of_quarter(following)[1]):
        yield f"Ends: {one.name}", f"on {last(one.ends[0].on)}"


SECTION = Section("quarter_outlook", _build, "Nothing is known of the quarter after.", "What is known of the next quarter?")
