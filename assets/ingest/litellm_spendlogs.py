"""LiteLLM_SpendLogs: the gateway's request log as JSON lines, a JSON array (`/spend/logs`) or a CSV table dump.

One row per request attempt. `prompt_tokens` includes what was read from and written to a cache (also for Anthropic), so buckets are
made exclusive here; rows whose cached tokens exceed their prompt are set aside. Timestamps without a zone are UTC. `spend` is the
gateway's estimate in USD; 0 with tokens, success and no cache hit means that LiteLLM knew no price, and becomes NULL in staging.
Of bodies, which LiteLLM stores only where it is told to, `proxy_server_request` gives the parameters of the call, `response` why the answer
ended, and the prompt keyed hashes where the book has a key; nothing else of them is read, nor kept with a row that is set aside.

Cache figures stand in `metadata.usage_object` or, in older versions, `additional_usage_values`; a cache write without a split by
lifetime is taken as five minutes, the provider's default, as is one of thirty. What only few calls have (audio, images, video, searches,
long caches, regions, quantities, bodies) is taken from the odd lines that say so, so that all others stay fast; see `_litellm`.

Why a route was taken is `metadata.routing_decision` where that is a word, else what LiteLLM counts: `fallback` where it went on to another
model group, `retry` where it asked again, `primary` where it says that it did not fall back.

Owners: `metadata.user_api_key_alias`, `user_api_key_team_alias` (or `team_id`), `user_api_key_project_alias`; the caller's own
`spend_logs_metadata` gives tenant, feature, environment, session and experiment_arm, as do request tags of the form `feature:chat`;
`end_user` is the tenant where nothing else says so. Attempts of one call share `litellm_call_id`. What the book names in `tags` is taken
of the caller's metadata and of request tags (`name:value`, `name=value`, or a word, which then is `true`), as is `deferrable`.
"""

from decimal import Decimal
from typing import Annotated, Any

import msgspec

from meterbook.assets.ingest import _litellm
from meterbook.assets.ingest._duck import OWN
from meterbook.assets.ingest._lines import Lines, settled_amount
from meterbook.assets.ingest._litellm import Breakdown, CallType, Completion, Lifetimes, Usage
from meterbook.assets.ingest._prompts import asked_of
from meterbook.assets.ingest._records import Count
from meterbook.assets.ingest._shapes import BODY, OURS, read_as
from meterbook.assets.ingest._spend_log_columns import METERS, SHAPE, Own
from meterbook.assets.ingest._sql import missing, negative, not_an_instant
from meterbook.assets.ingest._tags import deferrable_of, tags_of, words
from meterbook.assets.ingest.format import About, Format, has_keys
from meterbook.assets.sources import Reading

_NULL = msgspec.Raw(b"null")
_EMPTY = frozenset({b"null", b"{}", b"[]", b'""', b'"{}"'})
_BODIES = frozenset({"messages", "response", "proxy_server_request"})


class _Error(msgspec.Struct, gc=False, omit_defaults=True):
    error_class: str | None = None


class _Said(msgspec.Struct, gc=False, omit_defaults=True):
    team: Any = None
    tenant: Any = None
    feature: Any = None
    environment: Any = None
    session: Any = None
    experiment_arm: Any = None
    deferrable: Any = None


class _Metadata(msgspec.Struct, gc=False, omit_defaults=True):
    litellm_call_id: str | None = None
    user_api_key_alias: str | None = None
    user_api_key_team_alias: str | None = None
    user_api_key_org_id: str | None = None
    user_api_key_project_id: str | None = None
    user_api_key_project_alias: str | None = None
    spend_logs_metadata: Annotated[dict[str, Any] | None, read_as(_Said)] = None
    usage_object: Usage | None = None
    additional_usage_values: Usage | None = None
    error_information: _Error | None = None
    cost_breakdown: Breakdown | None = None
    status: str | None = None
    attempted_fallbacks: Count | None = None
    attempted_retries: Count | None = None
    routing_decision: Any = None


