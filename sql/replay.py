"""What a cache would have answered: three estimates over calls in their order, from the traffic alone.

Of calls with equal keys, each at its instant, with entries that live for a fixed time (TTL):

* **high**: the call before it with its key was at most a TTL ago.
* **exact**: an entry is stored by a call that finds none and answers every call up to a TTL later; a hit does not renew it. Where hits do
  renew it, as in providers' prompt caches, exact is high.
* **low**: another call came before it in the same bucket of time, buckets being as long as a TTL.

Every exact hit is a high one, and no key has more low than exact hits over its whole history, for the replay misses as seldom as any way
of covering the calls by spans of a TTL. A single low call may be none of the replay's: the step counts as low what is both, so that
low <= exact <= high holds of every call, and thereby of every sum of their counts, tokens and dollars.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

ONE = 1_000_000
"""Millionths in one."""
SECOND = 1_000_000
"""Microseconds in one."""
DAY = 86_400 * SECOND
LARGEST = 2**62
ESTIMATES = ("low_ppm", "point_ppm", "high_ppm")
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Calls:
    """Calls of caches, sorted by entry, instant and what decides between equal instants.

    Args:
        entry: number of the key; calls of equal entry share what is stored.
        at: instant, in microseconds of any clock.
        ttl: how long an entry lives, in microseconds; the same for all calls of an entry.
        renews: whether hits prolong entries.
    """

    entry: Integers
    at: Integers
    ttl: Integers
    renews: bool = False


@dataclass(frozen=True)
class Hits:
    """Which calls the cache answers, by estimate; `low` is the bucket's alone, not yet held against the replay."""

    low: Booleans
    exact: Booleans
    high: Booleans


def estimate(calls: Calls) -> Hits:
    """The three estimates of each call."""
    again = np.zeros(len(calls.at), np.bool_)
    again[1:] = calls.entry[1:] == calls.entry[:-1]
    high = again.copy()
    high[1:] &= np.diff(calls.at) <= calls.ttl[1:]
    bucket = calls.at // np.maximum(calls.ttl, 1)
    low = again.copy()
    low[1:] &= np.diff(bucket) == 0
    return Hits(low, high if calls.renews else high & ~_stored(calls, high), high)


def _stored(calls: Calls, high: Booleans) -> Booleans:
    """Calls that find no entry and store one, where hits do not renew.

    A call more than a TTL after the one before it finds none whatever came earlier; from each of these the next to store is the first call
    more than a TTL later. All runs are followed at once, a step for each entry stored.
    """
    found = ~high
    # One line on which runs follow one another, farther apart than a TTL reaches.
    step = np.diff(calls.at, prepend=calls.at[:1])
    line = np.cumsum(np.where(found, calls.ttl.max(initial=0) + 1, step))
    here = np.flatnonzero(found)
    ends = np.append(here[1:], len(found))
    while len(here):
        after = np.searchsorted(line, line[here] + calls.ttl[here], side="right")
        inside = after < ends
        here, ends = after[inside], ends[inside]
        found[here] = True
    return found


def replay(rows: pa.Table) -> pa.Table:
    """The step behind `core.cache_replay`: calls, into what caches would have answered of each.

    Args:
        rows: `request_id`, `day`, `started_at`, and `is_shown`, false for calls of the day before, which are only there for what they left
            in a cache. `asked`, NULL where no answer may be given again, with `model`, `max_output_tokens`, `temperature` and
            `ttl_seconds` is what is answered, and `tenant` to whom; `prefix`, NULL where the provider's cache takes none, with `provider`,
            `account_id`, `project_id`, `model` and `prefix_ttl_seconds` is what is read, of which there are `open_tokens`.

    Returns:
        A row of each call that is shown and may be answered, or has open tokens of a prefix that came more than once: `request_id`, `day`;
        `place` among the calls of its key on its day and the one before (1 is the first; NULL where it may not be answered) with `low_ppm`,
        `point_ppm` and `high_ppm`: 1,000,000 where the cache answers it, else 0; `wide_place` and `wide_high_ppm`, the same with all
        tenants as one, where several asked; `open_tokens` (0 where the prefix came once) and `prefix_low_ppm` to `prefix_high_ppm`.
    """
    clock = _clock(rows)
    # Each on a core of its own: Arrow and numpy let one another work.
    with ThreadPoolExecutor(2) as pool:
        answers, prefixes = pool.map(lambda cache: cache(rows, clock), (_answers, _prefixes))
    shown, asked = (_booleans(column) for column in (rows.column("is_shown"), rows.column("asked").is_valid()))
    tokens = np.where(prefixes.pop("place") > 0, rows.column("open_tokens").fill_null(0).to_numpy(), 0)
    made = rows.select(["request_id", "day"]).append_column("place", pa.array(answers.pop("place"), mask=~asked))
    named = {**answers, "open_tokens": tokens, **{f"prefix_{name}": values for name, values in prefixes.items()}}
    for name, values in named.items():
        made = made.append_column(name, pa.array(values))
    return made.filter(pa.array(shown & (asked | (tokens > 0))))


