"""Ranges of days and months, by their names: `2026-11-02`, `2026-11`."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache


def domain(days: set[str], bridge: int = 62) -> list[str]:
    """Days with data, and the days between them unless nothing came for two months (one stray date must not open a decade)."""
    found: list[str] = []
    for day in sorted(days):
        last = date.fromisoformat(found[-1]) if found else date.fromisoformat(day)
        gap = (date.fromisoformat(day) - last).days
        if gap <= bridge:
            found.extend(str(last + timedelta(days=n)) for n in range(1, gap))
        found.append(day)
    return found


def touched(days: list[str], side: int) -> list[str]:
    """Days with data, and the day of the book that the first or the last of them also touches."""
    if not days or not side:
        return days
    if side < 0:
        return [str(date.fromisoformat(days[0]) - timedelta(days=1)), *days]
    return [*days, str(date.fromisoformat(days[-1]) + timedelta(days=1))]


def bounds(partitions: Sequence[str]) -> tuple[date, date]:
    """First day and the day after the last of some days or months."""
    first, last = (date.fromisoformat(key if len(key) > len("2026-11") else f"{key}-01") for key in (partitions[0], partitions[-1]))
    step = timedelta(days=1) if len(partitions[-1]) > len("2026-11") else timedelta(days=31)
    return first, (last + step if step.days == 1 else (last + step).replace(day=1))


@lru_cache(maxsize=10_000)
def around(first: str, last: str, before: int, after: int) -> tuple[str, str]:
    """Half-open range of the days from one day or month to another, and of so many days before and after; asked again for each model."""
    begin, end = bounds([first, last])
    return str(begin - timedelta(days=before)), str(end + timedelta(days=after))


def between(index: Mapping[str, object], from_day: str | None, to_day: str | None) -> list[str]:
    """Days of an index that lie in a half-open range; all where none is given."""
    if from_day is None or to_day is None:
        return sorted(index)
    return [day for day in _days(from_day, to_day) if day in index]


def _days(from_day: str, to_day: str) -> list[str]:
    first = date.fromisoformat(from_day)
    return [str(first + timedelta(days=n)) for n in range((date.fromisoformat(to_day) - first).days)]
