"""The columns of FOCUS, and what follows from them line by line: money, what was bought, tokens, tags, the unit of delivery."""

import re
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec
import polars as pl

from meterbook.assets.ingest._currency import not_a_currency, too_large
from meterbook.assets.ingest._rows import BROKEN
from meterbook.assets.ingest._sku import CLOUDS, METERS, Bought, bought, model_of, provider_of, tokens, tokens_per_unit
from meterbook.assets.ingest._tables import Column, Tables, json_object
from meterbook.assets.ingest.format import FIRST_YEAR, LAST_YEAR, Rule, missing
from meterbook.assets.sources import Reading

_MONEY = "DECIMAL(38,12)"
_PLACES = Decimal(1).scaleb(-12)
_WIDE = Context(prec=60)
_COSTS = ("billed", "list", "contracted", "effective")
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "currency": ("BillingCurrency",),
    "service_provider": ("ServiceProviderName",),
    "provider_name": ("ProviderName",),
    "issuer": ("InvoiceIssuerName",),
    "billing_account_id": ("BillingAccountId",),
    "sub_account_id": ("SubAccountId",),
    "invoice_id": ("InvoiceId",),
    "charge_category": ("ChargeCategory",),
    "charge_class": ("ChargeClass",),
    "line_item": ("ChargeDescription",),
    "service_name": ("ServiceName",),
    "service_subcategory": ("ServiceSubcategory",),
    "region_id": ("RegionId",),
    "resource_id": ("ResourceId",),
    "commitment_status": ("CommitmentDiscountStatus",),
    "consumed_unit": ("ConsumedUnit",),
    "pricing_unit": ("PricingUnit",),
    "pricing_currency": ("PricingCurrency",),
    "sku_meter": ("SkuMeter",),
    "price_details": ("SkuPriceDetails",),
    "usage_type": ("x_UsageType",),
    "given_model": ("x_Model",),
    "given_meter": ("x_TokenType",),
    "given_tier": ("x_ServiceTier",),
    "team": ("x_Team",),
    "given_tags": ("Tags",),
    "allocated_tags": ("AllocatedTags",),
    "project_labels": ("x_ProjectLabels",),
    "labels": ("x_Labels",),
    "inherited_tags": ("x_Tags",),
    "credits": ("x_Credits",),
    "key_id": ("CredentialId",),
}
_COLUMNS = {
    "starts_at": Column("TIMESTAMP", ("ChargePeriodStart",)),
    "ends_at": Column("TIMESTAMP", ("ChargePeriodEnd",)),
    "billing_starts_at": Column("TIMESTAMP", ("BillingPeriodStart",)),
    **{f"{cost}_cost": Column(_MONEY, (f"{cost.title()}Cost",)) for cost in _COSTS},
    **{f"{cost}_in_usd": Column(_MONEY, (f"x_{cost.title()}CostInUsd",)) for cost in _COSTS},
    "consumed_quantity": Column(_MONEY, ("ConsumedQuantity",)),
    "pricing_quantity": Column(_MONEY, ("PricingQuantity",)),
    **{name: Column("VARCHAR", names) for name, names in _TEXTS.items()},
}
_PRESENT = {
    "has_service_provider": "service_provider",
    "has_provider": "provider_name",
    "has_invoice": "invoice_id",
    "has_pricing_currency": "pricing_currency",
    "has_meter": "sku_meter",
}
_READ: dict[str, pl.DataType] = {
    **dict.fromkeys(("seller", "model", "scope", "meter", "served_tier", "quantity_unit", "tags"), pl.String()),
    "quantity": pl.Decimal(38, 6),
    "tokens": pl.Int64(),
    "credited": pl.Decimal(38, 12),
}
_MADE = {
    **dict.fromkeys(
        ("delivery", "billing_period", "provider", "model", "scope", "meter", "served_tier", "quantity_unit", "tags"), "VARCHAR"
    ),
    "focus_version": "VARCHAR",
    "quantity": "DECIMAL(38,6)",
    "tokens": "BIGINT",
    **dict.fromkeys(("list_amount", "contracted_amount", "effective_amount"), _MONEY),
    **dict.fromkeys(("credited", "credit_billed", "credit_effective"), _MONEY),
}
_HOURS = {"hour", "hours", "hrs", "hr"}
_GOOGLE_TOKENS = {"requests", "request", "count", "counts"}
_TAGS = ("inherited_tags", "project_labels", "labels", "given_tags", "allocated_tags")
_DEFAULT_TIERS = {"default", "standard", "auto", ""}


