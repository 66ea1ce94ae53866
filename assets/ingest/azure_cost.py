"""Azure Cost Management exports of actual and of amortised cost: Enterprise Agreement and Microsoft Customer Agreement layouts.

`Cost` (EA) or `costInBillingCurrency` (MCA) is what a line costs in the billing currency, after all discounts. Where that is not USD, what
`costInUsd` states is kept beside it, for a book without a rate of exchange; `exchangeRatePricingToBilling` leads from the currency of the
price list, not from dollars, and is not read. `Quantity` is in blocks of UnitOfMeasure: 20000 of `1K` are 20 million tokens.
Header names differ in case by layout. Days are UTC days, written MM/DD/YYYY, DD/MM/YYYY or ISO 8601; one file has one of these, found
by the first day that can be read in one way only: billing periods end after the 12th. A file that has two of them is refused.

One bill has two views. *Actual* holds purchases of reservations and savings plans in full and what they cover at 0; *amortised* holds no
such purchases, and what they cover at its share, used or not. Everything else is the same in both. So a line covered by a commitment was
billed 0 and its cost is its effective cost; a purchase of a commitment was billed and has no effective cost; all other lines have both
alike (Microsoft's own conversion to FOCUS). Without `view` in the book's options one view counts, as one delivery; with it both are read
as one bill.

A month's export holds the month to date, so the last one of a subscription and billing period replaces those before it.

Meters are read word by word (see _sku.py). That UnitOfMeasure is the block of Quantity holds in published samples; Microsoft's conversion
guide divides by a block size of its own table, so contracted costs are not made from unit prices here.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Any

import msgspec
import polars as pl

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest._azure_days import Days, days_of
from meterbook.assets.ingest._currency import USD, not_a_currency, too_large
from meterbook.assets.ingest._sku import CLOUDS, METERS, bought, tokens, tokens_per_unit
from meterbook.assets.ingest._tables import Column, Tables
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import FIRST_YEAR, LARGEST, LAST_YEAR, About, Format, Places, Rule, Sample, missing
from meterbook.assets.sources import Reading

_MONEY = "DECIMAL(38,12)"
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "date": ("Date", "UsageDate", "UsageDateTime"),
    "period_start": ("BillingPeriodStartDate",),
    "period_end": ("BillingPeriodEndDate",),
    "currency": ("BillingCurrency", "BillingCurrencyCode"),
    "account": ("BillingAccountId",),
    "profile": ("BillingProfileId",),
    "subscription_id": ("SubscriptionId", "SubscriptionGuid"),
    "subscription_name": ("SubscriptionName",),
    "resource_group": ("ResourceGroup", "ResourceGroupName"),
    "resource_id": ("ResourceId", "InstanceId"),
    "region_id": ("ResourceLocation",),
    "invoice_id": ("InvoiceId",),
    "charge_type": ("ChargeType",),
    "pricing_model": ("PricingModel",),
    "publisher": ("PublisherName",),
    "line_item": ("Product", "ProductName"),
    "meter_id": ("MeterId",),
    "meter_category": ("MeterCategory",),
    "meter_subcategory": ("MeterSubCategory",),
    "meter_name": ("MeterName",),
    "unit": ("UnitOfMeasure",),
    "reservation_id": ("ReservationId",),
    "benefit_id": ("BenefitId",),
    "info": ("AdditionalInfo",),
    "given_tags": ("Tags",),
}
_COLUMNS = {
    **{name: Column("VARCHAR", names) for name, names in _TEXTS.items()},
    "cost": Column(_MONEY, ("Cost", "CostInBillingCurrency", "PreTaxCost")),
    "cost_in_usd": Column(_MONEY, ("CostInUsd",)),
    "list_cost": Column(_MONEY, ("PaygCostInBillingCurrency",)),
    "list_in_usd": Column(_MONEY, ("PaygCostInUsd",)),
    "quantity": Column(_MONEY, ("Quantity", "UsageQuantity")),
}
_KEPT = ("subscription_id", "subscription_name", "resource_group", "resource_id", "region_id", "invoice_id", "charge_type", "pricing_model")
_MADE: dict[str, pl.DataType] = {
    **dict.fromkeys(("scope", "provider", "model", "meter", "served_tier", "quantity_unit", "tags", "row_id"), pl.String()),
    "tokens": pl.Int64(),
    "is_commitment": pl.Boolean(),
}
_RAW = {
    "starts_at": "TIMESTAMP",
    **dict.fromkeys(("delivery", "view", "billing_account_id", "billing_period", "currency"), "VARCHAR"),
    **dict.fromkeys(("cost", "cost_in_usd", "list_cost", "list_in_usd"), _MONEY),
    "quantity": "DECIMAL(38,6)",
    **dict.fromkeys((*_KEPT, "line_item", "meter_id", "meter_category", "meter_name", "reservation_id", "benefit_id"), "VARCHAR"),
    **{name: {pl.String(): "VARCHAR", pl.Int64(): "BIGINT"}.get(dtype, "BOOLEAN") for name, dtype in _MADE.items()},
}
_NOISE = re.compile(
    r"tokens?|inp|inpt|input|outp|outpt|opt|output|cached|cchd|cd|ch|wr|batch|pp|glbl|gl|global|dz|dzone|data|zone|regnl|rgnl|regional|1[mk]"
)
_COMMITTED = {"reservation", "savingsplan"}
_BOUGHT = {"purchase", "refund"}


@dataclass
class _Seen:
    """What the lines of one file say of the file as a whole."""

    days: Days
    places: Places = field(default_factory=Places)
    purchases: int = 0
    """Commitments bought: only the actual view has them."""
    free_use: int = 0
    """Covered use at no cost: the actual view."""
    shared_use: int = 0
    """Covered use at its share of the commitment, or commitments not used: the amortised view."""
    odd_tags: int = 0

    def note(self, row: Mapping[str, Any], *, is_commitment: bool) -> None:
        if not is_commitment or not row["cost"]:
            self.free_use += bool(is_commitment and row["quantity"] and (row["charge_type"] or "").lower() == "usage")
        elif (row["charge_type"] or "").lower() in _BOUGHT:
            self.purchases += 1
        else:
            self.shared_use += 1


def _finish(frame: pl.DataFrame, reading: Reading, seen: _Seen) -> pl.DataFrame:
    made = [_line(row, seen) for row in frame.iter_rows(named=True)]
    lines = pl.DataFrame({name: pl.Series([one[name] for one in made], dtype=dtype) for name, dtype in _MADE.items()})
    frame = pl.concat([frame.drop("info", "given_tags"), lines], how="horizontal").with_columns(*_costs(), *seen.days.instants())
    month = pl.coalesce("period_at", "starts_at").dt.strftime("%Y-%m")
    account = pl.coalesce("profile", "account").fill_null("(none)")
    side = " amortised" if reading.options.view == "amortised" else ""
    unit = pl.concat_str(
        pl.lit("azure"), account.str.split("/").list.last(), pl.col("subscription_id").fill_null("-"), month, separator=" "
    )
    return frame.with_columns(
        account.alias("billing_account_id"),
        month.alias("billing_period"),
        (unit + side).alias("delivery"),
        pl.lit(reading.options.view, dtype=pl.String).alias("view"),
    )


def _costs() -> Iterator[pl.Expr]:
    currency = pl.col("currency").str.to_uppercase()
    yield currency
    yield pl.when(currency == USD).then(pl.coalesce("list_cost", "list_in_usd")).otherwise("list_cost").alias("list_cost")


def _line(row: Mapping[str, Any], seen: _Seen) -> dict[str, Any]:
    charge_type = (row["charge_type"] or "").lower()
    pricing = (row["pricing_model"] or "").lower().replace(" ", "")
    is_commitment = pricing in _COMMITTED or charge_type.startswith("unused")
    seen.note(row, is_commitment=is_commitment)
    tags = _tags(row["given_tags"])
    seen.odd_tags += tags is None and row["given_tags"] is not None
    is_use = charge_type == "usage"
    what = _bought(row["meter_category"], row["meter_subcategory"], row["meter_name"], row["line_item"], _vm_size(row["info"]))
    return {
        **what,
        "tokens": tokens(row["quantity"], _block(row["unit"])) if is_use and what["meter"] in METERS else None,
        "quantity_unit": row["unit"] if is_use else None,
        "tags": tags,
        "is_commitment": is_commitment,
        "row_id": seen.places.name(blake2b(repr([row[name] for name in _COLUMNS]).encode(), digest_size=16).hexdigest()),
    }


@lru_cache(maxsize=65_536)
def _bought(
    category: str | None, subcategory: str | None, meter: str | None, product: str | None, size: str | None
) -> dict[str, str | None]:
    what = bought("azure", f"{category or ''} {subcategory or ''}", meter, product, size)
    is_model = what.scope == "model"
    return {
        "scope": what.scope,
        "provider": CLOUDS["azure"] if is_model else "azure",
        "meter": what.meter or meter if is_model else None,
        "served_tier": what.tier,
        "model": _model(meter or "") if what.meter in METERS else None,
    }


def _model(meter: str) -> str | None:
    """`gpt-4o-mini-0718-Inp-glbl Tokens` is gpt-4o-mini-0718; `5.4 nano Inp Gl 1M Tokens` leaves out what all names of the family share."""
    name = "-".join(word for word in re.findall(r"[a-z0-9.]+", meter.lower()) if not _NOISE.fullmatch(word))
    return (f"gpt-{name}" if name[:1].isdigit() else name) or None


def _block(unit: str | None) -> int | None:
    """Tokens of a block; None where the unit is none of thousands."""
    return tokens_per_unit(f"{unit} Tokens") if re.fullmatch(r"\d+\s*[KM]", unit or "", re.IGNORECASE) else None


@lru_cache(maxsize=65_536)
def _vm_size(info: str | None) -> str | None:
    found = re.search(r'"ServiceType"\s*:\s*"([^"]{1,80})"', info or "")
    return found[1].removeprefix("Standard_") if found else None


@lru_cache(maxsize=65_536)
def _tags(given: str | None) -> str | None:
    """Tags as a JSON object: EA leaves out the outer braces."""
    if given is None:
        return None
    text = given if given.lstrip().startswith("{") else f"{{{given}}}"
    try:
        found = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return None
    return json.dumps(found, sort_keys=True, ensure_ascii=False) if found else None


def _rules(days: Days) -> list[Rule]:
    year = pl.col("starts_at").dt.year()
    return [
        missing("date"),
        *days.rules(),
        (
            (year < FIRST_YEAR) | (year > LAST_YEAR),
            pl.format("day {} is outside {} to {}", pl.col("starts_at").dt.date(), pl.lit(FIRST_YEAR), pl.lit(LAST_YEAR)),
        ),
        missing("currency"),
        missing("charge_type"),
        (pl.col("cost").is_null(), pl.lit("cost is missing")),
        not_a_currency(),
        *(too_large(name) for name in ("cost", "list_cost")),
        *(too_large(name, is_usd=True) for name in ("cost_in_usd", "list_in_usd")),
        (pl.col("quantity").abs() > LARGEST, pl.format("quantity {} is too large", pl.col("quantity"))),
    ]


_TABLES = Tables(_COLUMNS, needed=("date", "cost", "currency", "charge_type"))


def _read(content: Content, reading: Reading) -> Rows:
    seen = _Seen(days_of(content, reading, *_TEXTS["date"], *_TEXTS["period_start"], *_TEXTS["period_end"]))
    finish = partial(_finish, seen=seen)
    rows = replace(_TABLES, finish=finish, rules=_rules(seen.days)).read(content, reading)
    seen.days.judge(rows)
    _refuse_other_view(seen, reading)
    rows.flags += _flags(seen, reading)
    rows.rank = 1 if (seen.purchases or seen.free_use) and not seen.shared_use else 0
    return rows


def _refuse_other_view(seen: _Seen, reading: Reading) -> None:
    if reading.options.view == "actual" and seen.shared_use:
        raise FileRefused("holds amortised costs, where its source says `view: actual`")
    if reading.options.view == "amortised" and seen.purchases:
        raise FileRefused("holds purchases of commitments, as actual costs do, where its source says `view: amortised`")


def _flags(seen: _Seen, reading: Reading) -> Iterator[str]:
    if seen.purchases and seen.shared_use:
        yield "holds purchases of commitments and their amortised use: two views of one bill"
    elif seen.shared_use and not reading.options.view:
        yield "holds amortised costs: what it says was billed leaves out purchases of commitments"
    if seen.odd_tags:
        yield f"holds {seen.odd_tags:,} lines whose tags are not JSON; the lines are kept without tags"


def _recognises(sample: Sample) -> bool:
    names = {name.lower() for name in sample.keys}
    return names >= {"metercategory", "unitofmeasure", "chargetype"} and bool(names & {"cost", "costinbillingcurrency", "pretaxcost"})


FORMAT = Format(
    name="azure_cost",
    description="Azure Cost Management exports: actual or amortised cost",
    columns=_RAW,
    day="starts_at",
    recognises=_recognises,
    read=_read,
    names=frozenset(name for names in _TEXTS.values() for name in names),
    delivery="delivery",
    about=About(
        obtain="Cost Management, Exports: `Cost and usage details (actual)` or `(amortized)`, CSV (plain or gzip) or Parquet, with its "
        "`manifest.json`, which says how many rows each part holds.",
        taken="Every line: usage, purchases, refunds, unused commitments, tax, rounding. Azure OpenAI and Foundry lines are models, "
        "virtual machines of the N series GPUs, the rest is kept as other.",
        key="an export replaces what was delivered before for the same billing account (MCA: profile), subscription and billing period; "
        "the one that reaches the later day counts, at the same day the actual view, then the later path. Equal lines of one export all "
        "count.",
        tokens="Quantity x block of the unit (`1K`, `1M`), for meters whose words say input, output or cached; cached input is a meter of "
        "its own, reasoning is inside output. Signed.",
        money="cost after discounts, in the billing currency; what `costInUsd` states is kept beside it. Rounded half to even at "
        "twelve decimals, line by line. Billed, and effective where the amortised view is there. List cost from `paygCost...` where a "
        "layout has it; no contracted cost. The open month is an estimate until 72 hours after its end.",
        options="`view: actual` and `view: amortised` on two sources, to bring both: billed cost then comes from the actual view, "
        "effective cost from the amortised one, and what both hold counts once. `delivery: add` for exports of parts of a month (week to "
        "date, custom days, one resource group each), which would replace each other.",
        limits="No requests, no deployment, no end user. What was billed for commitments is not in an amortised export. Which view a file "
        "is can be told only by lines of commitments; a purchase on a day that the amortised export has not reached costs its full price "
        "until it does. The block of Quantity is not verified for every meter. The FOCUS export (`focus`) is the same money again: bring "
        "one of the two. An instance hour of a GPU machine is not split into its GPUs.",
    ),
)
