"""Which combination of dimensions a change comes from: a scan by likelihood, with Poisson scores of elements (Kulldorff 1997).

An element is one value for each of one to three dimensions. Its score is v * ln(v / f) - (v - f), v what it cost and f what was expected,
less 3 % for each dimension beyond the first, so that of equal elements the shorter one is told. The best is taken, its leaves are scaled
to what they cost, and what is left is scanned again: so one cause is not told twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

NONE = "(none)"
LONGER = 0.03
"""What each dimension beyond the first takes from a score."""
CLEAR = 1.4
"""A cause has a score of so many times that of the best element of quiet days."""
UNSEEN = 0.01
"""What was never there is expected at this share of what it cost, for a score needs an expectation."""
_DIMENSIONS = 3


@dataclass(frozen=True)
class Cause:
    """An element that changed.

    Args:
        where: value by dimension.
        expected: what it would have cost.
        actual: what it cost.
        score: by how much it stands out.
    """

    where: Mapping[str, str]
    expected: float
    actual: float
    score: float


def causes(leaves: pl.DataFrame, dimensions: Sequence[str], least: float = 0.0, most: int = 5) -> list[Cause]:
    """Elements a change comes from, the likeliest first.

    Args:
        leaves: the dimensions with `expected` and `actual` dollars, floats that are not negative.
        dimensions: columns to combine.
        least: score below which nothing is told: `CLEAR` times the best of quiet days.
        most: how many are told.
    """
    left = _numbered(leaves, dimensions).group_by(*dimensions, maintain_order=True).agg(pl.col("expected").sum(), pl.col("actual").sum())
    found: list[Cause] = []
    # Only what is expected changes from one look to the next: which leaves an element has is asked once.
    groups = _groups(left, dimensions)
    for _ in range(2 * most):
        best = _best(groups, left)
        if best is None or best.score <= max(least, 0.0) or len(found) == most:
            break
        # What another cause took too much of stands out again; it is told already.
        if all(best.where != one.where for one in found):
            found.append(best)
        inside = pl.all_horizontal(pl.col(name) == value for name, value in best.where.items())
        is_scaled = best.expected > UNSEEN * best.actual
        scaled = pl.col("expected") * (best.actual / best.expected) if is_scaled else pl.col("actual")
        left = left.with_columns(pl.when(inside).then(scaled).otherwise(pl.col("expected")).alias("expected"))
    return found


def best_score(leaves: pl.DataFrame, dimensions: Sequence[str]) -> float:
    """The score of the element that stands out most; zero where none does."""
    numbered = _numbered(leaves, dimensions)
    found = _best(_groups(numbered, dimensions), numbered)
    return found.score if found else 0.0


def _numbered(leaves: pl.DataFrame, dimensions: Sequence[str]) -> pl.DataFrame:
    """Leaves in an order of their own, or the last digit of a sum would follow theirs; names as numbers, to be grouped many times."""
    return leaves.sort(*dimensions, "expected", "actual").with_columns(pl.col(name).cast(pl.Categorical) for name in dimensions)


@dataclass(frozen=True)
class _Column:
    """A dimension of the leaves: its names, and for each leaf the place of its own among them."""

    names: Sequence[str]
    places: NDArray[np.int64]


@dataclass(frozen=True)
class _Group:
    """Leaves by the elements of some dimensions: the element of each leaf; of each element its first leaf, and whether all has a name."""

    columns: Mapping[str, _Column]
    elements: NDArray[np.int64]
    firsts: NDArray[np.int64]
    is_named: NDArray[np.bool_]


def _groups(leaves: pl.DataFrame, dimensions: Sequence[str]) -> list[_Group]:
    if leaves.is_empty():
        return []
    columns = {name: _column(leaves[name]) for name in dimensions}
    sets = (names for size in range(1, _DIMENSIONS + 1) for names in combinations(dimensions, size))
    return [_group({name: columns[name] for name in names}, len(leaves)) for names in sets]


def _group(columns: Mapping[str, _Column], leaves: int) -> _Group:
    """Places are counted, not grouped: a scan asks for all dimensions many times."""
    codes = np.zeros(leaves, dtype=np.int64)
    for column in columns.values():
        codes = codes * len(column.names) + column.places
    _, firsts, elements = np.unique(codes, return_index=True, return_inverse=True)
    is_named = np.ones(len(firsts), dtype=np.bool_)
    for column in columns.values():
        is_named &= np.array([name != NONE for name in column.names])[column.places[firsts]]
    return _Group(columns, elements, firsts, is_named)


def _best(groups: Sequence[_Group], leaves: pl.DataFrame) -> Cause | None:
    sums = (leaves["actual"].to_numpy(), leaves["expected"].to_numpy())
    tops = [top for group in groups if (top := _top(group, *sums)) is not None]
    return max(tops, key=lambda cause: cause.score, default=None)


def _column(values: pl.Series) -> _Column:
    known, places = np.unique(values.to_physical().to_numpy(), return_inverse=True)
    texts = dict(zip(values.to_physical().to_list(), values.cast(pl.String).to_list(), strict=True))
    return _Column([texts[code] for code in known.tolist()], places.astype(np.int64))


def _top(group: _Group, actual: NDArray[np.float64], expected: NDArray[np.float64]) -> Cause | None:
    """The best element of some dimensions."""
    columns, firsts = group.columns, group.firsts
    cost, usual = (np.bincount(group.elements, weights=one, minlength=len(firsts)) for one in (actual, expected))
    known = np.flatnonzero(group.is_named & (np.maximum(cost, usual) > 0))
    if not len(known):
        return None
    floor = np.maximum(usual, UNSEEN * cost)[known]
    ratio = np.divide(cost[known], floor, out=np.ones(len(known)), where=(cost[known] > 0) & (floor > 0))
    score = (cost[known] * np.log(ratio) - cost[known] + floor) * (1 - LONGER * (len(columns) - 1))
    equal = known[score == score.max()].tolist()
    where = [{name: column.names[column.places[firsts[place]]] for name, column in columns.items()} for place in equal]
    best = min(range(len(equal)), key=lambda place: tuple(where[place].values()))
    return Cause(where[best], float(usual[equal[best]]), float(cost[equal[best]]), float(score.max()))
