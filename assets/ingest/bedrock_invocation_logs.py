"""AWS Bedrock model invocation logs: the objects of S3 (`.json.gz`, one record per line), and the same records out of CloudWatch Logs.

Of CloudWatch every shape is read in which the record is the `message` (or `@message`) of an event: `filter-log-events` and
`get-log-events`, Logs Insights (JSON or CSV), and what a subscription delivers (`logEvents`, one delivery per line); also lines of an
export to S3, which begin with an instant.

`input.inputTokenCount` holds neither what was read from a cache nor what was written to one; `output.outputTokenCount` holds reasoning. A
cache write is of five minutes, unless the response that was logged beside it says otherwise (`usage.cacheDetails` of Converse,
`usage.cache_creation` of Anthropic). The log knows no price.

A response is looked into for these lifetimes, its latency, its stop reason and its service tier, for how many images it holds, and for the
model where the record names only an application inference profile; nothing else of a body is kept. `region` is the one that was called, by
whose prices AWS bills; `inferenceRegion`, where a cross-region profile ran the call, stays in the raw table. The layout of failed rows and
whether `timestamp` is the start or the end of the call are not documented.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from meterbook.assets.content import Content
from meterbook.assets.ingest import _calls, _meters
from meterbook.assets.ingest._calls import OWNERS, Calls, Row, columns
from meterbook.assets.ingest._prompts import ASKED, asked_of
from meterbook.assets.ingest._records import Count
from meterbook.assets.ingest._rows import BATCH, BROKEN, csv_rows
from meterbook.assets.ingest._tags import deferrable_of, tags_of
from meterbook.assets.ingest.format import About, Format, Sample
from meterbook.assets.sources import Reading

Text = str | None
_RAW_NULL = msgspec.Raw(b"null")
_DECLINED = frozenset({
    "AccessDeniedException", "ModelNotReadyException", "ResourceNotFoundException", "ServiceQuotaExceededException",
    "ServiceUnavailableException", "ThrottlingException", "ValidationException",
})  # fmt: skip
"""Errors of calls that no model answered, so that they used no tokens; of others (time-outs, model errors) that is not known."""
_ARN = re.compile(r"^arn:[\w-]+:bedrock:[^:]*:\d*:(?P<kind>[\w-]+)/(?P<name>.+)$")
_NAMED = frozenset({"foundation-model", "inference-profile"})


class _Identity(msgspec.Struct):
    arn: Text = None


class _Input(msgspec.Struct):
    body: msgspec.Raw = msgspec.field(default=_RAW_NULL, name="inputBodyJson")
    tokens: Count | None = msgspec.field(default=None, name="inputTokenCount")
    read: Count | None = msgspec.field(default=None, name="cacheReadInputTokenCount")
    written: Count | None = msgspec.field(default=None, name="cacheWriteInputTokenCount")


class _Output(msgspec.Struct):
    body: msgspec.Raw = msgspec.field(default=_RAW_NULL, name="outputBodyJson")
    tokens: Count | None = msgspec.field(default=None, name="outputTokenCount")


class _Log(msgspec.Struct):
    timestamp: str | int | None = None
    account_id: Text = msgspec.field(default=None, name="accountId")
    identity: _Identity | None = None
    region: Text = None
    inference_region: Text = msgspec.field(default=None, name="inferenceRegion")
    request_id: Text = msgspec.field(default=None, name="requestId")
    operation: Text = None
    model_id: Text = msgspec.field(default=None, name="modelId")
    error_code: Text = msgspec.field(default=None, name="errorCode")
    metadata: dict[str, Any] | None = msgspec.field(default=None, name="requestMetadata")
    input: _Input | None = None
    output: _Output | None = None


class _Lifetime(msgspec.Struct):
    ttl: Text = None
    tokens: Count = msgspec.field(default=0, name="inputTokens")


class _Creation(msgspec.Struct):
    hour: Count | None = msgspec.field(default=None, name="ephemeral_1h_input_tokens")


class _Usage(msgspec.Struct):
    details: list[_Lifetime] | None = msgspec.field(default=None, name="cacheDetails")
    creation: _Creation | None = msgspec.field(default=None, name="cache_creation")


class _Metrics(msgspec.Struct):
    latency_ms: Count | None = msgspec.field(default=None, name="latencyMs")


class _Tier(msgspec.Struct):
    type: Text = None


class _Performance(msgspec.Struct):
    latency: Text = None


class _Response(msgspec.Struct):
    images: msgspec.Raw = _RAW_NULL
    performance: _Performance | None = msgspec.field(default=None, name="performanceConfig")
    usage: _Usage | None = None
    metrics: _Metrics | None = None
    model: Text = None
    tier: _Tier | None = msgspec.field(default=None, name="serviceTier")
    stop_reason: Text = msgspec.field(default=None, name="stopReason")


_NOTHING = _Response()
_COLUMNS = columns(
    "request_id", "started_at", "provider", "model", "requested_model", "served_tier", "input_tokens", "cache_read_tokens",
    "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "all_tokens", "quantity", "quantity_unit", "latency_ms", "status",
    "error_class", "finish_reason", "key_id", "key_alias", "project_id", "user_id", "session_id", *OWNERS, "tags", "region",
    "inference_region", "operation", *ASKED, "is_deferrable",
)  # fmt: skip


def _rows(log: _Log, reading: Reading) -> list[Row]:
    if not log.request_id or not log.model_id:
        raise ValueError("requestId is missing" if not log.request_id else "modelId is missing")
    response = _response(log.output.body if log.output else _RAW_NULL)
    said = _calls.said(log.metadata or {})
    who = _principal(log.identity.arn if log.identity else None)
    return [
        {
            **said,
            **_tokens(log, response),
            **who,
            **asked_of(log.input.body if log.input else None, reading),
            "is_streaming": "Stream" in log.operation if log.operation else None,  # the body does not say it
            "request_id": log.request_id,
            "started_at": _calls.utc(log.timestamp, "timestamp"),
            "provider": "aws.bedrock",
            "model": _model(log.model_id, response),
            "requested_model": _without_arn(log.model_id),
            "served_tier": _tier(log.model_id, response),
            "latency_ms": _calls.count(response.metrics.latency_ms, "latencyMs") if response.metrics else None,
            "status": "failure" if log.error_code else "success",
            "error_class": log.error_code or None,
            "finish_reason": response.stop_reason or None,
            "project_id": log.account_id or None,
            "user_id": said["user_id"] or who["user_id"],
            "region": _meters.region(log.region),
            "tags": tags_of(reading, log.metadata or {}),
            "is_deferrable": deferrable_of(reading, log.metadata or {}),
            "inference_region": log.inference_region or None,
            "operation": log.operation or None,
        }
    ]


def _response(body: msgspec.Raw) -> _Response:
    """What a response says of its call; bodies of other shapes (streams, models of one's own) say nothing."""
    try:
        return msgspec.json.decode(body, type=_Response) if bytes(body).lstrip().startswith(b"{") else _NOTHING
    except BROKEN:
        return _NOTHING


def _tokens(log: _Log, response: _Response) -> Row:
    given, made = log.input or _Input(), log.output or _Output()
    read, written = _calls.count(given.read, "cacheReadInputTokenCount"), _calls.count(given.written, "cacheWriteInputTokenCount")
    hour = _calls.count(_hour(response.usage), "cache writes of 1 hour") or 0
    if hour > (written or 0):
        raise ValueError(f"cache writes of 1 hour ({hour}) exceed their total ({written or 0})")
    tokens, output = _calls.count(given.tokens, "inputTokenCount"), _calls.count(made.tokens, "outputTokenCount")
    if log.error_code in _DECLINED:
        tokens, output = tokens or 0, output or 0
    if output is None and tokens is not None and "embed" in (log.model_id or ""):
        output = 0  # vectors are no tokens
    images = msgspec.json.decode(response.images, type=list[msgspec.Raw]) if bytes(response.images).startswith(b"[") else ()
    return {
        "input_tokens": tokens,
        "cache_read_tokens": read or 0,
        "cache_write_5m_tokens": (written or 0) - hour,
        "cache_write_1h_tokens": hour,
        _meters.ASSUMED: bool(written) and (response.usage is None or not (response.usage.details or response.usage.creation)),
        "output_tokens": output,
        **(_meters.quantity(len(images), "images", "images") if tokens is None and output is None else {}),
    }


def _tier(model_id: str, response: _Response) -> str | None:
    """The tier of the answer; a provisioned model is paid by the hour, and latency that is optimised has a price of its own."""
    arn = _ARN.match(model_id)
    if arn and arn["kind"] == "provisioned-model":
        return "provisioned"
    is_fast = response.performance is not None and response.performance.latency == "optimized"
    return _meters.tier(response.tier.type if response.tier else None, "fast" if is_fast else None)


def _hour(usage: _Usage | None) -> int:
    """Of the tokens written to a cache, those that were written for an hour."""
    if usage is None:
        return 0
    details = sum(one.tokens for one in usage.details or () if one.ttl == "1h")
    return details or (usage.creation.hour if usage.creation else None) or 0


def _without_arn(model_id: str) -> str:
    found = _ARN.match(model_id)
    if not found:
        return model_id
    return found["name"] if found["kind"] in _NAMED else f"{found['kind']}/{found['name']}"


def _model(model_id: str, response: _Response) -> str:
    """The model in the spelling of price lists: without ARN, with the geography a profile stays in, which may change its price.

    A profile of one's own has no model in its name; the response may have it.
    """
    name = _without_arn(model_id)
    if name.startswith("application-inference-profile/") and response.model:
        return f"anthropic.{response.model}" if response.model.startswith("claude") else response.model
    return name


def _principal(arn: str | None) -> Row:
    """Who called: role or user as the key, the role's session as the user."""
    if not arn:
        return {"key_id": None, "key_alias": None, "user_id": None}
    role, _, session = arn.rpartition("/")
    if ":assumed-role/" in role:
        return {"key_id": role, "key_alias": role.rpartition("/")[2], "user_id": session}
    return {"key_id": arn, "key_alias": session, "user_id": session}


class _Event(msgspec.Struct):
    message: msgspec.Raw = _RAW_NULL
    at_message: msgspec.Raw = msgspec.field(default=_RAW_NULL, name="@message")


@dataclass(frozen=True)
class _Events(Calls[_Log]):
    """Records as they are, and records that are the message of an event of CloudWatch Logs."""

    def batches(self, content: Content) -> Iterator[list[tuple[int, bytes]]]:
        """The records of a file with their lines, some at a time."""
        if content.head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in {b"{", b"["}:
            yield from ([(line, _message(raw)) for line, raw in batch] for batch in super().batches(content))
            return
        if b"@message" in content.head.split(b"\n")[0]:
            found = csv_rows(content)
            while batch := list(islice(found, BATCH)):
                yield [(line, (row.get("@message") or "").encode()) for line, row in batch]
            return
        before = 0
        for chunk in content.chunks():
            lines = chunk.split(b"\n")
            # An export of a log group writes an instant before each record.
            yield [(before + n, line[max(line.find(b"{"), 0) :]) for n, line in enumerate(lines, 1) if line.strip()]
            before += len(lines) - chunk.endswith(b"\n")


def _message(raw: bytes) -> bytes:
    if b'message"' not in raw:
        return raw
    try:
        event = msgspec.json.decode(raw, type=_Event)
        found = next((bytes(one) for one in (event.message, event.at_message) if bytes(one)[:1] in {b'"', b"{"}), raw)
        return msgspec.json.decode(found, type=str).encode() if found.startswith(b'"') else found
    except (*BROKEN, UnicodeEncodeError):
        return raw  # no event: whoever reads it says why


def _recognises(sample: Sample) -> bool:
    return "ModelInvocationLog" in sample.text and all(name in sample.text for name in ("modelId", "requestId", "timestamp"))


FORMAT = Format(
    name="bedrock_invocation_logs",
    description="AWS Bedrock model invocation logs from S3 or CloudWatch Logs: JSON lines or JSON",
    columns=_COLUMNS,
    day="started_at",
    recognises=_recognises,
    read=_Events(_Log, _COLUMNS, _rows, inside=("events", "logEvents"), bodies=("input", "output", "metadata")).read,
    about=About(
        obtain="Turn on model invocation logging in each region and account, then copy "
        "`AWSLogs/<account>/BedrockModelInvocationLogs/<region>/...` without its `data/` folders (bodies) and permission checks; or save "
        "the log group's events (`aws logs filter-log-events`, Logs Insights as JSON or CSV, a subscription's or an export's objects).",
        taken="Token counts, model, caller (role or user as key, session as user), account as project, region, errors, and requestMetadata "
        "(team, tenant, feature, environment, session, experiment_arm, user, and what `tags` names). Bodies are never kept; of a request "
        "its parameters, and keyed hashes where the book has a key.",
        key="`requestId`; of several rows the one with the most tokens counts.",
        tokens="inputTokenCount holds no cached tokens, outputTokenCount holds reasoning. A cache write counts as 5 minutes unless the "
        "logged response has its lifetime. Counts that are absent (images, failed calls a model may have begun) are unknown, not zero.",
        money="none: calls are priced by rate cards of provider `aws.bedrock`, whose models are spelled `anthropic.claude-...` or "
        "`global.anthropic.claude-...`; bills (CUR, FOCUS) have what AWS charged.",
        options="tags, deferrable",
        limits="Delivery is best effort, so calls can be missing. Service tier, latency that is optimised (tier fast) and how many images "
        "were made are known only where the response was logged and says so; the log tells neither batch, audio nor searches. An "
        "application inference profile or provisioned model is named by its ARN's last part: give your card that alias; provisioned "
        "throughput is billed by the hour. Not verified: whether `timestamp` is start or end, and failed rows.",
    ),
    names=frozenset({"schemaType", "accountId", "requestId", "modelId", "inputTokenCount", "outputTokenCount", "operation", "region"}),
)
