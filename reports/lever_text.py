"""How sections say what a lever could save: always a range, signed."""

from collections.abc import Sequence
from decimal import Decimal

from meterbook.reports.frame import ZERO, Row
from meterbook.reports.numbers import NONE, dollars

SHOWN = 12
"""Rows that a table of a lever lists by name; sums have them all."""
SCENARIOS = ("low", "point", "high")


def spread(low: Decimal | None, point: Decimal | None, high: Decimal | None) -> str:
    """A point estimate in whole dollars with its range: $120 ($40 to $300); a dash where it is unknown."""
    if low is None or point is None or high is None:
        return NONE
    ends = dollars(low), dollars(high)
    return dollars(point) if ends[0] == ends[1] else f"{dollars(point)} ({ends[0]} to {ends[1]})"


def summed(rows: Sequence[Row], name: str) -> Decimal:
    """A sum of dollars over rows; what is unknown adds nothing."""
    return sum((row[name] for row in rows if row[name] is not None), ZERO)


def spread_of(rows: Sequence[Row]) -> str:
    """What rows could save together."""
    return spread(*(summed(rows, f"{scenario}_saving_usd") for scenario in SCENARIOS))
