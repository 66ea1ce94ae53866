"""LiteLLM_SpendLogs: the typed columns as SQL over its records, and what settling an odd record adds to it."""

from decimal import Decimal

import msgspec

from meterbook.assets.ingest._prompts import ASKED
from meterbook.assets.ingest._records import Count
from meterbook.assets.ingest._sql import amount, first, instant, text
from meterbook.assets.ingest._tags import DEFERRABLE, LONGEST, SAYS


class Own(msgspec.Struct, gc=False, omit_defaults=True):
    """What settling knows of a log beside its own fields."""

    prompt_hash: str | None = None
    prefix_hash: str | None = None
    prefix_ratio: Decimal | None = None
    context_ratio: Decimal | None = None
    max_output_tokens: int | None = None
    temperature: Decimal | None = None
    is_streaming: bool | None = None
    has_tools: bool | None = None
    tags: str | None = None
    is_deferrable: bool | None = None
    finish_reason: str | None = None
    cache_write_12h_tokens: Count | None = None
    audio_input_tokens: Count | None = None
    audio_cache_read_tokens: Count | None = None
    audio_output_tokens: Count | None = None
    image_input_tokens: Count | None = None
    image_cache_read_tokens: Count | None = None
    image_output_tokens: Count | None = None
    video_input_tokens: Count | None = None
    searches: Count | None = None
    quantity: Decimal | None = None
    quantity_unit: str | None = None
    region: str | None = None


METERS = tuple(name for name in Own.__struct_fields__ if name not in {*ASKED, "tags", "is_deferrable", "finish_reason"})


_NEW, _OLD = "metadata.usage_object", "metadata.additional_usage_values"
_PROMPT, _BEFORE = f"{_NEW}.prompt_tokens_details", f"{_OLD}.prompt_tokens_details"


def _either(name: str, figure: str) -> str:
    """A figure of the details that are there: those of `usage_object`, else of what older versions write."""
    return f"case when {_NEW}.{name} is not null then {_NEW}.{name}.{figure} else {_OLD}.{name}.{figure} end"


def _written(usage: str) -> str:
    return first(
        f"{usage}.cache_creation_input_tokens",
        f"{usage}.prompt_tokens_details.cache_creation_tokens",
        f"{usage}.prompt_tokens_details.cache_write_tokens",
    )


def _said(name: str) -> str:
    """What a caller says of itself: in its own metadata, else in the last tag of that name."""
    tag = f"case when contains(_tags, chr(10) || '{name}:') then split_part(split_part(_tags, chr(10) || '{name}:', -1), chr(10), 1) end"
    # Most have one tag, which need not be searched for each name.
    either = f"case when _tags is not null then {tag} when _key = '{name}' then substr(_tag, {len(name) + 2}) end"
    return f"coalesce({text(f'metadata.spend_logs_metadata.{name}')}, {text(either)})"


def _waits() -> str:
    """Whether a call may wait: as the book's own name has it, else as its metadata or the last tag of the name `deferrable` says."""
    mark = f"chr(10) || '{DEFERRABLE}'"
    tag = f"regexp_replace(split_part(split_part(_lines, {mark}, -1), chr(10), 1), '^ *[:=]? *', '')"
    # A tag that is the bare word says yes.
    either = f"case when contains(_lines, {mark}) then coalesce(nullif(trim({tag}), ''), 'true') end"
    named = text(f'metadata.spend_logs_metadata."{DEFERRABLE}"')
    # DuckDB knows the same words, and some more.
    word = f"regexp_extract(lower(coalesce({named}, {either})), '^\\s*({'|'.join(SAYS)})\\s*$', 1)"
    return f"coalesce(meterbook.is_deferrable, try_cast({word} as boolean))"


