"""What can be done about a pool: evidence, and dollars a year low, point and high. What is said of one pool is not added: it overlaps."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from math import ceil, floor

from meterbook.reports.frame import ZERO
from meterbook.reports.gpu_cards import GIB, MEMORY_GIB, named, smallest_slice
from meterbook.reports.gpu_evidence import HOUR, Hour, Memory, Offer, Pool, Reservation
from meterbook.reports.gpu_need import (
    YEAR_HOURS,
    Range,
    Size,
    card_bytes,
    held_by_hour,
    is_known,
    mean_used,
    movable,
    needs,
    p95_bytes,
    packing,
    size,
    used_by_hour,
    yearly_range,
)
from meterbook.reports.gpu_park import open_idle, parked, schedule, unused
from meterbook.reports.numbers import NBSP, percent, plural, price, ratio

NOTHING = Range(ZERO, ZERO, ZERO)


@dataclass(frozen=True)
class Advice:
    """One thing to do.

    Args:
        pools: it is about.
        lever: size, unused, slice, share, park, reserve or lapse.
        action: a sentence.
        evidence: what it rests on, in words.
        effort: low, medium or high.
        owner: who answers for it.
        usd: saved a year, negative where it costs more; None where a price is unknown.
    """

    pools: tuple[str, ...]
    lever: str
    action: str
    evidence: str
    effort: str
    owner: str
    usd: Range | None


def advice(pools: Sequence[Pool], reservations: Sequence[Reservation]) -> list[Advice]:
    """Everything that can be said: what saves most first, what costs more after it, what has no price last."""
    found = [*_lapsing(reservations), *_sharing(pools)]
    for pool in pools:
        if (sized := size(pool)) is not None:
            found += [*(_unused(pool) if unused(pool) else _sizing(pool, sized)), *_slicing(pool), *_parking(pool), *_reserving(pool)]
    return sorted(found, key=_rank)


def _rank(one: Advice) -> tuple[bool, Decimal, Decimal, tuple[str, ...], str]:
    return (one.usd is None, -one.usd.point if one.usd else ZERO, -one.usd.high if one.usd else ZERO, one.pools, one.action)


def _sizing(pool: Pool, sized: Size) -> Iterator[Advice]:
    if not (sized.low or sized.point or sized.high):
        return
    need = sized.needs
    if sized.point < 0:
        # Demand is seen only as far as there are GPUs for it: a pool that works off a queue is full at its peak, and that is no lack.
        action = f"Let work queue in the busiest hours of pool {pool.name}, or add {plural(-sized.point, 'GPU')}"
    elif sized.point:
        action = f"Release {sized.point:,} of the {plural(pool.gpus, 'GPU')} of pool {pool.name}"
    else:
        action = f"Smooth the peaks of pool {pool.name}: {plural(sized.high, 'GPU')} of {pool.gpus:,} stand for them"
    said = (
        f"{need.point:,} needed by what was at work, {need.safe:,} by what was held, {need.mean:,} by the mean; {pool.gpus:,} there"
        + (f", {pool.committed:,} of them committed" if pool.committed else "")
        + (f"; models in memory take {sized.packed:.1f} cards" if sized.packed is not None else "; memory is not known")
    )
    effort = "low" if sized.low == sized.point else "medium"
    yield Advice((pool.name,), "size", action, said, effort, _owner(pool), yearly_range(pool, (sized.low, sized.point, sized.high)))


def _unused(pool: Pool) -> Iterator[Advice]:
    """Instead of a size: what a pool needed while it worked says nothing of one that no longer does."""
    quiet = unused(pool)
    free = open_idle(pool, quiet, warm=False)
    usd = yearly_range(pool, (0, free, max(free, Decimal(pool.gpus - pool.committed))))
    first, days = quiet[0].day, len(quiet) // 24
    action = f"Ask whether pool {pool.name} is still needed: none of its {plural(pool.gpus, 'GPU')} has worked since {first.day} {first:%B}"
    said = f"{days} days without work; {free:.1f} GPUs that no commitment covers were held by nobody in them"
    yield Advice((pool.name,), "unused", action, said, "low", _owner(pool), usd)


def _slicing(pool: Pool) -> Iterator[Advice]:
    held = pool.total("held")
    if not held or pool.card is None:
        return
    duty = Decimal(pool.total("used")) / held
    for model, group in groupby(pool.memory, key=lambda device: device.gpu_model):
        devices: list[Memory] = list(group)
        whole = min((found for found in (card_bytes(pool, device) for device in devices) if found), default=0)
        needed = p95_bytes(devices)
        if not whole or not needed:
            continue
        said = f"nineteen of twenty hours of {model} take {_gib(needed)} of {_gib(whole)} at most; held, they work {percent(duty)} of it"
        cut = smallest_slice(pool.card, whole, needed)
        if cut and len(pool.models) == 1:
            # Work that fills a card for a share of the time takes as much of a slice as the slice is smaller.
            by_work = min(cut.instances, floor(pool.target / duty)) if duty else cut.instances
            shares = (cut.instances if duty <= pool.target * cut.compute_share else 1, max(1, by_work), cut.instances)
            kept = max(held_by_hour(pool).values())
            gone = [max(0, movable(pool, ceil(kept / share) + pool.spare)) for share in sorted(shares)]
            if gone[-1]:
                action = f"Cut GPUs of pool {pool.name} into {named(cut)}, {cut.instances} to a card: they hold what its models take"
                low = gone[0] if shares[0] > 1 else 0
                yield Advice((pool.name,), "slice", action, said, "medium", _owner(pool), yearly_range(pool, (low, *gone[1:])))
        elif cut is None:
            yield from _smaller(pool, needed, said)


def _smaller(pool: Pool, needed: int, said: str) -> Iterator[Advice]:
    own = _standard(pool)
    fits = [
        offer
        for offer in pool.offers
        if not offer.is_own and offer.tier == "standard" and (MEMORY_GIB.get(offer.model, 0) << 30) >= needed and own and offer.usd < own
    ]
    if not fits or own is None or pool.gpus <= pool.committed:
        return
    best = min(fits, key=lambda offer: (offer.usd, offer.model))
    # How fast the smaller card is with this work is not known: nothing is sure, and all of it only if it is as fast.
    most = (pool.gpus - pool.committed) * (own - best.usd) * YEAR_HOURS
    action = (
        f"Try pool {pool.name} on {best.model}, which holds what its models take: worth it above {percent(best.usd / own)} of the speed"
    )
    yield Advice((pool.name,), "slice", action, said, "high", _owner(pool), Range(ZERO, ZERO, most))


def _sharing(pools: Sequence[Pool]) -> Iterator[Advice]:
    by_models: dict[tuple[str, ...], list[Pool]] = {}
    for pool in pools:
        if pool.models and is_known(pool):
            by_models.setdefault(pool.models, []).append(pool)
    for models, group in by_models.items():
        if len(group) > 1:
            yield from _shared(models, group)


def _shared(models: tuple[str, ...], group: Sequence[Pool]) -> Iterator[Advice]:
    """Pools peak at different hours: together they need the greatest sum, apart the sum of the greatest, and each its spare GPUs."""
    joint = max(group, key=lambda pool: (-pool.target, pool.spare))
    packs = [packing(pool) for pool in group]
    packed = None if None in packs else sum((one or ZERO for one in packs), ZERO)
    apart = [
        needs(max(held_by_hour(pool).values()), max(used_by_hour(pool).values()), mean_used(pool), pool, pack)
        for pool, pack in zip(group, packs, strict=True)
    ]
    held, used = _peak([held_by_hour(one) for one in group]), _peak([used_by_hour(one) for one in group])
    together = needs(held, used, sum(map(mean_used, group), ZERO), joint, packed)
    unit = max(pool.unit for pool in group)
    free = max(0, sum(pool.gpus - pool.committed for pool in group))

    def fewer(place: int) -> int:
        # A pool that has fewer than it needs would not get more to share them.
        kept = sum(min(one[place], pool.gpus) for one, pool in zip(apart, group, strict=True))
        return floor(Decimal(min(free, max(0, kept - together[place]))) / unit) * unit

    safe, point, mean = map(fewer, range(len(together)))
    if not point:
        return
    names = tuple(pool.name for pool in group)
    cheapest = min((pool for pool in group if pool.open_usd is not None), key=lambda pool: pool.open_usd or ZERO, default=None)
    duty = ", ".join(f"{pool.name} {percent(ratio(pool.total('used'), pool.total('held')))}" for pool in group)
    action = f"Let pools {_listed(names)} share their {models[0]}: {plural(point, 'GPU')} fewer than apart"
    said = (
        f"apart they need {sum(one.point for one in apart):,}, together {together.point:,}, as they peak at different hours; "
        f"of what is held, at work: {duty}"
    )
    owners = {_owner(pool) for pool in group}
    usd = yearly_range(cheapest, (min(safe, point), point, max(point, mean))) if cheapest else None
    yield Advice(names, "share", action, said, "high", owners.pop() if len(owners) == 1 else "several", usd)


def _peak(curves: Sequence[Mapping[int, Decimal]]) -> Decimal:
    hours = {hour for curve in curves for hour in curve}
    return max(sum((curve.get(hour, ZERO) for curve in curves), ZERO) for hour in hours)


def _parking(pool: Pool) -> Iterator[Advice]:
    found = parked(pool)
    if found is None or not found.hours or not found.warm_and_free:
        return
    low = found.free * YEAR_HOURS
    usd = (
        None if pool.open_usd is None else Range(low * pool.open_usd, low * pool.open_usd, found.warm_and_free * YEAR_HOURS * pool.open_usd)
    )
    action = f"Switch pool {pool.name} off {schedule(found.hours)}"
    said = (
        f"no GPU of it was at work in these {len(found.hours)} hours of the week in any of {found.weeks} weeks: "
        f"{found.free * YEAR_HOURS:,.0f} GPU hours a year that nobody holds, "
        f"{found.warm_and_free * YEAR_HOURS:,.0f} with those held without work"
    )
    yield Advice((pool.name,), "park", action, said, "medium", _owner(pool), usd)


def _standard(pool: Pool) -> Decimal | None:
    return next((offer.usd for offer in pool.offers if offer.is_own and offer.tier == "standard" and offer.model == pool.card), None)


def _reserving(pool: Pool) -> Iterator[Advice]:
    """The n-th GPU is worth a reservation if so many were held for at least the share of hours that the reserved price is of the other."""
    on_demand, hours = _standard(pool), pool.seen_hours
    if not on_demand or pool.tier != "standard":
        return
    whole = sorted(hour.held // HOUR for hour in hours)
    best: tuple[Range, int, Offer] | None = None
    for offer in pool.offers:
        if not (offer.is_own and offer.model == pool.card and offer.tier.startswith("reserved")):
            continue
        last = pool.committed
        while last < pool.gpus and _at_least(whole, last + 1) * on_demand >= offer.usd:
            last += 1
        count = last - pool.committed
        # What is reserved was paid for the whole hours of each, for the time it was held, and for the time it was there.
        shares = (
            sum(min(count, max(0, held - pool.committed)) * HOUR for held in whole),
            *(sum(min(count * HOUR, max(0, had - pool.committed * HOUR)) for had in one) for one in _had(hours)),
        )
        usd = Range(*((Decimal(seconds) / (HOUR * len(hours)) * on_demand - count * offer.usd) * YEAR_HOURS for seconds in shares))
        if count and (best is None or usd.point > best[0].point):
            best = usd, count, offer
    if best is None:
        return
    usd, count, offer = best
    action = f"Reserve {plural(count, 'GPU')} of pool {pool.name} for {_years(offer.tier)}"
    share, pays = percent(_at_least(whole, pool.committed + count)), percent(offer.usd / on_demand)
    said = f"the last of them was held {share} of the hours; reserved, at {price(offer.usd)} an hour, it pays from {pays}"
    yield Advice((pool.name,), "reserve", action, said, "low", _owner(pool), usd)


def _at_least(whole: Sequence[int], gpus: int) -> Decimal:
    """Share of the hours in which so many were held throughout; the hours are sorted by GPUs held."""
    return Decimal(len(whole) - bisect_left(whole, gpus)) / len(whole)


def _had(hours: Sequence[Hour]) -> tuple[list[int], list[int]]:
    return [hour.held for hour in hours], [hour.seen for hour in hours]


def _lapsing(found: Sequence[Reservation]) -> Iterator[Advice]:
    for one in found:
        if not one.unused_cost_usd:
            continue
        high = one.unused_cost_usd * YEAR_HOURS / one.hours
        point = one.cost_usd * YEAR_HOURS / one.hours * min(one.least_unused, one.gpus) / one.gpus if one.gpus else ZERO
        missing = plural(max(1, one.least_unused), "GPU")
        action = f"Use {missing} of {one.name}, or {'sell them' if one.is_owned else 'let them lapse at its end'}"
        until = "until they are sold" if one.is_owned else "until its term ends"
        said = f"of its {one.gpus:,} GPUs {one.least_unused:,} had no device in any hour; {until} nothing is saved"
        yield Advice((), "lapse", action, said, "low", one.owner or "nobody", Range(ZERO, min(point, high), high))


def _years(tier: str) -> str:
    return f"{tier.removeprefix('reserved_').removesuffix('y')}{NBSP}year{'' if tier.endswith('_1y') else 's'}"


def _owner(pool: Pool) -> str:
    return pool.owner or "nobody"


def _gib(size_bytes: int) -> str:
    return f"{Decimal(size_bytes) / GIB:.1f}{NBSP}GiB"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
