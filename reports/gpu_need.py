"""How many GPUs a pool needs, by three readings of its demand, and what may be let go of those it has.

Need is the greatest over the hours of the week of the 99th percentile of the five-minute demand, and the spare GPUs of the book. Three
readings: *safe* keeps what was held, at work or not; *point* keeps what was at work, at the utilisation the book aims at, and the cards
that the models in memory take; *mean* is by the mean of the work, and nobody should go below. Duty is not FLOPs: a busy GPU may do little.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor
from typing import NamedTuple

from meterbook.reports.frame import ZERO
from meterbook.reports.gpu_cards import MEMORY_GIB
from meterbook.reports.gpu_evidence import BIN, HOUR, Hour, Memory, Pool

YEAR_HOURS = Decimal(8760)
MIN_DAYS = 7
"""With less, not every hour of the week was seen once, and nothing is advised."""
MIN_SEEN = Decimal("0.5")
"""Share of the GPU time that must have been seen: what no sample covers may have been work."""
_PERCENT = 101


class Range(NamedTuple):
    """Three estimates, the first the least."""

    low: Decimal
    point: Decimal
    high: Decimal


class Needs(NamedTuple):
    """GPUs that are needed: by what was held, by what was at work, by the mean."""

    safe: int
    point: int
    mean: int


@dataclass(frozen=True)
class Size:
    """Need against have; GPUs that may go are positive, those that are missing negative, both in whole units."""

    needs: Needs
    low: int
    point: int
    high: int
    packed: Decimal | None
    """Cards that the models in memory take; None where memory is unknown."""


def p99(pairs: Iterable[tuple[int, int]], values: int) -> Decimal:
    """The 99th percentile of so many values, of which the two greatest of each hour are given; interpolated, as numpy has it.

    Exact for up to 101 values: it then lies between the two greatest of all. Beyond, it is the second, which is no less.

    Args:
        pairs: the greatest and the next value of each hour.
        values: how many there are.
    """
    top, following = sorted([*(value for pair in pairs for value in pair), 0, 0])[:-3:-1]
    return following + Decimal(top - following) * max(0, _PERCENT - values) / 100


def is_known(pool: Pool) -> bool:
    """Whether there is enough of a pool to advise on."""
    capacity = pool.total("capacity")
    return pool.days >= MIN_DAYS and bool(capacity) and Decimal(pool.total("seen")) / capacity >= MIN_SEEN


def held_by_hour(pool: Pool) -> Mapping[int, Decimal]:
    """GPUs held, at the 99th percentile, by hour of the week."""
    return _by_hour(pool, lambda hour: (hour.held_top, hour.held_next))


def used_by_hour(pool: Pool) -> Mapping[int, Decimal]:
    """GPUs at work, at the 99th percentile, by hour of the week."""
    return _by_hour(pool, lambda hour: (hour.used_top, hour.used_next))


def mean_used(pool: Pool) -> Decimal:
    """GPUs at work in the mean of the hours seen."""
    hours = pool.seen_hours
    return Decimal(pool.total("used")) / (HOUR * len(hours)) if hours else ZERO


def _by_hour(pool: Pool, pair: Callable[[Hour], tuple[int, int]]) -> Mapping[int, Decimal]:
    return {place: p99(map(pair, hours), sum(hour.bins for hour in hours)) / BIN for place, hours in sorted(pool.by_hour_of_week.items())}


def needs(held: Decimal, used: Decimal, mean: Decimal, pool: Pool, packed: Decimal | None) -> Needs:
    """What is needed by the greatest demand held and at work, its mean, and the cards that memory takes."""
    resident = ceil(packed or 0)
    point = max(ceil(used / pool.target), resident) + pool.spare
    return Needs(max(ceil(held) + pool.spare, point), point, min(ceil(mean / pool.target) + pool.spare, point))


def movable(pool: Pool, need: int) -> int:
    """GPUs that may go where so many are needed, in whole units and none that is committed; negative where some are missing."""
    if need > pool.gpus:
        return -ceil(Decimal(need - pool.gpus) / pool.unit) * pool.unit
    return floor(Decimal(pool.gpus - max(need, pool.committed)) / pool.unit) * pool.unit


def size(pool: Pool) -> Size | None:
    """Need against have of a pool; None where too little of it is known."""
    if not is_known(pool):
        return None
    packed = packing(pool)
    found = needs(max(held_by_hour(pool).values()), max(used_by_hour(pool).values()), mean_used(pool), pool, packed)
    low, point, high = (movable(pool, need) for need in found)
    return Size(found, low, point, high, packed)


def yearly(pool: Pool, gpus: Decimal | int) -> Decimal | None:
    """Dollars a year of GPUs that no commitment covers; of those that are missing too. None where they have no price."""
    price = pool.open_usd if pool.open_usd is not None else pool.any_usd if gpus <= 0 else None
    return ZERO if not gpus else None if price is None else Decimal(gpus) * price * YEAR_HOURS


def yearly_range(pool: Pool, gpus: Sequence[Decimal | int]) -> Range | None:
    """The same for three estimates; None where one of them has no price."""
    amounts = [yearly(pool, one) for one in gpus]
    known = [amount for amount in amounts if amount is not None]
    return Range(*known) if len(known) == len(amounts) else None


def p95_bytes(devices: Iterable[Memory]) -> int:
    """What nineteen of twenty device hours stay within: the step of memory of the nearest rank."""
    steps: dict[int, int] = {}
    for device in devices:
        for step, hours in device.hours.items():
            steps[step] = steps.get(step, 0) + hours
    rank, upto = ceil(Decimal(95 * sum(steps.values())) / 100), 0
    for step, hours in sorted(steps.items()):
        upto += hours
        if upto >= rank:
            return step
    return 0


def card_bytes(pool: Pool, device: Memory) -> int | None:
    """Memory of a device: as sampled, else of the card that prices it."""
    known = MEMORY_GIB.get(pool.card or "")
    return device.total_bytes or (known << 30 if known else None)


def packing(pool: Pool) -> Decimal | None:
    """Cards that the models of a pool take, were memory all that counts; None where the memory of a device is unknown."""
    if not pool.memory:
        return None
    taken = ZERO
    for device in pool.memory:
        whole = card_bytes(pool, device)
        if whole is None:
            return None
        taken += min(Decimal(1), Decimal(p95_bytes([device])) / whole)
    return taken
