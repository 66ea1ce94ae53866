"""What is judged from another method's forecast: the detector's own rules, days before only."""

import math

import numpy as np
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from meterbook.assets.second_opinion import LEAST_DAYS, RULES, second_scores
from meterbook.sql.detector import DRIFT, KINDS, Scores, judge, score

DAYS, WANTED = 120, 28
LEARNS = (36, 64, 92)
Floats = NDArray[np.float64]


def weekly(logs: Floats, known: int) -> tuple[Floats, float]:
    """The same weekday of the week before, and how far it was off on the days to learn from."""
    away = logs[7:] - logs[:-7]
    return logs[known - 7 : -7], float(np.std(away[: known - 7]))


def quiet(seed: int = 0, rows: int = 3) -> Floats:
    habit = np.where(np.arange(DAYS) % 7 >= 5, 40.0, 100.0)
    return np.asarray(habit * np.exp(np.random.default_rng(seed).normal(0, 0.05, (rows, DAYS))))


def opinion(values: Floats, cards: Floats | None = None, wanted: int = WANTED, learns: tuple[int, ...] = LEARNS) -> Scores:
    known = np.zeros_like(values) if cards is None else cards
    return second_scores(score(values, wanted, RULES, known), values, known, learns, weekly)


def kinds(scores: Scores) -> list[list[str]]:
    return [[KINDS[kind] for kind in row] for row in judge(scores, RULES).kind]


def test_a_day_far_from_the_forecast_stands_out_and_quiet_days_do_not() -> None:
    values = quiet()
    values[0, -5] *= 4
    values[1, -5] = 0.5
    said = kinds(opinion(values))
    assert (said[0][-5], said[1][-5]) == ("spike", "drop")
    assert set(said[2]) == {""}


def test_what_is_expected_is_the_forecast_in_dollars() -> None:
    scores = opinion(quiet())
    np.testing.assert_allclose(scores.expected[:, -1], quiet()[:, -8])


def test_drifts_and_new_highs_are_judged_as_the_detector_judges_them() -> None:
    values = quiet()
    values[0, -14:] *= 1.6
    own, other = score(values, WANTED, RULES), opinion(values)
    for name in ("drift", "baseline", "highest"):
        np.testing.assert_array_equal(getattr(own, name), getattr(other, name))
    np.testing.assert_allclose(own.lowest, other.lowest)
    assert DRIFT in kinds(other)[0]


def test_a_known_change_of_price_is_foretold_and_the_same_unknown_is_not() -> None:
    values, cards = quiet(), np.zeros((3, DAYS))
    values[:, -3:] *= 3
    cards[:, -3] = math.log(3)
    known, unknown = opinion(values, cards), opinion(values)
    assert {kind for row in kinds(known) for kind in row[-3:]} == {""}
    assert {row[-3] for row in kinds(unknown)} == {"spike"}
    np.testing.assert_allclose(known.expected[:, -1], 3 * quiet()[:, -8], rtol=0.05)


@pytest.mark.parametrize(("first", "has_opinion"), [(LEARNS[-1] - LEAST_DAYS, True), (LEARNS[-1] - LEAST_DAYS + 1, False)])
def test_a_series_that_is_too_young_has_no_opinion_not_even_of_a_drift(first: int, has_opinion: bool) -> None:
    values = quiet()
    values[0, :first] = np.nan
    values[0, -3:] *= 5
    scores = opinion(values)
    assert [bool(np.isfinite(part[0, -1])) for part in (scores.z, scores.expected)] == [has_opinion] * 2
    assert (np.isnan(scores.z[0]) <= np.isnan(scores.drift[0])).all()
    assert any(kinds(scores)[0]) == has_opinion


def test_what_lies_before_a_gap_is_not_learnt_from_and_a_day_after_a_new_gap_has_no_opinion() -> None:
    values = quiet()
    values[0, 60], values[1, -10] = np.nan, np.nan
    scores = opinion(values)
    assert np.isfinite(scores.z[0]).all()
    np.testing.assert_array_equal(np.isfinite(scores.z[1]), np.arange(WANTED) < WANTED - 10)
    assert np.isnan(opinion(values[:, : LEARNS[-1]], learns=LEARNS[:-1]).z[0, 61 - LEARNS[-1] :]).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, WANTED - 1))
@examples(15)
def test_days_after_a_day_change_nothing_of_it(seed: int, later: int) -> None:
    values = quiet(seed)
    changed = values.copy()
    changed[:, DAYS - later :] = np.random.default_rng(seed).lognormal(6, 2, (3, later))
    one, other = opinion(values), opinion(changed)
    for name in ("z", "expected", "lowest"):
        np.testing.assert_allclose(getattr(one, name)[:, :-later], getattr(other, name)[:, :-later])
