"""OpenRouter activity API: `GET /api/v1/activity`, sums of the last 30 whole UTC days by model and endpoint.

`prompt_tokens` include `cached_tokens`, `completion_tokens` include `reasoning_tokens`; buckets are made exclusive here. `usage` is in
dollars, what OpenRouter charged; `byok_usage_inference` is what upstream providers billed to keys of the user's own, beside it. `date`
is a UTC day, with or without a time of midnight.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest._calls import mentions
from meterbook.assets.ingest._openrouter import flag_own_keys
from meterbook.assets.ingest._page_values import Numbered, Row, decimal, text, utc, whole_number
from meterbook.assets.ingest._pages import BUCKET, Page, Pages, pages_of
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Rule, negative, not_an_instant
from meterbook.assets.sources import Reading

_COUNTS = {
    "requests": "requests",
    "all_input_tokens": "prompt_tokens",
    "cache_read_tokens": "cached_tokens",
    "output_tokens": "completion_tokens",
    "reasoning_tokens": "reasoning_tokens",
}
_MONEY = {"reported_cost_usd": "usage", "byok_usd": "byok_usage_inference"}
_COLUMNS = {
    **dict.fromkeys(_COUNTS, "BIGINT"),
    **dict.fromkeys(_MONEY, "DECIMAL(38,12)"),
    **dict.fromkeys(("model", "host", "workspace_id"), "VARCHAR"),
    "is_free": "BOOLEAN",
}


def _row(result: Row) -> Row:
    money = {name: None if result.get(key) is None else decimal(result[key], key) for name, key in _MONEY.items()}
    asked = text(result, "model")
    return {
        **{name: whole_number(result, key) for name, key in _COUNTS.items()},
        **money,
        "model": text(result, "model_permaslug") or asked,
        "host": text(result, "provider_name"),
        "workspace_id": text(result, "workspace_id"),
        "is_free": (asked or "").endswith(":free") or bool(money["byok_usd"]),
    }


def _days(content: Content, _rows: Rows) -> Sequence[Page]:
    """The rows of an answer by day, so that rows of one name add up; the same day in another answer is the same rows again."""
    pages, line = [], 0
    for page in pages_of(content.whole()):
        days: dict[str, list[Row]] = {}
        strange = []
        for element in page.elements:
            line += 1
            if isinstance(element, dict):
                named = {name: value for name, value in element.items() if name != "date"}
                days.setdefault(str(element.get("date") or "")[:40], []).append(Numbered(named, line))
            else:
                strange.append(element)
        found: list[Any] = [{"date": day or None, "ends": _next_day(day), "results": results} for day, results in sorted(days.items())]
        pages.append(Page([*strange, *found]))
    return pages


def _next_day(day: str) -> str | None:
    try:
        return str(utc(day) + timedelta(days=1))
    except (ValueError, OverflowError):
        return None


_CACHED = pl.col("cache_read_tokens")
_RULES: list[Rule] = [
    *not_an_instant("starts_at", "starts_at"),
    (pl.col("all_input_tokens").is_null() | pl.col("output_tokens").is_null(), pl.lit("prompt_tokens or completion_tokens is missing")),
    *negative(*_COUNTS, *_MONEY),
    (pl.col("all_input_tokens") < _CACHED, pl.format("cached tokens ({}) exceed prompt tokens ({})", _CACHED, pl.col("all_input_tokens"))),
]
_PAGES = Pages(_COLUMNS, "date", "ends", _row, frozenset({*_COUNTS.values(), *_MONEY.values()}), _RULES, pages=_days)


def _read(content: Content, reading: Reading) -> Rows:
    return flag_own_keys(_PAGES.read(content, reading))


FORMAT = Format(
    name="openrouter_activity",
    description="OpenRouter activity API: saved answers, sums by day and model",
    columns={**BUCKET, **_COLUMNS},
    day="starts_at",
    recognises=mentions("date", "byok_usage_inference", "prompt_tokens", "requests"),
    read=_read,
    about=About(
        obtain="GET `/api/v1/activity` with a management key, saved as JSON, as a list of answers, or one answer a line.",
        taken="Every row: requests, tokens and dollars by model, endpoint, host and workspace.",
        key="day and every dimension; rows of one answer with the same ones add up. Of several answers the one with more tokens counts; "
        "by workspace where all name workspaces.",
        tokens="prompt_tokens hold cached tokens, completion_tokens hold reasoning. Without cached_tokens all input is uncached.",
        money="`usage` in dollars, charged to the OpenRouter account, whose provider is `openrouter`. 0 stands for free models and where "
        "keys of the user's own were used; any other 0 is unknown.",
        limits="Media, searches and tiers are not told apart. These are the sums of what `openrouter_activity_csv` and "
        "`openrouter_generation` list call by call: on days with calls of OpenRouter in a log these sums are not added to spend. What "
        "upstream providers bill to keys of your own (`byok_usage_inference`) is on their bills: it is flagged by file and not counted "
        "here.",
    ),
    names=frozenset({"date", "model_permaslug", "endpoint_id", "provider_name", *_COUNTS.values(), *_MONEY.values()}),
)
