"""Google Cloud billing export: rows of the standard and the detailed BigQuery table, in any shape people get them out.

JSON lines (`bq`, EXPORT DATA), JSON arrays, rows of the REST API with every value as text (`5.28E-4`, `1.7566668E9` epoch seconds),
Parquet, and CSV whose names are flattened (`service.description`, `service_description`). Times are UTC instants; one without a zone is
UTC.

`cost` is after the contract price and before credits; `credits` are negative and beside it. Billed is cost plus all credits, promotions
among them, as on the invoice; contracted is cost; list is `cost_at_list`. Effective is not given: commitments are billed by the hour as
they run, so what is billed is amortised. Promotions are kept apart in the raw rows (`promotion`). Amounts are in the billing
currency. What they are in dollars as the row states it, amount / currency_conversion_rate, rounded half to even at the picodollar once per
figure and row, is kept beside them, for a book without a rate of exchange.

`invoice.month` is the billing period, not the month of use: tax and late corrections fall on other days than they are invoiced for.

Tables are append-only: late use and corrections are new rows with a later `export_time`, and no row ever changes. So a row is known by its
content: a row that two exports hold is one row, equal rows of one file are each a row. Where exports of the same table hold more or fewer
columns (`resource` is in the detailed table only, `labels` may be left out), what was appended on one day counts from one of them.

Token lines count tokens in `usage.amount`, though the unit says requests or count (published bills); Gemini before 2.0 was sold by
characters, and has none here. GPU lines count seconds x GPUs.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from typing import Any

import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest import _gcp_skus, _gcp_values
from meterbook.assets.ingest._currency import not_a_currency
from meterbook.assets.ingest._tables import Column, Tables
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import LARGEST, About, Format, Places, Rule, Sample, instant, missing, not_an_instant, sample_of
from meterbook.assets.sources import Reading

_AMOUNT, _MONEY = "DECIMAL(38,15)", "DECIMAL(38,12)"


def _paths(*names: str) -> tuple[str, ...]:
    """The spellings of nested names: as they are, and flattened with a dot or with an underscore."""
    return tuple(spelling for name in names for spelling in (name, name.replace(".", "_")))


_TEXTS: Mapping[str, tuple[str, ...]] = {
    "start": ("usage_start_time",),
    "end": ("usage_end_time",),
    "export": ("export_time",),
    "billing_account_id": ("billing_account_id",),
    "invoice_month": _paths("invoice.month"),
    "cost_type": ("cost_type",),
    "currency": ("currency",),
    "service_id": _paths("service.id"),
    "service_name": _paths("service.description"),
    "sku_id": _paths("sku.id"),
    "line_item": _paths("sku.description"),
    "project_id": _paths("project.id"),
    "region": _paths("location.region"),
    "place": _paths("location.location"),
    "resource": _paths("resource.global_name"),
    "resource_name": _paths("resource.name"),
    "usage_unit": _paths("usage.unit"),
    "adjustment_id": _paths("adjustment_info.id", "adjustmentsInfo.adjustment_id"),
    "adjustment_type": _paths("adjustment_info.type", "adjustmentsInfo.adjustment_type"),
    "consumption_model": _paths("consumption_model.description"),
    "seller_name": ("seller_name",),
    "credits": ("credits",),
    "labels": ("labels",),
    "given_tags": ("tags",),
}
_COLUMNS = {
    **{name: Column("VARCHAR", names) for name, names in _TEXTS.items()},
    "cost": Column(_AMOUNT, ("cost",)),
    "list_cost": Column(_AMOUNT, ("cost_at_list",)),
    "rate": Column(_AMOUNT, ("currency_conversion_rate",)),
    "amount": Column(_AMOUNT, _paths("usage.amount")),
}
_KEPT = ("billing_account_id", "cost_type", "currency", "service_id", "service_name", "sku_id", "line_item", "project_id", "resource_name")
_ADJUSTED = ("adjustment_id", "adjustment_type", "consumption_model", "seller_name")
_FIGURES = ("cost", "credited", "promotion", "billed", "list_cost", "cost_in_usd", "billed_in_usd", "list_in_usd")
_MADE: dict[str, pl.DataType] = {
    **dict.fromkeys(_FIGURES, pl.Decimal(38, 12)),
    "quantity": pl.Decimal(38, 6),
    **dict.fromkeys(("start_iso", "end_iso", "export_iso", "billing_period", "region_id", "resource_id"), pl.String()),
    **dict.fromkeys(("scope", "provider", "model", "meter", "served_tier", "quantity_unit", "tags", "row_id"), pl.String()),
    "tokens": pl.Int64(),
    "wrong": pl.String(),
}
_RAW = {
    **dict.fromkeys(("starts_at", "ends_at", "exported_at"), "TIMESTAMP"),
    **dict.fromkeys((*_KEPT, *_ADJUSTED, "billing_period", "region_id", "resource_id"), "VARCHAR"),
    **dict.fromkeys(_FIGURES, _MONEY),
    "quantity": "DECIMAL(38,6)",
    **dict.fromkeys(("scope", "provider", "model", "meter", "served_tier", "quantity_unit", "tags", "row_id"), "VARCHAR"),
    "tokens": "BIGINT",
    "detail": "INTEGER",
}
_IDENTITY = ("billing_account_id", "cost_type", "project_id", "resource")
_OPTIONAL = ("resource", "labels", "tags", "credits")
"""What tells rows apart and exports may lack: the standard table has no resource, CSV no lists."""
_COST_TYPES = {"regular", "tax", "adjustment", "rounding_error"}


@dataclass
class _Seen:
    """What the rows of one file say of the file as a whole."""

    places: Places = field(default_factory=Places)
    cost_types: set[str] = field(default_factory=set)


def _line(row: Mapping[str, Any], seen: _Seen) -> dict[str, Any]:
    seen.cost_types.add(row["cost_type"] or "regular")
    made: dict[str, Any] = dict.fromkeys(_MADE)
    try:
        made |= _gcp_values.amounts(row)
    except ValueError as error:
        made["wrong"] = str(error)
    instants = {f"{name}_iso": _gcp_values.iso(row[name]) for name in ("start", "end", "export")}
    tags = _gcp_values.tags(row["labels"], row["given_tags"])
    # The REST API leaves out the fractions of a second.
    times = [(instant or "")[:19].replace(" ", "T") for instant in instants.values()]
    numbers = [str(row[name].normalize()) for name in ("cost", "amount") if row[name] is not None]
    key = [
        *times,
        *(row[name] or "" for name in _IDENTITY),
        row["sku_id"] or row["line_item"] or "",
        *numbers,
        str(made["credited"]),
        tags or "",
    ]
    return {
        **made,
        **instants,
        **_gcp_skus.line(row),
        "billing_period": _month(row["invoice_month"]),
        "region_id": row["region"] or row["place"],
        "resource_id": row["resource"] or row["resource_name"],
        "tags": tags,
        "row_id": seen.places.name(blake2b("|".join(key).encode(), digest_size=16).hexdigest()),
    }


def _month(text: str | None) -> str | None:
    return f"{text[:4]}-{text[4:]}" if text and re.fullmatch(r"\d{6}", text) else text


def _finish(frame: pl.DataFrame, _reading: Reading, seen: _Seen, detail: int | None) -> pl.DataFrame:
    made = [_line(row, seen) for row in frame.iter_rows(named=True)]
    lines = pl.DataFrame({name: pl.Series([one[name] for one in made], dtype=dtype) for name, dtype in _MADE.items()})
    frame = frame.with_columns(pl.coalesce("sku_id", "line_item").alias("sku_id"), pl.col("currency").str.to_uppercase())
    return pl.concat([frame.drop("credits", "labels", "given_tags", "cost", "list_cost"), lines], how="horizontal").with_columns(
        instant("start_iso").alias("starts_at"),
        instant("end_iso").alias("ends_at"),
        instant("export_iso").alias("exported_at"),
        pl.lit(detail, dtype=pl.Int32).alias("detail"),
    )


_RULES: list[Rule] = [
    missing("currency"),
    not_a_currency(),
    *not_an_instant("starts_at", "start", "usage_start_time"),
    *not_an_instant("exported_at", "export", "export_time"),
    (pl.col("wrong").is_not_null(), pl.col("wrong")),
    (pl.col("amount").abs() > LARGEST, pl.format("usage {} is too large", pl.col("amount"))),
]
_TABLES = Tables(_COLUMNS, needed=("start", "export", "cost", "currency"), rules=_RULES)


def _read(content: Content, reading: Reading) -> Rows:
    sample, seen = sample_of(content), _Seen()
    rows = replace(_TABLES, finish=partial(_finish, seen=seen, detail=_detail(sample))).read(content, reading)
    rows.flags += _flags(sample, seen)
    return rows


def _detail(sample: Sample) -> int | None:
    """How many of the columns that exports may lack a file has; None where it leaves out what is empty, so that it does not say."""
    found = sum(_has(sample, name) for name in _OPTIONAL)
    return found if _is_whole(sample) or found == len(_OPTIONAL) else None


def _has(sample: Sample, column: str) -> bool:
    if sample.text.lstrip()[:1] in {"{", "["}:
        return f'"{column}"' in sample.text
    return any(re.fullmatch(rf"{column}([._].*)?", name, re.IGNORECASE) for name in sample.keys)


def _is_whole(sample: Sample) -> bool:
    return sample.text.lstrip()[:1] not in {"{", "["} or re.search(r":\s*null\b", sample.text) is not None


def _flags(sample: Sample, seen: _Seen) -> Iterator[str]:
    if _is_whole(sample) and not _has(sample, "credits"):
        yield "holds no credits: what it says was billed is before credits"
    if odd := sorted(seen.cost_types - _COST_TYPES):
        yield f"holds cost types that are not documented ({', '.join(odd)[:80]}); their rows are adjustments"


def _recognises(sample: Sample) -> bool:
    if sample.text.lstrip()[:1] in {"{", "["}:
        return all(f'"{name}"' in sample.text for name in ("usage_start_time", "export_time", "cost", "currency"))
    return {name.lower() for name in sample.keys} >= {"usage_start_time", "export_time", "cost", "currency"}


FORMAT = Format(
    name="gcp_billing",
    description="Google Cloud billing export: rows of the standard or the detailed BigQuery table",
    columns=_RAW,
    day="starts_at",
    recognises=_recognises,
    read=_read,
    names=frozenset(name for names in _TEXTS.values() for name in names),
    about=About(
        obtain="`EXPORT DATA` or `bq query --format=json` over `gcp_billing_export_v1_...` or `gcp_billing_export_resource_v1_...`, as "
        "JSON, Parquet or CSV; take all columns. Keep `export_time`: without it a row that two exports hold looks like two rows.",
        taken="Every row: use, tax, adjustments, rounding, commitments, signed. Lines of models are models; GPUs, and the cores and memory "
        "of A and G machines, are GPUs; the rest is kept as other.",
        key="the row's content (times, account, project, SKU, resource, cost, amount, credits, labels) and its place among equal rows of "
        "its file: tables are append-only, so exports may overlap, be repeated, or hold only what is new. Where exports hold more or fewer "
        "columns, what a SKU and project were given on one day comes from the export that reaches further, then from the one with more.",
        tokens="`usage.amount` of token SKUs: cached input (caching) is a SKU of its own, thinking is output. Signed. Gemini before 2.0 "
        "has no tokens, for it was sold by characters.",
        money="billed is `cost` plus all `credits`, promotions too; contracted is `cost`; list is `cost_at_list`; no effective cost. In "
        "the billing currency; what `currency_conversion_rate` makes of them in dollars, rounded half to even at the picodollar, figure by "
        "figure, is kept beside them.",
        limits="No requests and no end user. Equal rows in two shards of one export count once. Taxes lie on the first day they are for. "
        "Use arrives for days after it happened. JSON that leaves out empty fields does not say whether it is of the detailed table: do "
        "not bring both tables so. The native FOCUS export (`focus`) is the same money again: bring one of the two. Token amounts of "
        "partner models are taken where the SKU says tokens; that is not verified.",
    ),
)
