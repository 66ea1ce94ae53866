"""The job of `meterbook bench peers`: which columns are read, by what they are grouped, how a call finds its price and what it costs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

Files = Mapping[str, Sequence[Path]]
"""Parquet by name of its table."""
DIMENSIONS = ("day", "team", "cost_centre", "tenant", "feature", "environment", "source", "provider", "model")
PRICED = {
    "input_tokens": "input_pico",
    "cache_read_tokens": "cache_read_pico",
    "cache_write_5m_tokens": "cache_write_5m_pico",
    "cache_write_1h_tokens": "cache_write_1h_pico",
    "output_tokens": "output_pico",
    "reasoning_tokens": "reasoning_extra_pico",
}
"""Tokens by what one of them costs."""
BANDS = (
    ("started_at", "holds_from", "holds_to", True),
    ("prompt_tokens", "input_above", "input_up_to", False),
    ("input_tokens", "uncached_above", "uncached_up_to", False),
)
"""What of a call lies between what of its price: a half-open range from its first on where the last says so, else up to its last."""
CALL = (*DIMENSIONS, *PRICED, "priced_as", "started_at", "prompt_tokens", "status", "attempt", "billing", "metered_id")
PRICE = ("day", "priced_as", *PRICED.values(), "request_pico", *(bound for _, low, high, _ in BANDS for bound in (low, high)))
METER = ("day", "request_id", "effective_cost_usd")
FREE = "not billed"
"""What `billing` says of a call that costs nothing."""
