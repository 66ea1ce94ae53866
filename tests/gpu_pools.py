"""GPU pools of four weeks whose every hour is told, for what is advised on them."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from meterbook.reports.gpu_evidence import BIN, HOUR, Hour, Pool

MONDAY, END = date(2026, 9, 28), date(2026, 10, 26)
"""First day of the four weeks, and the day after their last."""
BINS = HOUR // BIN
NIGHT = frozenset((*range(22, 24), *range(6)))
"""Hours of the day."""


class Seen(NamedTuple):
    """GPUs in an hour: at work, held without work, and of which nothing is known; all steady."""

    used: int = 0
    warm: int = 0
    unknown: int = 0


def pool(seen: Callable[[int], Seen], gpus: int = 8, *, hours: int = 28 * 24, name: str = "p", **more: Any) -> Pool:
    """A pool in which each GPU-hour costs two dollars; `seen` is told the number of an hour, the first being that of a Monday."""
    made = tuple(_hour(number, seen(number), gpus) for number in range(hours))
    base = {"owner": "red", "committed": 0, "open_usd": Decimal(2), "any_usd": Decimal(2)}
    return Pool(**{**base, "name": name, "gpus": gpus, "hours": made, **more})


def _hour(number: int, seen: Seen, gpus: int) -> Hour:
    at = datetime(MONDAY.year, MONDAY.month, MONDAY.day) + timedelta(hours=number)
    held = seen.used + seen.warm
    free = gpus - held - seen.unknown
    return Hour(
        day=at.date(),
        started_at=at,
        hour_of_week=number % 168,
        bins=BINS,
        capacity=gpus * HOUR,
        seen=(gpus - seen.unknown) * HOUR,
        held=held * HOUR,
        used=seen.used * HOUR,
        held_top=held * BIN,
        held_next=held * BIN,
        used_top=seen.used * BIN,
        used_next=seen.used * BIN,
        warm_idle=seen.warm * HOUR,
        free_idle=free * HOUR,
        unknown=seen.unknown * HOUR,
        idle_cost_usd=Decimal(2 * (seen.warm + free)),
    )


def steady(used: int, warm: int = 0) -> Callable[[int], Seen]:
    """The same in every hour."""
    return lambda _: Seen(used, warm)
