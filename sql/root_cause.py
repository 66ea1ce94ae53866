"""Which combination of dimensions a change comes from: a scan by likelihood, with Poisson scores of elements (Kulldorff 1997).

An element is one value for each of one to three dimensions. Its score is v * ln(v / f) - (v - f), v what it cost and f what was expected,
less 3 % for each dimension beyond the first, so that of equal elements the shorter one is told. The best is taken, its leaves are scaled
to what they cost, and what is left is scanned again: so one cause is not told twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

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
    # Names as numbers: the leaves are grouped many times.
    numbered = leaves.with_columns(pl.col(name).cast(pl.Categorical) for name in dimensions)
    left = numbered.group_by(*dimensions).agg(pl.col("expected").sum(), pl.col("actual").sum())
    found: list[Cause] = []
    for _ in range(2 * most):
        best = _best(left, dimensions)
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
    found = _best(leaves.with_columns(pl.col(name).cast(pl.Categorical) for name in dimensions), dimensions)
    return found.score if found else 0.0


def _best(leaves: pl.DataFrame, dimensions: Sequence[str]) -> Cause | None:
    sets = [names for size in range(1, _DIMENSIONS + 1) for names in combinations(dimensions, size)]
    tops = [top for names in sets if (top := _top(leaves, names)) is not None]
    return max(tops, key=lambda cause: cause.score, default=None)


def _top(leaves: pl.DataFrame, names: Sequence[str]) -> Cause | None:
    """The best element of some dimensions."""
    sums = leaves.group_by(*names).agg(pl.col("expected").sum(), pl.col("actual").sum())
    known = sums.filter(pl.all_horizontal(pl.col(name) != NONE for name in names), pl.max_horizontal("actual", "expected") > 0)
    usual = pl.max_horizontal(pl.col("expected"), UNSEEN * pl.col("actual"))
    likely = pl.when(pl.col("actual") > 0).then(pl.col("actual") * (pl.col("actual") / usual).log()).otherwise(0.0)
    score = (likely - pl.col("actual") + usual) * (1 - LONGER * (len(names) - 1))
    ranked = (
        known.with_columns(score.alias("score"))
        .filter(pl.col("score") == pl.col("score").max())
        .sort(*(pl.col(name).cast(pl.String) for name in names))
        .head(1)
    )
    for row in ranked.iter_rows(named=True):
        return Cause({name: row[name] for name in names}, row["expected"], row["actual"], row["score"])
    return None
