"""Intervals hold what they say they hold: against published values, and in worlds whose truth is known."""

import math
from decimal import Decimal

import numpy as np
import pytest
from examples import TIMES, examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.reports import intervals
from meterbook.reports.intervals import Moments, Verdict, difference_interval, mean_not_worse, not_worse, ratio_interval, student, wilson

WORLDS = 150 * TIMES
COUNTS = st.integers(0, 200).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count)))


def _held(inside: int, level: float) -> None:
    """As many worlds hold the truth as the level says, within four standard errors, and two points for few blocks."""
    error = math.sqrt(level * (1 - level) / WORLDS)
    assert level - 4 * error - 0.02 <= inside / WORLDS <= min(1, level + 4 * error)


def _world(rng: np.random.Generator, blocks: int, cost: float) -> tuple[list[float], list[float]]:
    """Days on which some units cost some dollars each, dear days and cheap ones, many units and few."""
    units = rng.poisson(40 * np.exp(rng.normal(0, 0.3, blocks)))
    return list(units * cost * np.exp(rng.normal(0, 0.4, blocks) - 0.08)), [float(count) for count in units]


# R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_score_interval_is_the_published_one(successes: int, count: int, low: float, high: float) -> None:
    found = wilson(successes, count)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


# R. G. Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10.
@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
    ],
)
def test_the_interval_of_a_difference_of_proportions_is_the_published_one(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    found = not_worse(*counts, margin=0.01).difference
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706), (10, 2.2281), (30, 2.0423), (1e6, 1.96)]
)
def test_the_quantile_of_students_t_is_that_of_the_tables(freedom: float, quantile: float) -> None:
    assert student(0.95, freedom) == pytest.approx(quantile, abs=0.005)


@given(COUNTS)
@examples(50)
def test_a_proportion_lies_in_its_interval_and_the_interval_between_nothing_and_all(counts: tuple[int, int]) -> None:
    successes, count = counts
    found, mirrored = wilson(successes, count), wilson(count - successes, count)
    if count == 0:
        assert found is None
        return
    assert found is not None
    assert mirrored is not None
    assert 0 <= found.low <= successes / count <= found.high <= 1
    assert mirrored.low == pytest.approx(1 - found.high)


@given(COUNTS, COUNTS, st.floats(0, 0.2))
@examples(50)
def test_of_two_sides_both_are_never_worse_than_the_other(one: tuple[int, int], other: tuple[int, int], margin: float) -> None:
    forth, back = not_worse(*one, *other, margin), not_worse(*other, *one, margin)
    assert not forth.verdict == back.verdict == Verdict.WORSE
    if forth.difference is None or back.difference is None:
        assert forth.verdict == back.verdict == Verdict.UNKNOWN
    else:
        assert forth.difference.low == pytest.approx(-back.difference.high)


@pytest.mark.parametrize(("successes", "count"), [(3, 2), (-1, 2)])
def test_impossible_counts_are_refused(successes: int, count: int) -> None:
    with pytest.raises(ValueError, match=f"{successes} successes of {count}"):
        wilson(successes, count)


def test_a_fall_of_quality_beyond_the_margin_is_called_worse_and_little_data_says_nothing() -> None:
    assert not_worse(880, 1000, 950, 1000, margin=0.01).verdict == Verdict.WORSE
    assert not_worse(9_500, 10_000, 9_500, 10_000, margin=0.01).verdict == Verdict.NOT_WORSE
    assert not_worse(19, 20, 19, 20, margin=0.01).verdict == Verdict.UNKNOWN


@pytest.mark.parametrize("blocks", [8, 30])
def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_it_says(blocks: int) -> None:
    rng, inside = np.random.default_rng(blocks), 0
    for world in range(WORLDS):
        found = ratio_interval(*_world(rng, blocks, 0.05), seed=str(world), draws=600)
        assert found is not None
        inside += found.low <= 0.05 <= found.high
    _held(inside, 0.95)