def _booleans(column: pa.ChunkedArray) -> Booleans:
    found: Booleans = column.to_numpy(zero_copy_only=False).astype(np.bool_)
    return found


@dataclass(frozen=True)
class _Clock:
    """When calls were: `at` in microseconds, `day` in days, both since 1970; days that are shown; what tells calls of one instant apart."""

    at: Integers
    day: Integers
    shown: Integers
    names: pa.ChunkedArray

    def of(self, rows: Integers) -> "_Clock":
        """When some of the calls were."""
        return _Clock(self.at[rows], self.day[rows], self.shown, self.names.take(pa.array(rows)))

    def windows(self, order: Integers) -> Iterator[tuple[int, Integers]]:
        """Days that are shown, each with those of the ordered calls that matter to it: a cache is empty when the day before begins."""
        days = self.day[order]
        return ((int(day), order[(days == day) | (days == day - 1)]) for day in self.shown)

    def ordered(self, entry: Integers) -> Integers:
        """The order by entry, instant and, in one instant, name."""
        # One number to sort by: several times faster than two in turn.
        rank = np.empty(len(entry), np.int64)
        rank[np.argsort(self.at)] = np.arange(len(entry))
        order = np.argsort(entry * len(entry) + rank)
        equal = (np.diff(entry[order]) == 0) & (np.diff(self.at[order]) == 0)
        tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
        if len(tied):
            rows = order[tied]
            names = self.names.take(pa.array(rows)).to_pylist()
            places = {name: place for place, name in enumerate(sorted(names))}
            order[tied] = rows[np.lexsort((np.array([places[name] for name in names]), self.at[rows], entry[rows]))]
        return order


def _clock(rows: pa.Table) -> _Clock:
    at = rows.column("started_at").cast(pa.timestamp("us")).to_numpy().astype(np.int64)
    day = rows.column("day").cast(pa.int32()).to_numpy().astype(np.int64)
    shown = np.unique(day[_booleans(rows.column("is_shown"))])
    return _Clock(at, day, shown, rows.column("request_id"))


def _answers(rows: pa.Table, clock: _Clock) -> dict[str, NDArray[np.int32]]:
    """Of each row, what a cache of answers has of it: within its tenant, and `wide_` of all tenants."""
    among, asked = _repeated(rows.column("asked"))
    whole = _mixed([asked, *_taken(rows, among, ("model", "max_output_tokens", "temperature", "ttl_seconds"))])
    own = _mixed([whole, *_taken(rows, among, ("tenant",))])
    clock, ttl = clock.of(among), _ttl(rows, among, "ttl_seconds")
    made = _columns(len(rows), ("place", *ESTIMATES, "wide_place", "wide_high_ppm"))
    # A question that came once is the first of its key.
    made["place"][:] = 1
    order = clock.ordered(own)
    for day, around in clock.windows(order):
        _put(made, _Window(clock, around, own[around], ttl[around]), day, among)
        wide = around[_crossed(whole[around], own[around])]
        wide = wide[clock.of(wide).ordered(whole[wide])]
        _put(made, _Window(clock, wide, whole[wide], ttl[wide]), day, among, "wide_")
    return made


