"""Series of a forecast as dense days: what was used, what is known ahead, and what each day to come is taken to be.

Use is an amount without what was known of its day, at the prices of the first day of the grid: prices that changed are no change of use.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SEEN = 28
"""Days that a forecast looks at; it is sure of its errors where it has so many."""
LEVEL = 14
"""Days whose mean is the level: better than 7 on the tuning keys of the benchmark, and no worse than 28."""
WEIGHTS = (0.4, 0.3, 0.2, 0.1)
REACH = 190
"""Days that count for what is asked of a day: its history, and past errors of half a year."""
GIVEN = frozenset({"series", "day", "amount", "factor", "added", "is_wanted", "is_coming", "as_of", "period_start", "period_end", "target"})
"""Columns that a forecast is made of."""
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_EPOCH = date(1970, 1, 1)


class Asked(NamedTuple):
    """One day of one series that is asked for, days as places on the grid."""

    series: int
    day: int
    start: int
    end: int
    row: int
    target: float | None

    @property
    def left(self) -> int:
        """Days of the period after this one."""
        return self.end - self.day - 1


@dataclass(frozen=True)
class Grid:
    """Series by day.

    Args:
        names: of the series, in order.
        first: the day of the first column, in days since 1970.
        amounts: of each series and day.
        use: the same without what is known ahead, at the prices of the first day.
        prices: price level of each day; 1 on the first.
        rows: whether there was a row; before the first one there was no series.
        asked: what is asked for.
        ahead: what is known of days to come, by series and the day for which it holds (None is any): day, factor, added.
    """

    names: list[str]
    first: int
    amounts: Floats
    use: Floats
    prices: Floats
    rows: NDArray[np.bool_]
    asked: list[Asked]
    ahead: dict[tuple[int, int | None], list[tuple[int, float, float]]]

    def date(self, place: int) -> date:
        """The day of a column."""
        return _EPOCH + timedelta(days=self.first + place)

    def began(self, day: int) -> Integers:
        """Column of the first row of each series that a day looks back to; beyond the grid where there is none."""
        return np.asarray(self._next[:, max(day - REACH + 1, 0)])

    def history(self, day: int) -> Integers:
        """Days of each series up to a day, at most `REACH`."""
        return np.maximum(day + 1 - self.began(day), 0)

    @cached_property
    def _next(self) -> Integers:
        """The first column from each on that has a row."""
        width = self.rows.shape[1]
        places = np.where(self.rows, np.arange(width), width + REACH)
        return np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1]

    @cached_property
    def bases(self) -> Floats:
        """Use of a day to come, by series, day that asks, and how many days after its weekday it asks (0 is the same weekday)."""
        width = self.use.shape[1]
        recent, level = np.zeros_like(self.use), np.zeros_like(self.use)
        for week, weight in enumerate(WEIGHTS):
            recent[:, 7 * week :] += weight * self.use[:, : max(width - 7 * week, 0)]
        for back in range(LEVEL):
            level[:, back:] += self.use[:, : max(width - back, 0)] / LEVEL
        both = np.zeros((*self.use.shape, 7))
        for place in range(7):
            both[:, place:, place] = recent[:, : max(width - place, 0)]
        return np.asarray((both + self._profiles * level[..., None]) / 2)

    def profile(self, day: int) -> Floats:
        """Weekdays of each series over the last four weeks, 1 on average, by how many days before a day they are; 0 where nothing was."""
        return np.asarray(self._profiles[:, day])

    @cached_property
    def _profiles(self) -> Floats:
        width = self.use.shape[1]
        days, sums = np.zeros_like(self.use), np.zeros((*self.use.shape, 7))
        for week in range(SEEN // 7):
            days[:, 7 * week :] += self.use[:, : max(width - 7 * week, 0)]
        for place in range(7):
            sums[:, place:, place] = days[:, : max(width - place, 0)]
        total = sums.sum(axis=2, keepdims=True)
        return np.asarray(np.divide(7 * sums, total, out=np.zeros_like(sums), where=total > 0))

    def coming(self, series: int, day: int, left: int) -> tuple[Floats, Floats]:
        """How much dearer the same use becomes on each of the days to come, and what is known of each."""
        steps, known = np.ones(left), np.zeros(left)
        for holds_for in (None, day):
            for at, factor, added in self.ahead.get((series, holds_for), ()):
                if 0 < at - day <= left:
                    steps[at - day - 1] *= factor
                    known[at - day - 1] += added
        return steps, known


def grid_of(given: pa.Table) -> Grid:
    """The grid of what a forecast is given; its columns are those of `landing.land`."""
    names = sorted(set(given.column("series").to_pylist()))
    numbers = {name: number for number, name in enumerate(names)}
    series = np.array([numbers[name] for name in given.column("series").to_pylist()], dtype=np.int64)
    days, past = _days(given, "day"), ~_booleans(given, "is_coming")
    first, last = (int(days[past].min()), int(days[past].max())) if past.any() else (0, -1)
    places = days - first
    amount, factor, added = (_floats(given, name, empty) for name, empty in (("amount", 0.0), ("factor", 1.0), ("added", 0.0)))

    def filled(values: Floats, empty: float) -> Floats:
        grid = np.full((len(names), last - first + 1), empty)
        grid[series[past], places[past]] = values[past]
        return grid

    amounts = filled(amount, 0.0)
    prices: Floats = np.cumprod(filled(factor, 1.0), axis=1, dtype=np.float64)
    starts, ends = (_days(given, name) - first for name in ("period_start", "period_end"))
    targets = given.column("target").to_pylist()
    asked = [
        Asked(int(series[row]), int(places[row]), int(starts[row]), int(ends[row]), int(row), targets[row])
        for row in np.flatnonzero(past & _booleans(given, "is_wanted"))
    ]
    ahead: dict[tuple[int, int | None], list[tuple[int, float, float]]] = {}
    holds_for = given.column("as_of").to_pylist() if "as_of" in given.column_names else [None] * given.num_rows
    for row in np.flatnonzero(~past):
        day = holds_for[row]
        key = int(series[row]), None if day is None else (day - _EPOCH).days - first
        ahead.setdefault(key, []).append((int(places[row]), float(factor[row]), float(added[row])))
    rows = np.asarray(filled(np.ones_like(amount), 0.0) > 0)
    return Grid(names, first, amounts, (amounts - filled(added, 0.0)) / prices, prices, rows, asked, ahead)


def _days(given: pa.Table, name: str) -> Integers:
    days = given.column(name).cast(pa.date32()).cast(pa.int32()).cast(pa.int64())
    return np.asarray(days.fill_null(0).to_numpy(), dtype=np.int64)


def _floats(given: pa.Table, name: str, empty: float) -> Floats:
    return np.asarray(given.column(name).cast(pa.float64()).fill_null(empty).to_numpy(), dtype=np.float64)


def _booleans(given: pa.Table, name: str) -> NDArray[np.bool_]:
    return np.asarray(given.column(name).fill_null(fill_value=False).to_numpy(), dtype=np.bool_)
