"""What each leaf of model use cost on each day, beside the same weekdays before; and a scope that stands out, as a set of leaves.

A leaf is one team, tenant, feature and model. Statistics: dollars are floats here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

DEPTHS = (
    "total", "team", "feature", "tenant", "model", "team, feature", "tenant, feature", "feature, model", "team, model", "gpu pool", "unit",
)  # fmt: skip
"""Dimensions, the widest first."""
LEAF = ("team", "tenant", "feature", "model")
WEEKS = 4
COSTS_LESS = frozenset({"cache read share"})
"""Ratios whose fall costs more."""
Row = dict[str, Any]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def a_day(value: object) -> date:
    """A day that came as a value of a column.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, date):
        message = f"{value!r} is no day"
        raise TypeError(message)
    return value


class Leaves:
    """What each leaf cost each day, and what it cost on the same weekdays before.

    Args:
        rows: day, the columns of `LEAF`, and cost_usd.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        known = rows.select("day", *LEAF, pl.col("cost_usd").cast(pl.Float64).fill_null(0.0)).with_columns(
            pl.col(name).fill_null("(none)") for name in LEAF
        )
        self.names = known.select(LEAF).unique().sort(LEAF).with_row_index("leaf")
        placed = known.join(self.names, on=LEAF)
        self._costs = {
            a_day(day): np.bincount(group["leaf"].to_numpy(), group["cost_usd"].to_numpy(), self.names.height).astype(np.float64)
            for (day,), group in placed.group_by("day")
        }

    def mask(self, where: Mapping[str, str | None]) -> Mask:
        """The leaves of a scope."""
        found = np.ones(self.names.height, dtype=np.bool_)
        for name, value in where.items():
            if value is not None:
                found &= (self.names[name] == value).to_numpy()
        return found

    def actual(self, day: date) -> Floats:
        """Dollars of a day by leaf."""
        return self._costs.get(day, np.zeros(self.names.height))

    def expected(self, day: date) -> Floats:
        """The mean of the same weekdays of four weeks, as far as they are known."""
        before = [self._costs[one] for week in range(1, WEEKS + 1) if (one := day - timedelta(weeks=week)) in self._costs]
        return np.asarray(np.mean(before, axis=0), dtype=np.float64) if before else np.zeros(self.names.height)

    def is_known(self, day: date) -> bool:
        """Whether there is anything to hold a day against."""
        return any(day - timedelta(weeks=week) in self._costs for week in range(1, WEEKS + 1))

    def table(self, day: date, mask: Mask) -> pl.DataFrame:
        """The leaves of a scope with what they cost and should have; credits are no use."""
        actual, expected = (np.maximum(values[mask], 0) for values in (self.actual(day), self.expected(day)))
        whole = self.names.filter(mask).with_columns(pl.Series("actual", actual), pl.Series("expected", expected))
        return whole.filter((pl.col("actual") > 0) | (pl.col("expected") > 0))


def excess_of(row: Row) -> float:
    """Dollars more than expected; less where negative."""
    value = float(row["excess"] or 0.0)
    return -value if row["measure"] in COSTS_LESS else value


@dataclass(frozen=True)
class Node:
    """A scope that stands out on a day, by one measure or several.

    Args:
        rows: the alarms; the one that speaks first is that of cost, else the one of most dollars.
        leaves: of all scopes.
    """

    rows: Sequence[Row]
    leaves: Leaves

    @cached_property
    def name(self) -> str:
        """Dimension and scope."""
        return f"{self.rows[0]['dimension']} {self.rows[0]['scope']}"

    @cached_property
    def depth(self) -> int:
        """The place of its dimension."""
        dimension = self.rows[0]["dimension"]
        return DEPTHS.index(dimension) if dimension in DEPTHS else len(DEPTHS)

    @cached_property
    def is_swapped(self) -> bool:
        """Whether another model answered than was asked for: then the fall of the one and the rise of the other are parts of it."""
        return any(row["measure"] == "swapped share" for row in self.rows)

    @cached_property
    def main(self) -> Row:
        """The row that has its dollars."""
        return max(self.rows, key=lambda row: (row["measure"] == "cost", abs(excess_of(row)), row["measure"]))

    @cached_property
    def excess(self) -> float:
        """Dollars more than expected; less where negative."""
        return excess_of(self.main)

    @cached_property
    def growth(self) -> float:
        """Its excess in relation to what was expected."""
        return abs(self.excess) / max(float(self.main["cost_usd"] or 0) - self.excess, 1.0)

    @property
    def day(self) -> date:
        """When."""
        day: date = self.main["day"]
        return day

    @cached_property
    def where(self) -> dict[str, str | None]:
        """The leaf's columns that its scope is made of."""
        return {name: self.main[name] for name in LEAF}

    @cached_property
    def mask(self) -> Mask | None:
        """Its leaves; None where it is no scope of model use."""
        is_use = self.rows[0]["dimension"] == "total" or any(self.where.values())
        return self.leaves.mask(self.where) if is_use else None
