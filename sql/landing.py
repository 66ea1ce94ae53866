"""Where periods land: what is used by the end of a day and what its rest will be, with an 80 % band held against past errors.

The rest of a period is the sum of its days to come; a day is the mean of (a) the same weekday of the last four weeks, .4 .3 .2 .1 from
the newest, and (b) the weekday's share of four weeks times the level of the last two. No trend. Use is told apart from what is known:
amounts of known days are taken off and put back on theirs, and past days are restated at the prices of the day that asks.

The band is split conformal (Lei et al. 2018, JASA 113:1094), pooled over all series given: errors of past rests of as many days,
u = ln(actual / forecast) over the spread of the series' 28 days + .05, all of them over by the day that asks. It is of the rest, so that
what is used stays used, and never a sum of daily variances, which would take days to be independent.

Scores are floats; results are rounded to nine digits, so that they do not tell in which window a day was reckoned.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import fsum

import numpy as np
import pyarrow as pa

from meterbook.sql.landing_errors import Errors, Pasts
from meterbook.sql.landing_grid import GIVEN, SEEN, WEIGHTS, Asked, Floats, Grid, grid_of

NONE, PEER, OWN, CONFORMAL = "none", "peer", "own", "conformal"
COLD_BAND = (0.70, 1.50)
"""Of the rest, where the series is too young for its errors to be known."""
PEER_DAYS, OWN_DAYS, WEEKS_DAYS = 2, 7, 14
"""Days of history from which there is a forecast, by other series' weekdays; by its own; by both means."""
SHRINK = 2.0
"""Days of others that a weekday seen once or twice is held against."""
_DIGITS = 9
_NEAR = 1e-12
"""Sums of floats that are the same but for their last digits."""

