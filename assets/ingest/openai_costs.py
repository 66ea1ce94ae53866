"""OpenAI organization costs API: saved pages, dollars by day and line item.

`amount.value` is in dollars, a number or text with up to 30 decimals, negative for credits; it is kept to the pico-dollar. The line
item is free text such as `gpt-5-mini-2025-08-07, input`; what stands before the comma is the model where the line has a quantity.
"""

from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl

from meterbook.assets.ingest._pages import Pages, Row, decimal, utc
from meterbook.assets.ingest.format import Format, Rule, Sample, not_an_instant

PICO = Decimal("0.000000000001")
_TEXT = pl.String()
_SCHEMA: dict[str, pl.DataType] = {
    "starts_at": pl.Datetime("us"),
    "ends_at": pl.Datetime("us"),
    "amount_usd": pl.Decimal(38, 12),
    **dict.fromkeys(("currency", "line_item", "quantity_unit", "project_id", "user_id", "key_id"), _TEXT),
    "quantity": pl.Decimal(38, 6),
}


def _row(bucket: Row, result: Row) -> Row:
    quantity = result.get("quantity")
    return {
        "starts_at": utc(bucket["start_time"]),
        "ends_at": utc(bucket["end_time"]),
        "amount_usd": decimal(result["amount"]["value"], "amount").quantize(PICO, ROUND_HALF_EVEN),
        "currency": str(result["amount"]["currency"]).upper(),
        "line_item": result.get("line_item"),
        "quantity_unit": result.get("quantity_unit"),
        "project_id": result.get("project_id"),
        "user_id": result.get("user_id"),
        "key_id": result.get("api_key_id"),
        "quantity": None if quantity is None else decimal(quantity, "quantity").quantize(Decimal("0.000001")),
    }


_RULES: list[Rule] = [
    *not_an_instant("starts_at", "starts_at"),
    (pl.col("currency") != "USD", pl.format("currency {} is not USD", pl.col("currency"))),
]


def _recognises(sample: Sample) -> bool:
    return '"organization.costs.result"' in sample.text


FORMAT = Format(
    name="openai_costs",
    description="OpenAI organization costs API: saved pages",
    columns={
        "starts_at": "TIMESTAMP",
        "ends_at": "TIMESTAMP",
        "amount_usd": "DECIMAL(38,12)",
        **dict.fromkeys(("currency", "line_item", "quantity_unit", "project_id", "user_id", "key_id"), "VARCHAR"),
        "quantity": "DECIMAL(38,6)",
    },
    day="starts_at",
    recognises=_recognises,
    read=Pages(_SCHEMA, _row, _RULES, frozenset({"start_time", "end_time", "results"})).read,
)
