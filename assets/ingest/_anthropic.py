"""What the usage and cost reports of Anthropic have in common."""

from decimal import Decimal

import polars as pl

from meterbook.assets.content import FileRefused
from meterbook.assets.ingest._currency import USD, whole_units
from meterbook.assets.ingest._meters import region, tier
from meterbook.assets.ingest._page_values import Row, text, whole_number
from meterbook.assets.ingest.format import Rule, negative

COUNTS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "searches")
COUNTER_COLUMNS = {**dict.fromkeys(COUNTS, "BIGINT"), **dict.fromkeys(("served_tier", "region"), "VARCHAR")}
"""Columns of `counters`."""
COUNT_RULES: list[Rule] = [
    (pl.col("input_tokens").is_null() | pl.col("output_tokens").is_null(), pl.lit("uncached_input_tokens or output_tokens is missing")),
    *negative(*COUNTS),
]
_ACTOR = ("user_id", "service_account_id", "api_key_id", "id", "email_address", "api_key_name", "name")


def counters(result: Row) -> Row:
    """The counters of a result, which exclude each other, and what decides their price: the served tier and the region.

    A creation count without a lifetime is of five minutes, the default. Fast mode is a tier of its own, whatever else the tier is.

    Raises:
        ValueError: one of them is no whole number.
    """
    creation = result.get("cache_creation") or {}
    unsplit = whole_number(result, "cache_creation_input_tokens") if not creation else None
    return {
        "input_tokens": whole_number(result, "uncached_input_tokens"),
        "cache_read_tokens": whole_number(result, "cache_read_input_tokens") or 0,
        "cache_write_5m_tokens": whole_number(creation, "ephemeral_5m_input_tokens") or unsplit or 0,
        "cache_write_1h_tokens": whole_number(creation, "ephemeral_1h_input_tokens") or 0,
        "output_tokens": whole_number(result, "output_tokens"),
        "searches": whole_number(result.get("server_tool_use") or {}, "web_search_requests"),
        "served_tier": tier(text(result, "service_tier"), text(result, "speed")),
        "region": region(text(result, "inference_geo")),
    }


def dollars(cents: object, what: str) -> Decimal:
    """Cents, as text or number, in dollars; exact to a hundredth of a pico-dollar's worth of cents.

    Raises:
        ValueError: not an amount.
    """
    return whole_units(cents, USD, what)


def as_bucket(element: Row) -> Row:
    """An element of the analytics API as a bucket: buckets as they are, rows by dimension or by user as a bucket of one row."""
    if "results" in element:
        results = element["results"]
        return {**element, "results": [_flat(one) for one in results] if isinstance(results, list) else results}
    figures = next((element[name] for name in ("cost", "usage") if isinstance(element.get(name), dict)), None)
    group = element.get("group")
    row = element if figures is None else {**(group if isinstance(group, dict) else {}), **figures}
    times = ("starting_at", "ending_at")
    return {
        **{name: element.get(name) for name in times},
        "results": [_flat({name: value for name, value in row.items() if name not in times})],
    }


def _flat(result: object) -> object:
    """The same result with its actor as one text."""
    actor = result.get("actor") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(actor, dict):
        return result
    kind = result.get("actor_type") or actor.get("type")
    return {**result, "actor": next((actor[name] for name in _ACTOR if isinstance(actor.get(name), str)), None), "actor_type": kind}


def refuse_overlaps(result: Row) -> None:
    """Refuse rows of groups that share members: their sum is more than was used.

    Raises:
        FileRefused: grouped by access group.
    """
    if result.get("rbac_group_id") is not None:
        raise FileRefused("is grouped by rbac_group_id, whose groups share members, so that its rows do not add up; export it without")
