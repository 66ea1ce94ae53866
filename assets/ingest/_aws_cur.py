"""Lines of AWS cost and usage reports, 2.0 and legacy, in one shape: the cash view, the amortised view, tokens and GPU hours.

Cash is the unblended cost, net of negotiated discounts where the report has net columns. Amortised cost follows AWS's line item types:

| type | amortised |
|---|---|
| SavingsPlanCoveredUsage | what the plan charges for it |
| SavingsPlanNegation, SavingsPlanUpfrontFee | 0 |
| SavingsPlanRecurringFee | commitment that nothing used |
| DiscountedUsage | the reservation's effective cost |
| RIFee | the reservation's unused part |
| Fee of a reservation | 0 |
| all others, unknown ones too | as in cash |

Users pick the columns of a report. Where the effective cost of plans or reservations was not picked, their lines have no amortised cost
at all, and count as in cash: a mixture of both views would count commitments twice.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from typing import Any

import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest._currency import not_a_currency, too_large
from meterbook.assets.ingest._sku import METERS, bought, model_id, model_of, tokens, tokens_per_unit
from meterbook.assets.ingest._tables import Column, Tables
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import FIRST_YEAR, LAST_YEAR, Rule, missing
from meterbook.assets.sources import Reading

_MONEY = "DECIMAL(38,12)"
_WIDE = Context(prec=60)
_TEXTS = {
    "billing_account_id": "bill/PayerAccountId",
    "invoice_id": "bill/InvoiceId",
    "bill_type": "bill/BillType",
    "line_id": "identity/LineItemId",
    "sub_account_id": "lineItem/UsageAccountId",
    "line_type": "lineItem/LineItemType",
    "product_code": "lineItem/ProductCode",
    "usage_type": "lineItem/UsageType",
    "operation": "lineItem/Operation",
    "resource_id": "lineItem/ResourceId",
    "currency": "lineItem/CurrencyCode",
    "line_item": "lineItem/LineItemDescription",
    "unit": "pricing/unit",
    "instance_type": "product/instanceType",
    "region_id": "product/regionCode",
    "reservation_id": "reservation/ReservationARN",
    "parent_id": "splitLineItem/ParentResourceId",
}
_AMOUNTS = {
    "usage_amount": "lineItem/UsageAmount",
    "unblended_cost": "lineItem/UnblendedCost",
    "net_unblended_cost": "lineItem/NetUnblendedCost",
    "unblended_rate": "lineItem/UnblendedRate",
    "on_demand_cost": "pricing/publicOnDemandCost",
    "plan_cost": "savingsPlan/SavingsPlanEffectiveCost",
    "net_plan_cost": "savingsPlan/NetSavingsPlanEffectiveCost",
    "plan_commitment": "savingsPlan/TotalCommitmentToDate",
    "plan_used": "savingsPlan/UsedCommitment",
    "reservation_cost": "reservation/EffectiveCost",
    "net_reservation_cost": "reservation/NetEffectiveCost",
    "unused_upfront": "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod",
    "net_unused_upfront": "reservation/NetUnusedAmortizedUpfrontFeeForBillingPeriod",
    "unused_recurring": "reservation/UnusedRecurringFee",
    "net_unused_recurring": "reservation/NetUnusedRecurringFee",
    "split_cost": "splitLineItem/SplitCost",
    "net_split_cost": "splitLineItem/NetSplitCost",
    "unused_cost": "splitLineItem/UnusedCost",
    "net_unused_cost": "splitLineItem/NetUnusedCost",
}
_INSTANTS = {"starts_at": "lineItem/UsageStartDate", "ends_at": "lineItem/UsageEndDate", "billing_starts_at": "bill/BillingPeriodStartDate"}


def snake(name: str) -> str:
    """The name of a column in CUR 2.0 and in Athena: `lineItem/UsageStartDate` is line_item_usage_start_date."""
    return re.sub(r"(?<!^)(?<!_)([A-Z])", r"_\1", name.replace("/", "_")).lower()


def _column(dtype: str, name: str, *others: str) -> Column:
    return Column(dtype, (name, snake(name), *others))


_COLUMNS = {
    **{name: _column("TIMESTAMP", given) for name, given in _INSTANTS.items()},
    **{name: _column(_MONEY, given) for name, given in _AMOUNTS.items()},
    **{name: _column("VARCHAR", given) for name, given in _TEXTS.items()},
    # CUR 2.0 keeps what most services lack in maps.
    "product_name": _column("VARCHAR", "product/ProductName", "product.product_name"),
    "product_model": _column("VARCHAR", "product/model", "product.model"),
    "gpus": _column("VARCHAR", "product/gpu", "product.gpu"),
    "tags": Column("VARCHAR", ("resource_tags", "resourceTags/*", "resource_tags_*", "tags")),
}
_PRESENT = {"has_net": "net_unblended_cost", "has_plan": "plan_cost", "has_reservation": "reservation_cost"}
_MADE = {
    **dict.fromkeys(("delivery", "billing_period", "provider", "model", "scope", "meter", "served_tier", "quantity_unit"), "VARCHAR"),
    **dict.fromkeys(("charge_category", "charge_class", "commitment_status"), "VARCHAR"),
    "is_instance": "BOOLEAN",
    "quantity": "DECIMAL(38,6)",
    "tokens": "BIGINT",
    **dict.fromkeys(("billed_cost", "list_cost", "effective_cost", "pod_cost"), _MONEY),
}
_READ: dict[str, pl.DataType] = {
    **dict.fromkeys(("model", "scope", "meter", "served_tier", "quantity_unit"), pl.String()),
    "is_instance": pl.Boolean(),
    "quantity": pl.Decimal(38, 6),
    "tokens": pl.Int64(),
}
_WORDS = ("usage_type", "product_name", "product_code", "product_model", "line_item", "instance_type", "gpus", "line_type", "parent_id")
_CATEGORIES = {
    **dict.fromkeys(("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation"), "Usage"),
    **dict.fromkeys(("Fee", "RIFee", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee"), "Purchase"),
    **dict.fromkeys(("Credit", "Refund", "EdpDiscount", "PrivateRateDiscount", "BundledDiscount", "Discount"), "Credit"),
    "Tax": "Tax",
}
_DISCOUNTS = ("EdpDiscount", "PrivateRateDiscount", "BundledDiscount", "Discount")
_PLAN = ("SavingsPlanCoveredUsage", "SavingsPlanNegation", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee")
_INSTANCE = re.compile(r"(?:Box|Spot|Dedicated|HighMem|Schedul\w*)Usage|Unused(?:Box|Ded)", re.IGNORECASE)
_MARKET_TOKENS = re.compile(r"MP:.*(?:TokenCount|_tokens?_).*-Units", re.IGNORECASE)
_MARKET_UNIT = 1_000_000
_CHEAPEST, _DEAREST = Decimal("0.00000001"), Decimal("0.001")
"""USD per token between which every model's price lies; a rate outside shows that the unit is another than it seems."""