_BOTH = "prompt_tokens + completion_tokens"
SHAPE: dict[str, tuple[str, str]] = {
    "_startTime": ("VARCHAR", "startTime"),
    "_spend": ("VARCHAR", "spend"),
    "_start": ("TIMESTAMP", instant("startTime")),
    "_end": ("TIMESTAMP", instant("endTime")),
    "_first_token": ("TIMESTAMP", instant("completionStartTime")),
    "_tag": ("VARCHAR", "case when len(request_tags) = 1 then request_tags[1] end"),
    "_key": ("VARCHAR", "split_part(_tag, ':', 1)"),
    "_tags": ("VARCHAR", "case when len(request_tags) > 1 then chr(10) || array_to_string(request_tags, chr(10)) end"),
    "_lines": ("VARCHAR", f"case when contains(coalesce(_tags, _tag), '{DEFERRABLE}') then coalesce(_tags, chr(10) || _tag) end"),
    "_written": ("BIGINT", f"coalesce(nullif({_written(_NEW)}, 0), {_written(_OLD)})"),
    "_thoughts": ("BIGINT", _either("completion_tokens_details", "reasoning_tokens")),
    "_5m": ("BIGINT", _either("cache_creation", "ephemeral_5m_input_tokens")),
    "_1h": ("BIGINT", first(_either("cache_creation", "ephemeral_1h_input_tokens"))),
    "request_id": ("VARCHAR", "request_id"),
    "operation_id": ("VARCHAR", f"coalesce({text('litellm_call_id')}, {text('metadata.litellm_call_id')})"),
    "started_at": ("TIMESTAMP", "_start"),
    "latency_ms": ("BIGINT", "date_sub('millisecond', _start, _end)"),
    "time_to_first_token_ms": ("BIGINT", "date_sub('millisecond', _start, _first_token)"),
    "model": ("VARCHAR", text("model")),
    "requested_model": ("VARCHAR", text("model_group")),
    "provider": ("VARCHAR", text("custom_llm_provider")),
    "served_tier": ("VARCHAR", f"coalesce({text(f'{_NEW}.service_tier')}, metadata.cost_breakdown.service_tier)"),
    "prompt_tokens": ("BIGINT", "prompt_tokens"),
    "cache_read_tokens": (
        "BIGINT",
        first(f"{_NEW}.cache_read_input_tokens", f"{_PROMPT}.cached_tokens", f"{_OLD}.cache_read_input_tokens", f"{_BEFORE}.cached_tokens"),
    ),
    "cache_write_5m_tokens": ("BIGINT", "case when _written <> 0 then _written - _1h else coalesce(_5m, 0) end"),
    "cache_write_1h_tokens": ("BIGINT", "_1h"),
    # Older versions left the reasoning of Google and xAI beside the completion, as `_meters.with_thoughts` has it.
    "completion_tokens": (
        "BIGINT",
        (
            f"completion_tokens + case when total_tokens = {_BOTH} or not _thoughts > 0 then 0 "
            f"when _thoughts > completion_tokens or total_tokens = {_BOTH} + _thoughts then _thoughts else 0 end"
        ),
    ),
    "reasoning_tokens": ("BIGINT", "_thoughts"),
    "spend_usd": ("DECIMAL(18,12)", amount("spend")),
    "status": ("VARCHAR", f"coalesce({text('given.status')}, {text('metadata.status')})"),
    "error_class": ("VARCHAR", "metadata.error_information.error_class"),
    "is_cache_hit": ("BOOLEAN", "coalesce(lower(cache_hit) = 'true', false)"),
    "key_id": ("VARCHAR", text("api_key")),
    "key_alias": ("VARCHAR", text("metadata.user_api_key_alias")),
    "project_id": (
        "VARCHAR",
        f"coalesce({text('metadata.user_api_key_project_alias')}, {text('metadata.user_api_key_project_id')})",
    ),
    "account_id": ("VARCHAR", f"coalesce({text('organization_id')}, {text('metadata.user_api_key_org_id')})"),
    "user_id": ("VARCHAR", text('"user"')),
    "session_id": ("VARCHAR", f"coalesce({text('given.session_id')}, {_said('session')})"),
    "team": ("VARCHAR", f"coalesce({_said('team')}, {text('metadata.user_api_key_team_alias')}, {text('team_id')})"),
    "tenant": ("VARCHAR", f"coalesce({_said('tenant')}, {text('end_user')})"),
    "feature": ("VARCHAR", _said("feature")),
    "environment": ("VARCHAR", _said("environment")),
    "experiment_arm": ("VARCHAR", _said("experiment_arm")),
    "tags": ("VARCHAR", "meterbook.tags"),
    "prompt_hash": ("VARCHAR", "meterbook.prompt_hash"),
    "prefix_hash": ("VARCHAR", "meterbook.prefix_hash"),
    **{name: ("DECIMAL(9,6)", f"cast(meterbook.{name} as decimal(9,6))") for name in ("prefix_ratio", "context_ratio")},
    "max_output_tokens": ("BIGINT", "meterbook.max_output_tokens"),
    "temperature": ("DECIMAL(9,4)", "cast(meterbook.temperature as decimal(9,4))"),
    **{name: ("BOOLEAN", f"meterbook.{name}") for name in ("is_streaming", "has_tools")},
    # What is longer than a label may be a message.
    "_routed": ("VARCHAR", f"case when length(metadata.routing_decision) <= {LONGEST} then {text('metadata.routing_decision')} end"),
    "routing_reason": (
        "VARCHAR",
        (
            "coalesce(_routed, case when metadata.attempted_fallbacks > 0 then 'fallback' "
            "when metadata.attempted_retries > 0 then 'retry' when metadata.attempted_fallbacks = 0 then 'primary' end)"
        ),
    ),
    "is_deferrable": ("BOOLEAN", _waits()),
    "finish_reason": ("VARCHAR", "meterbook.finish_reason"),
    **{name: ("BIGINT", f"meterbook.{name}") for name in METERS if name.endswith("_tokens") or name == "searches"},
    "quantity": ("DECIMAL(18,6)", "cast(meterbook.quantity as decimal(18,6))"),
    "quantity_unit": ("VARCHAR", "meterbook.quantity_unit"),
    "region": ("VARCHAR", "meterbook.region"),
}
"""Typed columns with SQL over a record of LiteLLM_SpendLogs; see `_lines.Lines`."""
