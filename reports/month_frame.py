"""What the savings page of a month is made of: read from the marts, exactly, by the sections that show it."""

from datetime import timedelta
from decimal import Decimal
from functools import cached_property

import duckdb

from meterbook.reports.frame import PageFacts, Row, Span, rows_of
from meterbook.reports.periods import days_of
from meterbook.reports.saving_ledger import Ledger, Range, potential


class MonthFrame:
    """The figures of a month, as far as there is data for it.

    Args:
        con: a connection in which the marts are views.
        month: its name, `2026-10`.
        facts: what else the page says.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, month: str, facts: PageFacts) -> None:
        self.con, self.month, self.facts = con, month, facts
        first, end = days_of(month)
        self.whole: Span = (first, end)
        """Half-open days of the whole month."""
        self.span: Span = (first, max(first + timedelta(days=1), min(end, facts.data_through + timedelta(days=1))))
        """Half-open days of the month that are shown: to the last one with data."""

    def rows(self, query: str, *values: object) -> list[Row]:
        """Rows of a query, by column name."""
        return rows_of(self.con, query, *values)

    @property
    def before(self) -> Span:
        """Half-open days of the month before."""
        first = self.whole[0]
        return (first - timedelta(days=1)).replace(day=1), first

    @property
    def title(self) -> str:
        """For people: October 2026."""
        return f"{self.whole[0]:%B %Y}"

    @property
    def is_whole(self) -> bool:
        """Whether every day of the month is there."""
        return self.span == self.whole

    def cost(self, span: Span) -> Decimal:
        """What everything cost in a span of days, in USD."""
        [row] = self.rows("select coalesce(sum(cost_usd), 0) as cost_usd from marts.cost where day >= ? and day < ?", *span)
        return Decimal(row["cost_usd"])

    @cached_property
    def ledger(self) -> Ledger:
        """The savings ledger as the month left it."""
        return Ledger(self.rows, self.month, self.span)

    @cached_property
    def potential(self) -> Range | None:
        """What all levers could spare of the month's days; None where nothing could be reckoned."""
        return potential(self.rows, "day >= ? and day < ?", self.span)

    @cached_property
    def now(self) -> Decimal:
        """The month's cost in USD."""
        return self.cost(self.span)
