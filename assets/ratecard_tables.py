"""The tables SQL sees of the internal rate cards in force, in the columns of sql/inputs.yaml."""

from collections.abc import Iterator, Mapping

import polars as pl

from meterbook.assets.book import Book
from meterbook.assets.ratecards import CardRecord, in_force
from meterbook.rate_cards.patterns import like
from meterbook.reports.periods import days_of

_TEXT, _NUMBER = pl.String(), pl.Int32()
_PRICE: Mapping[str, pl.DataType] = {
    "period": _TEXT,
    "edition": _NUMBER,
    **dict.fromkeys(("card", "class", "gpu_pool", "meter"), _TEXT),
    "usd": pl.Decimal(18, 12),
}
_CARD: Mapping[str, pl.DataType] = {"period": _TEXT, "card": _TEXT, "starts_on": pl.Date(), "ends_on": pl.Date(), "difference_to": _TEXT}
_CLASS: Mapping[str, pl.DataType] = {"period": _TEXT, "place": _NUMBER, "class": _TEXT, "pattern": _TEXT}


def ratecard_tables(book: Book) -> dict[str, pl.DataFrame]:
    """Every table the published cards give, by name."""
    records = [one.record for one in in_force(book.published_cards).values()]
    return {
        "rate_cards.internal": pl.DataFrame([row for one in records for row in _prices(one)], schema=_PRICE),
        "rate_cards.internal_card": pl.DataFrame([_card(one) for one in records], schema=_CARD),
        "rate_cards.internal_class": pl.DataFrame([row for one in records for row in class_rows(one)], schema=_CLASS),
    }


def class_rows(record: CardRecord) -> Iterator[dict[str, object]]:
    """The patterns of a card's classes, in the order in which they are asked."""
    patterns = ((one.name, pattern) for one in record.classes for pattern in one.models)
    for place, (name, pattern) in enumerate(patterns, 1):
        yield {"period": record.period, "place": place, "class": name, "pattern": like(pattern.lower())}


def _card(record: CardRecord) -> dict[str, object]:
    first, after = days_of(record.period)
    return {"period": record.period, "card": record.name, "starts_on": first, "ends_on": after, "difference_to": record.difference_to}


def _prices(record: CardRecord) -> Iterator[dict[str, object]]:
    for price in record.prices:
        yield {
            "period": record.period,
            "edition": record.edition,
            "card": record.name,
            "class": None if price.is_gpu else price.item,
            "gpu_pool": price.item if price.is_gpu else None,
            "meter": price.meter,
            "usd": price.usd if price.is_gpu else price.usd.scaleb(-6),
        }
