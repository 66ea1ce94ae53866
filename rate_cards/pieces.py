"""A price while it is cut into pieces that hold alike: by hours of the day, band of input tokens and dates."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from meterbook.rate_cards.card import LongContext, Rate, segments
from meterbook.rate_cards.layers import Prices

NO_LIMIT = 2**63 - 1
EVERY_DAY = "1234567"
DAY_MINUTES = 24 * 60
ALWAYS_ON = ("", ())
"""The window of a rate without one."""
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Piece:
    """One price and what it holds for."""

    rate: Rate
    starts_at: datetime
    ends_at: datetime
    prices: Prices
    clock: tuple[int, int] = (0, DAY_MINUTES)
    weekdays: str = EVERY_DAY
    above: int = -1
    up_to: int = NO_LIMIT
    counts: str = "whole input"
    region: str = ""
    rules: tuple[str, ...] = ()
    fx_rate: Decimal = Decimal(1)


def by_hours(rate: Rate, rates: Iterable[Rate]) -> Iterator[Piece]:
    """A rate limited to hours of the day as it stands, one without for the hours and days no other of its tier takes."""
    whole = Piece(rate, *rate.span, rate.prices())
    limited = [one for one in rates if one.tier == rate.tier and one.window != ALWAYS_ON]
    if rate.window != ALWAYS_ON:
        said = f"{rate.hours_utc or 'all day'} UTC" + (f" on days {''.join(map(str, sorted(rate.weekdays)))}" if rate.weekdays else "")
        yield from _windows(replace(whole, rules=(said,)), segments(*rate.window))
        return
    for part in cut(whole, [one.span for one in limited]):
        taken = [segment for one in limited if holds(one.span, part) for segment in segments(*one.window)]
        yield from _windows(part, _free(taken)) if taken else [part]


def _free(taken: list[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    for weekday in range(1, 8):
        start = 0
        for _, first, last in [*sorted(one for one in taken if one[0] == weekday), (weekday, DAY_MINUTES, DAY_MINUTES)]:
            if first > start:
                yield weekday, start, first
            start = max(start, last)


def _windows(row: Piece, found: Iterable[tuple[int, int, int]]) -> Iterator[Piece]:
    days: dict[tuple[int, int], str] = {}
    for weekday, start, end in sorted(found):
        days[start, end] = days.get((start, end), "") + str(weekday)
    for clock, weekdays in days.items():
        yield replace(row, clock=clock, weekdays="".join(sorted(set(weekdays))))


def by_bands(row: Piece) -> Iterator[Piece]:
    """A price below its thresholds, and one for each band above."""
    bands: tuple[LongContext, ...] = row.rate.bands
    limits = [*(band.above for band in bands), NO_LIMIT]
    counts = bands[0].counts if bands else "whole input"
    yield replace(row, up_to=limits[0], counts=counts)
    prices = row.prices
    for band, up_to in zip(bands, limits[1:], strict=True):
        prices = {meter: price if price is not None else prices[meter] for meter, price in band.prices().items()}
        said = f"{band.operator} {band.threshold:,} input tokens"
        yield replace(row, prices=prices, above=band.above, up_to=up_to, counts=counts, rules=(*row.rules, said))


def cut(row: Piece, spans: Iterable[Span]) -> Iterator[Piece]:
    """The piece in parts, cut where any of some spans starts or ends."""
    inside = sorted({at for span in spans for at in span if row.starts_at < at < row.ends_at})
    edges = [row.starts_at, *inside, row.ends_at]
    for start, end in pairwise(edges):
        yield replace(row, starts_at=start, ends_at=end)


def holds(span: Span, row: Piece) -> bool:
    """Whether a span covers the whole piece."""
    return span[0] <= row.starts_at and row.ends_at <= span[1]
