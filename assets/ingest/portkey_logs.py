"""Portkey: log exports and the self-hosted metric store, as JSON lines or JSON.

`cost` is in cents of USD, as the log export documents; a deployment that writes dollars says `money_unit: usd`. The field ids of the
export (req_units, res_units, response_status_code, ai_org) and the names of the API's examples (request_tokens, response_tokens,
status_code, ai_provider) are both read. The metric store writes counts as fractions (150.0) and metadata as two parallel lists.

Neither has columns of cached or reasoning tokens, of audio, images or searches, nor of the tier: they come from `response.usage` and
`response.service_tier`, the only things read of a response, where responses are exported. There `*_details` lie inside the input and the
output; `cache_read_input_tokens` and `cache_creation_input_tokens` lie outside of the input (Anthropic), unless total_tokens is just input
and output. Google's thoughts lie beside the output where total_tokens says so. Without a response req_units counts as uncached input. A
call without tokens has a quantity where its response tells it: seconds of audio, or images, which are counted. Requests and responses are
never kept.
"""

from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from meterbook.assets.ingest import _calls, _meters
from meterbook.assets.ingest._calls import OWNERS, Calls, Row, columns
from meterbook.assets.ingest._meters import USED
from meterbook.assets.ingest._prompts import ASKED, asked_of
from meterbook.assets.ingest._rows import BROKEN
from meterbook.assets.ingest._tags import deferrable_of, label_of, tags_of
from meterbook.assets.ingest._usage import NO_USAGE, Usage, buckets
from meterbook.assets.ingest.format import About, Format, Sample, first_line
from meterbook.assets.sources import Options, Reading

Text = str | None
Shape = TypeVar("Shape", bound=msgspec.Struct)
_ANY = frozenset({"ai_org", "ai_provider", "req_units", "request_tokens", "response_status_code"})


class _Response(msgspec.Struct):
    usage: Usage | None = None
    service_tier: Text = None


class _Images(msgspec.Struct):
    data: list[msgspec.Raw] | None = None


class _Log(msgspec.Struct):
    id: Text = None
    trace_id: Text = None
    created_at: str | int | None = None
    ai_org: Text = None
    ai_provider: Text = None
    ai_model: Text = None
    request_url: Text = None
    req_units: Decimal | None = None
    request_tokens: Decimal | None = None
    res_units: Decimal | None = None
    response_tokens: Decimal | None = None
    cost: Decimal | None = None
    cost_currency: Text = None
    response_time: Decimal | None = None
    response_status_code: Decimal | None = None
    status_code: Decimal | None = None
    is_success: Decimal | bool | None = None
    cache_status: Text = None
    mode: Text = None
    virtual_key: Text = None
    api_key_id: Text = None
    workspace_slug: Text = None
    organisation_id: Text = None
    user: Text = msgspec.field(default=None, name="_user")
    environment: Text = msgspec.field(default=None, name="_environment")
    metadata: dict[str, Any] | str | None = None
    request: msgspec.Raw = msgspec.Raw()
    response: msgspec.Raw = msgspec.Raw(b"null")


_SILENT = _Response()
_COLUMNS = columns(
    "request_id", "operation_id", "started_at", "provider", "model", "served_tier", *USED, "latency_ms", "status", "error_class",
    "is_cache_hit", "key_id", "key_alias", "project_id", "account_id", "user_id", "session_id", *OWNERS, "tags", *ASKED,
    "routing_reason", "is_deferrable", "reported_cost_usd",
)  # fmt: skip


def _rows(log: _Log, reading: Reading) -> list[Row]:
    options = reading.options
    code = _calls.count(log.response_status_code if log.status_code is None else log.status_code, "status_code")
    metadata = _metadata(log.metadata)
    said = _calls.said(metadata)
    cost = _calls.money(log.cost, options.money_unit or "cents", "cost")
    if cost:
        _calls.dollars_only(log.cost_currency)
    response = _response(log.response)
    usage = response.usage or NO_USAGE
    return [
        {
            **_used(log, usage, options),
            "served_tier": _meters.tier(response.service_tier or usage.service_tier, usage.speed),
            "region": _meters.region(usage.inference_geo),
            **said,
            **asked_of(log.request, reading),
            **_calls.outcome(code, success=None if log.is_success is None or code is not None else bool(log.is_success)),
            "request_id": log.id,
            "operation_id": log.trace_id or None,
            "started_at": _calls.utc(log.created_at, "created_at"),
            "provider": _calls.provider_of(log.ai_org or log.ai_provider),
            "model": log.ai_model or None,
            "latency_ms": _calls.milliseconds(log.response_time, "response_time"),
            "is_cache_hit": "hit" in (log.cache_status or "").lower(),
            "key_id": log.api_key_id or None,
            "key_alias": log.virtual_key or None,
            "project_id": log.workspace_slug or None,
            "account_id": log.organisation_id or None,
            "user_id": said["user_id"] or log.user or None,
            "environment": said["environment"] or log.environment or None,
            "tags": tags_of(reading, metadata),
            "is_deferrable": deferrable_of(reading, metadata),
            "routing_reason": label_of(log.mode),
            "reported_cost_usd": cost,
        }
    ]


