"""OpenAI organization usage API (completions and embeddings): saved pages, buckets by group.

`input_tokens` includes cached and cache-write tokens; buckets are made exclusive here. Result kinds that are not tokens (images,
audio, sessions, stores) are counted as filtered: they have no token price. Dimensions are null unless the export was grouped by them.
"""

from typing import Any

import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest._pages import Pages, Row, utc, whole_number
from meterbook.assets.ingest.format import Format, Rows, Rule, Sample, negative, not_an_instant

TOKEN_KINDS = {"organization.usage.completions.result", "organization.usage.embeddings.result", "organization.usage.moderations.result"}
_TEXT, _COUNT = pl.String(), pl.Int64()
_SCHEMA: dict[str, pl.DataType] = {
    "starts_at": pl.Datetime("us"),
    "ends_at": pl.Datetime("us"),
    "kind": _TEXT,
    **dict.fromkeys(("requests", "all_input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"), _COUNT),
    **dict.fromkeys(("project_id", "user_id", "key_id", "model", "service_tier"), _TEXT),
    "is_batch": pl.Boolean(),
}


def _row(bucket: Row, result: Row) -> Row:
    return {
        "starts_at": utc(bucket["start_time"]),
        "ends_at": utc(bucket["end_time"]),
        "kind": str(result["object"]),
        "requests": whole_number(result, "num_model_requests"),
        "all_input_tokens": whole_number(result, "input_tokens"),
        "cache_read_tokens": whole_number(result, "input_cached_tokens") or 0,
        "cache_write_tokens": whole_number(result, "input_cache_write_tokens") or 0,
        "output_tokens": whole_number(result, "output_tokens") or 0,
        "project_id": result.get("project_id"),
        "user_id": result.get("user_id"),
        "key_id": result.get("api_key_id"),
        "model": result.get("model"),
        "service_tier": result.get("service_tier"),
        "is_batch": result.get("batch"),
    }


_CACHED = pl.col("cache_read_tokens") + pl.col("cache_write_tokens")
_RULES: list[Rule] = [
    *not_an_instant("starts_at", "starts_at"),
    (pl.col("kind").is_in(list(TOKEN_KINDS)) & pl.col("all_input_tokens").is_null(), pl.lit("input_tokens is missing")),
    *negative("requests", "all_input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"),
    (
        pl.col("all_input_tokens") < _CACHED,
        pl.format("cached tokens ({}) exceed input tokens ({})", _CACHED, pl.col("all_input_tokens")),
    ),
]
_PAGES = Pages(_SCHEMA, _row, _RULES, frozenset({"start_time", "end_time", "results"}))


def _read(content: Content, mapping: Any = None) -> Rows:  # noqa: ANN401 -- formats share one signature
    rows = _PAGES.read(content, mapping)
    for n, frame in enumerate(rows.frames):
        kept = frame.filter(pl.col("kind").is_in(list(TOKEN_KINDS)))
        rows.filtered += frame.height - kept.height
        rows.frames[n] = kept
    return rows


def _recognises(sample: Sample) -> bool:
    return '"organization.usage.' in sample.text


FORMAT = Format(
    name="openai_usage",
    description="OpenAI organization usage API: saved pages",
    columns={
        "starts_at": "TIMESTAMP",
        "ends_at": "TIMESTAMP",
        "kind": "VARCHAR",
        **dict.fromkeys(("requests", "all_input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"), "BIGINT"),
        **dict.fromkeys(("project_id", "user_id", "key_id", "model", "service_tier"), "VARCHAR"),
        "is_batch": "BOOLEAN",
    },
    day="starts_at",
    recognises=_recognises,
    read=_read,
)
