"""Anthropic usage report for messages (Admin API): saved pages, buckets by group.

Input tokens come in exclusive counters already: uncached, cache read, cache creation by lifetime. A creation count without the
split by lifetime (older exports) is taken as five minutes, the default lifetime.
"""

import polars as pl

from meterbook.assets.ingest._pages import Pages, Row, utc, whole_number
from meterbook.assets.ingest.format import Format, Rule, Sample, negative, not_an_instant

_COUNTS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")
_TEXTS = ("key_id", "workspace_id", "model", "service_tier", "context_window")
_SCHEMA: dict[str, pl.DataType] = {
    "starts_at": pl.Datetime("us"),
    "ends_at": pl.Datetime("us"),
    **dict.fromkeys(_COUNTS, pl.Int64()),
    **dict.fromkeys(_TEXTS, pl.String()),
}


def _row(bucket: Row, result: Row) -> Row:
    creation = result.get("cache_creation") or {}
    unsplit = whole_number(result, "cache_creation_input_tokens") if not creation else None
    return {
        "starts_at": utc(bucket["starting_at"]),
        "ends_at": utc(bucket["ending_at"]),
        "input_tokens": whole_number(result, "uncached_input_tokens"),
        "cache_read_tokens": whole_number(result, "cache_read_input_tokens") or 0,
        "cache_write_5m_tokens": whole_number(creation, "ephemeral_5m_input_tokens") or unsplit or 0,
        "cache_write_1h_tokens": whole_number(creation, "ephemeral_1h_input_tokens") or 0,
        "output_tokens": whole_number(result, "output_tokens"),
        "key_id": result.get("api_key_id"),
        "workspace_id": result.get("workspace_id"),
        "model": result.get("model"),
        "service_tier": result.get("service_tier"),
        "context_window": result.get("context_window"),
    }


_RULES: list[Rule] = [
    *not_an_instant("starts_at", "starts_at"),
    (pl.col("input_tokens").is_null() | pl.col("output_tokens").is_null(), pl.lit("uncached_input_tokens or output_tokens is missing")),
    *negative(*_COUNTS),
]


def _recognises(sample: Sample) -> bool:
    return '"uncached_input_tokens"' in sample.text and '"starting_at"' in sample.text


FORMAT = Format(
    name="anthropic_usage",
    description="Anthropic usage report for messages: saved pages",
    columns={
        "starts_at": "TIMESTAMP",
        "ends_at": "TIMESTAMP",
        **dict.fromkeys(_COUNTS, "BIGINT"),
        **dict.fromkeys(_TEXTS, "VARCHAR"),
    },
    day="starts_at",
    recognises=_recognises,
    read=Pages(_SCHEMA, _row, _RULES, frozenset({"starting_at", "ending_at", "results"})).read,
)
