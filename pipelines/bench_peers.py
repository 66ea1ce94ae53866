"""Other detectors over the same labelled series: the deviation of each day from what its past makes expected, causal as the own one is."""

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from meterbook.pipelines.bench_scoring import FIRST_DAY
from meterbook.sql.rolling import middle

OFFSET, FLOOR, WEEKS, WEEK = 3.0, 0.17, 6, 7
_NORMAL = 1.4826
Floats = NDArray[np.float64]


def same_weekday(values: Floats) -> tuple[Floats, Floats]:
    """Z and expected of every day: median and MAD of the same weekday of six weeks before, NaN in the first of them."""
    logs = np.log(values + OFFSET)
    z, expected = np.full_like(values, np.nan), np.full_like(values, np.nan)
    for day in range(WEEKS * WEEK, values.shape[1]):
        past = logs[:, day - WEEKS * WEEK : day : WEEK]
        usual, _ = middle(past)
        spread = _NORMAL * middle(np.abs(past - usual[:, None]))[0]
        z[:, day] = (logs[:, day] - usual) / np.hypot(spread, FLOOR)
        expected[:, day] = np.exp(usual) - OFFSET
    return z, expected


def has_statsforecast() -> bool:
    """Whether statsforecast is installed."""
    return find_spec("statsforecast") is not None


def mstl(values: Floats) -> tuple[Floats, Floats]:
    """Z and expected by statsforecast's MSTL of a week's season, fitted anew each week on all days before, forecast for seven days.

    Raises:
        ModuleNotFoundError: statsforecast is not installed.
    """
    from statsforecast.models import MSTL  # noqa: PLC0415 -- optional, and slow to load

    logs = np.log(values + OFFSET)
    z, expected = np.full_like(values, np.nan), np.full_like(values, np.nan)
    for row, series in enumerate(logs):
        for day in range(FIRST_DAY, len(series), WEEK):
            end = min(day + WEEK, len(series))
            model = MSTL(season_length=WEEK).fit(series[:day].copy())
            usual = np.asarray(model.predict(h=end - day)["mean"])
            spread = _NORMAL * float(np.median(np.abs(model.model_["remainder"])))
            z[row, day:end] = (series[day:end] - usual) / np.hypot(spread, FLOOR)
            expected[row, day:end] = np.exp(usual) - OFFSET
    return z, expected
