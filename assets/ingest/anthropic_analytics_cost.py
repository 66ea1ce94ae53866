"""Anthropic analytics API, costs: saved pages of buckets (`cost_report`), of rows by dimension (`cost`) or by user.

`amount` is after discounts and before credits, `list_amount` before both; each is decimal text in the LOWEST UNIT of the currency, which is
cents for dollars, with fractions, and becomes whole units here. Rows by dimension carry their figures under `cost` and their dimensions
under `group`.
"""

from meterbook.assets.ingest._anthropic import as_bucket, refuse_overlaps
from meterbook.assets.ingest._currency import not_a_currency, too_large, whole_units
from meterbook.assets.ingest._page_values import Row, text
from meterbook.assets.ingest._pages import BUCKET, Pages
from meterbook.assets.ingest.format import About, Format, Rule, Sample, not_an_instant

_TEXTS = {
    "key_id": "api_key_id",
    "actor": "actor",
    **{name: name for name in ("workspace_id", "model", "product", "cost_type", "token_type", "service_tier", "context_window")},
}
_COLUMNS = {
    **dict.fromkeys(("amount", "list_amount"), "DECIMAL(38,12)"),
    **dict.fromkeys(("currency", "line_item", *_TEXTS), "VARCHAR"),
}


def _row(result: Row) -> Row:
    refuse_overlaps(result)
    named = [text(result, name) for name in ("product", "cost_type", "token_type")]
    listed, currency = result.get("list_amount"), str(result.get("currency")).upper()
    return {
        "amount": whole_units(result["amount"], currency, "amount"),
        "list_amount": None if listed is None else whole_units(listed, currency, "list_amount"),
        "currency": currency,
        "line_item": ", ".join(name for name in named if name) or None,
        **{name: text(result, key) for name, key in _TEXTS.items()},
    }


_RULES: list[Rule] = [*not_an_instant("starts_at", "starts_at"), not_a_currency(), too_large("amount"), too_large("list_amount")]
_FIGURES = frozenset({"amount", "list_amount", "currency"})
_PAGES = Pages(_COLUMNS, "starting_at", "ending_at", _row, _FIGURES, _RULES, bucket=as_bucket, cap=100)


def _recognises(sample: Sample) -> bool:
    return '"starting_at"' in sample.text and '"list_amount"' in sample.text and '"currency"' in sample.text


FORMAT = Format(
    name="anthropic_analytics_cost",
    description="Anthropic analytics API: saved pages of costs, amounts in cents",
    columns={**BUCKET, **_COLUMNS},
    day="starts_at",
    recognises=_recognises,
    read=_PAGES.read,
    about=About(
        obtain="GET `/v1/organizations/analytics/cost_report`, `cost` or `user_cost_report`, saved as pages, with a time bucket of a day "
        "or less.",
        taken="Every row, amount and list amount. Rows over more than a day are set aside; exports grouped by rbac_group_id are refused, "
        "for members of several groups count in each of them.",
        key="bucket and every dimension; of several exports the larger amount counts. Where a day was exported by other dimensions or "
        "another width, the one with the largest amounts counts, then the one with most dimensions; by workspace where all name some.",
        money="`amount` (after discounts, before credits) and `list_amount` in cents (the lowest unit of the row's currency), "
        "decimal text, fractions kept; credits are not in it.",
        limits="A bucket holds the 100 largest groups at most and nothing for the rest; a bucket of exactly 100 is flagged. Totals by "
        "user are below those of the organisation. Save all pages of rows by dimension in one file. The cost report "
        "(`anthropic_costs`) bills the API's part of this money again: bring one of the two.",
    ),
)