def test_the_interval_of_a_difference_holds_the_truth_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(3), 0
    for world in range(WORLDS):
        found = difference_interval(*_world(rng, 25, 0.05), *_world(rng, 15, 0.04), seed=str(world), draws=600)
        assert found is not None
        inside += found.low <= 0.01 <= found.high
    _held(inside, 0.95)


def test_the_interval_of_means_holds_the_truth_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(4), 0
    for _ in range(WORLDS):
        sides = [rng.normal(mean, spread, count) for mean, spread, count in ((0.9, 0.1, 12), (0.85, 0.3, 40))]
        one, other = (Moments(len(side), float(side.sum()), float((side**2).sum())) for side in sides)
        found = mean_not_worse(one, other, margin=0.01).difference
        assert found is not None
        inside += found.low <= 0.05 <= found.high
    _held(inside, 0.95)


def test_what_a_day_does_to_both_sides_cancels_where_they_are_paired() -> None:
    rng = np.random.default_rng(5)
    price, units = np.exp(rng.normal(0, 0.8, 30)), rng.poisson(40, (2, 30)).astype(float)
    sides = [list(units[0] * price), list(units[0]), list(units[1] * price * 0.9), list(units[1])]
    paired, apart = (difference_interval(*sides, seed="a", is_paired=one) for one in (True, False))
    assert paired is not None
    assert apart is not None
    assert paired.high - paired.low < (apart.high - apart.low) / 2
    assert paired.low > 0 > apart.low


def test_the_same_figures_have_the_same_interval_and_money_may_be_decimal() -> None:
    costs, units = [Decimal("1.10"), Decimal("2.35"), Decimal("0.90")], [11, 20, 10]
    found = ratio_interval(costs, units, seed="resolved ticket")
    assert found is not None
    assert found == ratio_interval([float(cost) for cost in costs], units, seed="resolved ticket")
    assert found.point == pytest.approx(4.35 / 41)
    assert found.low < found.point < found.high


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 1000)), max_size=40))
@examples(25)
def test_a_ratio_lies_in_its_interval_and_one_block_has_none(blocks: list[tuple[float, int]]) -> None:
    numerators, denominators = [one for one, _ in blocks], [other for _, other in blocks]
    found = ratio_interval(numerators, denominators, seed="any", draws=100)
    held = [block for block in blocks if any(block)]
    if len(held) < 2 or not sum(denominators):
        assert found is None
    else:
        assert found is not None
        assert found.point == pytest.approx(sum(numerators) / sum(denominators))
        assert found.low <= found.point <= found.high


def test_very_many_blocks_are_summed_up_and_vary_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    units = rng.poisson(3, 900).astype(float)
    costs = list(units * np.exp(rng.normal(0, 0.5, 900)))
    whole = ratio_interval(costs, list(units), seed="many")
    monkeypatch.setattr(intervals, "MOST_BLOCKS", 200)
    pooled = ratio_interval(costs, list(units), seed="many")
    assert whole is not None
    assert pooled is not None
    assert pooled.point == pytest.approx(whole.point)
    assert pooled.high - pooled.low == pytest.approx(whole.high - whole.low, rel=0.25)


def test_a_sum_of_days_to_come_lies_in_its_interval_nineteen_times_of_twenty() -> None:
    rng, held = np.random.default_rng(5), 0
    for trial in range(WORLDS):
        were, come = np.split(rng.gamma(2, 50, 28 + 30), [28])
        found = intervals.sum_ahead(were.tolist(), 30, seed=f"trial {trial}", draws=500)
        assert found is not None
        held += found.low <= come.sum() <= found.high
    _held(held, 0.95)


def test_days_that_do_not_differ_have_one_sum_and_a_single_day_has_none() -> None:
    found = intervals.sum_ahead([Decimal("2.5")] * 9, 30, seed="same")
    assert found == intervals.Interval(75.0, 75.0, 75.0)
    assert intervals.sum_ahead([Decimal(3)], 30, seed="one") is None
    assert intervals.sum_ahead([], 30, seed="none") is None
    once, again = (intervals.sum_ahead([1, 4, 9, 2], 30, seed="told") for _ in range(2))
    assert once == again