class _Credit(msgspec.Struct):
    Amount: Decimal = Decimal(0)


_CREDITS = msgspec.json.Decoder(list[_Credit])


def _finish(frame: pl.DataFrame, _reading: Reading) -> pl.DataFrame:
    read = [_line(row) for row in frame.select(*_TEXTS, "consumed_quantity", "pricing_quantity").iter_rows(named=True)]
    made = pl.DataFrame({name: pl.Series([one[name] for one in read], dtype=dtype) for name, dtype in _READ.items()})
    return _with_costs(pl.concat([frame, made], how="horizontal")).with_columns(*_named()).drop("seller")


def _named() -> Iterator[pl.Expr]:
    # A billing month begins at midnight of some zone; a day later it is the same month everywhere.
    month = pl.coalesce("billing_starts_at", "starts_at").dt.offset_by("1d").dt.strftime("%Y-%m")
    account = pl.col("billing_account_id").fill_null("(none)").str.split("/").list.last()
    # Azure is exported by subscription as often as by billing account.
    subscription = pl.concat_str(pl.lit(" "), pl.col("sub_account_id").fill_null("-").str.split("/").list.last())
    part = pl.when(pl.col("seller") == "azure").then(subscription).otherwise(pl.lit(""))
    yield month.alias("billing_period")
    yield pl.concat_str("seller", pl.lit(" "), account, part, pl.lit(" "), month).alias("delivery")
    is_cloud_model = (pl.col("scope") == "model") & pl.col("seller").is_in(list(CLOUDS))
    yield pl.when(is_cloud_model).then(pl.col("seller").replace(CLOUDS)).otherwise("seller").alias("provider")
    is_1_2 = pl.col("has_pricing_currency") | pl.col("has_invoice")
    yield (
        pl.when(pl.col("has_service_provider") & ~pl.col("has_provider")).then(pl.lit("1.4"))
        .when("has_service_provider").then(pl.lit("1.3"))
        .when(is_1_2).then(pl.lit("1.2"))
        .when("has_meter").then(pl.lit("1.1"))
        .otherwise(pl.lit("1.0")).alias("focus_version")
    )  # fmt: skip


def _with_costs(frame: pl.DataFrame) -> pl.DataFrame:
    """Costs as amounts without the zeros that mean nothing, and the credits that are not inside them, in the billing currency."""
    frame = frame.with_columns(pl.col("currency").str.to_uppercase(), _credit("billed"), _credit("effective"))
    category = pl.col("charge_category").fill_null("Usage")
    costs = (pl.col("billed_cost") != 0) | (pl.col("effective_cost") != 0).fill_null(value=False)
    is_open = costs & (pl.col("credited") == 0)
    unknown = {
        "list": is_open & category.is_in(["Usage", "Purchase"]),
        "contracted": is_open & category.is_in(["Usage", "Purchase"]),
        "effective": is_open & (category == "Usage"),
    }
    return frame.with_columns(
        pl.when(when & (pl.col(f"{cost}_cost") == 0)).then(None).otherwise(f"{cost}_cost").alias(f"{cost}_amount")
        for cost, when in unknown.items()
    )


def _credit(cost: str) -> pl.Expr:
    """The credits a cost does not hold: all of them where it equals what the contract says, else none."""
    given = pl.col(f"{cost}_cost")
    is_outside = (pl.col("credited") != 0) & (given == pl.col("contracted_cost"))
    is_missing = given.is_null()
    zero = pl.lit(0).cast(pl.Decimal(38, 12))
    return pl.when(is_missing).then(None).when(is_outside).then("credited").otherwise(zero).alias(f"credit_{cost}")


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    seller = provider_of(row["service_provider"], row["provider_name"], row["issuer"])
    details = _details(row["price_details"])
    texts = (row["given_meter"], details.get("x_TokenType"), row["sku_meter"], row["usage_type"], row["line_item"])
    service = row["service_name"] or ""
    gpus = _gpus(details)
    is_model = row["service_subcategory"] == "Generative AI" or row["given_model"] is not None or _counted_tokens(row) is not None
    what = bought(seller, service, *texts, details.get("InstanceType"), is_model=is_model, has_gpus=bool(gpus))
    model = row["given_model"] or details.get("x_Model") or model_of(seller, service, *texts[2:])
    tier = (row["given_tier"] or what.tier or "").lower()
    return {
        "seller": seller,
        "model": str(model) if model and what.scope == "model" else None,
        "scope": what.scope,
        "served_tier": None if tier in _DEFAULT_TIERS else tier,
        "tags": _tags(row["team"], *(row[name] for name in _TAGS)),
        "credited": _credits(row["credits"]),
        **_measured(row, what, seller, gpus),
    }