SHAPE = pa.schema(
    [
        ("series", pa.string()),
        ("day", pa.date32()),
        ("period_start", pa.date32()),
        ("period_end", pa.date32()),
        *((name, pa.float64()) for name in ("used", "low", "point", "high", "target")),
        *((name, pa.date32()) for name in ("reached_low", "reached_point", "reached_high")),
        ("method", pa.string()),
        ("history", pa.int64()),
        ("error", pa.float64()),
        ("tests", pa.int64()),
        ("covered", pa.int64()),
        ("known", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Rest:
    """What is left of a period: use of each day to come, what is known of each, and what multiplies the use for the band."""

    use: Floats
    known: Floats
    band: tuple[float, float]
    at_old_prices: float = 0.0

    @property
    def known_sum(self) -> float:
        """What of it comes of prices that change and amounts that are known."""
        return float(self.use.sum()) - self.at_old_prices + float(self.known.sum())

    def paths(self) -> tuple[Floats, Floats, Floats]:
        """Days to come as low, point and high have them; in that order of their sums."""
        scaled = [self.use * factor + self.known for factor in (self.band[0], 1.0, self.band[1])]
        low, point, high = sorted(scaled, key=lambda path: float(path.sum()))
        return low, point, high


def land(given: pa.Table) -> pa.Table:
    """The step behind forecasts: where the period of each day that is asked for lands.

    Args:
        given: `series`, `day`, `amount` (used that day; missing days are 0 from the first on), `factor` (how much dearer the same use
            became that day; 1 where no price changed), `added` (what is known of the day ahead of it and, once the day has been, is in
            its amount), `is_wanted`, `is_coming` (a day after the one that asks: only `factor` and `added` count), `period_start`,
            `period_end` (exclusive), `target`, and optionally `as_of`, the one day for which a day to come holds. Other columns are
            handed through.

    Returns:
        A row per wanted series and day as `SHAPE` has it: `low`, `point`, `high` are P10, P50, P90 of the whole period, NULL under two
        days of history; `reached_*` the day on which the target is, NULL where that is not in the period; `error` the median of
        |forecast / actual - 1| over past periods of as many days with as many left, `tests` those of them that had a band, `covered`
        those inside it; `known` what of `point` comes of prices that change and amounts that are known.
    """
    grid = grid_of(given)
    pasts = Pasts(grid)
    made = {one: row for asked in _groups(grid) for one, row in _Group(pasts, asked).rows()}
    ordered = sorted(made)
    found = pa.Table.from_pylist([made[one] for one in ordered], schema=SHAPE)
    beside = given.drop_columns([name for name in given.column_names if name in GIVEN]).take(
        pa.array([one.row for one in ordered], pa.int64())
    )
    for name in beside.column_names:
        found = found.append_column(name, beside.column(name))
    return found


def _groups(grid: Grid) -> Iterator[list[Asked]]:
    """What is asked on the same day with as many days left: what errors of the past say of it is the same."""
    found: dict[tuple[int, int], list[Asked]] = {}
    for one in sorted(grid.asked):
        found.setdefault((one.day, one.left), []).append(one)
    yield from found.values()


class _Group:
    """Series that are asked for on one day, with as many days left."""

    def __init__(self, pasts: Pasts, asked: list[Asked]) -> None:
        self.grid, self.asked = pasts.grid, asked
        self.day = asked[0].day
        self.history = self.grid.history(self.day)
        self.errors = Errors(pasts, self.day, asked[0].left)

    def rows(self) -> Iterator[tuple[Asked, dict[str, object]]]:
        """Each with the row that is said of it."""
        for one in self.asked:
            yield one, self._row(one)

    def _row(self, one: Asked) -> dict[str, object]:
        grid, history = self.grid, int(self.history[one.series])
        days = grid.amounts[one.series, max(one.start, 0) : one.day + 1]
        method, rest = self._rest(one, history)
        tried = self.errors.of(one.series, one.end - one.start) if one.left and rest else {}
        return {
            "series": grid.names[one.series],
            "day": grid.date(one.day),
            "period_start": grid.date(one.start),
            "period_end": grid.date(one.end),
            "used": fsum(days),
            "target": one.target,
            "method": method,
            "history": history,
            "tests": 0,
            "covered": 0,
            "known": _rounded(rest.known_sum) if rest else None,
            **tried,
            **_landed(fsum(days), rest),
            **_reached(one, days, rest, grid),
        }

    def _method(self, history: int) -> str:
        return NONE if history < PEER_DAYS else PEER if history < OWN_DAYS else OWN if history < SEEN else CONFORMAL

    def _rest(self, one: Asked, history: int) -> tuple[str, Rest | None]:
        """How it was reckoned, and the rest; nothing is left on the last day, and nothing is known of a series that has just begun."""
        grid, method = self.grid, self._method(history)
        if one.left == 0 or method == NONE:
            return method, None if one.left else Rest(np.zeros(0), np.zeros(0), COLD_BAND)
        base = grid.bases[one.series, self.day] if method == CONFORMAL else self._young(one.series, history)
        places = (-np.arange(1, one.left + 1)) % 7
        steps, known = grid.coming(one.series, self.day, one.left)
        band = self.errors.band(one.series) if method == CONFORMAL else None
        if band is None:
            method, band = OWN if method == CONFORMAL else method, COLD_BAND
        price = grid.prices[one.series, self.day]
        use = base[places] * price
        return method, Rest(use * np.cumprod(steps), known, band, float(use.sum()))

    def _young(self, series: int, history: int) -> Floats:
        """Use of a day by how many days after the same weekday it is asked, of a series that has less than four weeks."""
        own = self.grid.use[series, self.day - history + 1 : self.day + 1][::-1]
        peers = self._peers
        places = np.arange(history) % 7
        if history < OWN_DAYS:
            weight = float(peers[places].sum())
            return peers * (float(own.sum()) / weight) if weight else np.full(7, own.mean())
        counts = np.bincount(places, minlength=7)
        means = np.bincount(places, own, minlength=7) / counts
        profile = means / means.mean() if means.any() else np.ones(7)
        if history < WEEKS_DAYS:
            held = (counts * profile + SHRINK * peers) / (counts + SHRINK)
            return np.asarray(own[:7].mean() * held / held.mean())
        weights = np.array([WEIGHTS[place // 7] for place in range(history)])
        recent = np.bincount(places, own * weights, minlength=7) / np.bincount(places, weights, minlength=7)
        return np.asarray((recent + profile * own[:WEEKS_DAYS].mean()) / 2)

    @cached_property
    def _peers(self) -> Floats:
        """Weekdays of the series that have four weeks, 1 on average."""
        profile = self.grid.profile(self.day)[self.history >= SEEN]
        known = profile[profile.sum(axis=1) > 0]
        return np.asarray(known.mean(axis=0)) if len(known) else np.ones(7)


def _landed(used: float, rest: Rest | None) -> dict[str, float | None]:
    if rest is None:
        return dict.fromkeys(("low", "point", "high"))
    sums = [float(path.sum()) for path in rest.paths()]
    # Rounding never puts a landing below what is used, or one that nothing is added to beside it.
    rounded = [used if total == 0 else max(_rounded(used + total), used) if total > 0 else _rounded(used + total) for total in sums]
    return dict(zip(("low", "point", "high"), rounded, strict=True))


def _reached(one: Asked, days: Floats, rest: Rest | None, grid: Grid) -> dict[str, date | None]:
    """The day on which each path has the target; the high path is there first."""
    names = ("reached_high", "reached_point", "reached_low")
    if one.target is None or rest is None:
        return dict.fromkeys(names)
    found: dict[str, date | None] = {}
    for name, path in zip(names, rest.paths(), strict=True):
        so_far = np.cumsum(np.concatenate([days, path]))
        over = np.flatnonzero((so_far >= one.target * (1 - _NEAR)) & (so_far > 0))
        found[name] = grid.date(max(one.start, 0) + int(over[0])) if len(over) else None
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
