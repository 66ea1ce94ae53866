"""What customers pay for a unit of value (`price_usd:` of units.yaml): one price, or one from a day on until the next."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated

import polars as pl
from pydantic import BeforeValidator, Field

from meterbook.assets.dated import FIRST_DAY, OPEN
from meterbook.assets.sources import Strict

_SHAPE: Mapping[str, pl.DataType] = {
    "unit": pl.String(), "starts_on": pl.Date(), "ends_on": pl.Date(), "price_usd": pl.Decimal(18, 12),
}  # fmt: skip


class UnitPrice(Strict):
    """A price, until the next entry.

    Args:
        starts_on: `from:`, the first day it holds.
        usd: what a customer pays for one that is delivered; 0 is given away.
    """

    starts_on: Annotated[date, Field(alias="from")] = FIRST_DAY
    usd: Decimal = Field(ge=0, lt=1_000_000, decimal_places=12)


def _entries(value: object) -> object:
    """A price that always held, as the one entry it stands for."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else [{"usd": value}]


Prices = Annotated[tuple[UnitPrice, ...], BeforeValidator(_entries)]
"""`0.15`, or `[{from: 2026-10-01, usd: 0.15}]`."""


def check_prices(prices: Sequence[UnitPrice]) -> None:
    """Refuse prices of which two would hold at once.

    Raises:
        ValueError: they are out of order.
    """
    if any(one.starts_on >= after.starts_on for one, after in pairwise(prices)):
        raise ValueError("entries of `price_usd:` follow one another in time")


def price_table(prices: Sequence[tuple[str, Sequence[UnitPrice]]]) -> pl.DataFrame:
    """book.unit_price: each price of each unit until its next one."""
    rows = [
        {"unit": unit, "starts_on": one.starts_on, "ends_on": end, "price_usd": one.usd}
        for unit, entries in prices
        for one, end in zip(entries, [*(after.starts_on for after in entries[1:]), OPEN], strict=False)
    ]
    return pl.DataFrame(rows, schema=_SHAPE)
