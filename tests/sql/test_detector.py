"""What the detector says of planted days, and what must hold whatever the series."""

import math
from dataclasses import replace

import numpy as np
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterbook.sql.detector import (
    COST,
    DRIFT_HISTORY,
    KINDS,
    RATIO,
    REACH,
    SCORE_HISTORY,
    SHARE,
    Direction,
    Judged,
    Rules,
    Scores,
    judge,
    score,
)

DAYS = 180
Floats = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)


def quiet(seed: int = 0, rows: int = 20, level: float = 100.0, noise: float = 0.05) -> Floats:
    random = np.random.default_rng(seed)
    weekend = np.where(np.arange(DAYS) % 7 >= 5, 0.4, 1.0)
    return np.asarray(level * weekend * np.exp(random.normal(0, noise, (rows, DAYS))))


def kinds(values: Floats, rules: Rules = COST, spend: float | None = None, wanted: int = 30, keys: int = 1) -> list[list[str]]:
    """Of the first row, what is said on the last days."""
    spent = None if spend is None else np.full((len(values), wanted), spend)
    return [[KINDS[kind] for kind in row] for row in judge(score(values, wanted, rules), rules, spent, keys).kind]


def same(one: Scores, other: Scores, first: int, last: int) -> None:
    for name in ("expected", "baseline", "highest", "z", "drift", "history"):
        np.testing.assert_allclose(getattr(one, name)[:, first:last], getattr(other, name)[:, : last - first], rtol=1e-12, atol=1e-12)


def test_nothing_is_said_of_a_quiet_series_with_a_weekend() -> None:
    assert {kind for row in kinds(quiet()) for kind in row} == {""}


def test_twice_the_cost_of_one_day_is_a_spike_of_that_day_alone() -> None:
    values = quiet()
    values[0, -10] *= 2
    said = kinds(values)
    assert [day for day, kind in enumerate(said[0]) if kind] == [20]
    assert said[0][20] == "spike"


def test_a_weekend_at_the_level_of_weekdays_is_a_spike() -> None:
    values = quiet()
    saturday = next(day for day in range(DAYS - 10, DAYS) if day % 7 == 5)
    values[0, saturday] = 100.0
    assert kinds(values)[0][saturday - DAYS + 30] == "spike"


def test_a_day_with_a_tenth_of_its_cost_is_a_drop_and_half_of_it_is_none() -> None:
    values = quiet()
    values[0, -5] *= 0.1
    values[1, -5] *= 0.5
    said = kinds(values)
    assert (said[0][-5], said[1][-5]) == ("drop", "")


def test_a_small_key_that_stops_is_a_drop_where_it_never_was_near_nothing() -> None:
    values = quiet(level=6.5, noise=0.2)
    values[0, -5] = 0.0
    values[1, -5], values[1, -20] = 0.0, 0.0
    said = kinds(values)
    assert (said[0][-5], said[1][-5]) == ("drop", "")


def test_a_level_shift_too_small_for_a_spike_is_a_drift_within_two_weeks() -> None:
    values = quiet(noise=0.1)
    values[0, -25:] *= 1.6
    said = kinds(values)[0]
    assert "drift" in said[5:19]
    assert said[:5] == [""] * 5


def test_far_above_all_of_four_weeks_is_a_new_high_where_noise_is_too_large_for_a_spike() -> None:
    values = quiet(noise=0.9)
    values[0, -3] = 3 * values[0, -31:-3].max()
    assert kinds(values)[0][-3] in {"spike", "new high"}
    calm = Rules(spike=math.inf)
    assert kinds(values, calm)[0][-3] == "new high"


@pytest.mark.parametrize(("rules", "level"), [(COST, 100.0), (RATIO, 0.01), (SHARE, 0.5)])
def test_a_day_is_judged_only_where_enough_days_are_known_before(rules: Rules, level: float) -> None:
    begun = quiet(level=level)
    begun[:, : DAYS - 40] = np.nan
    scores = score(begun, 40, rules)
    known = ~np.isnan(scores.z[0])
    assert (list(known).index(True), list(~np.isnan(scores.drift[0])).index(True)) == (SCORE_HISTORY, DRIFT_HISTORY)
    assert scores.history[0].tolist() == list(range(40))


