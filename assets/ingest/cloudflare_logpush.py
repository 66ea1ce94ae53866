"""Cloudflare AI Gateway events of Logpush (dataset `ai_gateway_events`): JSON lines, which models were called, when, and how it ended.

RequestBody and ResponseBody are encrypted with the account's public key, and only told apart; so is Metadata in most exports, and where it
is in clear its team, tenant, feature, environment, session and user are read. Tokens and cost stand inside the encrypted parts: they are
unknown, not zero, and the file is flagged. Newer exports may have `Metrics` in clear, whose cost is the gateway's estimate in USD (0 is
unknown unless the event is a cache hit) and whose duration is in milliseconds; the names of its counts are not verified, so the usual
spellings are read.

`Timestamp` is RFC 3339 or unix seconds, milliseconds or nanoseconds, as the job was set up. A job may leave it out: then `fields` names
the key that holds the time (`started_at`), or `starts_at` gives the instant of the file.
"""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache, partial
from typing import Any, cast

import msgspec

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _calls
from meterbook.assets.ingest._calls import Calls, Row, columns
from meterbook.assets.ingest._records import Count
from meterbook.assets.ingest._tags import deferrable_of, label_of, tags_of
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample
from meterbook.assets.sources import Reading

Text = str | None
_TIMES = ("Timestamp", "Datetime", "CreatedAt", "StartTime", "EventTimestamp")
"""The documented name first; exports from before it was documented are read under the names that Logpush gives to times elsewhere."""
_NULL = msgspec.Raw(b"null")
_EMPTY = frozenset({b"null", b'""', b"{}"})
_CIPHER = frozenset({"data", "key", "iv", "type"})
_BODIES = ("metadata", "request_body", "response_body")
_UNKNOWN = "holds events whose tokens and cost are not in clear: they count as calls of unknown cost"


class _Metrics(msgspec.Struct, rename="camel"):
    cost: Decimal | None = None
    duration_ms: Decimal | None = None
    tokens_in: Count | None = None
    tokens_out: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None


class _Event(msgspec.Struct, rename="pascal"):
    gateway: Text = None
    provider: Text = None
    model: Text = None
    requested_model: Text = None
    endpoint: Text = None
    status_code: int | None = None
    cached: bool | None = None
    rate_limited: bool | None = None
    routing_reason: Text = None
    metrics: _Metrics | None = None
    metadata: dict[str, Any] | str | None = None
    request_body: msgspec.Raw = _NULL
    response_body: msgspec.Raw = _NULL


_NO_METRICS = _Metrics()
_COLUMNS = columns(
    "request_id", "started_at", "provider", "model", "requested_model", "input_tokens", "output_tokens", "latency_ms", "status",
    "error_class", "is_cache_hit", "project_id", "user_id", "session_id", "team", "tenant", "feature", "environment", "experiment_arm",
    "tags", "is_deferrable", "routing_reason", "reported_cost_usd",
)  # fmt: skip


def _read(content: Content, reading: Reading) -> Rows:
    """Read one file, and say whether its cost can be known.

    Raises:
        FileRefused: cut short, not JSON, or `fields` names a column there is not.
    """
    own = reading.options.fields
    if own.keys() - {"started_at"}:
        raise FileRefused(f"has `fields:` for {', '.join(sorted(own.keys() - {'started_at'}))}; only started_at can be named")
    times = (own["started_at"],) if own else _TIMES
    odd: set[str] = set()
    rows = Calls(_record(times), _COLUMNS, partial(_rows, times=len(times), odd=odd), bodies=_BODIES).read(content, reading)
    rows.flags += sorted(odd)
    return rows


@cache
def _record(times: tuple[str, ...]) -> type[_Event]:
    """Events with the keys that may hold their time."""
    fields = [(f"time_{n}", str | int | None, msgspec.field(default=None, name=key)) for n, key in enumerate(times)]
    return cast("type[_Event]", msgspec.defstruct("Event", fields, bases=(_Event,)))


