"""The columns of the tables that cards compile to, as in sql/inputs.yaml; money is USD per unit."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from meterbook.rate_cards.card import METERS, OPEN

ALWAYS = (date(1970, 1, 1), OPEN.date())
"""Days a version of the cards prices, where there is only one."""
_TEXT, _MONEY, _DAY = pl.String(), pl.Decimal(18, 12), pl.Date()
RATE: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("rate_id", "layer", "card", "card_version", "provider", "model", "served_tier", "region", "rule"), _TEXT),
    **dict.fromkeys(("starts_at", "ends_at"), pl.Datetime("us")),
    **dict.fromkeys(("clock_from", "clock_to", "weekdays"), _TEXT),
    **dict.fromkeys(("input_above", "input_up_to"), pl.Int64()),
    "counted_input": _TEXT,
    **dict.fromkeys((f"{meter}_usd" for meter in METERS), _MONEY),
    "currency": _TEXT,
    "fx_rate": _MONEY,
    "source_url": _TEXT,
    **dict.fromkeys(("checked_on", "priced_from", "priced_to"), _DAY),
}
UNIT_RATE = ("rate_id", "meter", "list_usd", "contracted_usd", "effective_usd", "priced_from", "priced_to")
ALIAS: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("provider", "name", "card_provider", "model"), _TEXT),
    "rank": pl.Int32(),
    **dict.fromkeys(("priced_from", "priced_to"), _DAY),
}
ALLOWANCE: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("provider", "model", "meter"), _TEXT),
    "free_units": pl.Decimal(38, 6),
    "per": _TEXT,
    **dict.fromkeys(("starts_on", "ends_on"), _DAY),
    **dict.fromkeys(("source_url", "card"), _TEXT),
}
