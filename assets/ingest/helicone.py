"""Helicone: rows of its ClickHouse table (`request_response_rmt`), answers of its REST API, and what its export CLI writes (JSON, CSV).

`cost` is a whole number of nano-dollars in the table (USD x 1,000,000,000), and USD from the API and the CLI: rows that have `status` and
no `response_status` are the table's. `money_unit` overrides that.

Token columns are disjoint: prompt_tokens holds neither cached nor audio tokens, completion_tokens neither reasoning nor audio. Reasoning is
added to output here. Only the table has all of them. The API leaves out reasoning, the CLI's CSV cached tokens too, so
for their rows Helicone's own cost is the better one.

A row with a cache_reference_id other than the zero UUID was answered by Helicone's cache; whether its token columns stay filled is not
documented, and they are kept as given. Instants without a zone are UTC. Bodies are never kept.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest import _calls
from meterbook.assets.ingest._call_tables import TabledCalls
from meterbook.assets.ingest._calls import Row, columns
from meterbook.assets.ingest._meters import ASSUMED
from meterbook.assets.ingest._prompts import ASKED, asked_of
from meterbook.assets.ingest._rows import BROKEN
from meterbook.assets.ingest._tags import deferrable_of, tags_of
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample, first_line
from meterbook.assets.sources import Options, Reading

Text = str | None
Object = dict[str, Any] | str | None
_NONE = frozenset({None, "", "00000000-0000-0000-0000-000000000000", "\\N"})
"""How a table writes that an id is not there."""
_PLACEHOLDER = b"helicone_message"
_FEEDBACK = "helicone-score-feedback"
_OK, _WRONG = 200, 400


class _Log(msgspec.Struct):
    request_id: Text = None
    response_id: Text = None
    request_created_at: Text = None
    updated_at: Text = None
    status: Decimal | None = None
    response_status: Decimal | None = None
    latency: Decimal | None = None
    delay_ms: Decimal | None = None
    time_to_first_token: Decimal | None = None
    prompt_tokens: Decimal | None = None
    prompt_cache_read_tokens: Decimal | None = None
    prompt_cache_write_tokens: Decimal | None = None
    prompt_audio_tokens: Decimal | None = None
    completion_tokens: Decimal | None = None
    completion_audio_tokens: Decimal | None = None
    reasoning_tokens: Decimal | None = None
    cost: Decimal | None = None
    cost_usd: Decimal | None = msgspec.field(default=None, name="costUSD")
    provider: Text = None
    model: Text = None
    model_override: Text = None
    response_model: Text = None
    request_model: Text = None
    user_id: Text = None
    request_user_id: Text = None
    organization_id: Text = None
    proxy_key_id: str | int | None = None
    properties: Object = None
    request_properties: Object = None
    scores: Object = None
    feedback_rating: bool | None = None
    cache_reference_id: Text = None
    is_passthrough_billing: str | int | bool | None = None
    request_body: msgspec.Raw = msgspec.Raw()


_COLUMNS = {
    **columns(
        "request_id", "response_id", "started_at", "provider", "model", "input_tokens", "cache_read_tokens", "cache_write_5m_tokens",
        "audio_input_tokens", "output_tokens", "audio_output_tokens", "reasoning_tokens", "all_tokens", "latency_ms",
        "time_to_first_token_ms", "status", "error_class", "is_cache_hit", "key_id", "project_id", "user_id", "session_id", "team",
        "tenant", "feature", "environment", "experiment_arm", "tags", *ASKED, "is_deferrable", "cost_basis", "reported_cost_usd",
    ),
    "updated_at": "TIMESTAMP",
    "is_passthrough_billing": "BOOLEAN",
    "rating": "BIGINT",
}  # fmt: skip


def _rows(log: _Log, reading: Reading) -> list[Row]:
    given = _object(log.properties, "properties"), _object(log.request_properties, "request_properties")
    said = _calls.said({name: value for one in given for name, value in _properties(one).items()})
    outcome = _outcome(log)
    response_id = None if log.response_id in _NONE else log.response_id
    return [
        {
            **said,
            **outcome,
            **_tokens(log, outcome),
            **asked_of(None if _PLACEHOLDER in bytes(log.request_body)[:200] else log.request_body, reading),
            # The CLI's CSV has no request_id; both ids are of one call.
            "request_id": log.request_id or response_id,
            "response_id": response_id,
            "started_at": _calls.utc(log.request_created_at, "request_created_at"),
            "updated_at": _calls.utc(log.updated_at, "updated_at") if log.updated_at else None,
            "provider": _calls.provider_of(log.provider),
            "model": log.model or log.model_override or log.response_model or log.request_model or None,
            "latency_ms": _calls.milliseconds(log.latency if log.delay_ms is None else log.delay_ms, "latency"),
            "time_to_first_token_ms": _calls.milliseconds(log.time_to_first_token, "time_to_first_token"),
            "is_cache_hit": log.cache_reference_id not in _NONE,
            "key_id": str(log.proxy_key_id or "") or None,
            "project_id": log.organization_id or None,
            "user_id": log.user_id or log.request_user_id or said["user_id"],
            "tags": tags_of(reading, *given),
            "is_deferrable": deferrable_of(reading, *given),
            "rating": _rating(log),
            "is_passthrough_billing": str(log.is_passthrough_billing).lower() in {"true", "1"},
            "reported_cost_usd": _cost(log, reading.options),
        }
    ]


def _is_table(log: _Log) -> bool:
    return log.status is not None and log.response_status is None


def _cost(log: _Log, options: Options) -> Decimal | None:
    if log.cost is None:
        return _calls.money(log.cost_usd, "usd", "costUSD")
    unit = options.money_unit or ("nanousd" if _is_table(log) else "usd")
    if unit == "nanousd" and log.cost.is_finite() and log.cost != log.cost.to_integral_value():
        raise ValueError(f"cost {str(log.cost)[:80]} is not a whole number of nano-dollars")
    return _calls.money(log.cost, unit, "cost")


def _outcome(log: _Log) -> Row:
    """Success is 2xx and 3xx; below stand Helicone's own codes of calls that timed out, were cancelled or blocked, or still wait."""
    code = log.status if log.response_status is None else log.response_status
    if code is None:
        return _calls.outcome(None)
    own = code.is_finite() and code < 0
    size = _calls.count(-code if own else code, "status") or 0
    status = -size if own else size
    failed = not _OK <= status < _WRONG
    return {"status": "failure" if failed else "success", "error_class": str(status) if failed else None}


