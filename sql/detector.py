"""What a day's past makes expected of it, and whether the day stands out: robust daily statistics over many series at once.

For a series and day t, of days before t only: l = ln(y + offset), less what known price changes added; a = l - weekday offset, which is
n / (n + shrink) * median over the same weekday of past weeks of l less its centred 7-day median; r = a - median of a over `level_days`.
Both a and r are means over three profiles. Its own scale is 1.4826 * median |r| over 42 days, that of its kind the median of this over
the series of the day; scale^2 = .81 own^2 + .19 kind^2 + floor^2, and z = r / scale. Drift is a CUSUM (Page 1954, Biometrika 41:100) of
z against a baseline lagged 8 to 35 days. Figures were chosen on labelled series (docs/benchmarks.md); statistics are floats.

Pure functions over arrays of series x days, NaN where a day is not known; a result depends on `REACH` days before its own and no others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from meterbook.sql.rolling import Floats, mean, median_before, middle, windows


@dataclass(frozen=True)
class Profile:
    """How long a level and a weekday's habit are remembered.

    Args:
        level_days: days of the level.
        weeks: weeks of the weekday offset.
        shrink: weeks' worth of doubt: n weeks known count n / (n + shrink).
    """

    level_days: int
    weeks: int
    shrink: float


PROFILES = (Profile(21, 4, 0.5), Profile(14, 6, 1.0), Profile(7, 8, 2.0))
SCALE_DAYS, OWN_WEIGHT, CONSISTENT = 42, 0.81, 1.4826
"""1.4826 makes a median absolute deviation a standard deviation where noise is normal."""
BASELINE_DAYS, BASELINE_LAG = 28, 7
"""The baseline of drift: the median of so many days, of which the last is so many days before the last day before."""
DRIFT_DAYS, DRIFT_CLIP, DRIFT_ALLOWANCE = 10, 2.93, 0.94
HIGH_DAYS = 28
SCORE_HISTORY, DRIFT_HISTORY = 14, 28
"""Days that have to be known before: of z, and of drift and new highs."""
_CENTRED = 7
_RESIDUAL_DAYS = DRIFT_DAYS - 1 + SCALE_DAYS
REACH = _RESIDUAL_DAYS + max(one.level_days + 7 * one.weeks for one in PROFILES) + _CENTRED // 2
"""Days before a day that its result depends on."""
_LOST = 1e-12
"""Less than this is nothing, beside 1."""
_ROWS = 512
"""Series looked at together: their windows fit a cache."""
NOTHING, SPIKE, DROP, NEW_HIGH, DRIFT = "", "spike", "drop", "new high", "drift"
KINDS = (NOTHING, SPIKE, DROP, NEW_HIGH, DRIFT)
"""What `Judged.kind` counts through."""
Direction = Literal["up", "down", "both"]


@dataclass(frozen=True)
class Rules:
    """When a day stands out.

    Args:
        offset: added before the logarithm, in the unit of the series: what is small beside it is alike.
        floor: least scale, in logarithms.
        spike: least z of a spike.
        drop: least -z of a drop; `low_drop` where as much is gone of the lowest of 28 days too.
        change: least share of the expected by which a spike is above it.
        drop_to: largest share of the expected that a drop leaves.
        new_high: least multiple of the highest of 28 days.
        drift: least CUSUM.
        drift_change: least share of the baseline by which a drift is away from it.
        gate_usd: least dollars of excess; `many_gate_usd` where more than 2,000 keys are watched.
        direction: deviations that count; the other way is good news, or a recovery.
        is_two_sided: whether a drift downwards counts, where `direction` is not up.
        is_share: excess is the difference times the day's spend, and not the relative change times it.
    """

    offset: float = 3.0
    floor: float = 0.17
    spike: float = 3.8
    drop: float = 5.8
    low_drop: float = 3.0
    change: float = 0.24
    drop_to: float = 0.15
    new_high: float = 2.43
    drift: float = 5.25
    drift_change: float = 0.15
    gate_usd: float = 5.0
    many_gate_usd: float = 25.0
    direction: Direction = "both"
    is_two_sided: bool = False
    is_share: bool = False


COST = Rules()
RATIO = Rules(
    offset=1e-9, floor=0.05, spike=4.5, drop=4.5, low_drop=4.5, change=0.08, drop_to=1 / 1.08, drift=8.0, drift_change=0.08,
    is_two_sided=True,
)  # fmt: skip
SHARE = replace(RATIO, offset=0.05, is_share=True)
"""A share may be 0, so five points are added: from none to one in a hundred is a fifth more, and not infinitely much."""
MANY_KEYS, MANY_GATE_KEYS, MANY_SLOPE = 1_000, 2_000, 0.2


@dataclass(frozen=True)
class Scores:
    """What is expected of the wanted days; NaN where too little is known. Arrays of series x wanted days.

    Args:
        value: what was.
        expected: in the unit of the series.
        baseline: what drift is held against.
        highest: of the 28 days before, at the day's prices.
        lowest: of the same days.
        z: deviation from the expected in units of scale.
        drift: CUSUM, negative where it is downwards.
        history: days known before, of `REACH`.
    """

    value: Floats
    expected: Floats
    baseline: Floats
    highest: Floats
    lowest: Floats
    z: Floats
    drift: Floats
    history: NDArray[np.int64]


@dataclass(frozen=True)
class Judged:
    """Which days stand out. Arrays of series x wanted days.

    Args:
        kind: place in `KINDS`.
        excess: dollars above (or, negative, below) the expected or, of a drift, the baseline.
        severity: the largest score over its threshold; at least 1 where a kind is given.
    """

    kind: NDArray[np.int8]
    excess: Floats
    severity: Floats


def score(values: Floats, wanted: int, rules: Rules, card_log: Floats | None = None) -> Scores:
    """Compare the last days of series of one kind with what their past makes expected.

    Args:
        values: series x days, NaN where not known; the first days may be missing.
        wanted: how many of the last days are scored.
        rules: of this kind of series.
        card_log: ln(cost of the day / cost of the same use at the prices of the day before), 0 where none changed; the past is brought
            to the prices of each day by it.
    """
    missing = max(0, REACH + 1 + wanted - values.shape[1])
    padded = np.pad(values, ((0, 0), (missing, 0)), constant_values=np.nan)
    cards = np.zeros_like(padded) if card_log is None else np.pad(card_log, ((0, 0), (missing, 0)))
    parts = [_score_rows(padded[rows], cards[rows], wanted, rules) for rows in _chunks(len(values))]
    residual, own, lagged, level, highest, lowest, history = (np.concatenate([part[place] for part in parts]) for place in range(7))
    value = padded[:, -wanted:]
    kind = _kind_scale(np.where(np.isnan(value), np.nan, own[:, -wanted:]))
    z = np.where(history >= SCORE_HISTORY, residual / _scale(own[:, -wanted:], kind, rules), np.nan)
    drift = np.where(history >= DRIFT_HISTORY, _drift(lagged, own, kind, wanted, rules), np.nan)
    lagged = np.where(history >= DRIFT_HISTORY, lagged[:, -wanted:], np.nan)
    highest, lowest = (np.where(history >= DRIFT_HISTORY, _back(log, rules), np.nan) for log in (highest, lowest))
    at_first = np.where(np.isnan(z), np.nan, residual)
    expected, baseline = (_back(level - away, rules) for away in (at_first, lagged))
    return Scores(value, expected, baseline, highest, lowest, z, np.where(np.isnan(value), np.nan, drift), history.astype(np.int64))


def judge(scores: Scores, rules: Rules, spend: Floats | None = None, keys: NDArray[np.int64] | int = 1) -> Judged:
    """Say which of the scored days stand out.

    Args:
        scores: as `score` gives them.
        rules: of this kind of series.
        spend: dollars of each day, of ratios; None where the series are dollars themselves.
        keys: how many keys are watched on each day: with many of them, thresholds are higher.
    """
    factor = 1 + MANY_SLOPE * np.log10(np.maximum(keys, MANY_KEYS) / MANY_KEYS)
    gate = np.where(np.asarray(keys) > MANY_GATE_KEYS, rules.many_gate_usd, rules.gate_usd)
    value, expected, baseline = scores.value, scores.expected, scores.baseline
    excess, drifted = _dollars(value, expected, spend, rules), _dollars(value, baseline, spend, rules)
    up, away = (value - expected) >= rules.change * expected, np.abs(value - baseline) >= rules.drift_change * baseline
    is_low = (scores.lowest > 0) & (value <= rules.drop_to * scores.lowest)
    over = np.stack([
        scores.z / (rules.spike * factor), -scores.z / (np.where(is_low, min(rules.low_drop, rules.drop), rules.drop) * factor),
        value / np.maximum(rules.new_high * factor * scores.highest, _LOST), np.abs(scores.drift) / (rules.drift * factor),
    ])  # fmt: skip
    allowed = np.stack([
        (excess >= gate) & up, (-excess >= gate) & (value <= rules.drop_to * expected), (excess >= gate) & (value > 0),
        (drifted * np.sign(scores.drift) >= gate) & away,
    ])  # fmt: skip
    counts = _counting(scores.drift, rules)
    over, said = np.where(counts, over, 0.0), counts & (over >= 1) & allowed
    kind = np.where(said.any(axis=0), said.argmax(axis=0) + 1, 0).astype(np.int8)
    # A multiple of nothing is no severity that could be ranked.
    ranked = np.where(said | ~said.any(axis=0), np.nan_to_num(over, nan=0.0, posinf=0.0), 0.0)
    ranked[2] = np.where(scores.highest > 0, ranked[2], np.where(said[2], 1.0, 0.0))
    is_drift = kind == KINDS.index(DRIFT)
    return Judged(kind, np.where(is_drift, drifted, excess), np.where(np.isnan(scores.z), np.nan, ranked.max(axis=0)))


def _counting(drift: Floats, rules: Rules) -> NDArray[np.bool_]:
    """Which kinds go in a direction that counts, of each day."""
    rises, falls = (np.full(drift.shape, rules.direction != other) for other in ("down", "up"))
    return np.stack([rises, falls, rises, np.where(drift < 0, falls, rises)])


def _chunks(rows: int) -> Iterator[slice]:
    yield from (slice(first, first + _ROWS) for first in range(0, rows, _ROWS))


def _score_rows(values: Floats, cards: Floats, wanted: int, rules: Rules) -> tuple[Floats, ...]:
    """r, own scale, deviation from the baseline, l as it was, l of the highest and of the lowest, and days known.

    Own scale and deviation are also of the DRIFT_DAYS - 1 days before the wanted ones.
    """
    level = np.log(np.maximum(values, 0.0) + rules.offset)
    paid = price_index(values, cards, rules.offset)
    logs = level - paid
    departures = _departures(logs)
    spans = [_RESIDUAL_DAYS + wanted + one.level_days for one in PROFILES]
    adjusted = [logs[:, -days:] - _weekday(departures, one, days) for one, days in zip(PROFILES, spans, strict=True)]
    kept = _RESIDUAL_DAYS + wanted
    residual = mean([a[:, -kept:] - median_before(a, one.level_days, kept) for one, a in zip(PROFILES, adjusted, strict=True)])
    scaled = DRIFT_DAYS - 1 + wanted
    own = CONSISTENT * median_before(np.abs(residual), SCALE_DAYS, scaled)
    flat = mean([a[:, -(scaled + BASELINE_DAYS + BASELINE_LAG) :] for a in adjusted])
    lagged = flat[:, -scaled:] - median_before(flat[:, :-BASELINE_LAG], BASELINE_DAYS, scaled)
    month = windows(logs[:, :-1], HIGH_DAYS, wanted)
    # Of a month of which nothing is known, either is NaN.
    highest, lowest = (edge(month, axis=-1) + paid[:, -wanted:] for edge in (np.fmax.reduce, np.fmin.reduce))
    seen = np.cumsum(~np.isnan(values), axis=1)
    known = seen[:, -wanted - 1 : -1] - seen[:, -wanted - 1 - REACH : -1 - REACH]
    return residual[:, -wanted:], own, lagged, level[:, -wanted:], highest, lowest, known.astype(np.float64)


def _back(logs: Floats, rules: Rules) -> Floats:
    """The value that a logarithm is of; what is lost in the last digits of the offset is nothing."""
    found = np.exp(logs) - rules.offset
    return np.where(found <= _LOST * rules.offset, 0.0, found)


def price_index(values: Floats, cards: Floats, offset: float) -> Floats:
    """What known price changes have added to l by each day; differences alone matter."""
    before = np.maximum(values, 0.0) * np.exp(-cards)
    step = np.log((np.maximum(values, 0.0) + offset) / (before + offset))
    return np.cumsum(np.where(np.isnan(step), 0.0, step), axis=1)


def _departures(logs: Floats) -> Floats:
    """L less its centred 7-day median; the last days have none yet."""
    half = _CENTRED // 2
    usual, known = middle(np.lib.stride_tricks.sliding_window_view(logs, _CENTRED, axis=1))
    found = np.full_like(logs, np.nan)
    found[:, half:-half] = logs[:, half:-half] - np.where(known > half, usual, np.nan)
    return found


def _weekday(departures: Floats, profile: Profile, days: int) -> Floats:
    """Weekday offset of the last days."""
    end = departures.shape[1]
    past = np.stack([departures[:, end - days - 7 * week : end - 7 * week] for week in range(1, profile.weeks + 1)], axis=-1)
    habit, known = middle(past)
    return np.where(known > 0, known / (known + profile.shrink) * habit, 0.0)


def _kind_scale(own: Floats) -> Floats:
    """Median over the series of each day; NaN where none is known."""
    return middle(own.T)[0]


def _scale(own: Floats, kind: Floats, rules: Rules) -> Floats:
    return np.sqrt(OWN_WEIGHT * own**2 + (1 - OWN_WEIGHT) * kind**2 + rules.floor**2)


def _drift(lagged: Floats, own: Floats, kind: Floats, wanted: int, rules: Rules) -> Floats:
    """The larger of the CUSUMs up and down over DRIFT_DAYS, that down negative and only where it counts."""
    sums, end = np.zeros((2, len(lagged), wanted)), lagged.shape[1]
    largest = np.zeros_like(sums)
    # A sum less its minimum is the largest of the sums of the last days; summed backwards, it is the same however days are cut into runs.
    for back in range(DRIFT_DAYS):
        days = slice(end - wanted - back, end - back)
        z = np.clip(lagged[:, days] / _scale(own[:, days], kind, rules), -DRIFT_CLIP, DRIFT_CLIP)
        sums += np.nan_to_num(np.stack([z - DRIFT_ALLOWANCE, -z - DRIFT_ALLOWANCE]))
        np.maximum(largest, sums, out=largest)
    largest[0] *= rules.direction != "down"
    up, down = largest
    return np.where((down > up) & (rules.is_two_sided and rules.direction != "up"), -down, up)


def _dollars(value: Floats, usual: Floats, spend: Floats | None, rules: Rules) -> Floats:
    """Excess over what is usual; a ratio's is the part of the day's spend that its change stands for, never more than all of it."""
    if spend is None:
        return value - usual
    whole = 1.0 if rules.is_share else np.maximum(np.maximum(value, usual), _LOST)
    return (value - usual) / whole * spend
