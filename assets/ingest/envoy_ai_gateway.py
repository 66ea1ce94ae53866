"""Envoy AI Gateway access logs: JSON lines whose keys the operator chose in the EnvoyProxy resource.

Three sets of names are known: `gen_ai.*` of the documentation since 1.0, `genai_*` of 0.4 and 0.5, and the metadata keys themselves
(`llm_input_token`, ...). `fields` names what else the operator chose: our column -> the file's key. What has no value is null or "-",
and numbers may be text. start_time is UTC, duration is in milliseconds.

The gateway counts as OpenTelemetry asks: input holds what was read from a cache and written to one, and output holds reasoning; `tokens:
exclusive` is for logs whose costs were defined otherwise. The parts are known only where `llmRequestCosts` defines CachedInputToken and
CacheCreationInputToken and the access log writes them; without them all input counts as uncached. Audio, images and video are read under
the names of OpenTelemetry (`gen_ai.usage.audio.input_tokens`), inside the input and the output. There is no cost.
`gen_ai.provider.name` is the path of a backend and names no vendor: the provider is unknown unless `fields` says where it stands.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import msgspec

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _calls, _meters
from meterbook.assets.ingest._calls import Calls, Row, columns
from meterbook.assets.ingest._meters import Media, Writes
from meterbook.assets.ingest._prompts import parameters_of
from meterbook.assets.ingest._tags import DEFERRABLE, SAYS, tags_of
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample
from meterbook.assets.sources import Reading

_Value = str | int | float | bool | None
"""Counts and times only; no money stands in such a file."""
_KEYS: Mapping[str, tuple[str, ...]] = {
    "request_id": ("x-request-id", "request_id"),
    "response_id": ("gen_ai.response.id",),
    "started_at": ("start_time", "timestamp"),
    "provider": (),
    "model": (
        *("gen_ai.response.model", "genai_response_model", "response_model", "genai_model_name_override", "model_name_override"),
        *("gen_ai.request.model", "genai_model_name"),
    ),
    "requested_model": ("gen_ai.original.model", "gen_ai.request.model", "genai_model_name"),
    "input_tokens": ("gen_ai.usage.input_tokens", "genai_tokens_input", "llm_input_token"),
    "cache_read_tokens": (
        *("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cached_input_tokens", "genai_tokens_cached_input"),
        *("genai_tokens_cached", "llm_cached_input_token"),
    ),
    "cache_write_5m_tokens": (
        *("gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens", "genai_tokens_cache_creation_input"),
        *("genai_tokens_cache_creation", "llm_cache_creation_input_token"),
    ),
    "output_tokens": ("gen_ai.usage.output_tokens", "genai_tokens_output", "llm_output_token"),
    "reasoning_tokens": (
        *("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens", "genai_tokens_reasoning", "llm_reasoning_token"),
    ),
    "cache_write_1h_tokens": (),
    **{f"{medium}_input_tokens": (f"gen_ai.usage.{medium}.input_tokens",) for medium in ("audio", "image", "video")},
    **{f"{medium}_output_tokens": (f"gen_ai.usage.{medium}.output_tokens",) for medium in ("audio", "image")},
    "total_tokens": ("gen_ai.usage.total_tokens", "genai_tokens_total", "llm_total_token"),
    "searches": (),
    "served_tier": (),
    "region": (),
    "latency_ms": ("duration",),
    "time_to_first_token_ms": (),
    "status_code": ("response_code",),
    "max_output_tokens": ("gen_ai.request.max_tokens",),
    "temperature": ("gen_ai.request.temperature",),
    "is_streaming": ("gen_ai.request.stream",),
    "has_tools": (),
    "routing_reason": (),
    "is_deferrable": (DEFERRABLE,),
    "session_id": ("session.id", "gen_ai.conversation.id"),
    **dict.fromkeys(("user_id", "key_id", "key_alias", "project_id", *_calls.OWNERS), ()),
}
_AI = frozenset({"input_tokens", "output_tokens", "model", "requested_model"})
"""Columns without any of which an entry is about another kind of request."""
_SIGNS = frozenset(key for name in _AI for key in _KEYS[name] if key.startswith(("gen_ai.", "genai_", "llm_")))
_ENVOY = frozenset({"response_code", "start_time", "duration", "x-request-id", "upstream_cluster", "x-envoy-origin-path"})
_TEXT = (
    "routing_reason",
    "response_id",
    "model",
    "requested_model",
    "session_id",
    "user_id",
    "key_id",
    "key_alias",
    "project_id",
    *_calls.OWNERS,
)
_COUNTS = tuple(name for name in _KEYS if name.endswith("_tokens") and name != "max_output_tokens")
_COLUMNS = columns(
    "request_id", "operation_id", "response_id", "started_at", "provider", "model", "requested_model", "served_tier", "region",
    "input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "audio_input_tokens", "image_input_tokens",
    "video_input_tokens", "output_tokens", "audio_output_tokens", "image_output_tokens", "reasoning_tokens", "searches", "all_tokens",
    "latency_ms", "time_to_first_token_ms", "status", "error_class", "session_id", "user_id", "key_id", "key_alias", "project_id", "team",
    "tenant", "feature", "environment", "experiment_arm", "tags", "max_output_tokens", "temperature", "is_streaming", "has_tools",
    "routing_reason", "is_deferrable",
)  # fmt: skip
_UNSET = b'"-"'


class _Entries(Calls[msgspec.Struct]):
    """Entries with what the book asks for beside the keys of the columns: any key the operator chose."""

    def _calls(self, decoder: msgspec.json.Decoder[msgspec.Struct], line: int, raw: bytes, reading: Reading, rows: Rows) -> Sequence[Row]:
        calls = super()._calls(decoder, line, raw, reading, rows)
        if not calls or not reading.options.tags:
            return calls
        given = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        tags = tags_of(reading, {key: value for key, value in given.items() if bytes(value) != _UNSET})
        return [{**call, "tags": tags} for call in calls]


def _read(content: Content, reading: Reading) -> Rows:
    """Read one file by the keys known for its columns.

    Raises:
        FileRefused: cut short, not JSON, or `fields` names a column there is not.
    """
    own = reading.options.fields
    for name in own:
        if name not in _KEYS:
            raise FileRefused(f"has `fields:` for {name!r}, no column of this format; there are {', '.join(_KEYS)}")
    keys = {name: (own[name],) if name in own else known for name, known in _KEYS.items()}
    if reading.options.deferrable:
        keys["is_deferrable"] = (reading.options.deferrable, *keys["is_deferrable"])
    record, names = _record(tuple(sorted({key for some in keys.values() for key in some})))

    def rows(entry: msgspec.Struct, reading: Reading) -> list[Row]:
        found = {name: _first(getattr(entry, names[key]) for key in some) for name, some in keys.items()}
        return [_row(found, reading)] if any(found[name] is not None for name in _AI) else []

    return _Entries(record, _COLUMNS, rows).read(content, reading)


@cache
def _record(keys: tuple[str, ...]) -> tuple[type[msgspec.Struct], Mapping[str, str]]:
    """A struct that reads these keys and nothing else, and the names of its fields by key."""
    names = {key: f"field_{n}" for n, key in enumerate(keys)}
    fields = [(name, _Value, msgspec.field(default=None, name=key)) for key, name in names.items()]
    return msgspec.defstruct("Entry", fields), names


def _first(values: Iterable[_Value]) -> _Value:
    """The first value that is given: keys of several sets may stand side by side, those of the others without a value."""
    return next((value for value in values if value is not None and value not in {"", "-"}), None)


def _row(found: Mapping[str, _Value], reading: Reading) -> Row:
    started_at, call = _calls.utc(_plain(found["started_at"]), "started_at"), _text(found["request_id"])
    code = _calls.count(found["status_code"], "response_code")
    done = _calls.outcome(code, success=None if code is None else 0 < code < 400)  # noqa: PLR2004 -- HTTP; 0 is a client that left
    return {
        **{name: _text(found[name]) for name in _TEXT},
        **_tokens(found, reading),
        **done,
        **_no_tokens(found, done),
        **_asked(found),
        # Clients that try again may keep their x-request-id: attempts are told apart by when they began.
        "request_id": f"{call} {started_at.isoformat()}Z" if call else None,
        "operation_id": call,
        "started_at": started_at,
        "provider": _calls.provider_of(_text(found["provider"])),
        "latency_ms": _calls.count(found["latency_ms"], "duration"),
        "time_to_first_token_ms": _calls.count(found["time_to_first_token_ms"], "time_to_first_token_ms"),
    }


def _asked(found: Mapping[str, _Value]) -> Row:
    """How it was asked, where the operator writes it."""
    given = {"max_tokens": found["max_output_tokens"], "temperature": found["temperature"]}
    said = {name: SAYS.get(str(found[name]).lower()) for name in ("is_streaming", "has_tools", "is_deferrable")}
    return {**parameters_of(given, is_whole=False), **said}


def _plain(value: _Value) -> str | int | float | None:
    if isinstance(value, bool):
        raise ValueError(f"started_at '{value}' is not an instant")  # noqa: TRY004 -- said of a record, in its words
    return value


def _text(value: _Value) -> str | None:
    return None if value is None else str(value)[:500]


def _tokens(found: Mapping[str, _Value], reading: Reading) -> Row:
    """Exclusive buckets. A cache write without keys of its own lifetime is of five minutes; one of an hour is named beside it."""
    counts = {name: _calls.count(found[name], name) for name in _COUNTS}
    five, hour = counts["cache_write_5m_tokens"], counts["cache_write_1h_tokens"]
    read, writes = counts["cache_read_tokens"], Writes(five or 0, hour or 0, is_assumed=hour is None)
    whole, thoughts = counts["input_tokens"], counts["reasoning_tokens"]
    if reading.options.tokens == "exclusive" and whole is not None:
        whole += (read or 0) + writes.total
    output = _meters.with_thoughts(counts["output_tokens"], thoughts, whole_input=whole, total=counts["total_tokens"])
    media = Media(*(counts[f"{medium}_input_tokens"] for medium in ("audio", "image", "video")))
    return {
        **_meters.inputs(whole, read, writes, media),
        **_meters.outputs(output, Media(counts["audio_output_tokens"], counts["image_output_tokens"]), thoughts),
        # What the log has no key for is unknown.
        **{name: None for name in ("cache_write_5m_tokens", "cache_write_1h_tokens") if counts[name] is None},
        "searches": _calls.count(found["searches"], "searches"),
        "served_tier": _meters.tier(_text(found["served_tier"])),
        "region": _meters.region(_text(found["region"])),
    }


def _no_tokens(found: Mapping[str, _Value], done: Row) -> Row:
    """A call that was refused had no tokens."""
    is_silent = found["input_tokens"] is None and found["output_tokens"] is None
    return {"input_tokens": 0, "output_tokens": 0} if is_silent and _calls.refused(done["error_class"]) else {}


def _recognises(sample: Sample) -> bool:
    is_json = sample.text.lstrip()[:1] in {"{", "["}
    return is_json and not sample.keys.isdisjoint(_SIGNS) and not sample.keys.isdisjoint(_ENVOY)


FORMAT = Format(
    name="envoy_ai_gateway",
    description="Envoy AI Gateway access log: JSON lines whose keys the operator chose",
    columns=_COLUMNS,
    day="started_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="The access log of the EnvoyProxy resource (type JSON, to a file or stdout), collected as files of bare lines.",
        taken="Tokens, models, times, status and session under the names of the documentation; what else the operator wrote (team, tenant, "
        "feature, environment, experiment_arm, user_id, key_id, key_alias, project_id, provider, served_tier, region, searches, "
        "cache_write_1h_tokens, time_to_first_token_ms, max_output_tokens, temperature, is_streaming, has_tools, routing_reason, "
        "is_deferrable) where `fields` names it, and keys that `tags` names. Entries with neither a model "
        "nor tokens, such as MCP traffic, are counted as filtered.",
        key="x-request-id and start_time; of several rows the one with the most tokens counts. Attempts of a client that keeps its "
        "x-request-id share operation_id. An entry without an id is known by its content and its place among equal entries of its file.",
        tokens="Input holds cache reads and writes and media, output holds reasoning and media, as the gateway counts; reasoning is added "
        "where the total says that it lies beside; `tokens: exclusive` where its costs were defined otherwise. Without keys for cached "
        "tokens all input counts as uncached; cache writes are taken as five minutes.",
        money="none: cost comes from the rate cards, by the model's name alone unless `fields` gives the provider.",
        options="fields, tokens, tags, deferrable",
        limits="The gateway does not count what calls without tokens use. The keys of cached tokens are not documented: several spellings "
        "are read, `fields` names others. Keys inside objects are not read. Retries and fallbacks inside Envoy give one entry, of the "
        "last attempt. A client that left (response_code 0) is a failure with unknown tokens.",
    ),
    names=frozenset(key for some in _KEYS.values() for key in some),
)
