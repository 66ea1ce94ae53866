"""statsforecast's AutoETS as a forecaster of the second opinion: exponential smoothing with or without a week's season, chosen by AICc.

Hyndman et al. 2002, A state space framework for automatic forecasting using exponential smoothing, IJF 18:439. Errors are additive, for
the series are logarithms, and there is no trend, which makes daily costs worse to foretell nearly everywhere. statsforecast is the extra
`forecast`: it is large, and slow to load.
"""

import numpy as np

from meterbook.assets.book import BookError
from meterbook.assets.second_opinion import Floats, Forecaster

NAME = "AutoETS"
MODEL, WEEK = "ANZ", 7
HOW_TO_INSTALL = "the second opinion is statsforecast's: install it with `pip install 'meterbook[forecast]'`"


def auto_ets() -> Forecaster:
    """The forecaster.

    Raises:
        BookError: statsforecast is not installed.
    """
    try:
        from statsforecast.models import AutoETS  # noqa: PLC0415 -- optional, and slow to load
    except ModuleNotFoundError as error:
        raise BookError(HOW_TO_INSTALL) from error

    def ahead(logs: Floats, known: int) -> tuple[Floats, float]:
        model = AutoETS(season_length=WEEK, model=MODEL).fit(logs[:known].copy())
        found = np.asarray(model.forward(logs.copy(), h=1, fitted=True)["fitted"])
        # Not the sigma it gives, which counts ten parameters: on 42 days that is a sixth wider, and finds less (docs/benchmarks.md).
        return found[known:], float(np.sqrt(np.mean((logs[:known] - found[:known]) ** 2)))

    return ahead
