"""Hours of the week in which a pool was never at work: when it can be switched off, in words and in GPU hours."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from meterbook.reports.frame import ZERO
from meterbook.reports.gpu_evidence import HOUR, Hour, Pool

WEEKS = 2
"""An hour of the week has to be seen so often."""
SHORTEST = 2
"""Hours in a row: a shorter stop is not worth it."""
WEEK_HOURS = 168
DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = 24


class Parked(NamedTuple):
    """Hours of the week that can be parked, and GPUs that are idle then, as a mean over all hours of the week."""

    hours: tuple[int, ...]
    weeks: int
    free: Decimal
    warm_and_free: Decimal


def parked(pool: Pool) -> Parked | None:
    """When a pool can be switched off; None where no hour of the week was seen twice.

    Unknown is not idle: an hour with a gap of the samples is none that can be parked. GPUs that a commitment covers cost as much parked.
    """
    seen = {place: hours for place, hours in pool.by_hour_of_week.items() if len({hour.day for hour in hours}) >= WEEKS}
    if not seen:
        return None
    quiet = _long({place for place, hours in seen.items() if not any(hour.used or hour.unknown for hour in hours)})
    free, both = ZERO, ZERO
    for place in quiet:
        hours = seen[place]
        free += open_idle(pool, hours, warm=False) / WEEK_HOURS
        both += open_idle(pool, hours, warm=True) / WEEK_HOURS
    return Parked(tuple(quiet), min(len({hour.day for hour in hours}) for hours in seen.values()), free, both)


def unused(pool: Pool) -> Sequence[Hour]:
    """The hours since a pool was last at work, where they are a whole week or more; none else, or where most of one was not seen."""
    hours = pool.seen_hours
    last = max((place for place, hour in enumerate(hours) if hour.used), default=-1)
    quiet = hours[last + 1 :]
    is_seen = all(hour.unknown * 2 <= hour.capacity for hour in quiet)
    return quiet if len(quiet) >= WEEK_HOURS and is_seen else ()


def open_idle(pool: Pool, hours: Sequence[Hour], *, warm: bool) -> Decimal:
    """GPUs idle in the mean of some hours that no commitment covers: those nobody held, and where asked those held without work."""
    idle = (hour.free_idle + (hour.warm_idle if warm else 0) for hour in hours)
    seconds = (max(0, min(one, hour.capacity - pool.committed * HOUR)) for one, hour in zip(idle, hours, strict=True))
    return Decimal(sum(seconds)) / (HOUR * len(hours))


def _long(hours: set[int]) -> list[int]:
    """Hours of runs that are long enough; a run may go over the end of the week."""
    return [
        hour
        for hour in sorted(hours)
        if any(all((first + step) % WEEK_HOURS in hours for step in range(SHORTEST)) for first in range(hour - SHORTEST + 1, hour + 1))
    ]


def schedule(hours: Sequence[int]) -> str:
    """Hours of the week as people write them: Mon-Thu 22-06, Fri 22-24, Sat-Sun; 22-06 ends on the day after.

    Days with the same stretches stand together.
    """
    if len(hours) == WEEK_HOURS:
        return "all week"
    by_day: dict[int, list[str]] = {day: [] for day in range(len(DAY_NAMES))}
    for first, length in _runs(hours):
        for day, told in _stretches(first, length):
            by_day[day].append(told)
    parts = []
    for same, group in groupby((day for day in by_day if by_day[day]), key=lambda day: tuple(sorted(by_day[day]))):
        parts += [f"{_days(run)}{''.join(f' {one}' for one in same if one)}" for run in _neighbours(group)]
    return ", ".join(parts)


def _stretches(first: int, length: int) -> Iterator[tuple[int, str]]:
    """A run in parts of days: what ends on the next day as one, whole days as nothing."""
    done = 0
    while done < length:
        day, start = divmod((first + done) % WEEK_HOURS, _DAY)
        left, midnight = length - done, _DAY - start
        if start and midnight < left < midnight + _DAY:
            yield day, f"{start:02}-{left - midnight:02}"
            return
        part = min(midnight, left)
        yield day, "" if part == _DAY else f"{start:02}-{start + part:02}"
        done += part


def _runs(hours: Sequence[int]) -> list[tuple[int, int]]:
    """First hour and length of each run; one that goes over the end of the week begins before it."""
    places = set(hours)
    firsts = [hour for hour in sorted(places) if (hour - 1) % WEEK_HOURS not in places]
    found = []
    for first in firsts:
        length = 1
        while (first + length) % WEEK_HOURS in places:
            length += 1
        found.append((first, length))
    return found


def _neighbours(days: Iterable[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _days(run: Sequence[int]) -> str:
    return DAY_NAMES[run[0]] if len(run) == 1 else f"{DAY_NAMES[run[0]]}-{DAY_NAMES[run[-1]]}"
