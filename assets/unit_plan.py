"""The plan of a unit of value: how many are meant to be delivered in a month, from a month on (`plan:` of units.yaml)."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated

import polars as pl
from pydantic import Field

from meterbook.assets.dated import OPEN
from meterbook.assets.sources import Strict

_SHAPE: Mapping[str, pl.DataType] = {
    "unit": pl.String(), "feature": pl.String(), "starts_on": pl.Date(), "ends_on": pl.Date(), "per_month": pl.Int64(),
}  # fmt: skip


class UnitPlan(Strict):
    """So many a month, until the next entry.

    Args:
        starts_on: `from:`, the first day of a month.
        per_month: units delivered in a month, spread evenly over its days.
    """

    starts_on: Annotated[date, Field(alias="from")]
    per_month: int = Field(ge=0, lt=10**12)


def check_plan(plan: Sequence[UnitPlan], feature: str | None) -> None:
    """Refuse a plan that a forecast cannot follow.

    Raises:
        ValueError: it is out of order, does not begin with a month, or the unit is not of just one feature.
    """
    if plan and feature is None:
        raise ValueError("`plan:` needs `feature:`: the forecast of one feature follows it")
    if any(one.starts_on.day != 1 for one in plan):
        raise ValueError("`from:` of a plan is the first day of a month")
    if any(one.starts_on >= after.starts_on for one, after in pairwise(plan)):
        raise ValueError("entries of a plan follow one another in time")


def plan_table(plans: Sequence[tuple[str, str | None, Sequence[UnitPlan]]]) -> pl.DataFrame:
    """book.unit_plan: each entry of each unit until its next one."""
    rows = [
        {"unit": unit, "feature": feature, "starts_on": one.starts_on, "ends_on": end, "per_month": one.per_month}
        for unit, feature, plan in plans
        for one, end in zip(plan, [*(after.starts_on for after in plan[1:]), OPEN], strict=False)
    ]
    return pl.DataFrame(rows, schema=_SHAPE)
