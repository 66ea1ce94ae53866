"""What forecasts of a past rest were off by: the band of a forecast, and the back-test that is published beside it.

Every past day with four weeks behind it is asked for the sum of as many days as are left now, where these are over by now; so no period
that is going on, and no day to come, has a part in it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from meterbook.sql.landing_grid import REACH, SEEN, Floats, Grid

HIGH = 0.92
"""Share of past errors below the upper edge of a band of 80 %: errors of the next month are larger than those of the months before it, on
the tuning keys of the benchmark by so much that .90 covers .77 and .92 covers .81."""
STEADY = 0.05
"""Put to the spread of a series, so that one that never moved is not taken to be sure."""
FLOOR = 0.01
"""Put to both sides of a ratio, as a share of the forecast: a rest of nothing is a large error, not an infinite one."""
LEAST = 20
"""Past errors, over all series, that make a band."""
WEEK = 7
SPECK = 0.2
"""Put to each day's share of the mean before its logarithm is taken: a day without use is far out, not infinitely."""
_NEAR = 1e-9
"""Errors that are the same but for how floats were summed."""


@dataclass(frozen=True)
class Past:
    """What was forecast for as many days from each day on, by series and day, and what came; NaN where it has not come yet."""

    forecast: Floats
    actual: Floats
    score: Floats
    """Errors in spreads of their series; NaN too where nothing was forecast."""


class Pasts:
    """The past of a grid by horizon, each reckoned once."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._known: dict[int, Past] = {}

    def of(self, left: int) -> Past:
        """The past of rests of so many days."""
        if left not in self._known:
            self._known[left] = self._made(left)
        return self._known[left]

    def _made(self, left: int) -> Past:
        grid = self.grid
        counts = np.bincount((-np.arange(1, left + 1)) % 7, minlength=7).astype(np.float64)
        forecast, actual = grid.bases @ counts, np.full_like(grid.use, np.nan)
        actual[:, : max(actual.shape[1] - left, 0)] = trailing(grid.use, left)[:, left:]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(forecast > 0, np.maximum(actual, 0) / forecast, np.nan)
        return Past(forecast, actual, np.log((ratio + FLOOR) / (1 + FLOOR)) / (self.spread + STEADY))

    @cached_property
    def spread(self) -> Floats:
        """Standard deviation over 28 days of the logarithm of what a series used, as a share of its mean over them."""
        grid = self.grid
        mean = trailing(grid.use, SEEN) / SEEN
        found = np.zeros_like(grid.use)
        for day in range(SEEN - 1, grid.use.shape[1]):
            share = np.divide(
                np.maximum(grid.use[:, day - SEEN + 1 : day + 1], 0),
                mean[:, day, None],
                out=np.zeros((len(mean), SEEN)),
                where=mean[:, day, None] > 0,
            )
            found[:, day] = np.log(share + SPECK).std(axis=1)
        return found


class Errors:
    """Errors of one horizon, as known on one day.

    Args:
        pasts: the past of the series.
        day: the column of the day that asks.
        left: days of the rest.
    """

    def __init__(self, pasts: Pasts, day: int, left: int) -> None:
        self._pasts, self._day, self._left = pasts, day, left
        self._first = max(day - REACH + 1, 0) + SEEN - 1
        self._reports: dict[int, tuple[Floats, Floats, Floats]] = {}

    def band(self, series: int) -> tuple[float, float] | None:
        """What multiplies a rest for its P10 and P90; None where too few errors are known.

        Of the longest horizon up to the one asked for that has enough of them.
        """
        if self._edges is None:
            return None
        spread = float(self._pasts.spread[series, self._day]) + STEADY
        low, high = ((1 + FLOOR) * float(np.exp(edge * spread)) - FLOOR for edge in self._edges)
        return max(min(low, 1.0), 0.0), max(high, 1.0)

    def of(self, series: int, length: int) -> dict[str, object]:
        """The back-test of a series over periods of so many days: `error`, `tests`, `covered`."""
        if length not in self._reports:
            self._reports[length] = self._reported(length)
        error, tests, covered = (float(column[series]) for column in self._reports[length])
        return {} if np.isnan(error) else {"error": round(error, 6), "tests": int(tests), "covered": int(covered)}

    def _reported(self, length: int) -> tuple[Floats, Floats, Floats]:
        """The same of every series."""
        scores, past, grid = self._tests, self._pasts.of(self._left), self._pasts.grid
        days = slice(self._first, self._first + scores.shape[1])
        used = trailing(grid.amounts, length - self._left)[:, days]
        whole, guess = (used + rest[:, days] * grid.prices[:, days] for rest in (past.actual, past.forecast))
        known = ~np.isnan(scores) & (whole > 0)
        off = np.abs(np.divide(guess, whole, out=np.full_like(whole, np.nan), where=known) - 1)
        low, high = self._bands
        judged, inside = known & ~np.isnan(low), known & (scores >= low - _NEAR) & (scores <= high + _NEAR)
        # Rows without any test are left out: their median is nothing, and a warning.
        error, some = np.full(len(off), np.nan), known.any(axis=1)
        if some.any():
            error[some] = np.nanmedian(off[some], axis=1)
        return error, judged.sum(axis=1).astype(np.float64), inside.sum(axis=1).astype(np.float64)

    @cached_property
    def _tests(self) -> Floats:
        return self._scores(self._left)

    def _scores(self, left: int) -> Floats:
        """Errors that are known on the day, by series and the day that asked; NaN where a series had less than four weeks."""
        found = self._pasts.of(left).score[:, self._first : max(self._day - left + 1, self._first)]
        young = np.arange(self._first, self._first + found.shape[1]) < self._pasts.grid.began(self._day)[:, None] + SEEN - 1
        return np.where(young, np.nan, found)

    @cached_property
    def _edges(self) -> tuple[float, float] | None:
        for left in range(self._left, 0, -1):
            if self._day - left >= self._first:
                found = self._scores(left)
                edges = _edges(found[~np.isnan(found)])
                if edges:
                    return edges
        return None

    @cached_property
    def _bands(self) -> tuple[Floats, Floats]:
        """The band that each test would have had, from tests that were over when it asked; calibrated anew each week."""
        scores = self._tests
        known = ~np.isnan(scores)
        pooled = scores.T[known.T]
        counts = np.concatenate([[0], np.cumsum(known.sum(axis=0))])
        low, high = np.full(scores.shape[1], np.nan), np.full(scores.shape[1], np.nan)
        for at in range(scores.shape[1] - 1, -1, -WEEK):
            begin = max(at - WEEK + 1, 0)
            edges = _edges(pooled[: counts[max(begin - self._left + 1, 0)]])
            if edges:
                low[begin : at + 1], high[begin : at + 1] = edges
        return low, high


def _edges(scores: Floats) -> tuple[float, float] | None:
    """P10 and P90 of errors, a little wider for few of them, as split conformal has it; None where they are too few."""
    count = len(scores)
    if count < LEAST:
        return None
    high = min(HIGH * (count + 1) / count, 1.0)
    low, upper = np.quantile(scores, (1 - high, high))
    return float(low), float(upper)


def trailing(values: Floats, days: int) -> Floats:
    """Sums of the last so many days up to each; of those there are, where it are fewer."""
    sums = np.cumsum(values, axis=1)
    sums[:, days:] -= sums[:, : max(sums.shape[1] - days, 0)].copy()
    return sums
