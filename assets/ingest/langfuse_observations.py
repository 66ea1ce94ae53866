"""Langfuse observations: blob exports (`observations`, `observations_v2`), exports of the UI, and pages of the API.

JSON lines, JSON, CSV (maps as the text of JSON) or Parquet, in snake_case or camelCase. Instants are UTC. An observation of type
GENERATION or EMBEDDING is a call; RETRIEVER, EVALUATOR, GUARDRAIL and TOOL are where they have a model and tokens of their own; AGENT,
CHAIN, SPAN and EVENT are not: what they count sums up the calls inside them.

`usage_details` is exclusive: `input` and `output` are what remains beside details such as `input_cached_tokens` and
`output_reasoning_tokens` (packages/shared of langfuse, commit 6275144, flattens OpenAI's shape so, and stores others as sent). Input is the
sum of keys that begin with `input` or hold `cache`; `total` is never added. Where `total` is just `input` and `output` although there are
details, they lie inside; `tokens` in the book's options decides otherwise. Keys that name audio, image or video are of that medium, those
that name a web search count searches. Cache writes without a lifetime count as 5 minutes.

`total_cost` is in USD, computed by Langfuse from its price table or given by the caller; NULL, or 0 without any cost_details, is unknown.
Latency is end less start: the exports do not agree whether their own `latency` is in seconds. `input` is hashed where the book has a key,
and is otherwise not read, as are `output`, `status_message` and all of `metadata` but the keys of owners and those the book names.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from meterbook.assets.content import Content
from meterbook.assets.ingest import _calls, _langfuse, _meters
from meterbook.assets.ingest._calls import OWNERS, Row, columns
from meterbook.assets.ingest._exports import Exports
from meterbook.assets.ingest._meters import USED, Media, Writes
from meterbook.assets.ingest._prompts import ASKED, parameters_of, prompt_of
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format
from meterbook.assets.sources import Options, Reading

Text = str | None
Figures = Mapping[str, Decimal | None]
_NULL = msgspec.Raw(b"null")
_THOUGHTS = ("reason", "thought", "thinking")
_CALLS = frozenset({"GENERATION", "EMBEDDING"})
_UNTOLD = frozenset({"quantity", "quantity_unit", "region"})
_SUMS = frozenset({"AGENT", "CHAIN", "SPAN", "EVENT"})


class _Observation(msgspec.Struct):
    id: Text = None
    trace_id: Text = None
    project_id: Text = None
    environment: Text = None
    type: Text = None
    start_time: Text = None
    end_time: Text = None
    completion_start_time: Text = None
    updated_at: Text = None
    level: Text = None
    provided_model_name: Text = None
    usage_details: dict[str, Decimal | None] | None = None
    cost_details: dict[str, Decimal | None] | None = None
    total_cost: Decimal | None = None
    user_id: Text = None
    session_id: Text = None
    tags: list[Any] | str | None = None
    metadata: msgspec.Raw = _NULL
    input: msgspec.Raw = _NULL
    model_parameters: msgspec.Raw = _NULL
    tool_definitions: msgspec.Raw = _NULL


_COLUMNS = columns(
    "request_id", "operation_id", "started_at", "updated_at", "kind_of_call", "model", *(name for name in USED if name not in _UNTOLD),
    "latency_ms", "time_to_first_token_ms", "status", "project_id", "user_id", "session_id", *OWNERS, "tags", *ASKED, "is_deferrable",
    "reported_cost_usd",
) | {"updated_at": "TIMESTAMP"}  # fmt: skip


class _File:
    """Turns the observations of one file into calls, and notes what is odd about them together."""

    def __init__(self) -> None:
        self.calls = self.with_usage = self.sums = self.open = 0

    def rows(self, seen: _Observation, reading: Reading) -> list[Row]:
        """The call an observation is, or nothing."""
        kind = (seen.type or "").upper()
        if not kind:
            raise ValueError("type is missing")
        has_usage = any(seen.usage_details.values()) if seen.usage_details else False
        if kind in _SUMS:
            self.sums += has_usage
            return []
        if kind not in _CALLS and not (has_usage and seen.provided_model_name):
            return []
        row = _row(seen, kind, reading)
        self.calls += 1
        self.open += not seen.end_time
        self.with_usage += seen.usage_details is not None or seen.total_cost is not None
        return [row]

    def flags(self) -> list[str]:
        """What is to be said of the file."""
        found = []
        if self.calls and not self.with_usage:
            found.append("holds neither usage nor cost of its calls: select the field group `usage` in the export")
        if self.open:
            found.append(f"holds {self.open:,} calls that had not ended when they were exported")
        if self.sums:
            found.append(f"holds {self.sums:,} agents, chains or spans with tokens, taken as sums of the calls inside them and not counted")
        return found


def _row(seen: _Observation, kind: str, reading: Reading) -> Row:
    if not seen.id:
        raise ValueError("id is missing")
    said = _langfuse.said(seen.metadata, seen.tags, reading)
    started = _calls.utc(seen.start_time, "start_time")
    failed = (seen.level or "").upper() == "ERROR"
    tokens = _tokens(seen.usage_details or {}, kind, reading.options, failed=failed)
    return {
        **tokens,
        **said,
        **_asked(seen, reading),
        "request_id": seen.id,
        "operation_id": seen.trace_id or None,
        "started_at": started,
        "updated_at": _calls.utc(seen.updated_at, "updated_at") if seen.updated_at else None,
        "kind_of_call": kind,
        "model": seen.provided_model_name or None,
        "latency_ms": _since(started, seen.end_time, "end_time"),
        "time_to_first_token_ms": _since(started, seen.completion_start_time, "completion_start_time"),
        "status": "failure" if failed else "success",
        "project_id": seen.project_id or None,
        "user_id": seen.user_id or said["user_id"],
        "session_id": seen.session_id or said["session_id"],
        "environment": seen.environment or said["environment"],
        "reported_cost_usd": _cost(seen, is_counted=failed or tokens["input_tokens"] is not None or tokens["output_tokens"] is not None),
    }


def _asked(seen: _Observation, reading: Reading) -> Row:
    """What Langfuse shows of the parameters: those that were given, and tools where the input was kept."""
    prompt = msgspec.Raw() if bytes(seen.input) in {b"null", b'""'} else seen.input
    parameters = _langfuse.mapping(seen.model_parameters)
    return {
        **prompt_of(prompt, reading),
        **parameters_of({**parameters, "tools": list(_langfuse.mapping(seen.tool_definitions))}, is_whole=False),
    }


def _since(started: datetime, then: Text, name: str) -> int | None:
    """Milliseconds; unknown where a clock went backwards."""
    gone = (_calls.utc(then, name) - started) // timedelta(milliseconds=1) if then else -1
    return gone if gone >= 0 else None


def _cost(seen: _Observation, *, is_counted: bool) -> Decimal | None:
    """USD; a zero counts where Langfuse shows what it is made of, and there is something it can be the cost of."""
    parts = {name: _calls.money(value, "usd", f"cost_details.{name[:80]}") for name, value in (seen.cost_details or {}).items()}
    known = [value for name, value in parts.items() if name != "total" and value is not None]
    total = _calls.money(seen.total_cost, "usd", "total_cost")
    if total is None:
        total = parts.get("total") if parts.get("total") is not None else sum(known, Decimal(0)) if known else None
    return total if total or (parts and is_counted) else None


def _tokens(usage: Figures, kind: str, options: Options, *, failed: bool) -> Row:
    """Exclusive buckets; NULL where nothing is said, or a success is said to have had no tokens at all."""
    given = {
        name.lower(): found for name, value in usage.items() if (found := _calls.count(value, f"usage_details.{name[:80]}")) is not None
    }
    read, writes, cached_media = _cached(given)
    cached = read + writes.total
    inputs = {name: value for name, value in given.items() if name.startswith("input") and not _is_cache(name)}
    outputs = {name: value for name, value in given.items() if name.startswith("output") and not _is_cache(name)}
    whole, made = sum(inputs.values()) + cached, sum(outputs.values())
    if _is_inside(given, whole, made, options):
        whole, made = given.get("input", 0), _whole_output(outputs)
    is_known = failed or any((whole, made))
    has_output = bool(outputs) or kind == "EMBEDDING" or given.get("total") == whole
    media, made_media = _media(inputs), _media(outputs)
    media = Media(_add(media.audio, cached_media.audio), _add(media.image, cached_media.image), _add(media.video, cached_media.video))
    return {
        **_meters.inputs(whole if is_known and (inputs or cached) else None, read, writes, media, cached_media),
        **_meters.outputs(made if is_known and given and has_output else None, made_media, _sum(outputs, *_THOUGHTS)),
        "searches": _sum(given, "web_search"),
    }


def _cached(given: Mapping[str, int]) -> tuple[int, Writes, Media]:
    """Tokens read from a cache, tokens written to one, and what of those read is not text."""
    caches = {name: value for name, value in given.items() if _is_cache(name)}
    five, hour, half_day = (_sum(caches, *lifetimes) or 0 for lifetimes in (("5m", "30m"), ("1h",), ("12h",)))
    plain = {name: value for name, value in caches.items() if not _names(name, "5m", "30m", "1h", "12h")}
    written = _sum(plain, "creation", "write") or 0
    # Anthropic gives the total beside its parts, LangChain only what the parts leave.
    rest = 0 if written == five + hour + half_day else written
    read = {name: value for name, value in plain.items() if not _names(name, "creation", "write")}
    return sum(read.values()), Writes(five + rest, hour, half_day, is_assumed=rest > 0), _media(read)


def _media(found: Mapping[str, int]) -> Media:
    return Media(_sum(found, "audio"), _sum(found, "image"), _sum(found, "video"))


def _add(first: int | None, second: int | None) -> int | None:
    return None if first is None and second is None else (first or 0) + (second or 0)


def _is_inside(given: Mapping[str, int], inputs: int, outputs: int, options: Options) -> bool:
    """Whether details lie inside `input` and `output`."""
    if options.tokens is not None:
        return options.tokens == "inclusive"
    main = given.get("input", 0), given.get("output", 0)
    fits = inputs - main[0] <= main[0] and outputs - main[1] <= main[1]
    return fits and inputs + outputs > sum(main) == given.get("total")


def _whole_output(outputs: Mapping[str, int]) -> int:
    whole, details = outputs.get("output", 0), sum(value for name, value in outputs.items() if name != "output")
    if details > whole:
        raise ValueError(f"usage_details: parts of the output ({details}) exceed it ({whole})")
    return whole


def _is_cache(name: str) -> bool:
    return _names(name, "cache", "ephemeral")


def _names(name: str, *words: str) -> bool:
    return any(word in name for word in words)


def _sum(found: Mapping[str, int], *words: str) -> int | None:
    """What the figures whose name holds one of some words add up to; None where there is none."""
    parts = [value for name, value in found.items() if _names(name, *words)]
    return sum(parts) if parts else None


def _read(content: Content, reading: Reading) -> Rows:
    file = _File()
    names = {"model": "provided_model_name"}
    nested = frozenset({"usage_details", "cost_details", "metadata", "tags", "model_parameters", "tool_definitions"})
    bodies = ("metadata", "input", "tags", "model_parameters", "tool_definitions")
    rows = Exports(_Observation, _COLUMNS, file.rows, ("data",), bodies, names=names, nested=nested).read(content, reading)
    rows.flags += file.flags()
    return rows


FORMAT = Format(
    name="langfuse_observations",
    description="Langfuse observations: blob export, UI export or API pages, as JSON, JSON lines, CSV or Parquet",
    columns=_COLUMNS,
    day="started_at",
    recognises=_langfuse.is_observation,
    read=_read,
    about=About(
        obtain="The blob storage export (tables `observations` or `observations_v2`, with its manifest), an export of the observations "
        "table in the UI, or all pages of `GET /api/public/observations` (also v2).",
        taken="Tokens, cost, times, model, level, trace, user, session, environment, and team, tenant, feature and experiment_arm of "
        "metadata or tags (`team:search`); what `tags` of the book names of metadata and tags, also of the trace. Calls are GENERATION and "
        "EMBEDDING, and RETRIEVER, EVALUATOR, GUARDRAIL and TOOL with a model and tokens of their own. Other types are left out; a file is "
        "flagged where these have tokens. Of model_parameters the cap on the answer, temperature and streaming; of the input "
        "keyed hashes, where the book has a key.",
        key="`id`; of several rows the one updated last counts, so windows that share a boundary, both tables of one export, and a later "
        "export of the same days add nothing. The trace is the operation; its calls count as calls, not as repeated attempts.",
        tokens="input and output leave out the details beside them, and reasoning is added to output; details of audio, image and video "
        "are buckets of their own; where `total` is just input and output the details lie inside. Cache writes without a lifetime count "
        "as 5 minutes.",
        money="`total_cost`, else the sum of `cost_details`, in USD: Langfuse's estimate, or what the caller gave. Empty is unknown.",
        options="`tokens`: inclusive where your own SDK code sends input with cached tokens inside, exclusive where it never does. `tags`: "
        "a tag `name:value` or `name=value` is what it says, any other word of the list is true. `deferrable`.",
        limits="No provider, no region and no service tier: prices are found by the model's name, at the standard tier. Other units than "
        "tokens (characters, seconds, images) are not told from tokens: units of your own count as input or output. Video output stays in "
        "the output. The blob export takes rows by their start, once: what is updated later stays as it was. The texts of "
        "usage_pricing_tier_name are not verified and not read.",
    ),
    names=frozenset(_Observation.__struct_encode_fields__),
)
