"""The sample company's units of value: what each feature delivers, and two that no feature has for itself."""

from datetime import date, timedelta
from pathlib import Path

from meterbook.assets.units import FILE
from meterbook.pipelines import demo_plants as plants
from meterbook.pipelines.demo_company import FEATURES, Feature

BASELINE_DAYS = 28
TEXT, SERVED_TENANT = "sales_text", "tenant_day"
"""A unit that requests count, and one that a query does."""
PRICES = {"support-assistant": ("0.12", "0.15"), "contract-review": ("0.90", "0.90"), "email-drafts": ("0.30", "0.30")}
"""What customers pay for what a feature delivers, in USD: from the first day on, and from the second month on."""


def write_units(folder: Path, first: date) -> None:
    """Write the book's units.yaml.

    Args:
        folder: of the book.
        first: its first day, with which the baselines begin.
    """
    days = f"baseline_from: {first}, baseline_to: {first + timedelta(days=BASELINE_DAYS)}"
    units = "".join(
        f"  - {{unit: {one.unit}, label: {one.label}, feature: {one.name}, {_goal(one)}{_price(one, first)}, {days}}}\n" for one in FEATURES
    )
    (folder / FILE).write_text(_HEAD + units + _others(days), "utf-8")


def _goal(feature: Feature) -> str:
    if feature.name == plants.TRIED:
        return "improve: 0.2, quality: {signal: rating, margin: 0.01}"
    return f"target_usd: {feature.target_usd}"


def _price(feature: Feature, first: date) -> str:
    if feature.name not in PRICES:
        return ""
    old, new = PRICES[feature.name]
    second = (first + timedelta(days=31)).replace(day=1)
    dated = f"[{{from: {first}, usd: {old}}}, {{from: {second}, usd: {new}}}]"
    return f", price_usd: {old if old == new else dated}"


_HEAD = """\
# What a unit of value is, whose cost it carries, what it should cost (in dollars, or so much less than in its baseline), and its price.
units:
"""


def _others(days: str) -> str:
    return f"""\
  - {{unit: {TEXT}, label: text for sales, source: request, scope: {{team: sales, environment: prod}}, improve: 0.1, {days}}}
  - unit: {SERVED_TENANT}
    label: tenant served for a day
    scope: {{environment: prod}}
    sql: |
      select book_day as day, tenant, count(distinct tenant) as quantity
      from core.request where status = 'success' and environment = 'prod' and tenant is not null group by 1, 2
    improve: 0.1
    baseline_from: {days.split()[1].rstrip(",")}
    baseline_to: {days.split()[-1]}
"""