def test_a_ratio_may_drift_either_way_and_its_dollars_are_the_part_of_the_spend_that_changed() -> None:
    values = quiet(level=0.02, noise=0.02)
    values[0, -20:] *= 1.2
    values[1, -20:] /= 1.2
    scores = score(values, 30, RATIO)
    judged = judge(scores, RATIO, np.full((20, 30), 600.0))
    for row, sign in ((0, 1), (1, -1)):
        drifted = [day for day, kind in enumerate(judged.kind[row]) if KINDS[kind] == "drift"]
        assert drifted
        assert judged.excess[row, drifted[0]] == pytest.approx(sign * 100, rel=0.2)


@pytest.mark.parametrize(("direction", "said"), [("up", [True, False]), ("down", [False, True]), ("both", [True, True])])
@pytest.mark.parametrize("days", [2, 20])
def test_only_the_direction_that_counts_is_said_be_it_of_a_day_or_of_a_drift(direction: Direction, said: list[bool], days: int) -> None:
    values = quiet(level=0.02, noise=0.02)
    by = 1.2 if days > 2 else 4.0
    values[0, -days:] *= by
    values[1, -days:] /= by
    rules = replace(RATIO, direction=direction)
    scores = score(values, 30, rules)
    judged = judge(scores, rules, np.full((20, 30), 600.0))
    assert (judged.kind[:2] > 0).any(axis=1).tolist() == said
    assert set(np.sign(judged.excess[judged.kind > 0])) == {sign for sign, told in zip((1, -1), said, strict=True) if told}
    assert (judged.severity[:2].max(axis=1) >= 1).tolist() == said


@pytest.mark.parametrize(("rules", "excess"), [(RATIO, -300.0), (SHARE, -180.0)])
def test_a_share_or_ratio_that_collapses_for_a_day_is_a_drop(rules: Rules, excess: float) -> None:
    values = np.full((20, DAYS), 0.6)
    values[0, -2] = 0.3
    judged = judge(score(values, 5, rules), rules, np.full((20, 5), 600.0))
    assert [KINDS[kind] for kind in judged.kind[0]] == ["", "", "", "drop", ""]
    assert judged.excess[0, 3] == pytest.approx(excess)


def test_the_first_cost_after_four_weeks_of_none_is_told_without_a_multiple_of_nothing() -> None:
    values = np.zeros((20, DAYS))
    values[0, -1] = 1e6
    calm = Rules(spike=math.inf)
    judged = judge(score(values, 1, calm), calm)
    assert (KINDS[judged.kind[0, 0]], judged.severity[0, 0]) == ("new high", 1.0)


def test_a_share_that_was_nothing_is_not_infinitely_more() -> None:
    values = np.zeros((20, DAYS))
    values[0, -1] = 0.3
    judged = judge(score(values, 1, SHARE), SHARE, np.full((20, 1), 200.0))
    assert (KINDS[judged.kind[0, 0]], judged.excess[0, 0]) == ("spike", pytest.approx(60))


def test_a_ratio_without_known_dollars_says_nothing() -> None:
    values = quiet(level=0.02)
    values[0, -1] *= 3
    assert kinds(values, RATIO, spend=math.nan)[0][-1] == ""
    assert kinds(values, RATIO, spend=100.0)[0][-1] == "spike"


def test_with_many_keys_thresholds_are_higher_and_small_dollars_are_not_told() -> None:
    values = quiet()
    values[0, -1] *= 1.2 * np.exp(0.6)
    few, many = (judge(score(values, 1, COST), COST, keys=keys) for keys in (1_000, 10_000))
    assert few.severity[0, 0] == pytest.approx(1.2 * many.severity[0, 0])
    small = quiet(level=8.0, noise=0.03)
    small[0, -1] *= 3.2
    assert [kinds(small, keys=keys)[0][-1] for keys in (2_000, 2_001)] == ["spike", ""]


def step(values: Floats, day: int, factor: float) -> tuple[Floats, Floats]:
    """A price that changes on a day, and what is known of it."""
    changed, cards = values.copy(), np.zeros_like(values)
    changed[:, day:] *= factor
    cards[:, day] = math.log(factor)
    return changed, cards


@pytest.mark.parametrize("rules", [COST, RATIO])
def test_a_known_price_change_is_no_anomaly_and_the_same_unknown_is_one(rules: Rules) -> None:
    even = 100 * np.exp(np.random.default_rng(0).normal(0, 0.03, (20, DAYS)))
    changed, cards = step(even, DAYS - 20, 1.3)
    spend = np.full((20, 30), 1000.0) if rules is RATIO else None
    known, unknown = (judge(score(changed, 30, rules, card), rules, spend) for card in (cards, None))
    assert not known.kind.any()
    # On cost alone, whose use is never so even, a rise of 30 % is near what noise may be.
    assert (unknown.kind > 0).any(axis=1).mean() > (0.5 if rules is COST else 0.99)


