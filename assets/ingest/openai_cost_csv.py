"""OpenAI dashboard, Usage page, cost view: the downloaded CSV, amounts by day and line item.

Two generations of headers are known: that of October 2025, with amounts of 30 decimals, and that of September 2026, with a quantity
and its unit; columns are found by name. `amount_value` is in units of `amount_currency` (dollars), negative for credits, and is kept to
twelve decimals. Days without costs are rows with empty cells and are left out. Rows of one day and group add up.
"""

from collections.abc import Mapping

from meterbook.assets.ingest._openai import COST_COLUMNS, COST_FIGURES, COST_RULES, cost_row, dashboard_pages
from meterbook.assets.ingest._page_values import Row
from meterbook.assets.ingest._pages import BUCKET, Pages
from meterbook.assets.ingest.format import About, Format, Sample

_NAMES = ("line_item", "user_id", "api_key_id", "project_id", "organization_id", "api_source", "quantity", "quantity_unit")


def _result(row: Mapping[str, str]) -> Row:
    given = {name: row[name] for name in _NAMES if row.get(name)}
    return {**given, "amount": {"value": row.get("amount_value"), "currency": row.get("amount_currency")}}


_PAGES = Pages(
    COST_COLUMNS,
    "start_time",
    "end_time",
    cost_row,
    COST_FIGURES,
    COST_RULES,
    pages=dashboard_pages(("amount_value", "quantity", "line_item"), _result),
)


def _recognises(sample: Sample) -> bool:
    is_csv = not sample.content.is_parquet and sample.text.lstrip()[:1] not in {"{", "["}
    return is_csv and {"start_time", "amount_value", "amount_currency"} <= sample.keys


FORMAT = Format(
    name="openai_cost_csv",
    description="OpenAI dashboard: cost CSV of the Usage page",
    columns={**BUCKET, **COST_COLUMNS},
    day="starts_at",
    recognises=_recognises,
    read=_PAGES.read,
    about=About(
        obtain="Usage page of the dashboard, cost view, export; at most 60 days at once.",
        taken="Every row with an amount; days without costs are left out and counted. Names of people and organisations are not read.",
        key="day, line item and every dimension, credits apart; rows of one file with the same ones add up. Of several downloads the "
        "larger amount counts; where a day was downloaded by other dimensions, the one with the largest amounts counts, then the one "
        "with most dimensions; by project where all name projects.",
        money="`amount_value` in `amount_currency`, up to 30 decimals; what OpenAI bills.",
        limits="The dashboard shows what the costs API (`openai_costs`) exports, and lags: bring one of the two for the same days, else it "
        "is billed twice. `marts.same_money` names days where two sources seem to be one; `counts: false` on a source keeps it from being "
        "added. Line items are free text whose wording changed over time.",
    ),
    names=frozenset({"start_time", "end_time", "start_time_iso", "end_time_iso", "amount_value", "amount_currency", *_NAMES}),
)
