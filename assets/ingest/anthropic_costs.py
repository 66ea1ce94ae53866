"""Anthropic cost report (Admin API): saved pages, by day and line.

Amounts are decimal text in the LOWEST UNIT of the currency, which is cents for dollars; they become whole units here.
"""

from meterbook.assets.ingest._currency import not_a_currency, too_large, whole_units
from meterbook.assets.ingest._page_values import Row, text
from meterbook.assets.ingest._pages import BUCKET, Pages
from meterbook.assets.ingest.format import About, Format, Rule, Sample, not_an_instant

_TEXTS = ("workspace_id", "description", "cost_type", "context_window", "model", "service_tier", "token_type")
_COLUMNS = {"amount": "DECIMAL(38,12)", "currency": "VARCHAR", **dict.fromkeys(_TEXTS, "VARCHAR")}


def _row(result: Row) -> Row:
    currency = str(result.get("currency")).upper()
    return {
        "amount": whole_units(result["amount"], currency, "amount"),
        "currency": currency,
        **{name: text(result, name) for name in _TEXTS},
    }


_RULES: list[Rule] = [*not_an_instant("starts_at", "starts_at"), not_a_currency(), too_large("amount")]
_PAGES = Pages(_COLUMNS, "starting_at", "ending_at", _row, frozenset({"amount", "currency"}), _RULES)


def _recognises(sample: Sample) -> bool:
    # The analytics API has rows much like these, with a list price and shares of other groups: another report.
    is_analytics = '"list_amount"' in sample.text
    return '"starting_at"' in sample.text and '"amount"' in sample.text and '"currency"' in sample.text and not is_analytics


FORMAT = Format(
    name="anthropic_costs",
    description="Anthropic cost report: saved pages, amounts in cents",
    columns={**BUCKET, **_COLUMNS},
    day="starts_at",
    recognises=_recognises,
    read=_PAGES.read,
    about=About(
        obtain="GET `/v1/organizations/cost_report` with an admin key, saved as pages.",
        taken="Every line of every day.",
        key="day, description and every dimension; of several exports the larger amount counts. Where a day was exported by other "
        "dimensions, the one with the largest amounts counts, then the one with most dimensions; by workspace where all name workspaces.",
        money="`amount` in cents (the lowest unit of the line's currency), decimal text, fractions kept; what Anthropic bills.",
        limits="Priority tier spend is not in this report. workspace_id is null for the default workspace, so an export of that "
        "workspace alone looks like one that was not grouped. The analytics API (`anthropic_analytics_cost`) shows the same money again.",
    ),
)
