"""OpenAI organization costs API: saved pages, dollars by day and line item.

`amount.value` is in dollars, a number or text with up to 30 decimals, negative for credits; it is kept to the pico-dollar. The line
item is free text such as `gpt-5-mini-2025-08-07, input`; what stands before the comma is the model where the line has a quantity.
"""

import polars as pl

from meterbook.assets.ingest._pages import BUCKET, Pages, Row, decimal, text
from meterbook.assets.ingest.format import About, Format, Rule, Sample, not_an_instant

_COLUMNS = {
    "amount_usd": "DECIMAL(38,12)",
    **dict.fromkeys(("currency", "line_item", "quantity_unit", "project_id", "user_id", "key_id"), "VARCHAR"),
    "quantity": "DECIMAL(38,6)",
}


def _row(result: Row) -> Row:
    quantity = result.get("quantity")
    return {
        "amount_usd": decimal(result["amount"]["value"], "amount"),
        "currency": str(result["amount"]["currency"]).upper(),
        "line_item": text(result, "line_item"),
        "quantity_unit": text(result, "quantity_unit"),
        "project_id": text(result, "project_id"),
        "user_id": text(result, "user_id"),
        "key_id": text(result, "api_key_id"),
        "quantity": None if quantity is None else decimal(quantity, "quantity", places=6),
    }


_RULES: list[Rule] = [
    *not_an_instant("starts_at", "starts_at"),
    (pl.col("currency") != "USD", pl.format("currency {} is not USD", pl.col("currency"))),
]
_PAGES = Pages(_COLUMNS, "start_time", "end_time", _row, frozenset({"object", "amount", "quantity", "quantity_unit"}), _RULES)


def _recognises(sample: Sample) -> bool:
    return '"organization.costs.result"' in sample.text


FORMAT = Format(
    name="openai_costs",
    description="OpenAI organization costs API: saved pages",
    columns={**BUCKET, **_COLUMNS},
    day="starts_at",
    recognises=_recognises,
    read=_PAGES.read,
    about=About(
        obtain="GET `/v1/organization/costs` with an admin key, saved as pages.",
        taken="Every line item of every day, credits and fees among them.",
        key="day, line item and every dimension, credits apart; of several exports the larger amount counts, for costs arrive late.",
        money="`amount.value` in dollars, number or text with up to 30 decimals; what OpenAI bills.",
        limits="Line items are free text whose wording changed over time.",
    ),
)
