"""OpenAI organization usage API (completions and embeddings): saved pages, buckets by group.

`input_tokens` includes cached and cache-write tokens; buckets are made exclusive here. Result kinds that are not tokens (images,
audio, sessions, stores) are counted as filtered: they have no token price. Dimensions are null unless the export was grouped by them.
"""

import polars as pl

from meterbook.assets.ingest._pages import BUCKET, Pages, Row, holds_no_result, text, whole_number
from meterbook.assets.ingest.format import About, Format, Rule, Sample, negative, not_an_instant

TOKEN_KINDS = {f"organization.usage.{kind}.result" for kind in ("completions", "embeddings", "moderations")}
OTHER_KINDS = {
    f"organization.usage.{kind}.result"
    for kind in (
        "images",
        "audio_speeches",
        "audio_transcriptions",
        "vector_stores",
        "code_interpreter_sessions",
        "file_searches",
        "web_searches",
    )
}
_COLUMNS = {
    "kind": "VARCHAR",
    **dict.fromkeys(("requests", "all_input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"), "BIGINT"),
    **dict.fromkeys(("project_id", "user_id", "key_id", "model", "service_tier"), "VARCHAR"),
    "is_batch": "BOOLEAN",
}


def _row(result: Row) -> Row:
    if result["object"] not in TOKEN_KINDS:
        raise ValueError(f"{result['object']} is of no known kind")
    batch = result.get("batch")
    if batch not in {None, True, False}:
        raise ValueError(f"batch {batch} is not true or false")
    return {
        "kind": result["object"],
        "requests": whole_number(result, "num_model_requests"),
        "all_input_tokens": whole_number(result, "input_tokens"),
        "cache_read_tokens": whole_number(result, "input_cached_tokens") or 0,
        "cache_write_tokens": whole_number(result, "input_cache_write_tokens") or 0,
        "output_tokens": whole_number(result, "output_tokens") or 0,
        "project_id": text(result, "project_id"),
        "user_id": text(result, "user_id"),
        "key_id": text(result, "api_key_id"),
        "model": text(result, "model"),
        "service_tier": text(result, "service_tier"),
        "is_batch": batch,
    }


_CACHED = pl.col("cache_read_tokens") + pl.col("cache_write_tokens")
_RULES: list[Rule] = [
    *not_an_instant("starts_at", "starts_at"),
    (pl.col("all_input_tokens").is_null(), pl.lit("input_tokens is missing")),
    *negative("requests", "all_input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"),
    (
        pl.col("all_input_tokens") < _CACHED,
        pl.format("cached tokens ({}) exceed input tokens ({})", _CACHED, pl.col("all_input_tokens")),
    ),
]
_PAGES = Pages(
    _COLUMNS,
    "start_time",
    "end_time",
    _row,
    frozenset(),
    _RULES,
    is_other=lambda result: result["object"] in OTHER_KINDS,
)


def _recognises(sample: Sample) -> bool:
    # A page without any usage names no kind; it holds nothing, so it does no harm here.
    return '"organization.usage.' in sample.text or ('"start_time"' in sample.text and holds_no_result(sample.text))


FORMAT = Format(
    name="openai_usage",
    description="OpenAI organization usage API: saved pages",
    columns={**BUCKET, **_COLUMNS},
    day="starts_at",
    recognises=_recognises,
    read=_PAGES.read,
    about=About(
        obtain="GET `/v1/organization/usage/...` with an admin key, saved page by page, as one list, as JSON lines, or only `data`.",
        taken="Every bucket's result; buckets are replaced by fuller ones.",
        key="bucket, result kind and every dimension; of several exports the one with more tokens counts.",
        tokens="input_tokens holds cached and cache-write tokens, output_tokens holds reasoning.",
        limits="Group by project, model, batch and service_tier, or prices cannot be told. Recent buckets still grow.",
    ),
)