def _prefixes(rows: pa.Table, clock: _Clock) -> dict[str, NDArray[np.int32]]:
    """Of each row, what the provider's cache has of its prefix; `place` is 0 where that came once."""
    among, prefix = _repeated(rows.column("prefix"))
    # Providers share a cache within an account and project at most.
    entry = _mixed([prefix, *_taken(rows, among, ("provider", "account_id", "project_id", "model", "prefix_ttl_seconds"))])
    clock, ttl = clock.of(among), _ttl(rows, among, "prefix_ttl_seconds")
    made = _columns(len(rows), ("place", *ESTIMATES))
    for day, around in clock.windows(clock.ordered(entry)):
        # Of an entry that is prolonged, only what lives at midnight matters.
        lives = around[(clock.day[around] == day) | (clock.at[around] + ttl[around] >= day * DAY)]
        _put(made, _Window(clock, lives, entry[lives], ttl[lives], renews=True), day, among)
    return made


@dataclass(frozen=True)
class _Window:
    """Rows of a day and the one before, sorted as `Calls` are; of these rows `clock` tells."""

    clock: _Clock
    row: Integers
    entry: Integers
    ttl: Integers
    renews: bool = False


def _put(made: Mapping[str, NDArray[np.int32]], window: _Window, day: int, among: Integers, prefix: str = "") -> None:
    """Fill in what a cache has of the rows of a day, those of the day before it being there for what they left."""
    begins = np.flatnonzero(np.diff(window.entry, prepend=-1))
    sizes = np.diff(np.append(begins, len(window.entry)))
    place = np.arange(len(window.entry)) - np.repeat(begins, sizes) + 1
    if window.renews:
        place[np.repeat(sizes == 1, sizes)] = 0
    hits = estimate(Calls(window.entry, window.clock.at[window.row], window.ttl, window.renews))
    mine = np.flatnonzero(window.clock.day[window.row] == day)
    put = among[window.row[mine]]
    found = {"place": place, "low_ppm": hits.low & hits.exact, "point_ppm": hits.exact, "high_ppm": hits.high}
    for name, values in found.items():
        if (column := made.get(f"{prefix}{name}")) is not None:
            column[put] = values[mine] if name == "place" else np.where(values[mine], ONE, 0)


def _columns(size: int, names: Sequence[str]) -> dict[str, NDArray[np.int32]]:
    return {name: np.zeros(size, np.int32) for name in names}


def _repeated(column: pa.ChunkedArray) -> tuple[Integers, Integers]:
    """Rows whose value others have too, with its number: most calls ask what no other does, and are put aside before all else."""
    codes = _codes(column)
    many = np.bincount(codes, minlength=1) > 1
    many[0] = False
    among = np.flatnonzero(many[codes])
    return among, codes[among]


def _taken(rows: pa.Table, among: Integers, names: Sequence[str]) -> Iterator[Integers]:
    return (_codes(column) for column in rows.select(list(names)).take(pa.array(among)).columns)


def _ttl(rows: pa.Table, among: Integers, name: str) -> Integers:
    """Microseconds."""
    seconds: Integers = rows.column(name).take(pa.array(among)).to_numpy().astype(np.int64)
    return seconds * SECOND


def _codes(column: pa.ChunkedArray | pa.Array) -> Integers:
    """Numbers from 1, equal where values are; 0 where there is none."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    found: Integers = whole.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return found + 1


def _mixed(codes: Sequence[Integers]) -> Integers:
    """Numbers up to as many as there are rows, equal where all codes are."""
    found = codes[0]
    for one in codes[1:]:
        size = int(one.max(initial=0)) + 1
        if int(found.max(initial=0)) >= LARGEST // size:
            found = _codes(pa.array(found))
        found = found * size + one
    return _codes(pa.array(found))


def _crossed(whole: Integers, own: Integers) -> Booleans:
    """Which rows, those of one tenant's key together, have a key that several tenants have."""
    begins = np.flatnonzero(np.diff(own, prepend=-1))
    found: Booleans = np.bincount(whole[begins], minlength=1)[whole] > 1
    return found
