"""How sure a figure is: intervals and verdicts of statistics that stand beside exact money.

Everything here is a float for display and decisions, never for posting. Random draws come from a seed that is a text, so that the same
figures give the same interval in every process.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

DRAWS = 2_000
"""Bootstrap samples; the ends of a 95 % interval then wander by about 2 % of its width from seed to seed."""
MOST_BLOCKS = 1_000
"""Blocks that are drawn at most; more are summed up into so many, which leaves the variance of a sum as it is."""
LEVEL = 0.95
Number = int | float | Decimal
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A figure between two bounds, in the figure's own unit."""

    low: float
    point: float
    high: float


class Verdict(StrEnum):
    """What a comparison says of the first side."""

    NOT_WORSE = "not worse"
    WORSE = "worse"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Comparison:
    """The first side less the second, and what that says; no difference where a side has too little to say."""

    difference: Interval | None
    verdict: Verdict


@dataclass(frozen=True)
class Moments:
    """What a mean and its spread are made of: how many values, their sum, the sum of their squares."""

    count: int
    total: Number
    total_of_squares: Number


def ratio_interval(
    numerators: Sequence[Number], denominators: Sequence[Number], *, seed: str, level: float = LEVEL, draws: int = DRAWS
) -> Interval | None:
    """Interval of a ratio of two sums, by a bootstrap of the blocks that are summed.

    A block is what varies together, a day or a tenant's day, so that calls of one day are not taken for independent ones. The interval is
    the expanded percentile one, which does not come out too narrow with few blocks: T. Hesterberg, "What Teachers Should Know About the
    Bootstrap", The American Statistician 69 (2015), section 5.3.

    Args:
        numerators: of each block, for example its dollars.
        denominators: of each block, in the same order, for example its successful units; none is negative.
        seed: a text that names the figure.
        level: share of such intervals that hold the true ratio.
        draws: bootstrap samples.

    Returns:
        None for fewer than two blocks with anything in them, or where the denominators sum to nothing.
    """
    blocks = _blocks(numerators, denominators)
    if _too_few(blocks):
        return None
    ratios = _ratios(_drawn(len(blocks), seed, draws) @ blocks)
    return _between(ratios, _ratio(blocks), len(blocks), level)


def difference_interval(
    first_numerators: Sequence[Number],
    first_denominators: Sequence[Number],
    second_numerators: Sequence[Number],
    second_denominators: Sequence[Number],
    *,
    seed: str,
    level: float = LEVEL,
    draws: int = DRAWS,
    is_paired: bool = False,
) -> Interval | None:
    """Interval of the first ratio of sums less the second; as `ratio_interval`.

    Args:
        first_numerators: of each block of the first side.
        first_denominators: of each block of the first side.
        second_numerators: of each block of the second side.
        second_denominators: of each block of the second side.
        seed: a text that names the figure.
        level: share of such intervals that hold the true difference.
        draws: bootstrap samples.
        is_paired: the sides have the same blocks in the same order, with 0 where one has nothing, and are drawn together: what a day or a
            tenant does to both cancels.

    Returns:
        None where either side has fewer than two blocks with anything in them or no denominator.

    Raises:
        ValueError: paired sides of different lengths.
    """
    first, second = _sides((first_numerators, first_denominators), (second_numerators, second_denominators), is_paired=is_paired)
    if _too_few(first) or _too_few(second):
        return None
    weights = _drawn(len(first), f"{seed} first", draws)
    others = weights if is_paired else _drawn(len(second), f"{seed} second", draws)
    found = _ratios(weights @ first, keep=True) - _ratios(others @ second, keep=True)
    return _between(found[np.isfinite(found)], _ratio(first) - _ratio(second), min(len(first), len(second)), level)


def sum_ahead(values: Sequence[Number], count: int, *, seed: str, level: float = LEVEL, draws: int = DRAWS) -> Interval | None:
    """Interval of the sum of blocks to come, of the kind of those that were; the point is their mean, `count` times.

    A bootstrap of two stages, as two things are unknown: which blocks there may be, of which those that were are a sample, and which of
    these come. So it holds a sum that is yet to be seen, and is wider than an interval of the mean. It is widened for few blocks as that of
    `ratio_interval`. Blocks are taken to come in any order and not to grow.

    Args:
        values: of each block, for example a day's dollars; 0 counts.
        count: how many blocks come.
        seed: a text that names the figure.
        level: share of such sums that lie within.
        draws: bootstrap samples.

    Returns:
        None for fewer than two blocks.
    """
    if len(values) < 2:  # noqa: PLR2004 -- one block does not vary
        return None
    blocks = np.array([float(value) for value in values], dtype=np.float64)
    shares = _drawn(len(blocks), seed, draws) / len(blocks)
    coming = _generator(f"{seed} ahead").multinomial(count, shares)
    return _between(coming @ blocks, float(blocks.mean()) * count, len(blocks), level)


def wilson(successes: int, count: int, level: float = LEVEL) -> Interval | None:
    """Score interval of a proportion: E. B. Wilson, JASA 22 (1927), 209-212. None of nothing.

    Raises:
        ValueError: more successes than there were tries, or fewer than none.
    """
    if not 0 <= successes <= count:
        message = f"{successes} successes of {count}"
        raise ValueError(message)
    if count == 0:
        return None
    z, share = _z(level), successes / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return Interval(max(0.0, min(middle - half, share)), share, min(1.0, max(middle + half, share)))