class SpendLog(msgspec.Struct, gc=False, omit_defaults=True):
    """The columns read of a LiteLLM_SpendLogs row."""

    request_id: str | None = None
    litellm_call_id: str | None = None
    call_type: CallType = None
    session_id: str | None = None
    api_key: str | None = None
    spend: Decimal | None = None
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    start_time: str | None = msgspec.field(default=None, name="startTime")
    end_time: str | None = msgspec.field(default=None, name="endTime")
    completion_start_time: str | None = msgspec.field(default=None, name="completionStartTime")
    model: str | None = None
    model_group: str | None = None
    custom_llm_provider: str | None = None
    user: str | None = None
    end_user: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    metadata: _Metadata | None = None
    cache_hit: str | bool | None = None
    request_tags: list[Any] | str | None = None
    status: str | None = None
    messages: Annotated[msgspec.Raw, BODY] = _NULL
    proxy_server_request: Annotated[msgspec.Raw, BODY] = _NULL
    response: Annotated[msgspec.Raw, BODY] = _NULL
    own: Annotated[Own | None, OURS] = msgspec.field(default=None, name=OWN)


def _told(log: SpendLog, reading: Reading) -> Own | None:
    """What the bodies of a log say; None where there are none."""
    asked, messages, response = (one or _NULL for one in (log.proxy_server_request, log.messages, log.response))
    if {bytes(asked), bytes(messages), bytes(response)} <= _EMPTY:
        return None
    return Own(**asked_of(asked, reading, messages), finish_reason=_litellm.finish_reason(response))


def _settle(log: SpendLog, reading: Reading) -> None:
    """Bring what older versions, other loggers and CSV dumps write into the shape of a dump's JSON lines."""
    log.spend = settled_amount(log.spend, "spend")
    log.cache_hit = None if log.cache_hit is None else str(log.cache_hit)
    tags = msgspec.json.decode(log.request_tags) if isinstance(log.request_tags, str) and log.request_tags[:1] == "[" else log.request_tags
    log.request_tags = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else None
    said = log.metadata.spend_logs_metadata if log.metadata else None
    log.own = _told(log, reading) or Own()
    log.messages = log.proxy_server_request = log.response = _NULL
    given = words(log.request_tags), said or {}
    log.own.tags, log.own.is_deferrable = tags_of(reading, *given), deferrable_of(reading, *given)
    if log.metadata and not isinstance(log.metadata.routing_decision, str):
        log.metadata.routing_decision = None
    if log.metadata and said:
        plain = {name: said.get(name) for name in _Said.__struct_fields__}
        log.metadata.spend_logs_metadata = {name: str(value) for name, value in plain.items() if isinstance(value, str | int)}
    _settle_meters(log, log.own)


def _settle_meters(log: SpendLog, own: Own) -> None:
    """Take what only few calls use out of the usage object, which keeps what all have, exclusive."""
    meta = log.metadata or _Metadata()
    new, old = meta.usage_object or Usage(), meta.additional_usage_values or Usage()
    breakdown = meta.cost_breakdown or Breakdown()
    own.region = _litellm.region(new, breakdown)
    if not (_litellm.has_meters(new) or _litellm.has_meters(old) or log.call_type in _litellm.SPECIAL):
        # An ordinary tier stays as it is spelt, as it does in lines that are not settled.
        new.service_tier = "fast" if _litellm.tier(new, breakdown, log.call_type) == "fast" else new.service_tier
        return
    usage = Usage(**{name: getattr(new, name) or getattr(old, name) for name in Usage.__struct_fields__})
    row = _litellm.buckets(log.prompt_tokens, log.completion_tokens, log.total_tokens, usage, log.call_type)
    for name in METERS:
        setattr(own, name, row.get(name, getattr(own, name)))
    five, hour = row["cache_write_5m_tokens"], row["cache_write_1h_tokens"]
    meta.usage_object = Usage(
        completion_tokens_details=Completion(row["reasoning_tokens"]),
        cache_read_input_tokens=row["cache_read_tokens"],
        cache_creation_input_tokens=five + hour,
        cache_creation=Lifetimes(five, hour),
        service_tier=_litellm.tier(usage, breakdown, log.call_type),
    )
    meta.additional_usage_values, log.metadata = None, meta