@given(SEEDS, st.integers(1, 30), st.sampled_from([0.5, 0.8, 1.3, 2.0]))
@examples(10)
def test_the_past_is_brought_to_the_prices_of_the_day(seed: int, back: int, factor: float) -> None:
    values = quiet(seed)
    changed, cards = step(values, DAYS - back, factor)
    plain, deflated = score(values, 30, RATIO), score(changed, 30, RATIO, cards)
    np.testing.assert_allclose(deflated.z, plain.z, atol=1e-6)
    np.testing.assert_allclose(deflated.drift, plain.drift, atol=1e-6)
    np.testing.assert_allclose(deflated.expected[:, -back:], plain.expected[:, -back:] * factor, rtol=1e-6)


def gappy(seed: int) -> Floats:
    """Series with jumps, days that are not known, zeros, and a late start."""
    random = np.random.default_rng(seed)
    values = quiet(seed, rows=6, noise=0.4)
    values[random.random(values.shape) < 0.03] *= 5
    values[random.random(values.shape) < 0.1] = np.nan
    values[random.random(values.shape) < 0.05] = 0.0
    values[0, : random.integers(0, DAYS)] = np.nan
    values[1, random.integers(0, DAYS) :] = np.nan
    return values


@given(SEEDS, st.sampled_from([COST, RATIO, SHARE]), st.integers(1, 40))
@examples(15)
def test_days_after_a_day_change_nothing_of_it(seed: int, rules: Rules, later: int) -> None:
    values = gappy(seed)
    changed = values.copy()
    changed[:, DAYS - later :] = np.random.default_rng(seed).lognormal(8, 2, (6, later))
    full, cut, other = (score(some, wanted, rules) for some, wanted in ((values, 41), (values[:, :-later], 1), (changed, 41)))
    at = 40 - later
    for one in (full, other):
        same(one, cut, at, at + 1)


@given(SEEDS, st.sampled_from([COST, RATIO, SHARE]), st.integers(0, DAYS - REACH - 1))
@examples(15)
def test_only_the_days_within_reach_count(seed: int, rules: Rules, forgotten: int) -> None:
    values = gappy(seed)
    shorter = score(values[:, forgotten:], 1, rules)
    same(score(values, 1, rules), shorter, 0, 1)


@given(SEEDS, st.sampled_from([COST, RATIO, SHARE]))
@examples(15)
def test_the_order_of_series_changes_nothing(seed: int, rules: Rules) -> None:
    values = gappy(seed)
    order = np.random.default_rng(seed).permutation(len(values))
    plain, shuffled = judged(values, rules), judged(values[order], rules)
    np.testing.assert_array_equal(plain.kind[order], shuffled.kind)
    np.testing.assert_array_equal(plain.severity[order], shuffled.severity)


def judged(values: Floats, rules: Rules) -> Judged:
    return judge(score(values, 30, rules), rules, np.full((len(values), 30), 1000.0) if rules is not COST else None)


@given(SEEDS, st.sampled_from([0.001, 0.1, 50.0, 1e6]))
@examples(15)
def test_a_ratio_in_another_unit_scores_the_same(seed: int, factor: float) -> None:
    values = np.maximum(gappy(seed), 1.0)
    plain, scaled = (score(some, 30, RATIO) for some in (values, values * factor))
    np.testing.assert_allclose(scaled.z, plain.z, atol=1e-4)
    np.testing.assert_allclose(scaled.expected, plain.expected * factor, rtol=1e-4)
    np.testing.assert_allclose(scaled.highest, plain.highest * factor, rtol=1e-4)


@given(SEEDS, st.sampled_from([COST, RATIO, SHARE]))
@examples(15)
def test_a_kind_has_a_severity_of_at_least_one_and_dollars_of_its_sign(seed: int, rules: Rules) -> None:
    found = judged(gappy(seed), rules)
    told = found.kind > 0
    assert (found.severity[told] >= 1).all()
    assert (np.abs(found.excess[told]) >= rules.gate_usd).all()
    drops = found.kind == KINDS.index("drop")
    assert (found.excess[drops] < 0).all()
