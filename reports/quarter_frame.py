"""What a quarterly page is made of: read from the marts, exactly, by the sections that show it."""

from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

import duckdb

from meterbook.reports.experiments import LOOK_BACK
from meterbook.reports.figures import ZERO, PageFacts, Span
from meterbook.reports.numbers import plural
from meterbook.reports.periods import days_of, days_of_quarter, months_of_quarter, quarter_of
from meterbook.reports.quarter_forecasts import Told, forecasts_of
from meterbook.reports.quarter_plan import Plan, plan_of
from meterbook.reports.quarter_units import Unit, units_of
from meterbook.reports.review import Review

DAY = timedelta(days=1)
LATE = timedelta(days=7)
"""Data of a quarter that begins later than this into it is of a part of the quarter."""
PICO = Decimal("1e-12")


class QuarterFrame(Review):
    """The figures of a quarter, as far as there is data for it.

    A quarter that is not over is compared with as many days of the one before. Where data begins in the middle of that one, all its days
    that have data are compared, and their dollars are in proportion to the days of the quarter: `is_like` says which.

    Args:
        con: a connection in which the marts are views.
        quarter: its name, `2026-Q4`.
        facts: what else the page says.

    Raises:
        ValueError: a quarter that is none.
    """

    noun = "quarter"

    def __init__(self, con: duckdb.DuckDBPyConnection, quarter: str, facts: PageFacts) -> None:
        first, end = days_of_quarter(quarter)
        through = max(first + DAY, min(end, facts.data_through + DAY))
        former = quarter_of(first - DAY)
        before, _ = days_of_quarter(former)
        began = _began(con, before, first)
        self.is_like = began is None or began < before + LATE
        """Whether the days of the quarter before that are compared are as many as those of the quarter."""
        whole_rival = first if through == end else min(first, before + (through - first))
        super().__init__(con, facts, (first, through), (before, whole_rival) if self.is_like or began is None else (began, first), before)
        self.quarter, self.former = quarter, former
        self.whole: Span = (first, end)
        """Half-open days of the whole quarter."""

    @property
    def months(self) -> list[str]:
        """The months of the quarter, `2026-10` first; of a quarter that is not over those that have begun."""
        return [month for month in months_of_quarter(self.quarter) if days_of(month)[0] < self.span[1]]

    def span_of(self, month: str) -> Span:
        """Half-open days of a month, as far as there is data."""
        first, end = days_of(month)
        return first, max(first, min(end, self.span[1]))

    @property
    def is_whole(self) -> bool:
        """Whether every day of the quarter is there."""
        return self.span == self.whole

    @property
    def title(self) -> str:
        """For people: Q4 2026."""
        return told(self.quarter)

    @property
    def told_as(self) -> str:
        """The quarter within a sentence."""
        return self.title

    @property
    def rival(self) -> str:
        """What the quarter is compared with: Q3 2026, the same days of it, or what as many of its days cost."""
        before = told(self.former)
        if not self.is_like:
            return f"as many days of {before}"
        return before if self.is_whole else f"the first {plural((self.span[1] - self.span[0]).days, 'day')} of {before}"

    @property
    def names(self) -> tuple[str, str]:
        """What a figure calls what it is compared with, and the quarter."""
        before, now = told(self.former), self.title
        if self.is_whole and self.is_like:
            return before, now
        return f"As many days of {before}", now if self.is_whole else f"{now} so far"

    @property
    def scale(self) -> Decimal:
        """What dollars of `earlier` are multiplied by to be of as many days as the quarter has data of."""
        return Decimal(1) if self.is_like else Decimal(self.known_days) / (self.earlier[1] - self.earlier[0]).days

    @cached_property
    def began(self) -> date:
        """The first day of the quarter with cost; its first where there is none."""
        return min((day for day in self.days if day >= self.span[0]), default=self.span[0])

    @property
    def is_late(self) -> bool:
        """Whether data begins in the middle of the quarter."""
        return self.began >= self.span[0] + LATE

    @property
    def known_days(self) -> int:
        """Days of the quarter from its first with data on."""
        return (self.span[1] - (self.began if self.is_late else self.span[0])).days

    @property
    def days_whole(self) -> int:
        """Days of the whole quarter."""
        return (self.whole[1] - self.whole[0]).days

    def total(self, span: Span, **where: str) -> Decimal:
        """Cost of a span of days; of the days that are compared in proportion, where these are others in number."""
        return self._scaled(super().total(span, **where), span)

    def by(self, column: str, span: Span, **where: str) -> dict[str, Decimal]:
        """Cost of a span of days by line, team or feature; of the days that are compared in proportion."""
        return {name: self._scaled(value, span) for name, value in super().by(column, span, **where).items()}

    def _scaled(self, value: Decimal, span: Span) -> Decimal:
        return value if span != self.earlier or self.is_like else (value * self.scale).quantize(PICO)

    @cached_property
    def by_month(self) -> dict[str, Decimal]:
        """Cost by month of the quarter before and of the quarter, of those that have any, in order."""
        sums: dict[str, Decimal] = {}
        for day, cost in sorted(self.days.items()):
            month = f"{day:%Y-%m}"
            sums[month] = sums.get(month, ZERO) + cost
        return sums

    @cached_property
    def planned(self) -> Plan | None:
        """What the quarter was meant to cost, as far as the book says, and where it lands."""
        return plan_of(self.rows, self.span)

    @cached_property
    def told_before(self) -> Told:
        """What was forecast of the months of the quarter and of the one before, as two of their days knew it."""
        return forecasts_of(self.rows, [*months_of_quarter(self.former), *self.months])

    @cached_property
    def valued(self) -> list[Unit]:
        """Every unit of value that was attempted in the quarter, the dearest first."""
        return units_of(self)

    @property
    def closed_before(self) -> str:
        """The month after the quarter: it tells what was restated of its own months too."""
        return f"{self.whole[1]:%Y-%m}"

    @property
    def tried_since(self) -> date:
        """Experiments of a quarter may have begun so long before it."""
        return self.span[0] - LOOK_BACK


def told(quarter: str) -> str:
    """A quarter for people: Q4 2026."""
    return f"{quarter[-2:]} {quarter[:4]}"


def _began(con: duckdb.DuckDBPyConnection, first: date, end: date) -> date | None:
    """The first day with cost of a span; None where it has none."""
    [(found,)] = con.execute("select min(day) from marts.cost where day >= ? and day < ?", [first, end]).fetchall()
    return found if isinstance(found, date) else None
