"""What a quarter was meant to cost: its own budget of everything, or those of its months, and where it lands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from meterbook.reports.causes import listed
from meterbook.reports.figures import ZERO, Row, Span

EVERYTHING = "everything"
_ROWS = """
    select use.budget, use.period, use.period_start, use.period_end, use.day, use.amount, use.used, use.day_of_period, use.days_in_period,
        cast(outlook.point as decimal(38,12)) as point_usd, cast(outlook.low as decimal(38,12)) as low_usd,
        cast(outlook.high as decimal(38,12)) as high_usd
    from marts.budget_use as use
    left join marts.budget_outlook as outlook on outlook.series = use.budget and outlook.day = use.day
    where use.measure = 'dollars' and use.scope = ? and use.period in ('month', 'quarter') and use.day >= ? and use.day < ?
    order by use.day, use.budget
"""


@dataclass(frozen=True)
class Plan:
    """The budgets of everything that a quarter is held against.

    Args:
        rows: of each the state on its last day with data: the quarter's own, or one of each month that has begun and has one.
        read: every row that this is from.
    """

    rows: Sequence[Row]
    read: Sequence[Row]

    @property
    def is_own(self) -> bool:
        """Whether the quarter has a budget of its own."""
        return bool(self.rows[0]["period"] == "quarter")

    @property
    def name(self) -> str:
        """What it is, in words: its budget, or the budgets of October and November."""
        if self.is_own:
            return "its budget"
        months = [f"{row['period_start']:%B}" for row in self.rows]
        return f"the budget{'' if len(months) == 1 else 's'} of {listed(months)}"

    @property
    def amount_usd(self) -> Decimal:
        """What was planned for these periods."""
        return sum((row["amount"] for row in self.rows), ZERO)

    @property
    def is_over(self) -> bool:
        """Whether every one of these periods has ended."""
        return all(row["day_of_period"] == row["days_in_period"] for row in self.rows)

    @cached_property
    def lands_usd(self) -> Decimal | None:
        """What these periods cost, or where those that are not over land; None where one has no outlook yet."""
        found = [row["used"] if row["day_of_period"] == row["days_in_period"] else row["point_usd"] for row in self.rows]
        known = [value for value in found if value is not None]
        return sum(known, ZERO) if len(known) == len(found) else None

    def of_month(self, month: str) -> Decimal | None:
        """The budget of one month, `2026-10`; None where it has none of its own."""
        return next((row["amount"] for row in self.rows if row["period"] == "month" and f"{row['period_start']:%Y-%m}" == month), None)


def plan_of(ask: Callable[..., list[Row]], span: Span) -> Plan | None:
    """The plan of a quarter; None where the book has no budget of everything for it.

    Args:
        ask: gives the rows of a query and its values, from where the marts are views.
        span: half-open days of the quarter with data.
    """
    read = ask(_ROWS, EVERYTHING, *span)
    last = {(row["period"], row["period_start"]): row for row in read}
    own = [row for (period, _), row in last.items() if period == "quarter"]
    rows = own or sorted(last.values(), key=lambda row: row["period_start"])
    return Plan(rows, read) if rows else None
