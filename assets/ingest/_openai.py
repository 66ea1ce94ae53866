"""What OpenAI's usage and cost APIs and the downloads of its dashboard have in common: results as rows."""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import polars as pl

from meterbook.assets.content import Content
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
_COUNTS = ("requests", "all_input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "quantity")
USAGE_COLUMNS = {
    "kind": "VARCHAR",
    **dict.fromkeys(_COUNTS, "BIGINT"),
    **dict.fromkeys(("quantity_unit", "project_id", "user_id", "key_id", "model", "service_tier"), "VARCHAR"),
    "is_batch": "BOOLEAN",
}
COST_COLUMNS = {
    "amount_usd": "DECIMAL(38,12)",
    **dict.fromkeys(("currency", "line_item", "quantity_unit", "project_id", "user_id", "key_id"), "VARCHAR"),
    "quantity": "DECIMAL(38,6)",
    "tokens": "BIGINT",
}
_TOKEN_UNITS = {"tokens": 1, "1000_tokens": 1000}
COST_FIGURES = frozenset({"object", "amount", "quantity", "quantity_unit"})
_CACHED = pl.col("cache_read_tokens") + pl.col("cache_write_tokens")
USAGE_RULES: list[Rule] = [
    *not_an_instant("starts_at", "starts_at"),
    (pl.col("all_input_tokens").is_null() & pl.col("quantity").is_null(), pl.lit("input_tokens is missing")),
    *negative(*_COUNTS),
    (
        pl.col("all_input_tokens") < _CACHED,
        pl.format("cached tokens ({}) exceed input tokens ({})", _CACHED, pl.col("all_input_tokens")),
    ),
]
COST_RULES: list[Rule] = [
    *not_an_instant("starts_at", "starts_at"),
    (pl.col("currency") != "USD", pl.format("currency {} is not USD", pl.col("currency"))),
]


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
        "service_tier": text(result, "service_tier"),
        "is_batch": batch,
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
    return {
        "all_input_tokens": whole_number(result, "input_tokens"),
        "cache_read_tokens": whole_number(result, "input_cached_tokens") or 0,
        "cache_write_tokens": _written(result),
        "output_tokens": whole_number(result, "output_tokens") or 0,
    }


def _written(result: Row) -> int:
    parts = [whole_number(result, f"input_cache_write_{lifetime}_tokens") or 0 for lifetime in ("30m", "12h")]
    written = whole_number(result, "input_cache_write_tokens")
    if written is not None and sum(parts) > written:
        raise ValueError(f"cache writes by lifetime ({sum(parts)}) exceed cache writes ({written})")
    return sum(parts) if written is None else written


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
        "amount_usd": decimal(result["amount"]["value"], "amount"),
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
