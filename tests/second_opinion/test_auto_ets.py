"""AutoETS itself, where statsforecast is installed: `make second-opinion` has an environment with it."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("statsforecast", reason="statsforecast is not installed: make second-opinion")

from meterbook.assets.auto_ets import auto_ets
from meterbook.pipelines.bench_anomalies import second_alarms
from meterbook.pipelines.bench_scoring import read, report

DATA = Path(__file__).parents[3] / "shared" / "bench" / "anomalies"
DAYS, KNOWN = 120, 90
F1_AT_LEAST = 0.667
pytestmark = pytest.mark.nightly


def logs(noise: float = 0.05) -> NDArray[np.float64]:
    """Logarithms of a cost that is low on weekends."""
    random = np.random.default_rng(0)
    return np.log(np.where(np.arange(DAYS) % 7 >= 5, 40.0, 100.0)) + random.normal(0, noise, DAYS)


def test_the_week_is_learnt_and_each_next_day_foretold() -> None:
    usual, spread = auto_ets()(logs(), KNOWN)
    habit = np.where(np.arange(KNOWN, DAYS) % 7 >= 5, 40.0, 100.0)
    np.testing.assert_allclose(np.exp(usual), habit, rtol=0.15)
    assert spread == pytest.approx(0.05, rel=0.3)


def test_a_day_is_foretold_from_days_before_it_alone() -> None:
    changed = logs()
    changed[110:] = 1.0
    (usual, spread), (other, same) = (auto_ets()(one, KNOWN) for one in (logs(), changed))
    np.testing.assert_array_equal(usual[: 110 - KNOWN + 1], other[: 110 - KNOWN + 1])
    assert (usual[110 - KNOWN + 1 :] != other[110 - KNOWN + 1 :]).all()
    assert spread == same


@pytest.mark.parametrize("level", [0.0, 5.0])
def test_a_cost_that_never_changed_is_foretold_as_it_was(level: float) -> None:
    even = np.full(DAYS, level)
    even[-2:] += 1.0
    usual, spread = auto_ets()(even, KNOWN)
    np.testing.assert_allclose(usual[:-1], level)
    assert spread == pytest.approx(0.0, abs=1e-12)


@pytest.mark.skipif(not DATA.is_dir(), reason="the labelled series are not here")
def test_it_holds_its_bar_on_the_reporting_keys() -> None:
    reported = read(DATA, "report")
    assert float(str(report(second_alarms(reported.values), reported.events)["f1"])) >= F1_AT_LEAST
