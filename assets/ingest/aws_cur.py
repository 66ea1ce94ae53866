"""AWS Cost and Usage Report 2.0 of Data Exports (table COST_AND_USAGE_REPORT): CSV or Parquet, whichever columns were picked.

Amounts are doubles in the currency the line names, dollars where it names none, written as text in CSV; they are kept to twelve decimals.
Times are UTC. `product` and `resource_tags`
are maps, JSON text in CSV. `identity_line_item_id` changes between refreshes, so a payer's month is replaced as a whole by a later
delivery. Each kind of token is a usage type of its own, so nothing cached is inside input: AWS documentation of Data Exports and of
Bedrock's billing, usage types as published invoices show them. Lines of pods (split cost allocation) carry no cost; their share moves
from the instance's amortised cost to them, and the sum stays the same.
"""

from meterbook.assets.content import Content
from meterbook.assets.ingest._aws_cur import TABLES, read
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample
from meterbook.assets.sources import Reading

_NEEDED = frozenset({"line_item_usage_start_date", "line_item_unblended_cost"})
_LEGACY = ("resource_tags_", "product_product_name", "product_servicename")


def _recognises(sample: Sample) -> bool:
    keys = frozenset(name.lower() for name in sample.keys)
    return keys >= _NEEDED and not any(name.startswith(_LEGACY) for name in keys)


def _read(content: Content, reading: Reading) -> Rows:
    return read(content, reading, rank=2)


FORMAT = Format(
    name="aws_cur",
    description="AWS Cost and Usage Report 2.0 (Data Exports)",
    columns=TABLES.types,
    day="starts_at",
    recognises=_recognises,
    read=_read,
    names=frozenset({"line_item_usage_start_date", "line_item_unblended_cost", "line_item_line_item_type", "bill_payer_account_id"}),
    delivery="delivery",
    about=About(
        obtain="Data Exports of table COST_AND_USAGE_REPORT to S3, CSV or Parquet; resource ids and split cost allocation as you like.",
        taken="Every line: usage, fees, tax, credits, refunds, discounts, unknown types too. Bedrock and its marketplace models are model "
        "charges, instances with GPUs, Trainium or Inferentia are GPU charges, all else is kept and is no AI spend.",
        key="payer account and billing period are delivered as one: a later report of a month replaces the earlier one, also where it came "
        "as FOCUS or as a legacy report. Equal lines of one report all count.",
        tokens="each kind of token is a line of its own. `1K tokens` are thousands; marketplace `Units` are millions; both are held "
        "against the rate, and where they do not fit there are no tokens, and the cost stays.",
        money="billed: unblended cost, net where the report has net columns. Effective: amortised by line item type. List: the public "
        "on-demand cost. Amounts are in the line's `line_item_currency_code`, and in dollars where a report has no such column.",
        options="`delivery: add` for reports that each hold a part of a month.",
        limits="The open month is an estimate, rewritten until it is final. Without the columns of effective cost, plans and reservations "
        "are counted in cash; without commitment columns, what a plan left unused is taken as 0 and the file is flagged. GPU hours need "
        "`product['gpu']`. Texts of Bedrock operations, capacity blocks and accelerator shares of pods are not verified.",
    ),
)