def _tokens(log: _Log, outcome: Row) -> Row:
    counts = {
        name: _calls.count(getattr(log, name), name)
        for name in ("prompt_tokens", "prompt_audio_tokens", "completion_tokens", "completion_audio_tokens", "reasoning_tokens")
    }
    read, written = (_calls.count(getattr(log, f"prompt_cache_{name}_tokens"), f"prompt_cache_{name}_tokens") for name in ("read", "write"))
    prompt, completion = counts["prompt_tokens"], _sum(counts["completion_tokens"], counts["reasoning_tokens"])
    audio, made_audio = counts["prompt_audio_tokens"], counts["completion_audio_tokens"]
    if (
        outcome["status"] == "failure"
        and not any((prompt, completion, read, written, audio, made_audio))
        and not _calls.refused(outcome["error_class"])
    ):
        prompt = completion = None  # the zeros of a call that may have been answered are not counted ones
    knows_all = None not in {read, written, counts["reasoning_tokens"]}
    return {
        "input_tokens": prompt,
        "cache_read_tokens": read,
        "cache_write_5m_tokens": written,
        ASSUMED: bool(written),
        "audio_input_tokens": audio,
        "output_tokens": completion,
        "audio_output_tokens": made_audio,
        "reasoning_tokens": counts["reasoning_tokens"],
        "cost_basis": "computed" if knows_all else "reported",
    }


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None else first + (second or 0)


