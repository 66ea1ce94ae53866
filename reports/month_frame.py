"""What the pages of a month are made of: read from the marts, exactly, by the sections that show it."""

from datetime import date, timedelta
from functools import cached_property

import duckdb

from meterbook.reports.experiments import LOOK_BACK
from meterbook.reports.figures import PageFacts, Row, Span
from meterbook.reports.forecasts import TOTAL
from meterbook.reports.periods import days_of
from meterbook.reports.review import Review
from meterbook.reports.saving_ledger import Range, potential

ALL = "all"
"""The scope of a forecast of everything."""
EARLY_DAY, SUNDAY = 10, 6


class MonthFrame(Review):
    """The figures of a month, as far as there is data for it.

    Args:
        con: a connection in which the marts are views.
        month: its name, `2026-10`.
        facts: what else the page says.
    """

    noun = "month"

    def __init__(self, con: duckdb.DuckDBPyConnection, month: str, facts: PageFacts) -> None:
        first, end = days_of(month)
        through = max(first + timedelta(days=1), min(end, facts.data_through + timedelta(days=1)))
        before = (first - timedelta(days=1)).replace(day=1)
        # Of a month that is not over the same days are compared, as marts.cost_change does.
        rival_end = first if through == end else min(first, before + (through - first))
        super().__init__(con, facts, (first, through), (before, rival_end))
        self.month = month
        self.whole: Span = (first, end)
        """Half-open days of the whole month."""

    @property
    def rival(self) -> str:
        """What the month is compared with: September, or the same days of it."""
        before = f"{self.earlier[0]:%B}"
        return before if self.is_whole else f"the same days of {before}"

    @property
    def when(self) -> str:
        """When that was: in September, on the same days of it."""
        return f"{'in' if self.is_whole else 'on'} {self.rival}"

    @property
    def names(self) -> tuple[str, str]:
        """What a figure calls what it is compared with, and the month."""
        before = f"{self.earlier[0]:%B}"
        return before if self.is_whole else f"Same days of {before}", f"{self.span[0]:%B}" + ("" if self.is_whole else " so far")

    @property
    def title(self) -> str:
        """For people: October 2026."""
        return f"{self.whole[0]:%B %Y}"

    @property
    def told_as(self) -> str:
        """The month within a sentence: October."""
        return f"{self.span[0]:%B}"

    @property
    def closed_before(self) -> str:
        """The month itself: it tells what was restated of those before it."""
        return self.month

    @property
    def tried_since(self) -> date:
        """Experiments of a month began at most so long before its end."""
        return self.span[1] - LOOK_BACK

    @property
    def is_whole(self) -> bool:
        """Whether every day of the month is there."""
        return self.span == self.whole

    @cached_property
    def forecasts(self) -> list[Row]:
        """Where the month would land, as each of its days with data knew it, in order; only those that said something."""
        query = """
            select day, days_left, low_usd, point_usd, high_usd from marts.forecast
            where dimension = ? and scope = ? and day >= ? and day < ? and point_usd is not null order by day
        """
        return self.rows(query, TOTAL, ALL, *self.span)

    @property
    def early(self) -> Row | None:
        """The forecast of day 10: the same day each month, so that errors compare. None where nothing was said that day."""
        return next((row for row in self.forecasts if row["day"].day == EARLY_DAY), None)

    @property
    def latest(self) -> Row | None:
        """The last forecast leaders saw before the month was over: that of the last Sunday before its last day."""
        sundays = [row for row in self.forecasts if row["day"].weekday() == SUNDAY and row["day"] < self.whole[1] - timedelta(days=1)]
        return sundays[-1] if sundays else None

    @property
    def landing(self) -> Row | None:
        """Where a month that is not over lands, as its last day with data knows it."""
        return self.forecasts[-1] if self.forecasts and not self.is_whole else None

    @cached_property
    def potential(self) -> Range | None:
        """What all levers could spare of the month's days; None where nothing could be reckoned."""
        return potential(self.rows, "day >= ? and day < ?", self.span)
