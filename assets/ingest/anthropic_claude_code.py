"""Claude Code analytics (Anthropic Admin API): what people and keys did with it, by day. Signals, not money.

A record is one actor's day: sessions, lines, commits, pull requests, edits accepted and rejected by tool, and by model tokens and an
estimated cost. None of it is billed by these rows. Where `customer_type` is api the tokens are inside the usage report for messages
(`anthropic_usage`) and are billed there; `subscription` rows are not billed by the token at all. So no row becomes usage or a charge:
every figure is a signal of quality. The estimate is kept as a signal too, in dollars: `estimated_cost.amount` is a number of
CENTS (minor units, a number where the cost report has text). Tokens are left out.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import polars as pl

from meterbook.assets.ingest._anthropic import dollars
from meterbook.assets.ingest._page_values import Row, decimal, text, utc, whole_number
from meterbook.assets.ingest._pages import BUCKET, Pages
from meterbook.assets.ingest.format import About, Format, Rule, Sample, not_an_instant

_METRICS = {
    "claude_code_sessions": "num_sessions",
    "claude_code_commits": "commits_by_claude_code",
    "claude_code_pull_requests": "pull_requests_by_claude_code",
}
_LINES = {"claude_code_lines_added": "added", "claude_code_lines_removed": "removed"}
_EDITS = {"claude_code_edits_accepted": "accepted", "claude_code_edits_rejected": "rejected"}
_ESTIMATES = {"api": "claude_code_api_estimate_usd", "subscription": "claude_code_subscription_estimate_usd"}
_DIMENSIONS = ("organization_id", "customer_type", "subscription_type", "terminal_type")
_COLUMNS = {
    "value": "DECIMAL(18,6)",
    **dict.fromkeys(("signal", "label", "user_id", "key_alias", *_DIMENSIONS), "VARCHAR"),
}


def _as_bucket(record: Row) -> Row:
    """A record as a bucket of its signals; one that cannot be taken apart is a single result that says why."""
    try:
        signals = [{**who, **signal} for who in [_who(record)] for signal in _signals(record)]
        results = signals or [{"broken": "holds no figure", "record": record}]
    except (ValueError, AttributeError, TypeError) as error:
        results = [{"broken": str(error), "record": record}]
    return {"date": record.get("date"), "ends": _next_day(record.get("date")), "results": results}


def _next_day(date: object) -> str | None:
    try:
        return str(utc(date) + timedelta(days=1))
    except (ValueError, OverflowError, OSError):
        return None


def _who(record: Row) -> Row:
    actor = record.get("actor") or {}
    names = {"user_id": text(actor, "email_address"), "key_alias": text(actor, "api_key_name")}
    return {**names, **{name: text(record, name) for name in _DIMENSIONS}}


def _signals(record: Row) -> Iterator[Row]:
    metrics = record.get("core_metrics") or {}
    yield from _counted(_METRICS, metrics, None)
    yield from _counted(_LINES, metrics.get("lines_of_code") or {}, None)
    for tool, actions in (record.get("tool_actions") or {}).items():
        yield from _counted(_EDITS, actions or {}, tool)
    for model in record.get("model_breakdown") or []:
        if cost := model.get("estimated_cost"):
            yield {"signal": _estimate(record), "label": text(model, "model"), "value": _in_dollars(cost)}


def _counted(signals: dict[str, str], given: Row, label: str | None) -> Iterator[Row]:
    for signal, key in signals.items():
        if (value := whole_number(given, key)) is not None:
            yield {"signal": signal, "label": label, "value": value}


def _estimate(record: Row) -> str:
    customer = record.get("customer_type")
    if customer not in _ESTIMATES:
        raise ValueError(f"customer_type {customer} is neither api nor subscription")
    return _ESTIMATES[customer]


def _in_dollars(cost: Row) -> Any:  # noqa: ANN401 -- an amount, typed with the row
    if str(cost.get("currency")).upper() != "USD":
        raise ValueError(f"estimated in {cost.get('currency')}; only USD is read")
    return dollars(cost.get("amount"), "estimated_cost")


def _row(result: Row) -> Row:
    if "broken" in result:
        raise ValueError(result["broken"])
    return {**result, "value": decimal(result["value"], str(result["signal"]), places=6, digits=18)}


_RULES: list[Rule] = [
    *not_an_instant("starts_at", "starts_at"),
    (pl.col("value") < 0, pl.format("{} is negative ({})", pl.col("signal"), pl.col("value"))),
]
_PAGES = Pages(_COLUMNS, "date", "ends", _row, frozenset({"value"}), _RULES, bucket=_as_bucket)


def _recognises(sample: Sample) -> bool:
    return '"core_metrics"' in sample.text and '"tool_actions"' in sample.text and '"customer_type"' in sample.text


FORMAT = Format(
    name="anthropic_claude_code",
    description="Anthropic Claude Code analytics: saved pages, signals and no money",
    columns={**BUCKET, **_COLUMNS},
    day="starts_at",
    recognises=_recognises,
    read=_PAGES.read,
    about=About(
        obtain="GET `/v1/organizations/usage_report/claude_code` with an admin key, one day a call, saved as pages.",
        taken="Of every record sessions, commits, pull requests and lines; edits accepted and rejected by tool; the estimated cost by "
        "model. Each is a signal of quality named claude_code_...; tool or model is its label. Tokens are left out.",
        key="day, actor, organisation, customer, subscription and terminal type, signal and label; of several exports the larger value.",
        tokens="not taken: those of api customers are inside the usage report (`anthropic_usage`), those of subscriptions are not billed.",
        money="none is added. `estimated_cost.amount` is a number of cents, an estimate; it becomes a signal in dollars, "
        "claude_code_api_estimate_usd or claude_code_subscription_estimate_usd.",
        limits="Who did it stays in the raw table (user_id, key_alias): a signal has no owner. Without `anthropic_usage` or a bill the "
        "money of api customers is not in the book; the price of a subscription is not in this file.",
    ),
    names=frozenset({"date", "actor", "core_metrics", "tool_actions", "model_breakdown", *_DIMENSIONS}),
)
