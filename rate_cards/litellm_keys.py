"""The cost keys of a LiteLLM price map: which meter, tier, size and cache lifetime each one names.

`input_cost_per_token_above_272k_tokens_flex` is the input price of tier flex above 272,000 input tokens;
`cache_creation_input_token_cost_above_1hr` is a cache lifetime, not a size. Prices are USD per single unit.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

PER_TOKEN, PER_ONE, PER_THOUSAND = Decimal(1_000_000), Decimal(1), Decimal("0.001")
"""What makes a price per one of a card's: tokens are stated per million there."""
BASES: Mapping[str, tuple[str, Decimal]] = {
    "input_cost_per_token": ("input", PER_TOKEN),
    "output_cost_per_token": ("output", PER_TOKEN),
    "output_cost_per_reasoning_token": ("reasoning", PER_TOKEN),
    # The older form first: where an entry has both, the newer one is taken.
    "input_cost_per_token_cache_hit": ("cache_read", PER_TOKEN),
    "cache_read_input_token_cost": ("cache_read", PER_TOKEN),
    "cache_creation_input_token_cost": ("cache_write_5m", PER_TOKEN),
    "input_cost_per_audio_token": ("audio_input", PER_TOKEN),
    "cache_read_input_audio_token_cost": ("audio_cache_read", PER_TOKEN),
    "output_cost_per_audio_token": ("audio_output", PER_TOKEN),
    "input_cost_per_image_token": ("image_input", PER_TOKEN),
    "cache_read_input_image_token_cost": ("image_cache_read", PER_TOKEN),
    "output_cost_per_image_token": ("image_output", PER_TOKEN),
    "input_cost_per_video_token": ("video_input", PER_TOKEN),
    "input_cost_per_character": ("character", PER_TOKEN),
    "input_cost_per_request": ("request", PER_ONE),
    "input_cost_per_query": ("request", PER_ONE),
    "output_cost_per_image": ("image", PER_ONE),
    "input_cost_per_second": ("second", PER_ONE),
    "output_cost_per_second": ("second", PER_ONE),
    "output_cost_per_video_per_second": ("second", PER_ONE),
    "ocr_cost_per_page": ("page", PER_ONE),
    "code_interpreter_cost_per_session": ("session", PER_ONE),
    "file_search_cost_per_1k_calls": ("call", PER_THOUSAND),
}
LIFETIMES = {"1": "cache_write_1h", "12": "cache_write_12h"}
TIERS = {
    "batches": ("batch",),
    "flex": ("flex",),
    "priority": ("priority",),
    "balanced": ("balanced",),
    "ultrafast": ("ultrafast",),
    "fast": ("fast",),
}
STRUCTURES = frozenset(
    {"search_context_cost_per_query", "tiered_pricing", "off_peak_pricing", "provider_specific_entry", "search_free_requests"}
)
"""Costs that are not one number; each is read by its own function."""
UPLIFTS = {"regional_processing_uplift_multiplier_us": "us", "regional_processing_uplift_multiplier_eu": "eu"}
NOT_PRICES = frozenset({"web_search_billing_unit", "supports_service_tier_pricing"})
_COST = re.compile(r"cost|pric|multiplier|uplift|free_requests")
_KEY = re.compile(
    r"^(?P<base>[a-z0-9_]+?)(?:_above_(?P<hours>\d+)hr)?(?:_above_(?P<size>\d+)k_tokens)?(?:_(?P<tier>" + "|".join(TIERS) + r"))?$"
)


@dataclass(frozen=True)
class Key:
    """What a cost key names."""

    meter: str
    per: Decimal
    tier: str = ""
    above: int | None = None


def parse(name: str) -> Key | None:
    """The meaning of a cost key; None where it has none on a card."""
    found = _KEY.match(name)
    if not found or found["base"] not in BASES:
        return None
    meter, per = BASES[found["base"]]
    if found["hours"]:
        if meter != "cache_write_5m" or found["hours"] not in LIFETIMES:
            return None
        meter = LIFETIMES[found["hours"]]
    return Key(meter, per, found["tier"] or "", int(found["size"]) * 1000 if found["size"] else None)


def is_cost(name: str) -> bool:
    """Whether an attribute is about money at all."""
    return bool(_COST.search(name)) and name not in NOT_PRICES
