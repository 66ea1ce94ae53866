"""The internal rate card of a month as people read it: a page, and the lines of its CSV.

A price is stated by the book, or is what use cost in the month the card was made from, divided by that use, with the book's margin,
rounded half even to 6 decimals of USD for a million tokens or a GPU hour.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

METERS = ("input", "cache_read", "cache_write", "output")
"""Tokens that have a price for each class: uncached input, read from a cache, written to one, output (reasoning inside)."""
GPU_METER = "gpu_hour"
COLUMNS = ("period", "edition", "kind", "item", "meter", "usd", "per", "basis", "quantity", "cost_usd")
STATED, AT_COST = "stated", "at cost"


@dataclass(frozen=True)
class Price:
    """A price of a card.

    Args:
        item: class of models, or GPU pool.
        meter: of METERS, or `gpu_hour`.
        usd: for a million tokens, or a GPU hour.
        is_stated: by the book.
        quantity: tokens, or GPU seconds held, in the month the card was made from.
        cost_usd: what they cost.
    """

    item: str
    meter: str
    usd: Decimal
    is_stated: bool
    quantity: int
    cost_usd: Decimal

    @property
    def is_gpu(self) -> bool:
        """Whether it is of a GPU pool."""
        return self.meter == GPU_METER


@dataclass(frozen=True)
class Service:
    """A shared pool, for information: what it costs a month (None where it takes cost lines), and the key it is shared by."""

    pool: str
    monthly_usd: Decimal | None
    lines: tuple[str, ...]
    key: str


@dataclass(frozen=True)
class ModelClass:
    """A class as a card froze it: its patterns, and the models that were used in the month the card was made from."""

    name: str
    models: tuple[str, ...]
    seen: tuple[str, ...]


@dataclass(frozen=True)
class RateCard:
    """What the page of a card is made of.

    Args:
        company: name of the book.
        period: the month it is of, YYYY-MM; edition: 1, and one more each time it was published again.
        made_from: the month whose cost its prices come from; days: how many of its days were there.
        margin_percent: on prices that are not stated.
        difference_to: team that bears the difference to provider cost; `unallocated` is nobody.
        why: of an edition after the first.
        table_sha256: of card.csv, empty until that is made.
    """

    company: str
    period: str
    edition: int
    made_from: str
    days: int
    margin_percent: Decimal
    difference_to: str
    why: str
    classes: Sequence[ModelClass]
    prices: Sequence[Price]
    services: Sequence[Service]
    table_sha256: str = ""

    @property
    def title(self) -> str:
        """Which card, for the document's title."""
        return f"{month_of(self.period)}, edition {self.edition}"

    @property
    def source(self) -> str:
        """The month its prices come from, in words, and how much of it where that is not all."""
        first = date.fromisoformat(f"{self.made_from}-01")
        whole = (first + timedelta(days=31)).replace(day=1) - first
        return month_of(self.made_from) + ("" if self.days == whole.days else f" ({self.days} of {whole.days} days)")

    def price_of(self, item: str, meter: str) -> Price | None:
        """The price of a meter of a class, or of a GPU pool; None where the card has none."""
        return next((price for price in self.prices if (price.item, price.meter) == (item, meter)), None)

    def rows(self) -> Iterator[tuple[object, ...]]:
        """The lines of card.csv: prices, then shared services."""
        for price in self.prices:
            kind, per = ("GPU hours", "GPU hour") if price.is_gpu else ("tokens", "million tokens")
            basis = STATED if price.is_stated else f"cost of {self.made_from}"
            yield self.period, self.edition, kind, price.item, price.meter, price.usd, per, basis, price.quantity, price.cost_usd
        for one in self.services:
            basis = f"by {one.key}" + (f", takes {', '.join(one.lines)}" if one.lines else "")
            yield self.period, self.edition, "shared service", one.pool, "", one.monthly_usd, "month", basis, None, None


def month_of(period: str) -> str:
    """A month in words."""
    return f"{date.fromisoformat(f'{period}-01'):%B %Y}"


def shown(price: Price | None) -> str:
    """A price in full, without idle zeros beyond the cent."""
    if price is None:
        return AT_COST
    whole, _, fraction = f"{price.usd:f}".partition(".")
    return f"${int(whole):,}.{fraction.rstrip('0').ljust(2, '0')}"
