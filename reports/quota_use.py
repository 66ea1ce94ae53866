"""Which quotas are starved and which stand unused, by the last whole periods: what a proposal to rebalance begins with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from meterbook.reports.numbers import ratio

Row = dict[str, Any]
Ask = Callable[..., list[Row]]
"""Rows of a query with its values."""
PERIODS = 3
"""Whole periods that are looked at."""
IDLE, STARVED = Decimal("0.5"), Decimal("0.95")
"""Shares of the amount: whose use stayed below the first in every period is unused; whose last period reached the second is starved."""
_ENDED = """
    select use.budget, use.period, use.period_start, use.measure, use.scope, use.owner, use.amount, use.used
    from marts.budget_use as use
    where use.day = use.period_end - 1 and use.day < ? and use.period <> 'day' order by use.budget, use.period_start
"""


@dataclass(frozen=True)
class Quota:
    """A budget with its last whole periods, oldest first."""

    rows: Sequence[Row]

    @property
    def last(self) -> Row:
        """The last whole period."""
        return self.rows[-1]

    @property
    def shares(self) -> list[Decimal | None]:
        """Used of the amount, by period; None of a budget of nothing."""
        return [ratio(row["used"], row["amount"]) for row in self.rows]

    @property
    def is_starved(self) -> bool:
        """Whether the last whole period used nearly all of it, or more; a budget of nothing, where anything was used."""
        share = self.shares[-1]
        return self.last["used"] > 0 if share is None else share >= STARVED

    @property
    def is_unused(self) -> bool:
        """Whether no period used half of it."""
        return len(self.rows) >= PERIODS and all(share is not None and share < IDLE for share in self.shares)

    @property
    def spare(self) -> Decimal:
        """What the fullest of the periods left of the amount of the last."""
        fullest: Decimal = max(row["used"] for row in self.rows)
        amount: Decimal = self.last["amount"]
        return max(amount - fullest, Decimal(0))


def quotas(ask: Ask, end: date) -> list[Quota]:
    """Every budget with the last whole periods that ended before a day; single days are no quota to move."""
    found: dict[str, list[Row]] = {}
    for row in ask(_ENDED, end):
        found.setdefault(row["budget"], []).append(row)
    return [Quota(rows[-PERIODS:]) for rows in found.values()]
