"""Anthropic usage report for messages (Admin API): saved pages, buckets by group.

Input tokens come in exclusive counters already: uncached, cache read, cache creation by lifetime. A creation count without the
split by lifetime (older exports) is taken as five minutes, the default lifetime.
"""

import re

import polars as pl

from meterbook.assets.ingest._pages import BUCKET, Pages, Row, holds_no_result, text, whole_number
from meterbook.assets.ingest.format import About, Format, Rule, Sample, negative, not_an_instant

_COUNTS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")
_TEXTS = ("key_id", "workspace_id", "model", "service_tier", "context_window")
_COLUMNS = {**dict.fromkeys(_COUNTS, "BIGINT"), **dict.fromkeys(_TEXTS, "VARCHAR")}


def _row(result: Row) -> Row:
    creation = result.get("cache_creation") or {}
    unsplit = whole_number(result, "cache_creation_input_tokens") if not creation else None
    return {
        "input_tokens": whole_number(result, "uncached_input_tokens"),
        "cache_read_tokens": whole_number(result, "cache_read_input_tokens") or 0,
        "cache_write_5m_tokens": whole_number(creation, "ephemeral_5m_input_tokens") or unsplit or 0,
        "cache_write_1h_tokens": whole_number(creation, "ephemeral_1h_input_tokens") or 0,
        "output_tokens": whole_number(result, "output_tokens"),
        "key_id": text(result, "api_key_id"),
        **{name: text(result, name) for name in _TEXTS[1:]},
    }


_RULES: list[Rule] = [
    *not_an_instant("starts_at", "starts_at"),
    (pl.col("input_tokens").is_null() | pl.col("output_tokens").is_null(), pl.lit("uncached_input_tokens or output_tokens is missing")),
    *negative(*_COUNTS),
]
_PAGES = Pages(_COLUMNS, "starting_at", "ending_at", _row, frozenset(), _RULES)


def _recognises(sample: Sample) -> bool:
    # A cost report names the same counters, but as values.
    is_usage = re.search(r'"uncached_input_tokens"\s*:', sample.text) is not None
    return '"starting_at"' in sample.text and (is_usage or holds_no_result(sample.text))


FORMAT = Format(
    name="anthropic_usage",
    description="Anthropic usage report for messages: saved pages",
    columns={**BUCKET, **_COLUMNS},
    day="starts_at",
    recognises=_recognises,
    read=_PAGES.read,
    about=About(
        obtain="GET `/v1/organizations/usage_report/messages` with an admin key, saved as pages.",
        taken="Every bucket's result.",
        key="bucket and every dimension; of several exports the one with more tokens counts.",
        tokens="four counters that exclude each other; thinking is inside output_tokens.",
        limits="The report has no request count. workspace_id is null for the default workspace, api_key_id for the Console.",
    ),
)
