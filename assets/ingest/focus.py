"""FOCUS 1.0 to 1.4, the FinOps Open Cost and Usage Specification, of any vendor.

The four costs are kept apart and never added to each other: billed (invoiced, after all discounts), list, contracted, and effective
(amortised). No file says its version; it is read off the columns. Times are UTC, also where a file leaves the zone out, and half-open.

What vendors do otherwise:

- A usage line that is invoiced cannot have cost nothing. So an effective, contracted or list cost of 0 beside a billed or effective cost
  that is not 0 is unknown, not free (the public sample and Microsoft's marketplace and reservation lines have such zeros). Lines of a
  purchase keep their effective cost of 0, lines covered by a commitment their billed cost of 0.
- Google lists credits in `x_Credits`. Whether BilledCost and EffectiveCost hold them is not verified for the native export, and Google's
  own published view puts them into both. The line itself tells: a cost equal to ContractedCost is without them, and they
  are taken off it; any other is taken to hold them.
- Costs are in `BillingCurrency`. What Azure's `x_...CostInUsd` columns state is kept beside them, for a book without a rate of exchange.
- Token counts are read where a unit says tokens, and from Google's lines of tokens, whose unit text says requests although tokens are
  counted (published bills). Azure's `Units` are not verified to be single tokens: those lines have a cost and no tokens.
- `NULL` as text is no value; times may lack T, Z or seconds; what is not FOCUS is left out.

Specification: FOCUS_Spec tags v1.0 to v1.2, pages of 1.3 and 1.4; vendors' columns as their documentation names them.
"""

import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest._focus import TABLES
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample
from meterbook.assets.sources import Reading

_NAMES = frozenset({"billedcost", "chargeperiodstart", "chargecategory"})
_LOOKED_AT = ("effective_cost", "effective_amount", "credit_billed", "credit_effective")


def _recognises(sample: Sample) -> bool:
    # Athena and Glue write all names small.
    return frozenset(name.lower() for name in sample.keys) >= _NAMES


def _read(content: Content, reading: Reading) -> Rows:
    rows = TABLES.read(content, reading)
    unknown = apart = 0
    for frame in rows.frames(_LOOKED_AT):
        unknown += frame.filter((pl.col("effective_cost") == 0) & pl.col("effective_amount").is_null()).height
        apart += frame.filter((pl.col("credit_billed") != 0) | (pl.col("credit_effective") != 0)).height
    if unknown:
        rows.flags.append(f"holds {unknown:,} usage lines that are invoiced and have an EffectiveCost of 0; it is taken as unknown")
    if apart:
        rows.flags.append(f"holds {apart:,} lines whose cost leaves out their x_Credits; they are taken off")
    return rows


FORMAT = Format(
    name="focus",
    description="FOCUS 1.0 to 1.4 cost and usage: AWS, Azure, Google Cloud and any other vendor",
    columns=TABLES.types,
    day="starts_at",
    recognises=_recognises,
    read=_read,
    names=frozenset(
        {"BilledCost", "EffectiveCost", "ListCost", "ChargePeriodStart", "BillingPeriodStart", "ChargeCategory", "ServiceName"}
    ),
    delivery="delivery",
    about=About(
        obtain="AWS Data Exports (`FOCUS_1_2_AWS`), an Azure Cost Management export of type FocusCost, Google's FOCUS table exported from "
        "BigQuery, or the FOCUS file of any other vendor: CSV, Parquet or JSON lines, packed or not.",
        taken="Every line: usage, purchases, tax, credits, adjustments, corrections. Lines of AI models and of GPU instances are told from "
        "all others by their service, meter and machine; the others are kept and are no AI spend.",
        key="provider, billing account and billing period (at Azure also the subscription) are delivered as one: a later export of a "
        "period replaces the earlier one, also where that came as the provider's own report (`aws_cur`, `azure_cost`). Equal lines of one "
        "export all count.",
        tokens="each kind of token is a line of its own; counted where the unit says tokens, and on Google's lines of tokens, whose unit "
        "says requests. Azure's `Units` are not verified: cost, and no tokens.",
        money="BilledCost, ListCost, ContractedCost and EffectiveCost in BillingCurrency, kept apart; `x_...CostInUsd` beside them, "
        "where the bill states it. Zeros beside a cost that is not 0 are unknown. Google's credits are "
        "taken off a cost that equals ContractedCost, which is before credits.",
        options="`delivery: add` for exports that each hold a part of a period: one file per day or per sub account.",
        limits="GPU hours are known where SkuPriceDetails has a GpuCount, or on Google's GPU lines. The open month is an estimate until "
        "it is invoiced. Whether Google's native costs hold credits, and the unit texts of tokens at AWS and Azure, are not verified. "
        "FOCUS has no identity of a line.",
    ),
)
