"""How alarms on labelled daily series are scored, and the labelled series themselves.

An event counts if its peak excess is at least $5 a day; it is hit by an alarm in its first fourteen days. Alarms of one key less than two
days apart are one episode; an episode is false if it touches no event, with some days of grace after it. Recall is of events, precision
of episodes, false alarms are false episodes per 1,000 days of a series outside all events and their grace.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

FIRST_DAY = 42
"""Index of the first day on which alarms count: before it is history to learn from."""
LEAST_USD, HIT_DAYS, GRACE_DAYS = 5.0, 14, 2
LONG_GRACE = {"ramp": 7}
PERSISTENT_DAYS = 27
"""Grace of an event that stays, from its first day."""
Floats = NDArray[np.float64]
Alarms = NDArray[np.bool_]
"""Series x days."""


@dataclass(frozen=True)
class Event:
    """What was planted.

    Args:
        row: of the series.
        kind: of event.
        first: index of its first day.
        last: index of its last day.
        is_persistent: whether it stays.
        peak_usd: largest excess of a day.
    """

    row: int
    kind: str
    first: int
    last: int
    is_persistent: bool
    peak_usd: float

    @property
    def end(self) -> int:
        """Index of the last day on which an alarm is not false because of it."""
        return self.first + PERSISTENT_DAYS if self.is_persistent else self.last + LONG_GRACE.get(self.kind, GRACE_DAYS)


@dataclass(frozen=True)
class Labelled:
    """Daily series and what was planted in them.

    Args:
        values: series x days.
        events: of any kind.
    """

    values: Floats
    events: tuple[Event, ...]


def read(folder: Path, name: str) -> Labelled:
    """Read `NAME.parquet` (key, day, cost_usd) and `NAME_events.csv` (key, kind, first_day, last_day, is_persistent, peak_excess_usd).

    Raises:
        FileNotFoundError: one of them is not there.
    """
    costs = pl.read_parquet(folder / f"{name}.parquet").sort("key", "day")
    keys, first = costs["key"].unique().sort().to_list(), costs["day"].min()
    assert isinstance(first, date)  # noqa: S101 -- a column of days
    row = {key: place for place, key in enumerate(keys)}
    listed = pl.read_csv(folder / f"{name}_events.csv", try_parse_dates=True).iter_rows(named=True)
    events = (
        Event(row[one["key"]], one["kind"], _days(one["first_day"] - first), _days(one["last_day"] - first), one["is_persistent"],
              one["peak_excess_usd"])
        for one in listed
    )  # fmt: skip
    return Labelled(costs["cost_usd"].to_numpy().reshape(len(keys), -1), tuple(events))


def _days(span: timedelta) -> int:
    return span.days


def report(alarms: Alarms, events: Iterable[Event], kinds: Iterable[str] | None = None) -> dict[str, object]:
    """f1, precision, recall, false_alarms_per_1000, recall_by_kind, and how many events and episodes there were.

    Args:
        alarms: series x days, from the first day of the series on.
        events: what was planted.
        kinds: of event that count; the others are neither missed nor false.
    """
    planted = list(events)
    near = np.zeros(alarms.shape, dtype=bool)
    for event in planted:
        near[event.row, event.first : event.end + 1] = True
    wanted = None if kinds is None else set(kinds)
    counted = [one for one in planted if one.peak_usd >= LEAST_USD and one.first >= FIRST_DAY and (wanted is None or one.kind in wanted)]
    hits = [_is_hit(alarms, event) for event in counted]
    false = [not near[row, days].any() for row, days in _episodes(alarms)]
    recall, precision = _share(sum(hits), len(hits)), _share(len(false) - sum(false), len(false))
    quiet = int(np.count_nonzero(~near[:, FIRST_DAY:]))
    return {
        "f1": round(2 * precision * recall / (precision + recall), 4) if precision + recall else 0.0,
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "false_alarms_per_1000": round(1000 * _share(sum(false), quiet), 3),
        "recall_by_kind": _by_kind(counted, hits),
        "events": len(counted),
        "episodes": len(false),
    }


def _is_hit(alarms: Alarms, event: Event) -> bool:
    return bool(alarms[event.row, event.first : min(event.last + 1, event.first + HIT_DAYS)].any())


def _episodes(alarms: Alarms) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Row and days of alarms that follow one another."""
    for row in np.flatnonzero(alarms[:, FIRST_DAY:].any(axis=1)):
        days = np.flatnonzero(alarms[row, FIRST_DAY:]) + FIRST_DAY
        yield from ((int(row), part) for part in np.split(days, np.flatnonzero(np.diff(days) > 1) + 1))


def _by_kind(events: list[Event], hits: list[bool]) -> Mapping[str, float]:
    kinds = sorted({one.kind for one in events})
    found = {kind: [hit for one, hit in zip(events, hits, strict=True) if one.kind == kind] for kind in kinds}
    return {kind: round(_share(sum(some), len(some)), 4) for kind, some in found.items()}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
