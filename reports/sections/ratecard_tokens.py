"""What a million tokens cost, by class of models and meter."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.numbers import count
from meterbook.reports.ratecard import METERS, STATED, RateCard, month_of, shown
from meterbook.reports.section import Section

MEANS = {
    "input": "not read from a cache",
    "cache_read": "read from a cache",
    "cache_write": "written to a cache",
    "output": "reasoning included",
}


def _build(card: RateCard) -> Mapping[str, Any] | None:
    rows = [_row(card, one.name, meter) for one in card.classes for meter in METERS]
    return {"what": "Class, and tokens", "head": "USD", "rows": rows} if rows else None


def _row(card: RateCard, item: str, meter: str) -> Mapping[str, str]:
    price = card.price_of(item, meter)
    basis = "no price" if price is None else STATED if price.is_stated else f"{count(price.quantity)} in {month_of(card.made_from)}"
    return {
        "name": f"{item}, {meter.replace('_', ' ')}",
        "note": MEANS[meter],
        "price": shown(price),
        "price_note": basis,
    }


SECTION = Section("ratecard_tokens", _build, "The card has no class of models.", "A million tokens", "ratecard_table")
