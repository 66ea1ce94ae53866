"""What four weeks say of each GPU pool, read from daily marts as of a page's last day: any week's page can be made again."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meterbook.reports.figures import Figures

DAYS = 28
"""What advice rests on; an hour of the week then has at most 60 values of five minutes, of which two are kept for each hour."""
FRESH = timedelta(days=7)
"""A pool without a sample in so many days is taken to be gone."""
HOUR = 3600
ZERO = Decimal(0)
BIN = 300


@dataclass(frozen=True)
class Hour:
    """An hour of a pool; times are GPU seconds, tops those of the two greatest five minutes."""

    day: date
    started_at: datetime
    hour_of_week: int
    bins: int
    capacity: int
    seen: int
    held: int
    used: int
    held_top: int = 0
    held_next: int = 0
    used_top: int = 0
    used_next: int = 0
    warm_idle: int = 0
    free_idle: int = 0
    unknown: int = 0
    idle_cost_usd: Decimal | None = None


@dataclass(frozen=True)
class Memory:
    """Peaks of the hours of a device: memory in bytes, hours by step of it."""

    device_id: str
    gpu_model: str
    total_bytes: int | None
    hours: Mapping[int, int]
    """Device hours by bytes of the step they ended in."""


@dataclass(frozen=True)
class Offer:
    """A price of a GPU-hour on the rate card of a pool."""

    model: str
    tier: str
    usd: Decimal
    is_own: bool


@dataclass(frozen=True)
class Pool:
    """A pool over four weeks.

    Args:
        name: of the pool.
        gpus: on its last day: the most that were seen at once.
        committed: of them, those that a reservation or a purchase covers.
        open_usd: cost of a GPU-hour that nothing covers; None where it has no price.
        any_usd: cost of a GPU-hour of any; None where a part has no price.
        hours: its hours, in order.
        models: of its GPUs, as sampled.
    """

    name: str
    owner: str | None
    gpus: int
    committed: int
    open_usd: Decimal | None
    any_usd: Decimal | None
    hours: Sequence[Hour]
    target: Decimal = Decimal("0.7")
    spare: int = 1
    unit: int = 1
    lead_days: int = 30
    tier: str = "standard"
    models: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    memory: tuple[Memory, ...] = ()

    @cached_property
    def seen_hours(self) -> Sequence[Hour]:
        """Hours with a sample."""
        return [hour for hour in self.hours if hour.bins]

    @cached_property
    def by_hour_of_week(self) -> Mapping[int, Sequence[Hour]]:
        """Hours with a sample, by hour of the week."""
        found: dict[int, list[Hour]] = defaultdict(list)
        for hour in self.seen_hours:
            found[hour.hour_of_week].append(hour)
        return found

    @property
    def days(self) -> int:
        """Hours with a sample, in days."""
        return len(self.seen_hours) // 24

    @property
    def card(self) -> str | None:
        """The model of the rate card that prices it; None where there are several or none."""
        own = {offer.model for offer in self.offers if offer.is_own}
        return next(iter(own)) if len(own) == 1 else None

    def total(self, name: str) -> int:
        """Sum of a field of its hours that have a sample."""
        return sum(getattr(hour, name) for hour in self.seen_hours)


@dataclass(frozen=True)
class Reservation:
    """GPUs that are paid for whether there are devices for them or not, over four weeks."""

    name: str
    owner: str | None
    gpus: int
    least_unused: int
    """GPUs without a device in each of its hours."""
    hours: int
    cost_usd: Decimal
    unused_cost_usd: Decimal
    is_owned: bool = False


def span(frame: "Figures") -> tuple[date, date]:
    """The four weeks that end with the page: half-open days of the book."""
    return frame.span[1] - timedelta(days=DAYS), frame.span[1]


def pools(frame: "Figures") -> list[Pool]:
    """Every pool that was seen in the last seven days of a page, by name."""
    first, end = span(frame)
    fleet = frame.rows("select * from marts.gpu_fleet where day >= ? and day < ? order by pool, day", first, end)
    hours, offers, memory, models = _hours(frame), _offers(frame), _memory(frame), _models(frame)
    found = []
    for name in dict.fromkeys(row["pool"] for row in fleet):
        days = [row for row in fleet if row["pool"] == name]
        seen = [row for row in days if row["gpus"]]
        if not seen or seen[-1]["day"] < end - FRESH:
            continue
        last, open_seconds = seen[-1], sum(row["open_seconds"] for row in days)
        open_cost = sum((row["open_cost_usd"] or ZERO for row in days), ZERO)
        priced_seconds = sum(row["capacity_seconds"] - row["unpriced_seconds"] for row in days)
        found.append(
            Pool(
                name=name,
                owner=last["owner"],
                gpus=last["gpus"],
                committed=min(last["committed_gpus"], last["gpus"]),
                open_usd=open_cost * HOUR / open_seconds if open_seconds else None,
                any_usd=sum((row["cost_usd"] or ZERO for row in days), ZERO) * HOUR / priced_seconds if priced_seconds else None,
                hours=hours.get(name, []),
                target=last["target_utilization"],
                spare=last["spare_gpus"],
                unit=last["unit_gpus"],
                lead_days=last["lead_days"],
                tier=last["served_tier"],
                models=models.get(name, ()),
                offers=tuple(offers.get(name, ())),
                memory=tuple(memory.get(name, ())),
            )
        )
    return found


def reservations(frame: "Figures") -> list[Reservation]:
    """Reserved and owned GPUs that are in force on the last day with data, by name."""
    query = """
        select commitment, max(kind) as kind, max(owner) as owner,
            arg_max(capacity, day) as last_capacity, arg_max(hours, day) as last_hours,
            min(least_unused) as least_unused, cast(sum(hours) as bigint) as hours, sum(cost_usd) as cost_usd,
            sum(unused_cost_usd) as unused_cost_usd
        from marts.commitment where kind in ('reserved_gpu', 'owned_gpu') and day >= ? and day < ? group by commitment
        having max(day) = (select max(day) from marts.commitment where kind in ('reserved_gpu', 'owned_gpu') and day >= ? and day < ?)
        order by commitment
    """
    first, end = span(frame)
    return [
        Reservation(
            name=row["commitment"],
            owner=row["owner"],
            gpus=int(row["last_capacity"] / row["last_hours"] / HOUR),
            least_unused=int(row["least_unused"] / HOUR),
            hours=row["hours"],
            cost_usd=row["cost_usd"],
            unused_cost_usd=row["unused_cost_usd"],
            is_owned=row["kind"] == "owned_gpu",
        )
        for row in frame.rows(query, first, end, first, end)
    ]


def _hours(frame: "Figures") -> dict[str, list[Hour]]:
    found: dict[str, list[Hour]] = defaultdict(list)
    query = "select * from marts.gpu_pool_hour where day >= ? and day < ? order by pool, started_at"
    for row in frame.rows(query, *span(frame)):
        costs = [row["warm_idle_cost_usd"], row["free_idle_cost_usd"]]
        found[row["pool"]].append(
            Hour(
                day=row["day"],
                started_at=row["started_at"],
                hour_of_week=row["hour_of_week"],
                bins=row["bins"],
                capacity=row["capacity_seconds"],
                seen=row["seen_seconds"],
                held=row["held_seconds"],
                used=row["used_seconds"],
                held_top=row["held_top_seconds"],
                held_next=row["held_next_seconds"],
                used_top=row["used_top_seconds"],
                used_next=row["used_next_seconds"],
                warm_idle=row["warm_idle_seconds"],
                free_idle=row["free_idle_seconds"],
                unknown=row["unknown_seconds"],
                idle_cost_usd=None if row["unpriced_seconds"] else sum((cost or ZERO for cost in costs), ZERO),
            )
        )
    return found


def _models(frame: "Figures") -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    query = (
        "select distinct pool, gpu_model from marts.gpu_use where day >= ? and day < ? and gpu_model <> '(none)' order by pool, gpu_model"
    )
    for row in frame.rows(query, *span(frame)):
        found[row["pool"]] = (*found.get(row["pool"], ()), row["gpu_model"])
    return found


def _offers(frame: "Figures") -> dict[str, list[Offer]]:
    found: dict[str, list[Offer]] = defaultdict(list)
    query = """
        select pool, model, served_tier, gpu_hour_usd, is_own from marts.gpu_offer as offer
        where day = (select max(day) from marts.gpu_offer as other where other.pool = offer.pool and other.day >= ? and other.day < ?)
        order by pool, model, served_tier
    """
    for row in frame.rows(query, *span(frame)):
        found[row["pool"]].append(Offer(row["model"], row["served_tier"], row["gpu_hour_usd"], row["is_own"]))
    return found


def _memory(frame: "Figures") -> dict[str, list[Memory]]:
    query = """
        select pool, gpu_model, device_id, memory_steps, cast(sum(device_hours) as bigint) as device_hours,
            max(max(memory_total_bytes)) over (partition by pool, gpu_model, device_id) as total_bytes
        from marts.gpu_memory where day >= ? and day < ? group by pool, gpu_model, device_id, memory_steps
        order by pool, gpu_model, device_id, memory_steps
    """
    devices: dict[tuple[str, str, str], dict[int, int]] = defaultdict(dict)
    totals: dict[tuple[str, str, str], int | None] = {}
    for row in frame.rows(query, *span(frame)):
        key = (row["pool"], row["gpu_model"], row["device_id"])
        devices[key][row["memory_steps"] << 28] = row["device_hours"]
        totals[key] = row["total_bytes"]
    found: dict[str, list[Memory]] = defaultdict(list)
    for (pool, model, device), steps in devices.items():
        found[pool].append(Memory(device, model, totals[pool, model, device], steps))
    return found
