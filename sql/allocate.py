"""Share pools out over teams, day by day: in the order in which they stand, each by its own key, to the last pico-dollar.

Pure functions over whole numbers. What a pool costs is split by largest remainder, ties by the name of the team, so that the parts are the
whole and the order of the rows does not matter. A pool may pass a part of itself on to pools after it, which share that by their own key;
what nobody has a weight for, or what is above every team's cap, stays with `unallocated`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from datetime import date

ONE = 10**12
"""Whole numbers in one: shares and dollars come in trillionths."""
NOBODY = "unallocated"
SHAPE = pa.schema(
    [
        ("day", pa.date32()),
        ("pool", pa.string()),
        ("line", pa.string()),
        ("through", pa.string()),
        ("team", pa.string()),
        ("cost_usd", pa.decimal128(38, 12)),
    ]
)


@dataclass
class Pool:
    """One pool on one day.

    Args:
        name: as the book calls it.
        amounts: what it costs, by the cost line it was taken from ('' is its own monthly cost), in pico-dollars, signed.
        weights: of each team; a team without a positive weight pays nothing.
        passes: parts of it that go to pools after it, in trillionths.
        cap_share: the most one team pays of any amount, in trillionths.
        caps: the most a team pays of it in the day, in pico-dollars.
        grows: weights are dollars, to which what the pools before it cost the team is added.
    """

    name: str
    amounts: dict[str, int] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)
    passes: dict[str, int] = field(default_factory=dict)
    cap_share: int = ONE
    caps: dict[str, int] = field(default_factory=dict)
    grows: bool = False


Shared = dict[tuple[str, str, str, str], int]
"""(pool, line, pool it came through or '', team) -> pico-dollars."""


def split(amount: int, weights: Mapping[str, int], caps: Mapping[str, int] | None = None) -> dict[str, int]:
    """Split a whole number by weights: parts are at most one off their exact share and sum to it.

    Args:
        amount: what to split, signed; parts have its sign.
        weights: of each name; what is not positive takes no part.
        caps: the most a name takes, as a size; what is above goes to the others by the same weights.

    Returns:
        The parts, without empty ones. What nobody may take is under `unallocated`.
    """
    left, sign = abs(amount), -1 if amount < 0 else 1
    open_to = {name: weight for name, weight in sorted(weights.items()) if weight > 0}
    parts: dict[str, int] = {}
    while full := [name for name in open_to if caps and name in caps and left * open_to[name] > caps[name] * sum(open_to.values())]:
        # Who is above the cap by the weights as they stand is held to it; the others then take more, and may meet theirs.
        for name in full:
            parts[name] = caps[name] if caps else 0
            del open_to[name]
        left = abs(amount) - sum(parts.values())
    total = sum(open_to.values())
    if not total:
        parts[NOBODY] = parts.get(NOBODY, 0) + left
        return _signed(parts, sign)
    rest = left
    for name, weight in open_to.items():
        parts[name] = left * weight // total
        rest -= parts[name]
    for name in sorted(open_to, key=lambda name: (-(left * open_to[name] % total), name))[:rest]:
        parts[name] += 1
    return _signed(parts, sign)


def _signed(parts: Mapping[str, int], sign: int) -> dict[str, int]:
    return {name: sign * part for name, part in parts.items() if part}


def share_out(pools: Iterable[Pool]) -> Shared:
    """What each team pays of each pool of a day.

    Args:
        pools: in the order in which they are shared out; a pool passes parts only to pools after it.
    """
    shared: Shared = defaultdict(int)
    so_far: dict[str, int] = defaultdict(int)
    passed: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    todo = list(pools)
    for place, pool in enumerate(todo):
        weights = {team: weight + so_far[team] for team, weight in pool.weights.items()} if pool.grows else pool.weights
        after = {other.name for other in todo[place + 1 :]}
        caps = dict(pool.caps)
        own = [(line, "", amount) for line, amount in sorted(pool.amounts.items())]
        for line, through, amount in [*own, *sorted(passed[pool.name])]:
            kept = amount
            for to, part in _passes(amount, pool.passes, after):
                passed[to].append((line, pool.name, part))
                kept -= part
            for team, part in split(kept, weights, _capped(kept, pool, weights, caps)).items():
                shared[pool.name, line, through, team] += part
                if team != NOBODY:
                    so_far[team] += part
                if team in caps and part > 0:
                    caps[team] -= part
    return {key: part for key, part in shared.items() if part}


def _passes(amount: int, passes: Mapping[str, int], after: set[str]) -> Iterator[tuple[str, int]]:
    """The parts that go on; one for a pool that does not cost anything that day stays where it is."""
    shares = {to: share for to, share in passes.items() if to in after}
    if shares:
        parts = split(amount, {**shares, "": ONE - sum(shares.values())})
        yield from ((to, parts[to]) for to in shares if to in parts)


def _capped(amount: int, pool: Pool, weights: Mapping[str, int], caps: Mapping[str, int]) -> dict[str, int]:
    found = {} if pool.cap_share >= ONE else dict.fromkeys(weights, abs(amount) * pool.cap_share // ONE)
    if amount > 0:
        found |= {team: min(cap, found.get(team, cap)) for team, cap in caps.items()}
    return found


def allocate(rows: pa.Table) -> pa.Table:
    """The step behind `core.shared_cost`: rows that describe pools by day, into what each team pays.

    Args:
        rows: `day`, `place` (the order of the pools), `pool`, `part`, `name` and `value`, a whole number. Parts are `amount` (of the line
            it is taken from, pico-dollars), `weight` (of a team), `pass` (to a pool, trillionths), `cap_share` (trillionths), `cap` (of a
            team, pico-dollars) and `grows`.

    Returns:
        `day`, `pool`, `line`, `through`, `team` and `cost_usd`.
    """
    days: dict[date, dict[int, Pool]] = defaultdict(dict)
    columns = (rows.column(name).to_pylist() for name in ("day", "place", "pool", "part", "name", "value"))
    for day, place, pool, part, name, value in zip(*columns, strict=True):
        _add(days[day].setdefault(place, Pool(pool)), part, name, int(value))
    found: list[tuple[date, str, str, str, str, Decimal]] = []
    with localcontext(prec=60):
        for day in sorted(days):
            shared = share_out(days[day][place] for place in sorted(days[day]))
            found.extend((day, *key, Decimal(part).scaleb(-12)) for key, part in sorted(shared.items()))
    if not found:
        return SHAPE.empty_table()
    return pa.table([pa.array(values, kind.type) for values, kind in zip(zip(*found, strict=True), SHAPE, strict=True)], schema=SHAPE)


def _add(pool: Pool, part: str, name: str, value: int) -> None:
    if part == "amount":
        pool.amounts[name] = pool.amounts.get(name, 0) + value
    elif part == "weight":
        pool.weights[name] = pool.weights.get(name, 0) + value
    elif part == "pass":
        pool.passes[name] = value
    elif part == "cap":
        pool.caps[name] = value
    elif part == "cap_share":
        pool.cap_share = value
    elif part == "grows":
        pool.grows = True
    else:
        raise ValueError(f"a pool has no part {part!r}")
