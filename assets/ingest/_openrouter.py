"""What OpenRouter's exports have in common: who bills what, and when a cost of zero is one."""

from decimal import Decimal

from meterbook.assets.ingest._calls import columns
from meterbook.assets.ingest._typed_rows import Rows

CALL_COLUMNS = {
    **columns(
        "request_id", "started_at", "host", "model", "served_tier", "region", "input_tokens", "cache_read_tokens", "output_tokens",
        "image_output_tokens", "reasoning_tokens", "searches", "all_tokens", "latency_ms", "time_to_first_token_ms", "status",
        "finish_reason", "is_cache_hit", "key_alias", "project_id", "user_id", "session_id", "feature", "is_streaming", "routing_reason",
        "reported_cost_usd",
    ),
    "is_free": "BOOLEAN",
    "is_estimated": "BOOLEAN",
    "byok_usd": "DECIMAL(18,12)",
}  # fmt: skip
"""Columns of a raw table of generations. `host` ran the model; OpenRouter bills. `is_free` says that a cost of zero is meant."""


def variant_of(model: str | None, variant: str | None) -> str | None:
    """A model in OpenRouter's own spelling: variants other than the standard one stand behind a colon."""
    is_plain = not model or not variant or variant == "standard" or ":" in model
    return model or None if is_plain else f"{model}:{variant}"


def flag_own_keys(rows: Rows) -> Rows:
    """Say how much of the calls is billed elsewhere: what upstream providers bill to keys of the user's own is not counted here."""
    paid = Decimal(0)
    for frame in rows.frames(["byok_usd"]):
        paid += Decimal(frame["byok_usd"].sum() or 0)
    if paid:
        rows.flags.append(
            f"holds calls over keys of your own: {paid.normalize():f} USD, which their providers bill, is not counted with it"
        )
    return rows