def _metadata(given: dict[str, Any] | str | None) -> dict[str, Any]:
    if isinstance(given, str):
        try:
            given = msgspec.json.decode(given, type=dict[str, Any]) if given.strip() else {}
        except BROKEN as error:
            raise ValueError(f"metadata is not JSON: {first_line(error)}") from error
    given = given or {}
    names, values = given.get("key"), given.get("value")
    if isinstance(names, list) and isinstance(values, list):
        if len(names) != len(values):
            raise ValueError(f"metadata has {len(names)} keys and {len(values)} values")
        return {name: value for name, value in zip(names, values, strict=True) if isinstance(name, str)}
    return given


def _used(log: _Log, usage: Usage, options: Options) -> Row:
    output = _calls.count(log.res_units if log.response_tokens is None else log.response_tokens, "res_units")
    given = _calls.count(log.req_units if log.request_tokens is None else log.request_tokens, "req_units")
    is_image = "/images/" in (log.request_url or "")
    if usage.whole_input is not None:
        return buckets(usage, options, output, is_image=is_image)
    row = {"input_tokens": given, "output_tokens": output}
    if given or output:
        return row
    return (
        row | _meters.quantity(usage.seconds, "seconds", "seconds") | _meters.quantity(_images(log) if is_image else 0, "images", "images")
    )


def _response(response: msgspec.Raw) -> _Response:
    """What a response says of its tokens and its tier; the rest of it is skipped. Responses that are no JSON object say nothing."""
    try:
        return _decoded(response, _Response)
    except msgspec.ValidationError as error:
        raise ValueError(f"response.usage: {first_line(error)}") from error
    except BROKEN:
        return _SILENT


def _images(log: _Log) -> int:
    """How many images a response holds."""
    try:
        return len(_decoded(log.response, _Images).data or ())
    except BROKEN:
        return 0


def _decoded(response: msgspec.Raw, shape: type[Shape]) -> Shape:
    text = bytes(response)
    text = msgspec.json.decode(text, type=str).encode() if text.startswith(b'"') else text
    return msgspec.json.decode(text, type=shape) if text.lstrip().startswith(b"{") else shape()


def _recognises(sample: Sample) -> bool:
    return "ai_model" in sample.keys and not sample.keys.isdisjoint(_ANY)


FORMAT = Format(
    name="portkey_logs",
    description="Portkey log export or metric store: JSON lines or JSON",
    columns=_COLUMNS,
    day="started_at",
    recognises=_recognises,
    read=Calls(_Log, _COLUMNS, _rows, inside=("data", "logs"), bodies=("request", "response", "metadata")).read,
    about=About(
        obtain="A log export job (UI or API), or the metric records of a self-hosted gateway.",
        taken="Units, cost, times, keys, status, metadata (team, tenant, feature, environment, session, experiment_arm, _user, and what "
        "`tags` names), and of a response only its `usage`, its served tier, and how many images it holds. Requests and responses are "
        "never kept; of a request its parameters, and keyed hashes where the book has a key.",
        key="`id`; of several rows the one with the most tokens counts. Attempts share `trace_id`. A row without an id is known by its "
        "content and its place among equal rows of its file.",
        tokens="Cached, reasoning, audio and image tokens, searches, tier and region are known only where `response` is exported; else "
        "req_units counts as uncached input. `tokens` says whether `response.usage` has cached tokens inside its input, where its shape "
        "does not.",
        money="`cost` in cents of USD, the gateway's estimate; `money_unit: usd` for deployments that write dollars. 0 for tokens that are "
        "no cache hit is unknown. Other currencies are set aside.",
        options="money_unit, tokens, tags, deferrable",
        limits="Select id, trace_id, created_at, ai_org, ai_model, request_url, req_units, res_units, cost, cost_currency, "
        "response_status_code, metadata and, for what lies inside the units, response. Characters of speech are not logged. A job gives "
        "at most 50,000 rows: a file of so many is flagged. The metric store's unit of cost is not verified.",
    ),
    cap=50_000,
    names=frozenset(_Log.__struct_encode_fields__),
)
