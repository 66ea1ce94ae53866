"""LiteLLM_SpendLogs: the gateway's request log as JSON lines, a JSON array (`/spend/logs`) or a CSV table dump.

One row per request attempt. `prompt_tokens` includes what was read from and written to a cache (also for Anthropic), so buckets are
made exclusive here; rows whose cached tokens exceed their prompt are set aside. Timestamps without a zone are UTC. `spend` is the
gateway's estimate in USD; 0 with tokens, success and no cache hit means that LiteLLM knew no price, and becomes NULL in staging.
Message bodies (`messages`, `response`, `proxy_server_request`) are never read, nor kept with a row that is set aside.

Cache figures stand in `metadata.usage_object` or, in older versions, `additional_usage_values`; a cache write without a split by
lifetime is taken as five minutes, the provider's default.

Owners: `metadata.user_api_key_alias`, `user_api_key_team_alias` (or `team_id`), `user_api_key_project_alias`; the caller's own
`spend_logs_metadata` gives tenant, feature, environment, session and experiment_arm, as do request tags of the form `feature:chat`;
`end_user` is the tenant where nothing else says so. Attempts of one call share `litellm_call_id`.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl

from meterbook.assets.ingest._records import Count, Records
from meterbook.assets.ingest.format import About, Format, exact, has_keys, instant, missing, negative, not_an_instant

_BODIES = frozenset({"messages", "response", "proxy_server_request"})


class _Details(msgspec.Struct):
    cached_tokens: Count | None = None
    cache_creation_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    reasoning_tokens: Count | None = None


class _Creation(msgspec.Struct):
    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class _Usage(msgspec.Struct):
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: _Creation | None = None
    service_tier: str | None = None


class _Error(msgspec.Struct):
    error_class: str | None = None


class _Breakdown(msgspec.Struct):
    service_tier: str | None = None


class _Metadata(msgspec.Struct):
    litellm_call_id: str | None = None
    user_api_key_alias: str | None = None
    user_api_key_team_alias: str | None = None
    user_api_key_project_id: str | None = None
    user_api_key_project_alias: str | None = None
    spend_logs_metadata: dict[str, Any] | None = None
    usage_object: _Usage | None = None
    additional_usage_values: _Usage | None = None
    error_information: _Error | None = None
    cost_breakdown: _Breakdown | None = None
    status: str | None = None


class SpendLog(msgspec.Struct):
    """The columns read of a LiteLLM_SpendLogs row."""

    request_id: str | None = None
    litellm_call_id: str | None = None
    session_id: str | None = None
    api_key: str | None = None
    spend: Decimal | None = None
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    start_time: str | None = msgspec.field(default=None, name="startTime")
    end_time: str | None = msgspec.field(default=None, name="endTime")
    completion_start_time: str | None = msgspec.field(default=None, name="completionStartTime")
    model: str | None = None
    model_group: str | None = None
    custom_llm_provider: str | None = None
    user: str | None = None
    end_user: str | None = None
    team_id: str | None = None
    metadata: _Metadata | None = None
    cache_hit: str | bool | None = None
    request_tags: list[Any] | str | None = None
    status: str | None = None


_NONE = _Metadata()
_NO_USAGE = _Usage()
_NO_DETAILS = _Details()
_NO_SPLIT = _Creation()
_OWN = ("team", "tenant", "feature", "environment", "session", "experiment_arm")
_COLUMNS: dict[str, tuple[str, pl.DataType]] = {
    "request_id": ("VARCHAR", pl.String()),
    "operation_id": ("VARCHAR", pl.String()),
    "started_at": ("TIMESTAMP", pl.Datetime("us")),
    "latency_ms": ("BIGINT", pl.Int64()),
    "time_to_first_token_ms": ("BIGINT", pl.Int64()),
    "model": ("VARCHAR", pl.String()),
    "requested_model": ("VARCHAR", pl.String()),
    "provider": ("VARCHAR", pl.String()),
    "served_tier": ("VARCHAR", pl.String()),
    "prompt_tokens": ("BIGINT", pl.Int64()),
    "cache_read_tokens": ("BIGINT", pl.Int64()),
    "cache_write_5m_tokens": ("BIGINT", pl.Int64()),
    "cache_write_1h_tokens": ("BIGINT", pl.Int64()),
    "completion_tokens": ("BIGINT", pl.Int64()),
    "reasoning_tokens": ("BIGINT", pl.Int64()),
    "spend_usd": ("DECIMAL(18,12)", pl.Decimal(18, 12)),
    "status": ("VARCHAR", pl.String()),
    "error_class": ("VARCHAR", pl.String()),
    "is_cache_hit": ("BOOLEAN", pl.Boolean()),
    "key_id": ("VARCHAR", pl.String()),
    "key_alias": ("VARCHAR", pl.String()),
    "project_id": ("VARCHAR", pl.String()),
    "user_id": ("VARCHAR", pl.String()),
    "session_id": ("VARCHAR", pl.String()),
    "team": ("VARCHAR", pl.String()),
    "tenant": ("VARCHAR", pl.String()),
    "feature": ("VARCHAR", pl.String()),
    "environment": ("VARCHAR", pl.String()),
    "experiment_arm": ("VARCHAR", pl.String()),
}
_RAW: dict[str, pl.DataType] = {
    **{name: dtype for name, (_, dtype) in _COLUMNS.items() if name not in {"started_at", "latency_ms", "time_to_first_token_ms"}},
    "startTime": pl.String(),
    "endTime": pl.String(),
    "completionStartTime": pl.String(),
}


def _row(log: SpendLog) -> tuple[Any, ...]:
    meta = log.metadata or _NONE
    read, five_minutes, one_hour, reasoning, tier = _usage(meta)
    said = {**_tags(log.request_tags), **_said(meta.spend_logs_metadata or {})}
    return (
        log.request_id,
        log.litellm_call_id or meta.litellm_call_id or None,
        log.model or None,
        log.model_group or None,
        log.custom_llm_provider or None,
        tier,
        log.prompt_tokens,
        read,
        five_minutes,
        one_hour,
        log.completion_tokens,
        reasoning,
        exact(log.spend, 12, 18, "spend"),
        log.status or meta.status or None,
        meta.error_information.error_class if meta.error_information else None,
        str(log.cache_hit).lower() == "true",
        log.api_key or None,
        meta.user_api_key_alias or None,
        meta.user_api_key_project_alias or meta.user_api_key_project_id or None,
        log.user or None,
        log.session_id or said.get("session") or None,
        said.get("team") or meta.user_api_key_team_alias or log.team_id or None,
        said.get("tenant") or log.end_user or None,
        said.get("feature"),
        said.get("environment"),
        said.get("experiment_arm"),
        log.start_time,
        log.end_time,
        log.completion_start_time,
    )


def _usage(meta: _Metadata) -> tuple[int, int, int, int | None, str | None]:
    """Tokens read from cache, written for five minutes and for an hour, reasoning tokens, and the tier served."""
    new, old = meta.usage_object or _NO_USAGE, meta.additional_usage_values or _NO_USAGE
    prompt, before = new.prompt_tokens_details or _NO_DETAILS, old.prompt_tokens_details or _NO_DETAILS
    split = new.cache_creation or old.cache_creation or _NO_SPLIT
    five, hour = split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens or 0
    read = _first(new.cache_read_input_tokens, prompt.cached_tokens, old.cache_read_input_tokens, before.cached_tokens)
    written = _first(new.cache_creation_input_tokens, prompt.cache_creation_tokens, prompt.cache_write_tokens)
    written = written or _first(old.cache_creation_input_tokens, before.cache_creation_tokens, before.cache_write_tokens)
    if written and five is not None and five + hour != written:
        raise ValueError(f"cache writes of 5 minutes ({five}) and 1 hour ({hour}) are not their total ({written})")
    thought = new.completion_tokens_details or old.completion_tokens_details or _NO_DETAILS
    tier = new.service_tier or (meta.cost_breakdown.service_tier if meta.cost_breakdown else None)
    return read, (written - hour if written else five or 0), hour, thought.reasoning_tokens, tier


def _first(*values: int | None) -> int:
    return next((value for value in values if value is not None), 0)


def _said(metadata: dict[str, Any]) -> dict[str, str]:
    """What callers say of themselves, where it is plain text or a number."""
    return {key: str(metadata[key]) for key in _OWN if isinstance(metadata.get(key), str | int) and metadata[key] != ""}


def _tags(tags: list[Any] | str | None) -> dict[str, str]:
    if isinstance(tags, str):
        tags = msgspec.json.decode(tags) if tags.startswith("[") else []
    return dict(tag.split(":", 1) for tag in tags or () if isinstance(tag, str) and tag.split(":", 1)[0] in _OWN and ":" in tag)


def _columns(logs: Sequence[SpendLog]) -> pl.DataFrame:
    frame = pl.DataFrame([_row(log) for log in logs], schema=_RAW, orient="row")
    spans = [instant(name).alias(f"_{name}") for name in ("startTime", "endTime", "completionStartTime")]
    return frame.with_columns(spans).with_columns(
        pl.col("_startTime").alias("started_at"),
        (pl.col("_endTime") - pl.col("_startTime")).dt.total_milliseconds().alias("latency_ms"),
        (pl.col("_completionStartTime") - pl.col("_startTime")).dt.total_milliseconds().alias("time_to_first_token_ms"),
    )


_CACHED = pl.col("cache_read_tokens") + pl.col("cache_write_5m_tokens") + pl.col("cache_write_1h_tokens")
_RULES = [
    missing("request_id"),
    *not_an_instant("started_at", "startTime"),
    *negative("prompt_tokens", "completion_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "spend_usd"),
    (
        (pl.col("status").fill_null("success") == "success") & (pl.col("prompt_tokens").is_null() | pl.col("completion_tokens").is_null()),
        pl.lit("a success without prompt_tokens or completion_tokens"),
    ),
    (pl.col("prompt_tokens") < _CACHED, pl.format("cached tokens ({}) exceed prompt tokens ({})", _CACHED, pl.col("prompt_tokens"))),
]

FORMAT = Format(
    name="litellm_spendlogs",
    description="LiteLLM spend logs: JSON lines, JSON array or CSV dump",
    columns={name: dtype for name, (dtype, _) in _COLUMNS.items()},
    day="started_at",
    recognises=has_keys("request_id", "startTime", "spend", "custom_llm_provider"),
    read=Records(SpendLog, _columns, _RULES, frozenset({"metadata", "request_tags"}), _BODIES).read,
    about=About(
        obtain="The proxy's PostgreSQL table as a CSV dump (`COPY ... CSV HEADER`) or JSON lines, or its API: "
        "`/spend/logs?summarize=false` and `/spend/logs/v2`.",
        taken="Tokens, cost, times, key, team, tags, status. Messages and responses are never read.",
        key="`request_id`; of several rows the one with the most tokens counts.",
        tokens="prompt_tokens holds cache reads and writes (for Anthropic too), completion_tokens holds reasoning; a cache write without a "
        "lifetime counts as 5 minutes.",
        money="`spend` in USD, the gateway's estimate with its own discounts and margins; 0 for tokens that are no cache hit means that it "
        "knew no price: unknown.",
        limits="`/spend/logs` gives at most 10,000 rows: a file of so many is flagged. Retries and fallbacks are rows of their own.",
    ),
    cap=10_000,
    names=frozenset(SpendLog.__struct_encode_fields__),
)