def _object(given: Object, name: str) -> Mapping[str, Any]:
    if not isinstance(given, str):
        return given or {}
    try:
        return (msgspec.json.decode(given, type=dict[str, Any] | None) if given.strip() else None) or {}
    except BROKEN as error:
        raise ValueError(f"{name} is not JSON: {first_line(error)}") from error


def _properties(given: Mapping[str, Any]) -> dict[str, Any]:
    """Properties by names as ours are written; the session's own is Helicone-Session-Id."""
    found = {key.lower().replace("-", "_").removeprefix("helicone_"): value for key, value in given.items()}
    return {key: value for key, value in found.items() if value != ""}


def _rating(log: _Log) -> int | None:
    """A person's thumb up or down; other scores have scales of their own, which are not known."""
    score = _object(log.scores, "scores").get(_FEEDBACK)
    value = score.get("value") if isinstance(score, dict) else score
    value = log.feedback_rating if value is None else value
    return int(value) if value in {0, 1} else None


_CALLS = TabledCalls(
    _Log,
    _COLUMNS,
    _rows,
    inside=("data",),
    bodies=("request_body", "properties", "request_properties"),
    header=frozenset({"request_created_at", "prompt_tokens", "completion_tokens"}),
)


def _read(content: Content, reading: Reading) -> Rows:
    """Read one file, and say where the provider bills Helicone instead of you."""
    rows = _CALLS.read(content, reading)
    through = sum(one.filter(pl.col("is_passthrough_billing")).height for one in rows.frames(["is_passthrough_billing"]))
    if through:
        rows.flags.append(f"holds {through:,} calls paid with Helicone credits: Helicone bills them, not your provider account")
    return rows


def _recognises(sample: Sample) -> bool:
    if sample.text.lstrip()[:1] in {"{", "["}:
        return _calls.mentions("request_created_at", "prompt_tokens")(sample)
    return not sample.content.is_parquet and sample.keys >= _CALLS.header


FORMAT = Format(
    name="helicone",
    description="Helicone requests: ClickHouse rows (JSON), REST answers, or the export CLI's JSON, JSON lines and CSV",
    columns=_COLUMNS,
    day="started_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="`POST /v1/request/query-clickhouse` (all pages, `isCached` both ways), `npx @helicone/export`, or of your own ClickHouse "
        "`select * from request_response_rmt final format JSONEachRow`.",
        taken="Tokens, cost, times, model, status, user, organisation, proxy key, the properties team, tenant, feature, environment, "
        "experiment-arm and Helicone-Session-Id, those named in `tags`, and a person's rating. Bodies are never kept; of a request its "
        "parameters, and keyed hashes where the book has a key, if the body is in the file.",
        key="`request_id`; of several rows the one updated last counts. A row without one (the CLI's CSV) is known by `response_id`, under "
        "which the other shapes of the same call are found too; without both by its content.",
        tokens="Disjoint columns: input is prompt tokens, without audio and what a cache held; output is completion and reasoning tokens, "
        "without audio. The API and the CLI leave some out, so their rows cost what Helicone says; others are priced by rate cards. "
        "Cache writes count as 5 minutes. The zeros of a failed call count as none only where it was declined (4xx, 503, 529).",
        money="`cost` is an estimate: nano-dollars as whole numbers in the table, USD elsewhere; 0 for tokens that are no cache hit is "
        "unknown. Calls paid with Helicone credits are flagged: their bill comes from Helicone.",
        options="money_unit, tags, deferrable",
        limits="Tier, region, images, searches, and what calls without tokens used are not in the table. The API hides answers from its "
        "cache unless asked, and gives at most 1,000 rows a page: a file of whole pages is flagged. Scores other than feedback are left "
        "out. A query of your own has to select `status` too, by which the table's unit is known; Parquet and CSV out of ClickHouse "
        "itself are not read. Not verified: token columns of cached rows.",
    ),
    cap=1_000,
    names=frozenset(_Log.__struct_encode_fields__),
)
