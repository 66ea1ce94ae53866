"""A second opinion on what stands out: one-day-ahead forecasts of another method, held to the detector's own rules.

Only what is expected of a day, and how far the day is from it, is the other method's. Drifts, new highs, least dollars and least changes
are judged as `meterbook.sql.detector` judges them, so where the two differ it is about the forecast. Pure functions over arrays of series x
days; a forecaster learns anew every `EVERY_DAYS` from days before, so a day depends on no day after it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from meterbook.sql.detector import COST, HIGH_DAYS, Rules, Scores, price_index
from meterbook.sql.rolling import windows

Floats = NDArray[np.float64]
EVERY_DAYS, LEAST_DAYS, MOST_DAYS = 28, 28, 180
"""How often a forecaster learns anew, from at least and at most how many days before."""
RULES: Rules = COST


class Forecaster(Protocol):
    """A method that learns from a series and then foretells each next day."""

    def __call__(self, logs: Floats, known: int) -> tuple[Floats, float]:
        """Learn from the first days, and say of each later one what the days before it make expected.

        Args:
            logs: a series of logarithms without gaps.
            known: how many of its days may be learnt from.

        Returns:
            What is expected of the days from there on, and the spread of the errors on the days before, a standard deviation.
        """


def second_scores(scores: Scores, values: Floats, card_log: Floats, learns: Sequence[int], forecaster: Forecaster) -> Scores:
    """Scores with what another method expects and its z; NaN where it knows too little.

    Args:
        scores: the detector's, of the last days of `values`.
        values: dollars, series x days, NaN where not known.
        card_log: ln of what known price changes made of a day's cost.
        learns: places of days, in order, from which on a forecaster knows all days before; days before the first have no opinion.
        forecaster: the other method.
    """
    wanted = scores.value.shape[1]
    paid = price_index(values, card_log, RULES.offset)
    logs = np.log(np.maximum(values, 0.0) + RULES.offset) - paid
    expected, z = np.full_like(logs, np.nan), np.full_like(logs, np.nan)
    for row, series in enumerate(logs):
        for days, usual, spread in _foretold(series, learns, forecaster):
            expected[row, days] = usual
            z[row, days] = (series[days] - usual) / np.hypot(spread, RULES.floor)
    month = windows(np.pad(logs, ((0, 0), (HIGH_DAYS, 0)), constant_values=np.nan)[:, :-1], HIGH_DAYS, wanted)
    lowest = np.fmin.reduce(month, axis=-1) + paid[:, -wanted:]
    usual, least = (np.maximum(np.exp(log) - RULES.offset, 0.0) for log in (expected[:, -wanted:] + paid[:, -wanted:], lowest))
    away = z[:, -wanted:]
    # Without a forecast there is no opinion of a drift either.
    return replace(scores, expected=usual, lowest=least, z=away, drift=np.where(np.isnan(away), np.nan, scores.drift))


def _foretold(series: Floats, learns: Sequence[int], forecaster: Forecaster) -> Iterator[tuple[slice, Floats, float]]:
    """Days, what is expected of them, and the spread, each time that a forecaster learns anew: of days since the last gap."""
    for first, end in zip(learns, [*learns[1:], len(series)], strict=True):
        gaps = np.flatnonzero(np.isnan(series[:end]))
        begun = max(int(gaps[gaps < first].max(initial=-1)) + 1, first - MOST_DAYS)
        until = int(gaps[gaps >= first].min(initial=end))
        if first - begun >= LEAST_DAYS and until > first:
            usual, spread = forecaster(series[begun:until], first - begun)
            yield slice(first, until), usual, spread