def _finish(frame: pl.DataFrame, _reading: Reading) -> pl.DataFrame:
    read = [_line(row) for row in frame.select(*_WORDS, "usage_amount", "unit", "unblended_rate").iter_rows(named=True)]
    made = pl.DataFrame({name: pl.Series([one[name] for one in read], dtype=dtype) for name, dtype in _READ.items()})
    whole = pl.concat([frame, made], how="horizontal").with_columns(*_named(), pl.col("tags").replace("{}", None))
    return whole.with_columns(*_cash()).with_columns(_amortised().alias("effective_cost")).with_columns(*_commitment())


def _named() -> Iterator[pl.Expr]:
    month = pl.coalesce("billing_starts_at", "starts_at").dt.strftime("%Y-%m")
    yield month.alias("billing_period")
    yield pl.concat_str(pl.lit("aws"), pl.col("billing_account_id").fill_null("(none)"), month, separator=" ").alias("delivery")
    yield pl.when(pl.col("scope") == "model").then(pl.lit("aws.bedrock")).otherwise(pl.lit("aws")).alias("provider")
    kind = pl.col("line_type").fill_null("Usage")
    yield kind.replace_strict(_CATEGORIES, default="Adjustment").alias("charge_category")
    yield pl.when((kind == "Refund") | (pl.col("bill_type") == "Refund")).then(pl.lit("Correction")).alias("charge_class")


def _cash() -> Iterator[pl.Expr]:
    zero = pl.lit(0).cast(pl.Decimal(38, 12))
    is_inside = pl.col("has_net") & pl.col("line_type").is_in(_DISCOUNTS)
    net = pl.when(pl.col("net_unblended_cost").is_null() & is_inside).then(zero).otherwise("net_unblended_cost")
    # Lines of pods have no cost of their own.
    yield pl.coalesce(net, "unblended_cost", pl.when(pl.col("split_cost").is_not_null()).then(zero)).alias("billed_cost")
    yield pl.col("on_demand_cost").alias("list_cost")
    parts = ((pl.coalesce(f"net_{one}", one)).fill_null(zero) for one in ("split_cost", "unused_cost"))
    yield pl.when(pl.col("parent_id").is_not_null() & pl.col("split_cost").is_not_null()).then(sum(parts, zero)).alias("pod_cost")


def _amortised() -> pl.Expr:
    zero = pl.lit(0).cast(pl.Decimal(38, 12))
    kind = pl.col("line_type")
    unused_plan = (pl.col("plan_commitment") - pl.col("plan_used")).fill_null(zero)
    unused = [pl.coalesce(f"net_{one}", one).fill_null(zero) for one in ("unused_upfront", "unused_recurring")]
    is_reservation = kind.is_in(["DiscountedUsage", "RIFee"]) | ((kind == "Fee") & pl.col("reservation_id").is_not_null())
    return (
        pl.when((kind.is_in(_PLAN) & ~pl.col("has_plan")) | (is_reservation & ~pl.col("has_reservation"))).then(None)
        .when(kind == "SavingsPlanCoveredUsage").then(pl.coalesce("net_plan_cost", "plan_cost"))
        .when(kind == "SavingsPlanRecurringFee").then(unused_plan)
        .when(kind.is_in(_PLAN)).then(zero)
        .when(kind == "DiscountedUsage").then(pl.coalesce("net_reservation_cost", "reservation_cost"))
        .when(kind == "RIFee").then(unused[0] + unused[1])
        .when(is_reservation).then(zero)
        .otherwise("billed_cost")
    )  # fmt: skip


