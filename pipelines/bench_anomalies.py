"""`meterbook bench anomalies`: the detector on labelled daily costs and on ratios, beside peers on the same keys.

Nothing is chosen on the keys that are reported: the detector's figures are those that ship, and a peer's threshold is the one with the best
F1 on the tuning keys.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from meterbook.assets.auto_ets import auto_ets
from meterbook.assets.second_opinion import EVERY_DAYS, RULES, second_scores
from meterbook.pipelines import bench_peers, bench_ratios
from meterbook.pipelines.bench_scoring import FIRST_DAY, Alarms, Labelled, read, report
from meterbook.sql.detector import COST, Rules, judge, score
from meterbook.sql.watch import LOOKBACK_DAYS, rules_of, watch

Floats = NDArray[np.float64]
Figures = dict[str, object]
TUNE, REPORT = "tune", "report"
DETECTOR, WEEKDAY, MSTL, SECOND = "meterbook", "same weekday", "statsforecast MSTL", "AutoETS, same rules"
NOT_INSTALLED, NOT_ASKED = "statsforecast is not installed", "not measured"
_THRESHOLDS = np.arange(2.0, 8.01, 0.25)
_KEYS, _RANDOM_DAY = 10_000, 20_000


def measure(folder: Path, progress: Callable[[str], None] = lambda _: None, *, has_mstl: bool | None = None) -> Figures:
    """What `--json` writes: `tune` and `report` of the detector, `peers` by name, `ratios` by kind, and `scoring` of 10,000 keys.

    Args:
        folder: with `tune.parquet`, `report.parquet` and their events.
        progress: is told what is measured.
        has_mstl: whether to measure MSTL, which takes minutes; by default where statsforecast is installed.

    Raises:
        FileNotFoundError: a file of them is not there.
    """
    tune, reported = read(folder, TUNE), read(folder, REPORT)
    progress(DETECTOR)
    found: Figures = {name: report(alarms(one.values, COST), one.events) for name, one in ((TUNE, tune), (REPORT, reported))}
    progress(WEEKDAY)
    peers: Figures = {WEEKDAY: _peer(bench_peers.same_weekday, tune, reported)}
    progress(MSTL)
    is_installed = bench_peers.has_statsforecast()
    is_wanted = is_installed if has_mstl is None else has_mstl
    peers[MSTL] = _peer(bench_peers.mstl, tune, reported) if is_wanted else NOT_ASKED if is_installed else NOT_INSTALLED
    progress(SECOND)
    peers[SECOND] = report(second_alarms(reported.values), reported.events) if is_installed else NOT_INSTALLED
    progress("ratios")
    return {**found, "peers": peers, "ratios": ratios(), "scoring": {"keys": _KEYS, "cpu_seconds": cpu_seconds(_KEYS)}}


def alarms(values: Floats, rules: Rules, spend: Floats | None = None) -> Alarms:
    """Days on which the detector that ships says something, from `FIRST_DAY` on."""
    scores = score(values, values.shape[1] - FIRST_DAY, rules)
    said = judge(scores, rules, None if spend is None else spend[:, FIRST_DAY:], len(values)).kind > 0
    return np.pad(said, ((0, 0), (FIRST_DAY, 0)))


def second_alarms(values: Floats) -> Alarms:
    """Days on which the second opinion says something, from `FIRST_DAY` on.

    Raises:
        BookError: statsforecast is not installed.
    """
    days = values.shape[1]
    scores = score(values, days - FIRST_DAY, RULES)
    told = second_scores(scores, values, np.zeros_like(values), range(FIRST_DAY, days, EVERY_DAYS), auto_ets())
    return np.pad(judge(told, RULES, keys=len(values)).kind > 0, ((0, 0), (FIRST_DAY, 0)))


def ratios() -> Figures:
    """The detector on cost per request for price rises, and on attempts per request for retry storms, by the rules of these measures."""
    made = bench_ratios.make()
    series = {
        bench_ratios.PRICE: ("cost per request", made.cost / made.requests),
        bench_ratios.RETRY: ("attempts per operation", made.attempts / made.requests),
    }
    return {
        kind: report(alarms(values, rules_of(measure, is_ratio=True), made.cost), made.events, [kind])
        for kind, (measure, values) in series.items()
    }


def cpu_seconds(keys: int) -> float:
    """CPU time to score a day of so many keys with their history, rows in and rows out, as a run does."""
    given = _day(keys)
    started = time.process_time()
    watch(given)
    return round(time.process_time() - started, 2)


def _peer(deviations: Callable[[Floats], tuple[Floats, Floats]], tune: Labelled, reported: Labelled) -> Figures:
    z, expected = deviations(tune.values)
    scored = [(report(_over(tune.values, z, expected, least), tune.events), float(least)) for least in _THRESHOLDS]
    threshold = max(scored, key=lambda pair: (float(str(pair[0]["f1"])), -pair[1]))[1]
    z, expected = deviations(reported.values)
    return {"threshold": threshold, **report(_over(reported.values, z, expected, threshold), reported.events)}


def _over(values: Floats, z: Floats, expected: Floats, least: float) -> Alarms:
    """Alarms of a peer: its z, with the gate and the least changes of the own detector."""
    up = (z >= least) & (values - expected >= np.maximum(COST.gate_usd, COST.change * expected))
    down = (-z >= least) & (expected - values >= COST.gate_usd) & (values <= COST.drop_to * expected)
    found: Alarms = up | down
    return found


def _day(keys: int) -> pa.Table:
    """Rows of one wanted day and all days before it that it depends on."""
    days = LOOKBACK_DAYS + 1
    day = np.tile(np.arange(_RANDOM_DAY, _RANDOM_DAY + days, dtype=np.int32), keys)
    cost = np.random.default_rng(0).lognormal(3, 1, (keys, 1)) * np.random.default_rng(1).lognormal(0, 0.2, (keys, days))
    scopes = pa.array([f"team-{key % 100}, feature-{key:05d}" for key in range(keys)])
    rows = len(day)
    return pa.table({
        "day": pa.array(day).cast(pa.date32()),
        "dimension": pa.repeat("team, feature", rows),
        "scope": scopes.take(pa.array(np.repeat(np.arange(keys), days))),
        "measure": pa.repeat("cost", rows),
        "is_ratio": pa.repeat(pa.scalar(value=False), rows),
        "value": cost.ravel(),
        "spend": cost.ravel(),
        "card_log": np.zeros(rows),
        "is_wanted": day == day.max(),
    })  # fmt: skip
