"""The price of a term spread over the hours it covers: whole pico-dollars, those it does not divide into on the first hours.

Amortised cost in the sense of FOCUS: an EffectiveCost for every hour of a ChargePeriod, whenever the money is paid. Hours are UTC, 24 to a
day.
"""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from meterbook.rate_cards.fx import USD, FxRate
from meterbook.rate_cards.layers import PICO, rounded

UNIX_DAY = date(1970, 1, 1)
HORIZON = date(2100, 1, 1)
"""Months of what has no end are told apart up to here, the end of the calendar."""
HOUR, HOURS_OF_A_DAY = 3600, 24


class NoRateError(ValueError):
    """There is no rate of exchange on a day on which one is needed."""


@dataclass(frozen=True)
class Span:
    """What every hour of some days costs, in USD: `hour_usd`, and a pico-dollar more on the first `extra_hours`."""

    starts_on: date
    ends_on: date
    hour_usd: Decimal
    extra_hours: int = 0

    @property
    def first_second(self) -> int:
        """Start in unix seconds."""
        return (self.starts_on - UNIX_DAY).days * HOURS_OF_A_DAY * HOUR


def spread(usd: Decimal, starts_on: date, ends_on: date) -> Span:
    """An amount over the hours of some days, half open; the hours sum to the amount.

    Args:
        usd: the amount, at most twelve decimals.
        starts_on: first day.
        ends_on: first day it no longer covers.
    """
    each, extra = divmod(int(usd / PICO), (ends_on - starts_on).days * HOURS_OF_A_DAY)
    return Span(starts_on, ends_on, each * PICO, extra)


def months(starts_on: date, ends_on: date) -> Iterator[tuple[date, date]]:
    """The months of a contract, each from the day of the month on which it began (the last where a month is shorter)."""
    count = 0
    while (first := later(starts_on, count)) < min(ends_on, HORIZON):
        count += 1
        yield first, later(starts_on, count)


def later(day: date, count: int) -> date:
    """The same day some months later, or the last of a month that is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def in_usd(amount: Decimal, currency: str, day: date, fx: Sequence[FxRate]) -> Decimal:
    """An amount at the rate of exchange in force on a day, rounded half to even at the pico-dollar.

    Raises:
        NoRateError: there is none.
    """
    if currency == USD:
        return amount
    held = [rate for rate in fx if rate.currency == currency and rate.starts_on <= day]
    if not held:
        raise NoRateError(f"no rate of {currency} on {day}; add one to fx_rates.csv")
    return rounded(amount * held[-1].usd)


def hourly(amount: Decimal, currency: str, starts_on: date, ends_on: date, fx: Sequence[FxRate]) -> Iterator[Span]:
    """An amount for every hour, in dollars at the rate of exchange of each day.

    Raises:
        NoRateError: there is none on the first day.
    """
    changes = sorted({rate.starts_on for rate in fx if rate.currency == currency and starts_on < rate.starts_on < ends_on})
    for first, last in zip([starts_on, *changes], [*changes, ends_on], strict=True):
        yield Span(first, last, in_usd(amount, currency, first, fx))


def whole_months(starts_on: date, ends_on: date) -> tuple[date, date]:
    """The two ends nearest to a date that make whole months of it; the same date twice where it does already."""
    count = (ends_on.year - starts_on.year) * 12 + ends_on.month - starts_on.month
    before = count if later(starts_on, count) <= ends_on else count - 1
    first = later(starts_on, before)
    return (first, first) if first == ends_on else (first, later(starts_on, before + 1))