def _rows(event: _Event, reading: Reading, times: int, odd: set[str]) -> list[Row]:
    metrics, metadata = event.metrics or _NO_METRICS, _metadata(event.metadata)
    cost = _calls.money(metrics.cost, "usd", "Metrics.cost")
    done = _outcome(event)
    counts = _tokens(metrics, is_refused=_calls.refused(done["error_class"]))
    if not event.cached and not cost and None in counts.values():
        odd.add(_UNKNOWN)
    return [
        {
            **_calls.said(metadata),
            "tags": tags_of(reading, metadata),
            "is_deferrable": deferrable_of(reading, metadata),
            "routing_reason": label_of(event.routing_reason),
            **counts,
            **done,
            "request_id": _identity(event),
            "started_at": _started_at(event, reading, times),
            "provider": _calls.provider_of(event.provider),
            "model": event.model or None,
            "requested_model": event.requested_model or None,
            "latency_ms": _calls.milliseconds(metrics.duration_ms, "Metrics.durationMs"),
            "is_cache_hit": bool(event.cached),
            "project_id": event.gateway or None,
            "reported_cost_usd": cost,
        }
    ]


def _identity(event: _Event) -> str | None:
    """A name for an event with sealed bodies: each is sealed with a key of its own, so equal ones are one event that came twice."""
    if bytes(event.request_body) in _EMPTY and bytes(event.response_body) in _EMPTY:
        return None
    return hashlib.md5(msgspec.json.encode(event, enc_hook=str), usedforsecurity=False).hexdigest()


def _started_at(event: _Event, reading: Reading, times: int) -> Any:  # noqa: ANN401 -- an instant, naive UTC
    given = next((value for n in range(times) if (value := getattr(event, f"time_{n}")) not in {None, ""}), None)
    if given is None and reading.options.starts_at is not None:
        return _calls.utc(reading.options.starts_at.isoformat(), "starts_at")
    return _calls.utc(given, "Timestamp")


def _tokens(metrics: _Metrics, *, is_refused: bool) -> Row:
    given = {
        "input_tokens": metrics.tokens_in if metrics.tokens_in is not None else metrics.input_tokens,
        "output_tokens": metrics.tokens_out if metrics.tokens_out is not None else metrics.output_tokens,
    }
    # A call that was refused had no tokens.
    return {name: 0 if value is None and is_refused else _calls.count(value, f"Metrics: {name}") for name, value in given.items()}


def _outcome(event: _Event) -> Row:
    if event.rate_limited and event.status_code is None:
        return _calls.outcome(429)
    return _calls.outcome(event.status_code)


def _metadata(given: Mapping[str, Any] | str | None) -> Mapping[str, Any]:
    """What callers said of themselves, where it is in clear."""
    return given if isinstance(given, Mapping) and not given.keys() <= _CIPHER else {}


def _recognises(sample: Sample) -> bool:
    is_json = sample.text.lstrip()[:1] in {"{", "["}
    return is_json and {"Gateway", "Provider"} <= sample.keys and not sample.keys.isdisjoint({"StatusCode", "Model", "Endpoint"})


FORMAT = Format(
    name="cloudflare_logpush",
    description="Cloudflare AI Gateway events from Logpush: JSON lines, tokens and cost encrypted",
    columns=_COLUMNS,
    day="started_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="A Logpush job of the account with the dataset AI Gateway Events; its files as they are. Select Timestamp.",
        taken="Which model of which provider was called, when, how it ended, why it was routed so, cache hits, the gateway as project; "
        "duration and cost where `Metrics` is in clear, owners and what `tags` names where `Metadata` is. RequestBody and ResponseBody are "
        "never kept.",
        key="Events have no ids. Equal ones with sealed bodies are one event that came twice; others are known by their content and their "
        "place among equal events of their file.",
        tokens="unknown, unless `Metrics` gives counts: then all input counts as uncached text, all output as text.",
        money="none in most exports. `Metrics.cost` is the gateway's estimate in USD; 0 is unknown unless the event is a cache hit.",
        options="starts_at, fields (started_at), tags, deferrable",
        limits="Tier, region, media and searches are in no field. Counts of calls, no money, unless `Metrics` is exported. Use the logs "
        "of the REST API (cloudflare_logs) for money. Both hold the same calls under nothing in common: where you drop both, name one "
        "under `sources:` with `counts: false`. The spellings of times before Timestamp was documented, and of counts in `Metrics`, are "
        "not verified.",
    ),
    names=frozenset({"RateLimited", "RoutingDecisionID", *_Event.__struct_encode_fields__}),
)
