"""What OpenAI's usage and cost APIs and the downloads of its dashboard have in common: results as rows."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest._currency import not_a_currency, too_large
from meterbook.assets.ingest._meters import BUCKETS, Media, Writes, all_tokens, inputs, outputs, tier
from meterbook.assets.ingest._page_values import Numbered, Row, decimal, text, whole_number
from meterbook.assets.ingest._pages import Page
from meterbook.assets.ingest._rows import csv_rows, csv_text, whole_row
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import LARGEST, Rule, negative, not_an_instant

_TOKENS = frozenset({"completions", "embeddings", "moderations"})
QUANTITIES = {
    "images": ("images", "images"),
    "audio_speeches": ("characters", "characters"),
    "audio_transcriptions": ("seconds", "seconds"),
    "vector_stores": ("usage_bytes", "bytes"),
    "code_interpreter_sessions": ("num_sessions", "sessions"),
    "file_searches": ("num_requests", "calls"),
    "web_searches": ("num_requests", "searches"),
}
"""Key and unit of what is counted, by kind."""
_SPELLINGS = {"file_search_calls": "file_searches", "web_search_calls": "web_searches"}
"""The endpoints are named otherwise than their results."""
_COUNTS = ("requests", *BUCKETS, "quantity")
USAGE_COLUMNS = {
    "kind": "VARCHAR",
    **dict.fromkeys((*_COUNTS, "all_tokens"), "BIGINT"),
    **dict.fromkeys(("quantity_unit", "project_id", "user_id", "key_id", "model", "served_tier"), "VARCHAR"),
}
"""`all_tokens` is what the buckets add up to."""
TOKEN_FIGURES = (
    *("input_tokens", "output_tokens", "input_cached_tokens", "input_text_tokens", "input_cached_text_tokens", "input_audio_tokens"),
    *("input_cached_audio_tokens", "input_image_tokens", "input_cached_image_tokens", "input_cache_write_tokens"),
    *("input_cache_write_30m_tokens", "input_cache_write_12h_tokens", "output_text_tokens", "output_audio_tokens"),
    "output_image_tokens",
)
"""Keys that count tokens."""
COST_COLUMNS = {
    "amount": "DECIMAL(38,12)",
    **dict.fromkeys(("currency", "line_item", "quantity_unit", "project_id", "user_id", "key_id"), "VARCHAR"),
    "quantity": "DECIMAL(38,6)",
    "tokens": "BIGINT",
}
_TOKEN_UNITS = {"tokens": 1, "1000_tokens": 1000}
COST_FIGURES = frozenset({"object", "amount", "quantity", "quantity_unit"})
USAGE_RULES: list[Rule] = [
    *not_an_instant("starts_at", "starts_at"),
    (pl.col("input_tokens").is_null() & pl.col("quantity").is_null(), pl.lit("input_tokens is missing")),
    *negative(*_COUNTS),
]
COST_RULES: list[Rule] = [*not_an_instant("starts_at", "starts_at"), not_a_currency(), too_large("amount")]


def kind_of(result: Row) -> str:
    """What a result of the usage API counts."""
    name = str(result["object"]).removeprefix("organization.usage.").removesuffix(".result")
    return _SPELLINGS.get(name, name)


def usage_row(result: Row) -> Row:
    """A result of the usage API.

    Raises:
        ValueError: of no known kind, or with figures of another type.
    """
    kind, batch = kind_of(result), result.get("batch")
    if batch is not None and not isinstance(batch, bool):
        raise ValueError(f"batch {batch} is not true or false")
    return {
        "kind": kind,
        "requests": None if kind == "web_searches" else whole_number(result, "num_model_requests"),
        **_figures(result, kind),
        "project_id": text(result, "project_id"),
        "user_id": text(result, "user_id"),
        "key_id": text(result, "api_key_id"),
        "model": text(result, "model"),
        "served_tier": "batch" if batch else tier(text(result, "service_tier")),
    }


def _figures(result: Row, kind: str) -> Row:
    if kind in _TOKENS:
        return _tokens(result)
    if kind in QUANTITIES:
        return _quantity(result, *QUANTITIES[kind])
    if kind == "decisions":
        return _undocumented(result)
    raise ValueError(f"{result['object']} is of no known kind")


def _tokens(result: Row) -> Row:
    given = {key: whole_number(result, key) for key in TOKEN_FIGURES}
    whole, output = given["input_tokens"], given["output_tokens"] or 0
    media, cached_media = _input_media(given)
    made = Media(given["output_audio_tokens"], given["output_image_tokens"])
    # Before text was counted apart, these two were counts of text, and audio lay beside them.
    whole = whole + media.total if given["input_text_tokens"] is None and whole is not None else whole
    output = output + made.total if given["output_text_tokens"] is None else output
    found = {
        **inputs(whole, given["input_cached_tokens"] or 0, _written(given), media, cached_media),
        **outputs(output, made),
    }
    return {**{name: value for name, value in found.items() if name in USAGE_COLUMNS}, "all_tokens": all_tokens(found)}


def _input_media(given: Mapping[str, int | None]) -> tuple[Media, Media]:
    """Audio and images, and what was cached of them.

    Counts of audio and images leave out what was cached; in older exports they hold it, and then all parts are too many by that.
    """
    cached = Media(given["input_cached_audio_tokens"], given["input_cached_image_tokens"])
    held = Media(given["input_audio_tokens"], given["input_image_tokens"])
    text = [given[key] for key in ("input_text_tokens", "input_cached_text_tokens")]
    parts = sum(one or 0 for one in text) + held.total + cached.total + _written(given).total
    if None not in text and parts - cached.total == given["input_tokens"] != parts:
        return held, cached
    return Media(_sum(held.audio, cached.audio), _sum(held.image, cached.image)), cached


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None and second is None else (first or 0) + (second or 0)


def _written(given: Mapping[str, int | None]) -> Writes:
    """Cache writes: those of 12 hours, and all others (30 minutes)."""
    short, half_day = given["input_cache_write_30m_tokens"] or 0, given["input_cache_write_12h_tokens"] or 0
    written = given["input_cache_write_tokens"]
    if written is not None and short + half_day > written:
        raise ValueError(f"cache writes by lifetime ({short + half_day}) exceed cache writes ({written})")
    return Writes(five=(short if written is None else written - half_day), half_day=half_day)


def _quantity(result: Row, key: str, unit: str) -> Row:
    given = whole_number(result, key)
    if given is None:
        raise ValueError(f"{key} is missing")
    return {"quantity": given, "quantity_unit": unit}


def _undocumented(result: Row) -> Row:
    """Tokens or the one known quantity of a result whose shape is not documented."""
    if result.get("input_tokens") is not None:
        return _tokens(result)
    found = {key: unit for key, unit in (*QUANTITIES.values(), ("num_requests", "calls")) if result.get(key) is not None}
    if len(found) != 1:
        raise ValueError(f"{result['object']} has {'several' if found else 'none'} of the known quantities")
    return _quantity(result, *next(iter(found.items())))


def cost_row(result: Row) -> Row:
    """A result of the costs API.

    Raises:
        ValueError: an amount or a quantity that is none, or is too large.
    """
    given = result.get("quantity")
    quantity = None if given is None else decimal(given, "quantity", places=6)
    if quantity is not None and abs(quantity) > LARGEST:
        raise ValueError(f"quantity {quantity} is too large")
    return {
        "amount": decimal(result["amount"]["value"], "amount"),
        "currency": str(result["amount"]["currency"]).upper(),
        "line_item": text(result, "line_item"),
        "quantity_unit": text(result, "quantity_unit"),
        "project_id": text(result, "project_id"),
        "user_id": text(result, "user_id"),
        "key_id": text(result, "api_key_id"),
        "quantity": quantity,
        "tokens": _whole(quantity, _TOKEN_UNITS.get(str(result.get("quantity_unit")))),
    }


def _whole(quantity: Decimal | None, unit: int | None) -> int | None:
    tokens = None if quantity is None or unit is None else quantity * unit
    return int(tokens) if tokens is not None and tokens == int(tokens) else None


def dashboard_pages(figures: Sequence[str], result: Callable[[Mapping[str, str]], Row]) -> Callable[[Content, Rows], list[Page]]:
    """A download of the dashboard as a page: rows of one time are a bucket, so that rows of one name add up.

    Args:
        figures: columns that hold what is counted; rows without any of them stand for a day without usage, and are left out.
        result: a row as a result of the API, its cells still text.
    """

    def pages(content: Content, rows: Rows) -> list[Page]:
        buckets: dict[tuple[str, str], list[Row]] = {}
        for number, given in csv_rows(content):
            try:
                row = whole_row(given)
            except ValueError as error:
                rows.rows_in += 1
                rows.reject(number, str(error), csv_text(given))
                continue
            if any(row.get(name) for name in figures):
                buckets.setdefault((_time(row, "start_time"), _time(row, "end_time")), []).append(Numbered(result(row), number))
            else:
                rows.rows_in += 1
                rows.filtered += 1
        found = sorted(buckets.items())
        return [Page([{"start_time": _instant(starts), "end_time": _instant(ends), "results": one} for (starts, ends), one in found])]

    return pages


def _time(row: Mapping[str, str], name: str) -> str:
    return row.get(name) or row.get(f"{name}_iso") or ""


def _instant(given: str) -> int | str:
    """Unix seconds, also where they were written as 1759276800.0; else the text as it is."""
    return int(given.split(".")[0]) if re.fullmatch(r"\d{1,12}(\.0*)?", given, re.ASCII) else given