_CACHED = "(cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens)"
_BROKEN = [
    missing("request_id"),
    *not_an_instant("started_at", "_startTime", "startTime"),
    (
        "_spend is not null and spend_usd is null",
        "'spend ' || _spend || case when _spend ~ '.*[0-9].*' then ' is too large' else ' is not a number' end",
    ),
    (
        "_written <> 0 and _5m + cache_write_1h_tokens <> _written",
        "'cache writes of 5 minutes (' || _5m || ') and 1 hour (' || cache_write_1h_tokens || ') are not their total (' || _written || ')'",
    ),
    (
        "reasoning_tokens > completion_tokens",
        "'reasoning tokens (' || reasoning_tokens || ') exceed completion tokens (' || completion_tokens || ')'",
    ),
    *negative("prompt_tokens", "completion_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "spend_usd"),
    (
        "coalesce(status, 'success') = 'success' and (prompt_tokens is null or completion_tokens is null)",
        "'a success without prompt_tokens or completion_tokens'",
    ),
    (f"prompt_tokens < {_CACHED}", f"'cached tokens (' || {_CACHED} || ') exceed prompt tokens (' || prompt_tokens || ')'"),
]
_NESTED = frozenset({"metadata", "request_tags"})
_READER = Lines(SpendLog, _NESTED, _BODIES, _NESTED, shape=SHAPE, broken=_BROKEN, settle=_settle, told=_told, day="started_at")

FORMAT = Format(
    name="litellm_spendlogs",
    description="LiteLLM spend logs: JSON lines, JSON array or CSV dump",
    columns=_READER.types,
    day="started_at",
    recognises=has_keys("request_id", "startTime", "spend", "custom_llm_provider"),
    read=_READER.read,
    about=About(
        obtain="The proxy's PostgreSQL table as a CSV dump (`COPY ... CSV HEADER`) or JSON lines, or its API: "
        "`/spend/logs?summarize=false` and `/spend/logs/v2`.",
        taken="Tokens by medium, web searches, cost, times, served tier, region, key, team, organisation, status, and what `tags` names of "
        "spend_logs_metadata and request tags. Where prompts are stored: the cap on the answer, temperature, streaming and tools of "
        "proxy_server_request, why the answer ended, and keyed hashes of the prompt, where the book has a key; bodies are never kept.",
        key="`request_id`; of several rows the one with the most tokens counts.",
        tokens="prompt_tokens holds cache reads and writes (for Anthropic too), audio, images and video; completion_tokens holds "
        "reasoning, beside it where total_tokens says so (older versions), audio and images; a cache write without a lifetime, or of 30 "
        "minutes, counts as 5 minutes.",
        money="`spend` in USD, the gateway's estimate with its own discounts and margins; 0 for tokens that are no cache hit means that it "
        "knew no price: unknown.",
        options="`tags`, `deferrable`: a request tag `name:value` or `name=value` is what it says, any other word of the list is true. "
        "Files are then read at a third of the speed, as are lines with bodies.",
        limits="Calls without tokens have a quantity where the log tells it (seconds of audio, pages, characters, images of embeddings): "
        "speech and images that are sold by the piece have none. Video output stays in the output. `/spend/logs` gives at most 10,000 "
        "rows: a file of so many is flagged. Retries and fallbacks are rows of their own.",
    ),
    cap=10_000,
    names=frozenset(SpendLog.__struct_encode_fields__),
)