def not_worse(  # noqa: PLR0917 -- two proportions are four counts
    successes: int, count: int, other_successes: int, other_count: int, margin: float, level: float = LEVEL
) -> Comparison:
    """Whether the first proportion is not below the second by more than a margin.

    The difference has the interval of R. G. Newcombe, Statistics in Medicine 17 (1998), 873-890, method 10, made of two Wilson intervals.
    See `judge` for the verdict; it cannot tell of nothing.
    """
    one, two = wilson(successes, count, level), wilson(other_successes, other_count, level)
    if one is None or two is None:
        return Comparison(None, Verdict.UNKNOWN)
    point = one.point - two.point
    low = point - sqrt((one.point - one.low) ** 2 + (two.high - two.point) ** 2)
    high = point + sqrt((one.high - one.point) ** 2 + (two.point - two.low) ** 2)
    return judge(Interval(low, point, high), margin)


def mean_not_worse(first: Moments, second: Moments, margin: float, level: float = LEVEL) -> Comparison:
    """Whether the first mean is not below the second by more than a margin; it cannot tell of fewer than two values a side.

    The interval is that of B. L. Welch, Biometrika 34 (1947), 28-35, with Satterthwaite's degrees of freedom.
    """
    if min(first.count, second.count) < 2:  # noqa: PLR2004 -- a spread needs two
        return Comparison(None, Verdict.UNKNOWN)
    errors = [_variance(side) / side.count for side in (first, second)]
    point = _mean(first) - _mean(second)
    if not sum(errors):
        return judge(Interval(point, point, point), margin)
    freedom = sum(errors) ** 2 / sum(error**2 / (side.count - 1) for error, side in zip(errors, (first, second), strict=True))
    half = student(level, freedom) * sqrt(sum(errors))
    return judge(Interval(point - half, point, point + half), margin)


def judge(difference: Interval, margin: float) -> Comparison:
    """The verdict on a difference: not worse if all of it is above minus the margin; worse if all of it is below 0 and it is not that."""
    if difference.low > -margin:
        return Comparison(difference, Verdict.NOT_WORSE)
    return Comparison(difference, Verdict.WORSE if difference.high < 0 else Verdict.UNKNOWN)


def student(level: float, freedom: float) -> float:
    """Two-sided quantile of Student's t.

    M. Abramowitz and I. Stegun, Handbook of Mathematical Functions, 26.7.5, from three degrees of freedom on, right to .03 there; exact for
    one and two, to which fewer than three are rounded down.
    """
    tail, z = (1 + level) / 2, _z(level)
    if freedom < 2:  # noqa: PLR2004
        return float(np.tan(np.pi * (tail - 0.5)))
    if freedom < 3:  # noqa: PLR2004
        return (2 * tail - 1) * sqrt(2 / (4 * tail * (1 - tail)))
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
    )
    return sum(term / freedom**power for power, term in enumerate(terms))


def _z(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)


def _mean(side: Moments) -> float:
    return float(side.total) / side.count


def _variance(side: Moments) -> float:
    return max(0.0, float(side.total_of_squares) - side.count * _mean(side) ** 2) / (side.count - 1)


def _sides(
    first: tuple[Sequence[Number], Sequence[Number]], second: tuple[Sequence[Number], Sequence[Number]], *, is_paired: bool
) -> tuple[Floats, Floats]:
    if not is_paired:
        return _blocks(*first), _blocks(*second)
    every = np.hstack([_columns(*first), _columns(*second)])
    blocks = _pooled(every[(every != 0).any(axis=1)])
    return blocks[:, :2], blocks[:, 2:]


def _blocks(numerators: Sequence[Number], denominators: Sequence[Number]) -> Floats:
    """The blocks that have anything, a numerator and a denominator each."""
    columns = _columns(numerators, denominators)
    return _pooled(columns[(columns != 0).any(axis=1)])


def _columns(numerators: Sequence[Number], denominators: Sequence[Number]) -> Floats:
    columns: Floats = np.array([[float(value) for value in column] for column in (numerators, denominators)], dtype=np.float64)
    return columns.reshape(2, -1).transpose()


def _pooled(blocks: Floats) -> Floats:
    if len(blocks) <= MOST_BLOCKS:
        return blocks
    pooled = np.zeros((MOST_BLOCKS, blocks.shape[1]))
    np.add.at(pooled, np.arange(len(blocks)) % MOST_BLOCKS, blocks)
    return pooled


def _too_few(blocks: Floats) -> bool:
    return int((blocks != 0).any(axis=1).sum()) < 2 or not blocks[:, 1].sum()  # noqa: PLR2004 -- one block does not vary


def _drawn(count: int, seed: str, draws: int) -> Floats:
    """How often each block is drawn, in each bootstrap sample."""
    return _generator(seed).multinomial(count, np.full(count, 1 / count), size=draws).astype(np.float64)


def _generator(seed: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest()))


def _ratio(blocks: Floats) -> float:
    return float(blocks[:, 0].sum() / blocks[:, 1].sum())


def _ratios(sums: Floats, *, keep: bool = False) -> Floats:
    """Ratios of the samples; a sample without any denominator has none, and is left out or kept as not a number."""
    ratios: Floats = np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] != 0)
    return ratios if keep else ratios[np.isfinite(ratios)]


def _between(found: Floats, point: float, count: int, level: float) -> Interval:
    tail = NormalDist().cdf(-sqrt(count / (count - 1)) * student(level, count - 1))
    low, high = (float(bound) for bound in np.quantile(found, (tail, 1 - tail)))
    return Interval(min(low, point), point, max(high, point))
