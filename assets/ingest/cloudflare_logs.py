"""Cloudflare AI Gateway: pages of `GET /accounts/{id}/ai-gateway/gateways/{gateway}/logs`, saved as JSON, JSON lines or their `result`.

`metadata` is the text of a JSON object. `cost` is the gateway's estimate in USD from list prices; 0 for tokens that its cache did not
answer means that it knew no price, unless `custom_cost` says that the zero was set by you. Whether tokens_in holds cached tokens is not
documented and no part is given: all of it counts as uncached input. Only list entries are read; of a single log (`/logs/{id}`), which
holds heads of request and response, these are never read.
"""

from decimal import Decimal
from typing import Any

import msgspec

from meterbook.assets.content import Content
from meterbook.assets.ingest import _calls
from meterbook.assets.ingest._calls import Calls, Row, columns
from meterbook.assets.ingest._records import Count
from meterbook.assets.ingest._rows import BROKEN
from meterbook.assets.ingest._tags import deferrable_of, tags_of
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, first_line
from meterbook.assets.sources import Reading

Text = str | None


class _Log(msgspec.Struct):
    id: Text = None
    cached: bool | None = None
    created_at: Text = None
    duration: Decimal | None = None
    model: Text = None
    provider: Text = None
    success: bool | None = None
    tokens_in: Count | None = None
    tokens_out: Count | None = None
    cost: Decimal | None = None
    custom_cost: bool | None = None
    metadata: dict[str, Any] | str | None = None
    status_code: int | None = None


class _Info(msgspec.Struct):
    total_count: int | None = None


class _Page(msgspec.Struct):
    result_info: _Info | None = None


_COLUMNS = columns(
    "request_id", "started_at", "provider", "model", "input_tokens", "output_tokens", "latency_ms", "status", "error_class",
    "is_cache_hit", "is_custom_cost", "user_id", "session_id", "team", "tenant", "feature", "environment", "experiment_arm",
    "tags", "is_deferrable", "reported_cost_usd",
)  # fmt: skip


def _rows(log: _Log, reading: Reading) -> list[Row]:
    if not log.id:
        raise ValueError("id is missing")
    metadata = _metadata(log.metadata)
    return [
        {
            **_calls.said(metadata),
            "tags": tags_of(reading, metadata),
            "is_deferrable": deferrable_of(reading, metadata),
            **_calls.outcome(log.status_code, success=log.success),
            "request_id": log.id,
            "started_at": _calls.utc(log.created_at, "created_at"),
            "provider": _calls.provider_of(log.provider),
            "model": log.model or None,
            "input_tokens": _calls.count(log.tokens_in, "tokens_in"),
            "output_tokens": _calls.count(log.tokens_out, "tokens_out"),
            "latency_ms": _calls.milliseconds(log.duration, "duration"),
            "is_cache_hit": bool(log.cached),
            "is_custom_cost": bool(log.custom_cost),
            "reported_cost_usd": _calls.money(log.cost, "usd", "cost"),
        }
    ]


def _metadata(given: dict[str, Any] | str | None) -> dict[str, Any]:
    if not isinstance(given, str):
        return given or {}
    try:
        return msgspec.json.decode(given, type=dict[str, Any]) if given.strip() else {}
    except BROKEN as error:
        raise ValueError(f"metadata is not JSON: {first_line(error)}") from error


_CALLS = Calls(_Log, _COLUMNS, _rows, inside=("result",), bodies=("metadata",))


def _read(content: Content, reading: Reading) -> Rows:
    """Read one file, and compare its rows with how many the API says there are."""
    rows = _CALLS.read(content, reading)
    try:
        info = msgspec.json.decode(content.head.removeprefix(b"\xef\xbb\xbf"), type=_Page).result_info
    except BROKEN:
        return rows  # not one page: nothing is said of the whole
    if info and info.total_count and info.total_count > rows.rows_in:
        rows.flags.append(f"holds {rows.rows_in:,} of {info.total_count:,} logs: the other pages are needed too")
    return rows


FORMAT = Format(
    name="cloudflare_logs",
    description="Cloudflare AI Gateway logs from the REST API: JSON or JSON lines",
    columns=_COLUMNS,
    day="started_at",
    recognises=_calls.mentions("tokens_in", "tokens_out", "created_at", "provider"),
    read=_read,
    about=About(
        obtain="`GET /accounts/{account_id}/ai-gateway/gateways/{gateway_id}/logs`, all pages, as they come or one after the other.",
        taken="Tokens, cost, times, model, status and the metadata's team, tenant, feature, environment, session, experiment_arm and user, "
        "and what `tags` names of it. Calls that evaluate guardrails are logged as requests and count as such.",
        key="`id`; of several rows the one with the most tokens counts.",
        tokens="tokens_in and tokens_out as given; cached and reasoning tokens, audio and images are not told apart, so all input counts "
        "as uncached text.",
        money="`cost` in USD, the gateway's estimate at list prices; 0 is unknown unless the log is a cache hit or `custom_cost` is true.",
        options="tags, deferrable",
        limits="Tier, region and searches are not logged, nor how many images or seconds a call without tokens used. A gateway keeps a "
        "limited number of logs and drops the oldest. A page that says there are more is flagged. Do not drop Logpush files of the same "
        "gateway as well: their requests have no ids, and would count twice.",
    ),
    names=frozenset(_Log.__struct_encode_fields__),
)