def _commitment() -> Iterator[pl.Expr]:
    is_used = pl.col("line_type").is_in(["DiscountedUsage", "SavingsPlanCoveredUsage"])
    is_unused = pl.col("line_type").is_in(["RIFee", "SavingsPlanRecurringFee"]) & (pl.col("effective_cost") > 0)
    yield pl.when(is_used).then(pl.lit("Used")).when(is_unused).then(pl.lit("Unused")).alias("commitment_status")


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    usage_type, product = row["usage_type"] or "", row["product_name"] or ""
    gpus = row["gpus"] or ""
    what = bought("aws", f"{product} {row['product_code']}", usage_type, row["line_item"], row["instance_type"], has_gpus=gpus.isdecimal())
    named = row["product_model"] or model_of("aws", product, usage_type)
    quantity, unit, meter = row["usage_amount"], row["unit"], what.meter or usage_type or None
    is_usage = row["line_type"] in {"Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", None}
    is_instance = bool(_INSTANCE.search(usage_type)) and row["parent_id"] is None
    if what.scope == "gpu" and is_instance and is_usage and quantity is not None and re.fullmatch(r"[0-9]{1,3}", gpus):
        quantity, unit, meter = _WIDE.multiply(quantity, Decimal(gpus)), "GPU-Hours", "gpu_hours"
    return {
        "model": model_id(named) if named and what.scope == "model" else None,
        "scope": what.scope,
        "meter": meter,
        "served_tier": what.tier,
        "quantity_unit": unit,
        "is_instance": is_instance and is_usage,
        "quantity": None if quantity is None else quantity.quantize(Decimal("0.000001"), context=_WIDE),
        "tokens": _tokens(row) if is_usage and what.scope == "model" and what.meter in METERS else None,
    }


def _tokens(row: Mapping[str, Any]) -> int | None:
    """Tokens of a line of tokens: thousands for Amazon's own models, millions for those sold on the marketplace, by unit and rate."""
    per_unit, rate = tokens_per_unit(row["unit"]), row["unblended_rate"]
    if per_unit is None and row["unit"] == "Units" and _MARKET_TOKENS.search(row["usage_type"] or ""):
        per_unit = _MARKET_UNIT
    if per_unit is None or (rate and not _CHEAPEST <= abs(rate) / per_unit <= _DEAREST):
        return None
    return tokens(row["usage_amount"], per_unit)


_YEAR = pl.col("starts_at").dt.year()
_RULES: list[Rule] = [
    missing("starts_at"),
    (
        (_YEAR < FIRST_YEAR) | (_YEAR > LAST_YEAR),
        pl.format("day {} is outside {} to {}", pl.col("starts_at").dt.date(), pl.lit(FIRST_YEAR), pl.lit(LAST_YEAR)),
    ),
    (pl.col("billed_cost").is_null(), pl.lit("unblended_cost is missing")),
    not_a_currency(),
    *(too_large(name) for name in ("billed_cost", "list_cost", "effective_cost", "pod_cost")),
    (
        (pl.col("usage_amount") < 0) & (pl.col("billed_cost") > 0),
        pl.format("usage_amount is negative ({}) and its cost is not", pl.col("usage_amount")),
    ),
]
TABLES = Tables(columns=_COLUMNS, needed=("starts_at", "unblended_cost"), rules=_RULES, finish=_finish, made=_MADE, present=_PRESENT)


def read(content: Content, reading: Reading, rank: int) -> Rows:
    """Read one report.

    Args:
        content: the file.
        reading: what the book says of it.
        rank: of two reports of one bill the higher counts.

    Raises:
        FileRefused: cut short, not a table, or without the columns of a report.
    """
    rows = TABLES.read(content, reading)
    rows.rank = rank
    unknown = {"savings plan fees": 0, "reservation fees": 0}
    for frame in rows.frames(["line_type", "plan_used", "unused_recurring", "unused_upfront", "effective_cost"]):
        fees = frame.filter(pl.col("effective_cost").is_not_null())
        plan = (pl.col("line_type") == "SavingsPlanRecurringFee") & pl.col("plan_used").is_null()
        reservation = (pl.col("line_type") == "RIFee") & pl.col("unused_recurring").is_null() & pl.col("unused_upfront").is_null()
        unknown["savings plan fees"] += fees.filter(plan).height
        unknown["reservation fees"] += fees.filter(reservation).height
    rows.flags += [f"holds {count:,} {what} that do not say what was left unused" for what, count in unknown.items() if count]
    return rows
