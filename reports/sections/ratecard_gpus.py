"""What an hour of a GPU costs who holds it, by pool."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.numbers import count
from meterbook.reports.ratecard import STATED, RateCard, month_of, shown
from meterbook.reports.section import Section

HOUR = 3600


def _build(card: RateCard) -> Mapping[str, Any] | None:
    rows = list(_rows(card))
    return {"what": "GPU pool", "head": "USD", "rows": rows} if rows else None


def _rows(card: RateCard) -> Iterator[Mapping[str, str]]:
    for price in card.prices:
        if price.is_gpu:
            basis = STATED if price.is_stated else f"{count(Decimal(price.quantity) / HOUR)} hours in {month_of(card.made_from)}"
            yield {"name": price.item, "note": "held, at work or idle", "price": shown(price), "price_note": basis}


SECTION = Section("ratecard_gpus", _build, "The card has no price of GPU hours.", "A GPU hour", "ratecard_table")
