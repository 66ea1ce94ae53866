"""LiteLLM StandardLoggingPayload: what its S3, GCS and webhook loggers write, one object per file, JSON lines or a JSON array.

Times are unix seconds with fractions, read exactly. `prompt_tokens` holds what was read from and written to a cache (also for Anthropic),
so buckets are made exclusive here; the parts stand in `metadata.usage_object`, in older versions only in `response.usage`, the one thing
that is read of a response, beside how many images it holds and why it ended. A cache write without a split by lifetime is taken as five
minutes.

`response_cost` is USD and what LiteLLM_SpendLogs calls `spend`: the proxy's charge-back price, its discounts and margins inside.
`cost_breakdown.original_cost` is before both; a file in which the two differ says so. The parts of the breakdown are not added up:
`input_cost` already holds `cache_read_cost` and `cache_creation_cost`, and on cache hits some versions leave them above zero. A cost of
0 for tokens that are no cache hit means that LiteLLM knew no price.

`id` is the request_id of LiteLLM_SpendLogs, so the same call in both counts once, with two exceptions: an answer from the proxy's cache
gets its id from the clock in each of them (`<id>_cache_hit<time>`), so its response_id here is `litellm_call_id`; and a batch that is
fetched has a hash of its response there.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest import _calls, _litellm, _meters
from meterbook.assets.ingest._calls import OWNERS, Calls, Row, columns
from meterbook.assets.ingest._litellm import NO_USAGE, Breakdown, Usage, buckets
from meterbook.assets.ingest._meters import USED
from meterbook.assets.ingest._prompts import ASKED, asked_of
from meterbook.assets.ingest._records import Count
from meterbook.assets.ingest._rows import BROKEN
from meterbook.assets.ingest._tags import deferrable_of, label_of, tags_of, words
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import LARGEST, About, Format, Sample, first_line
from meterbook.assets.sources import Reading

Text = str | None
Shape = TypeVar("Shape", bound=msgspec.Struct)
_PROVIDERS = {
    "vertex_ai_beta": "google",
    "text-completion-openai": "openai",
    "azure_text": "azure.ai.openai",
    "bedrock_converse": "aws.bedrock",
}
_FLOAT_NOISE = Decimal("0.000000001")
"""USD by which two sums of the same floats may differ."""
_REDACTED = b"redacted-by-litellm"


class _Response(msgspec.Struct):
    usage: Usage | None = None


class _Images(msgspec.Struct):
    data: list[msgspec.Raw] | None = None


class _Error(msgspec.Struct):
    error_class: Text = None
    error_code: str | int | None = None


class _Metadata(msgspec.Struct):
    user_api_key_hash: Text = None
    user_api_key_alias: Text = None
    user_api_key_team_id: Text = None
    user_api_key_team_alias: Text = None
    user_api_key_org_id: Text = None
    user_api_key_project_id: Text = None
    user_api_key_project_alias: Text = None
    user_api_key_user_id: Text = None
    user_api_key_end_user_id: Text = None
    spend_logs_metadata: dict[str, Any] | None = None
    requester_metadata: dict[str, Any] | None = None
    usage_object: Usage | None = None
    routing_decision: Any = None


class _Log(msgspec.Struct):
    id: Text = None
    litellm_call_id: Text = None
    trace_id: Text = None
    session_id: Text = None
    call_type: Text = None
    stream: bool | None = None
    status: Text = None
    custom_llm_provider: Text = None
    model: Text = None
    model_group: Text = None
    start: Decimal | None = msgspec.field(default=None, name="startTime")
    end: Decimal | None = msgspec.field(default=None, name="endTime")
    first_token: Decimal | None = msgspec.field(default=None, name="completionStartTime")
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    response_cost: Decimal | None = None
    cost_breakdown: Breakdown | None = None
    cache_hit: str | bool | None = None
    request_tags: list[Any] | None = None
    end_user: Text = None
    metadata: _Metadata | None = None
    error_information: _Error | None = None
    messages: msgspec.Raw = msgspec.Raw()
    model_parameters: msgspec.Raw = msgspec.Raw()
    response: msgspec.Raw = msgspec.Raw(b"null")


_NONE, _NO_BREAKDOWN = _Metadata(), Breakdown()
_COLUMNS = columns(
    "request_id", "response_id", "operation_id", "started_at", "provider", "model", "requested_model", "served_tier", *USED, "latency_ms",
    "time_to_first_token_ms", "status", "error_class", "is_cache_hit", "key_id", "key_alias", "project_id", "account_id", "user_id",
    "session_id", "team", "tenant", "feature", "environment", "experiment_arm", "tags", *ASKED, "routing_reason", "is_deferrable",
    "finish_reason", "reported_cost_usd", "original_cost_usd",
)  # fmt: skip
_COLUMNS["original_cost_usd"] = _COLUMNS["reported_cost_usd"]


def _rows(log: _Log, reading: Reading) -> list[Row]:
    failed = log.status == "failure"
    is_hit = str(log.cache_hit).lower() == "true"
    usage, breakdown = _usage(log), log.cost_breakdown or _NO_BREAKDOWN
    routed = log.metadata and log.metadata.routing_decision
    return [
        {
            **_owners(log, log.metadata or _NONE, reading),
            **_used(log, usage, failed=failed),
            **_times(log),
            **_asked(log, reading),
            "request_id": log.id or None,
            "response_id": (log.litellm_call_id if is_hit else log.id) or None,
            "operation_id": log.litellm_call_id or log.trace_id or None,
            "provider": _provider(log.custom_llm_provider),
            "model": log.model or None,
            "requested_model": log.model_group or None,
            "served_tier": _litellm.tier(usage, breakdown, log.call_type),
            "region": _litellm.region(usage, breakdown),
            "status": "failure" if failed else "success",
            "error_class": _error(log) if failed else None,
            "is_cache_hit": is_hit,
            "routing_reason": label_of(routed) if isinstance(routed, str) else None,
            "finish_reason": _litellm.finish_reason(log.response),
            "reported_cost_usd": _calls.money(log.response_cost, "usd", "response_cost"),
            "original_cost_usd": _calls.money(breakdown.original_cost, "usd", "original_cost"),
        }
    ]


def _asked(log: _Log, reading: Reading) -> Row:
    prompt = msgspec.Raw() if _REDACTED in bytes(log.messages)[:200] else log.messages
    asked = asked_of(log.model_parameters, reading, prompt)
    return asked if log.stream is None else {**asked, "is_streaming": log.stream}


def _provider(name: str | None) -> str | None:
    return _PROVIDERS.get(name or "") or _calls.provider_of(name)


def _error(log: _Log) -> str | None:
    error = log.error_information or _Error()
    return error.error_class or str(error.error_code or "") or None


def _times(log: _Log) -> Row:
    started = _calls.utc(log.start, "startTime")
    latency, first = _span(log.start, log.end, "endTime"), _span(log.start, log.first_token, "completionStartTime")
    # Without a stream both are the end of the call, which says nothing of a first token.
    return {"started_at": started, "latency_ms": latency, "time_to_first_token_ms": first if log.stream or first != latency else None}


def _span(start: Decimal | None, end: Decimal | None, name: str) -> int | None:
    """Milliseconds; a span that ends before it begins is a clock that was set, and unknown."""
    if start is None or end is None or not end.is_finite() or not start <= end < LARGEST:
        return None
    return _calls.milliseconds((end - start) * 1000, name)


def _usage(log: _Log) -> Usage:
    given = log.metadata and log.metadata.usage_object
    if given and given != NO_USAGE:
        return given
    try:
        return _of_response(log, _Response).usage or NO_USAGE
    except msgspec.ValidationError as error:
        raise ValueError(f"response.usage: {first_line(error)}") from error
    except BROKEN:
        return NO_USAGE


def _images(log: _Log) -> int:
    """How many images the response holds."""
    try:
        return len(_of_response(log, _Images).data or ())
    except BROKEN:
        return 0


def _of_response(log: _Log, shape: type[Shape]) -> Shape:
    """What is read of a response, which may be the text of anything."""
    text = bytes(log.response).lstrip()
    return msgspec.json.decode(text, type=shape) if text.startswith(b"{") else shape()


def _used(log: _Log, usage: Usage, *, failed: bool) -> Row:
    prompt, output = _calls.count(log.prompt_tokens, "prompt_tokens"), _calls.count(log.completion_tokens, "completion_tokens")
    if not failed and (prompt is None or output is None):
        raise ValueError("a success without prompt_tokens or completion_tokens")
    if failed and not prompt and not output and not _calls.refused(str(log.error_information and log.error_information.error_code)):
        prompt = output = None  # the zeros of a call that may have been answered are not counted ones
    row = buckets(prompt, output, log.total_tokens, usage, log.call_type)
    if log.call_type in _litellm.IMAGES and not (prompt or output):
        row |= _meters.quantity(_images(log), "images", "images")
    return row


def _owners(log: _Log, meta: _Metadata, reading: Reading) -> Row:
    """Who used it: what the caller says in spend_logs_metadata, tags and its own metadata, then what the proxy knows of the key."""
    asked, own = meta.requester_metadata or {}, meta.spend_logs_metadata or {}
    said = {**_filled(asked), **_tags(log.request_tags or ()), **_filled(own)}
    return {
        **{name: said.get(name) for name in OWNERS},
        "team": said.get("team") or meta.user_api_key_team_alias or meta.user_api_key_team_id or None,
        "tenant": said.get("tenant") or log.end_user or meta.user_api_key_end_user_id or None,
        "session_id": log.session_id or said.get("session_id"),
        "user_id": meta.user_api_key_user_id or said.get("user_id"),
        "key_id": meta.user_api_key_hash or None,
        "key_alias": meta.user_api_key_alias or None,
        "project_id": meta.user_api_key_project_alias or meta.user_api_key_project_id or None,
        "account_id": meta.user_api_key_org_id or None,
        "tags": tags_of(reading, asked, words(log.request_tags), own),
        "is_deferrable": deferrable_of(reading, asked, words(log.request_tags), own),
    }


def _filled(metadata: dict[str, Any]) -> Row:
    return {name: value for name, value in _calls.said(metadata).items() if value}


def _tags(tags: Sequence[Any]) -> Row:
    """Tags of the form `feature:chat`."""
    pairs = [tag.split(":", 1) for tag in tags if isinstance(tag, str) and ":" in tag]
    return _filled({name.strip(): value.strip() for name, value in pairs})


def _read(content: Content, reading: Reading) -> Rows:
    """Read one file, and say where the proxy's own price is not the provider's."""
    rows = Calls(_Log, _COLUMNS, _rows, bodies=("messages", "model_parameters", "response", "metadata", "request_tags")).read(
        content, reading
    )
    apart = (pl.col("original_cost_usd") - pl.col("reported_cost_usd")).abs() > _FLOAT_NOISE
    costs = rows.frames(["original_cost_usd", "reported_cost_usd"])
    priced = sum(one.filter((pl.col("reported_cost_usd") > 0) & apart).height for one in costs)
    if priced:
        rows.flags.append(f"holds {priced:,} calls whose response_cost has a discount or margin of the proxy in it: its charge-back price")
    return rows


def _recognises(sample: Sample) -> bool:
    # In the head of a document over several lines keys of messages stand among the record's own.
    is_spend_log = sample.keys.issuperset({"request_id", "spend"})
    return not is_spend_log and sample.keys.issuperset({"startTime", "response_cost", "custom_llm_provider"})


FORMAT = Format(
    name="litellm_standard_logging",
    description="LiteLLM standard logging payloads (S3, GCS, webhook): a JSON object, JSON lines or an array",
    columns=_COLUMNS,
    day="started_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="The proxy's `s3`, `gcs_bucket` or generic webhook logger: drop the objects as they are, one per call or batched as lines.",
        taken="Tokens by medium, web searches, cost, times, served tier, region, status and error class; key, team, project, organisation "
        "and user of the proxy; spend_logs_metadata, request tags of the form `feature:chat` and the request's own metadata (team, tenant, "
        "feature, environment, session, experiment_arm), and what `tags` names of these three: a tag `name:value` or `name=value` is what "
        "it says, any other word of the list is `true`. Of model_parameters the cap on the answer, temperature, streaming and whether "
        "tools were offered; of a response why it ended. Messages and responses are never kept; of messages keyed hashes, where the book "
        "has a key.",
        key="`id`, which is the request_id of LiteLLM_SpendLogs: a call in both counts once. Of several rows the one with the most tokens "
        "counts. Attempts (retries, fallbacks) share `litellm_call_id`. An object without an id is known by its content.",
        tokens="prompt_tokens holds cache reads and writes (for Anthropic too), audio, images and video; completion_tokens holds "
        "reasoning, beside it where total_tokens says so (older versions), audio and images. A cache write without a lifetime, or of 30 "
        "minutes, counts as 5 minutes. The zeros of a failed call are counted as none only where a provider declined it (4xx, 503, 529).",
        money="`response_cost` in USD, the proxy's charge-back price with its discounts and margins, as `spend` in SpendLogs; a file in "
        "which it is not `original_cost` is flagged. 0 for tokens that are no cache hit means that it knew no price: unknown.",
        options="tags, deferrable",
        limits="Calls without tokens have a quantity where the payload tells it: images of the response, seconds of audio, pages, "
        "characters; speech has none. Video output stays in the output. Answers of the proxy's cache and fetched batches have other ids "
        "in SpendLogs: who drops both says `counts: false` of one of the two sources. Payloads dropped under load are lost. Batches are "
        "booked on the day of their fetch, at tier batch.",
    ),
    names=frozenset(_Log.__struct_encode_fields__),
)