def _measured(row: Mapping[str, Any], what: Bought, seller: str, gpus: int) -> dict[str, Any]:
    """What was used: tokens, GPU hours, or what the bill says in its own words."""
    quantity, unit = row["consumed_quantity"], row["consumed_unit"]
    if quantity is None:
        quantity, unit = row["pricing_quantity"], row["pricing_unit"]
    meter = what.meter or row["given_meter"] or row["sku_meter"]
    counted = _counted_tokens(row)
    if counted is None and seller == "gcp" and what.meter in METERS and (unit or "").lower() in _GOOGLE_TOKENS:
        counted = tokens(quantity, 1)
    if what.scope == "gpu" and quantity is not None and (unit or "").lower() in _HOURS and row["charge_category"] in {"Usage", None}:
        machines = gpus or int(seller == "gcp" and " gpu " in f" {row['line_item']} ".lower())
        if machines:
            meter, quantity, unit = "gpu_hours", _WIDE.multiply(quantity, Decimal(machines)), "GPU-Hours"
    return {
        "meter": meter,
        "quantity": None if quantity is None else quantity.quantize(Decimal("0.000001"), context=_WIDE),
        "quantity_unit": unit,
        "tokens": counted if what.scope == "model" else None,
    }


def _counted_tokens(row: Mapping[str, Any]) -> int | None:
    for quantity, unit in ((row["consumed_quantity"], row["consumed_unit"]), (row["pricing_quantity"], row["pricing_unit"])):
        per_unit = tokens_per_unit(unit)
        if quantity is not None and per_unit:
            return tokens(quantity, per_unit)
    return None


@lru_cache(maxsize=4_096)
def _details(text: str | None) -> Mapping[str, Any]:
    return json_object(text)


def _gpus(details: Mapping[str, Any]) -> int:
    count = str(details.get("GpuCount", "0"))
    return int(count) if re.fullmatch(r"[0-9]{1,3}", count) else 0


@lru_cache(maxsize=65_536)
def _tags(team: str | None, *texts: str | None) -> str | None:
    """One JSON object of all the tags; what lies nearer to the charge wins."""
    found: dict[str, Any] = {}
    for column, text in zip(_TAGS, texts, strict=True):
        found |= _tag_object(_COLUMNS[column].names[0], text)
    if team is not None:
        found.setdefault("team", team)
    return msgspec.json.encode(found).decode() if found else None


def _tag_object(name: str, text: str | None) -> Mapping[str, Any]:
    """Tags of a text; text that is no JSON stays a tag of its own, for nothing is dropped."""
    if text is None or text.strip() in {"", "[]", "{}"}:
        return {}
    # Older Azure exports leave out the braces.
    return json_object(text) or json_object(f"{{{text}}}") or {name: text}


def _credits(text: str | None) -> Decimal | None:
    """What the credits of a line add up to; most lines have none. None where the text is no list of amounts."""
    if text is None or text == "[]":
        return Decimal(0)
    try:
        total = sum((one.Amount for one in _CREDITS.decode(text)), Decimal(0))
        return total.quantize(_PLACES) if total.is_finite() else None
    except (*BROKEN, InvalidOperation):
        return None


_YEAR = pl.col("starts_at").dt.year()
_RULES: list[Rule] = [
    missing("starts_at"),
    (
        (_YEAR < FIRST_YEAR) | (_YEAR > LAST_YEAR),
        pl.format("day {} is outside {} to {}", pl.col("starts_at").dt.date(), pl.lit(FIRST_YEAR), pl.lit(LAST_YEAR)),
    ),
    missing("billed_cost"),
    missing("currency"),
    not_a_currency(),
    *(too_large(f"{cost}_cost") for cost in _COSTS),
    *(too_large(f"{cost}_in_usd", is_usd=True) for cost in _COSTS),
    (pl.col("credited").is_null(), pl.lit("x_Credits is not a list of amounts")),
    (
        (pl.col("quantity") < 0) & (pl.col("billed_cost") > 0),
        pl.format("quantity is negative ({}) and its cost is not", pl.col("quantity")),
    ),
]
TABLES = Tables(
    columns=_COLUMNS,
    needed=("starts_at", "billed_cost", "currency"),
    rules=_RULES,
    finish=_finish,
    made=_MADE,
    present=_PRESENT,
)
