"""OpenTelemetry spans of GenAI calls, as OTLP: JSON lines and JSON, or protobuf (plain, or messages behind their lengths, packed or not).

Names are those of the GenAI semantic conventions (semantic-conventions-genai, commit 002c8a6), and the deprecated ones before them
(gen_ai.system, gen_ai.usage.prompt_tokens, gen_ai.openai.*). Only leaf operations are calls: chat, generate_content, text_completion,
embeddings, and spans without an operation that have a provider, a model and tokens. Agents, workflows and tools may repeat what the calls
inside them count, so they are left out, as is every span without gen_ai. Events and messages are never kept.

By the conventions input holds what was read from and written to a cache, audio, images and video, and output holds reasoning, audio and
images. Not all instrumentations heed that: where the cached parts exceed the input, or a total says so, they lie beside it; `tokens` in the
book's options decides otherwise. Reasoning beyond the output, or beside it by the total, is added to it. A cache write counts as 5 minutes:
spans do not say. The tier is the answer's, not the one that was asked for. Instants are unix nanoseconds. There is no standard attribute
for money or searches, and none is read.

`cloud.region` of a span is where the service that was called runs; of a resource it is where the caller runs, which decides no price and is
not read. Where a span has none, the address of Bedrock and Vertex AI names it.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _calls, _meters
from meterbook.assets.ingest._calls import Row, columns
from meterbook.assets.ingest._meters import Media, Writes
from meterbook.assets.ingest._prompts import ASKED
from meterbook.assets.ingest._span_requests import PARAMETERS, PROMPTS, SPOKEN, asked, first_chunk
from meterbook.assets.ingest._spans import Span, Spans
from meterbook.assets.ingest._tags import DEFERRABLE, deferrable_of, tags_of, wanted
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample
from meterbook.assets.sources import Options, Reading

_LEAVES = frozenset({"chat", "generate_content", "text_completion", "embeddings"})
_OTHERS = frozenset({"retrieval", "create_agent", "invoke_agent", "execute_tool", "invoke_workflow", "plan"})
_FAILED = frozenset({"2", "STATUS_CODE_ERROR"})
_NAMES: Mapping[str, tuple[str, ...]] = {
    "operation": ("gen_ai.operation.name",),
    "provider": ("gen_ai.provider.name", "gen_ai.system"),
    "requested_model": ("gen_ai.request.model",),
    "model": ("gen_ai.response.model",),
    "response_id": ("gen_ai.response.id",),
    "finish_reason": ("gen_ai.response.finish_reasons",),
    "served_tier": ("openai.response.service_tier", "gen_ai.openai.response.service_tier"),
    "error_class": ("error.type",),
    "code": ("http.response.status_code",),
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "read": ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
    "written": ("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens"),
    "reasoning": ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"),
    **{medium: (f"gen_ai.usage.{medium}.input_tokens",) for medium in ("audio", "image", "video")},
    **{f"{medium}_output": (f"gen_ai.usage.{medium}.output_tokens",) for medium in ("audio", "image")},
    "total": ("gen_ai.usage.total_tokens", "llm.usage.total_tokens"),
    "kind": ("gen_ai.agent.name", "gen_ai.agent.id", "gen_ai.tool.name"),
    "foreign": ("llm.token_count.prompt", "llm.token_count.total"),
    "region": ("cloud.region", "aws.region"),
    "address": ("server.address",),
    "session_id": ("gen_ai.conversation.id", "session.id"),
    "user_id": ("enduser.id", "user.id"),
    "project_id": ("service.name",),
    "account_id": ("cloud.account.id",),
    "environment": ("deployment.environment.name", "deployment.environment", "environment"),
    **PARAMETERS,
    "routing_reason": ("routing_reason",),
    "first_chunk": ("gen_ai.response.time_to_first_chunk",),
    DEFERRABLE: (DEFERRABLE,),
    **{name: (name,) for name in ("team", "tenant", "feature", "experiment_arm", "key_alias")},
}
"""What is read -> the attributes that say it, the current name first."""
_OWNED = ("session_id", "user_id", "project_id", "account_id", "environment", "team", "tenant", "feature", "experiment_arm", "key_alias")
_NAMED = (*_OWNED, "region", "routing_reason")
"""What the book may name attributes for."""
_ADDRESS = re.compile(r"^bedrock[a-z-]*[.]([a-z]+(?:-[a-z]+)+-[0-9])[.]|^([a-z]+-[a-z]+[0-9]+)-aiplatform[.]googleapis[.]com$")
"""Addresses of Bedrock and Vertex AI, which name the region that serves."""
_COLUMNS = columns(
    "request_id", "response_id", "operation_id", "started_at", "provider", "model", "requested_model", "served_tier", "region",
    "input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "audio_input_tokens", "image_input_tokens", "video_input_tokens",
    "output_tokens", "audio_output_tokens", "image_output_tokens", "reasoning_tokens", "all_tokens", "latency_ms", "status", "error_class",
    "time_to_first_token_ms", "finish_reason", *_OWNED, "tags", *ASKED, "routing_reason", "is_deferrable",
)  # fmt: skip


def _names(options: Options) -> dict[str, tuple[str, ...]]:
    """What is read and where; the book may name attributes of its own for owners.

    Raises:
        FileRefused: the book names a column that is neither an owner nor the region.
    """
    if unknown := sorted(set(options.fields).difference(_NAMED)):
        raise FileRefused(f"has `fields:` for {unknown[0]} in `sources:`; known are {', '.join(_NAMED)}")
    named = {DEFERRABLE: (options.deferrable, DEFERRABLE)} if options.deferrable else {}
    return {**_NAMES, **named, **{name: (key,) for name, key in options.fields.items()}}


class _File:
    """Turns the spans of one file into calls, and counts those that are odd."""

    def __init__(self, options: Options) -> None:
        self.names, self.unknown, self.foreign = _names(options), Counter[str](), 0
        self.is_told, self.inside, self.beside = options.tokens is not None, 0, 0

    def rows(self, span: Span, reading: Reading) -> list[Row]:
        """The call a span is, or nothing."""
        found = {ours: _first(span.attributes, names) for ours, names in self.names.items()}
        has_tokens = any(found[name] is not None for name in ("input", "output", "total"))
        self.foreign += found["foreign"] is not None and not has_tokens
        operation = _text(found["operation"])
        if operation is None:
            return [self._call(span, found, reading)] if has_tokens and _is_call(found) else []
        if operation in _LEAVES:
            return [self._call(span, found, reading)]
        if has_tokens and operation not in _OTHERS:
            self.unknown[operation[:80]] += 1
        return []

    def _call(self, span: Span, found: Row, reading: Reading) -> Row:
        row = _row(span, found, reading)
        if row["input_tokens"] is not None and row["cache_read_tokens"] + row["cache_write_5m_tokens"]:
            self.beside, self.inside = self.beside + row["is_beside"], self.inside + (not row["is_beside"])
        return row

    def flags(self) -> list[str]:
        """What is to be said of the file."""
        unknown = sorted(self.unknown.items())
        found = [f"holds {n:,} spans of operation {name!r} with tokens, which are not counted" for name, n in unknown]
        if self.foreign:
            found.append(f"holds {self.foreign:,} spans of OpenInference (llm.token_count), which are not counted")
        if self.beside and self.inside and not self.is_told:
            where = f"beside the input in {self.beside:,} spans, and are taken as part of it in {self.inside:,}"
            found.append(f"holds cached tokens that lie {where}: give `tokens` if one instrumentation made them all")
        return found


def _first(attributes: Mapping[str, Any], names: Sequence[str]) -> Any:  # noqa: ANN401 -- an attribute's value
    return next((attributes[name] for name in names if attributes.get(name) not in (None, "")), None)


def _is_call(found: Row) -> bool:
    """Whether a span without an operation is a call: of a provider and a model, and of no agent or tool."""
    model = found["model"] if found["model"] is not None else found["requested_model"]
    return found["provider"] is not None and model is not None and found["kind"] is None


def _row(span: Span, found: Row, reading: Reading) -> Row:
    trace, started = _id(span.trace_id, 16, "traceId"), _calls.utc(_set(span.started), "startTimeUnixNano")
    failed = str(span.status) in _FAILED or found["error_class"] is not None
    error = _text(found["error_class"] if found["error_class"] is not None else found["code"]) if failed else None
    return {
        **_tokens(found, reading.options, failed=failed, was_refused=_calls.refused(error or "")),
        **{name: _text(found[name]) for name in ("response_id", "requested_model", "finish_reason", "routing_reason", *_OWNED)},
        "served_tier": _meters.tier(_text(found["served_tier"])),
        "region": _meters.region(_text(found["region"]), _region_of(_text(found["address"]))),
        "request_id": f"{trace}-{_id(span.span_id, 8, 'spanId')}",
        "operation_id": trace,
        "started_at": started,
        "provider": _calls.provider_of(_text(found["provider"])),
        "model": _text(found["model"]) or _text(found["requested_model"]),
        "latency_ms": _latency(span, started),
        "status": "failure" if failed else "success",
        "error_class": error,
        "tags": tags_of(reading, span.tags),
        "is_deferrable": deferrable_of(reading, {DEFERRABLE: found[DEFERRABLE]}),
        "time_to_first_token_ms": first_chunk(found["first_chunk"]),
        **asked(span, found, reading),
    }


def _id(text: str | None, size: int, name: str) -> str:
    """An id in hex.

    Raises:
        ValueError: missing, of another length, or all zeros, which stands for none.
    """
    found = text or ""
    if len(found) != 2 * size or set(found) == {"0"} or not set(found) <= set("0123456789abcdef"):
        raise ValueError(f"{name} is not an id of {size} bytes")
    return found


def _text(value: object) -> str | None:
    """Text of a value; of several the first."""
    if isinstance(value, list):
        value = value[0] if value else None
    return str(value)[:500] if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


def _set(instant: int | str | None) -> int | str | None:
    """An instant; protobuf writes one that is not set as zero."""
    return None if instant in (None, 0, "0", "") else instant


def _latency(span: Span, started: datetime) -> int | None:
    """Milliseconds; unknown where a span has not ended, or a clock went backwards."""
    ended = started if _set(span.ended) is None else _calls.utc(span.ended, "endTimeUnixNano")
    gone = (ended - started) // timedelta(milliseconds=1)
    return gone if ended > started else None


def _region_of(address: str | None) -> str | None:
    named = _ADDRESS.match((address or "").lower())
    return (named[1] or named[2]) if named else None


_COUNTS = ("input", "output", "read", "written", "reasoning", "total", "audio", "image", "video", "audio_output", "image_output")


def _tokens(found: Row, options: Options, *, failed: bool, was_refused: bool) -> Row:
    """Exclusive buckets; NULL where a span says nothing, or says that a success had none at all."""
    counts = {name: _calls.count(found[name], f"{name} tokens") for name in _COUNTS}
    given, output = counts["input"], counts["output"]
    if given is None and output is None and was_refused:
        given = output = 0
    read, written = counts["read"] or 0, counts["written"] or 0
    if output is None and found["operation"] == "embeddings":
        output = 0
    is_beside = _is_beside(given, read + written, output, counts["total"], options)
    whole = given + read + written if given is not None and is_beside else given
    made = _meters.with_thoughts(output, counts["reasoning"], whole_input=whole, total=counts["total"])
    is_known = failed or any((given, output, read, written))
    media, made_media = Media(counts["audio"], counts["image"], counts["video"]), Media(counts["audio_output"], counts["image_output"])
    return {
        **_meters.inputs(whole if is_known else None, read, Writes(written, is_assumed=True), media),
        **_meters.outputs(made if is_known else None, made_media, counts["reasoning"]),
        "is_beside": is_beside,
    }


def _is_beside(given: int | None, cached: int, output: int | None, total: int | None, options: Options) -> bool:
    """Whether what was cached lies beside the input."""
    if given is None or not cached:
        return False
    if options.tokens is not None:
        return options.tokens == "exclusive"
    return cached > given or total == given + cached + (output or 0)


def _read(content: Content, reading: Reading) -> Rows:
    file = _File(reading.options)
    names = frozenset(name for names in file.names.values() for name in names)
    own = frozenset(_NAMES["region"]) - set(reading.options.fields.values())
    wants = wanted(reading.options.tags)
    rows = Spans(
        *(Span, _COLUMNS, file.rows),
        bodies=("texts",),
        names=names,
        own=own,
        prompts=PROMPTS,
        is_tag=lambda name: wants(name) and not SPOKEN.match(name),
    ).read(content, reading)
    rows.flags += file.flags()
    return rows


def _recognises(sample: Sample) -> bool:
    return sample.content.framing is not None or not sample.keys.isdisjoint({"resourceSpans", "resource_spans"})


FORMAT = Format(
    name="otlp_spans",
    description="OpenTelemetry GenAI spans as OTLP: JSON lines, JSON or protobuf",
    columns=_COLUMNS,
    day="started_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="The collector's file exporter (JSON or proto, with or without zstd), an SDK's OTLP file exporter, or saved bodies of "
        "`/v1/traces`; also rotated, and packed with gzip, zstd or zip.",
        taken="Spans of chat, generate_content, text_completion and embeddings, and spans without an operation that have a provider, a "
        "model and tokens: tokens by medium, models, served tier, region, times, status, finish reason, owners from attributes of the span "
        "or its resource, and those that `tags` names (never messages). Other spans are left out. Events, messages and all other "
        "attributes are never kept; of gen_ai.request the cap on the answer, temperature and streaming, of messages "
        "keyed hashes, where the book has a key.",
        key="trace and span id; of several the one with the most tokens counts. Spans of two instrumentations count once where both have "
        "`gen_ai.response.id`. The trace is the operation; its calls count as calls, not as repeated attempts.",
        tokens="input holds cache reads and writes, audio, images and video, output holds reasoning, audio and images, as the conventions "
        "say; where cached parts or reasoning exceed their whole, or a total says so, they lie beside it. Cache writes count as 5 minutes.",
        options="`tokens`: exclusive where the instrumentation counts cached tokens beside the input (Anthropic's own counts), inclusive "
        "where it never does. `fields`: attributes for region, session_id, user_id, project_id (else service.name), account_id (else "
        "cloud.account.id), environment, team, tenant, feature, experiment_arm, key_alias, routing_reason. `tags`, `deferrable`: names of "
        "attributes.",
        limits="No money and no searches: calls are priced by rate cards. What was cached of audio and images is not told from cached "
        "text: a span whose parts then exceed its input is set aside. Sampled traces are a part of all calls, and do not say so. Retries "
        "inside an SDK are one span. A message cut short at the end of a file is set aside. Spans of OpenInference (llm.*) are not "
        "counted, and flagged.",
    ),
    names=frozenset({"resourceSpans", "scopeSpans", "spans"}),
)
