"""Anthropic cost report (Admin API): saved pages, by day and line. Amounts are decimal text in CENTS; they become dollars here."""

from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl

from meterbook.assets.ingest._pages import Pages, Row, decimal, utc
from meterbook.assets.ingest.format import Format, Rule, Sample, not_an_instant

PICO = Decimal("0.000000000001")
_TEXTS = ("currency", "workspace_id", "description", "cost_type", "context_window", "model", "service_tier", "token_type")
_SCHEMA: dict[str, pl.DataType] = {
    "starts_at": pl.Datetime("us"),
    "ends_at": pl.Datetime("us"),
    "amount_usd": pl.Decimal(38, 12),
    **dict.fromkeys(_TEXTS, pl.String()),
}


def _row(bucket: Row, result: Row) -> Row:
    cents = decimal(result["amount"], "amount")
    return {
        "starts_at": utc(bucket["starting_at"]),
        "ends_at": utc(bucket["ending_at"]),
        "amount_usd": (cents / 100).quantize(PICO, ROUND_HALF_EVEN),
        **{name: result.get(name) for name in _TEXTS},
        "currency": str(result.get("currency")).upper(),
    }


_RULES: list[Rule] = [
    *not_an_instant("starts_at", "starts_at"),
    (pl.col("currency") != "USD", pl.format("currency {} is not USD", pl.col("currency"))),
]


def _recognises(sample: Sample) -> bool:
    return '"cost_type"' in sample.text and '"starting_at"' in sample.text


FORMAT = Format(
    name="anthropic_costs",
    description="Anthropic cost report: saved pages, amounts in cents",
    columns={
        "starts_at": "TIMESTAMP",
        "ends_at": "TIMESTAMP",
        "amount_usd": "DECIMAL(38,12)",
        **dict.fromkeys(_TEXTS, "VARCHAR"),
    },
    day="starts_at",
    recognises=_recognises,
    read=Pages(_SCHEMA, _row, _RULES, frozenset({"starting_at", "ending_at", "results"})).read,
)
