"""Which version of the cards prices which days of a book: taken up where a run begins, written down when days have been priced.

The rule is in `meterbook.rate_cards.versions`; here it meets the lake, which knows the days that are priced and what was known of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from meterbook.assets.book import Book
from meterbook.rate_cards.compile import Cards
from meterbook.rate_cards.composed import PLACE, composed, differences, filling, reader
from meterbook.rate_cards.self_hosted import PROVIDER as SELF_HOSTED
from meterbook.rate_cards.snapshots import cards_of, digest_of, path_of, read_text, text_of, write_snapshot
from meterbook.rate_cards.versions import BEGINNING, FILE, Filling, Lock, Span, adopted, as_corrected, priced, read_lock, text_of_lock
from meterbook.sql.catalog import Catalog
from meterbook.sql.lake import write_if_changed

PRICED_TABLES = ("core.request_cost", "core.usage_cost", "core.gpu_hour")
"""The tables in which a day gets its prices."""

# What had no price of ours but a cost all the same, as its source reported it, under the names a version gives models. Where a source's own
# cost is preferred, a price changes nothing, unless it is that of a pool of one's own.
_REPORTED = """
    select coalesce(cost.provider, ''), cost.model, request.cost_basis <> 'computed' from core.request_cost as cost
    inner join core.request as request on request.request_id = cost.request_id and request.day = cost.day
    where cost.effective_cost_usd is null and cost.cost_usd is not null and cost.model is not null
    union
    select coalesce(provider, ''), model, false from core.usage_cost
    where effective_cost_usd is null and cost_usd is not null and model is not null
"""
_SEEN = """
    select provider, model, card_provider, card_model, min(day), max(day)
    from core.rate_in_force
    inner join span on day >= span.first_day and day < span.end_day
    group by all
"""
_SEEN_COLUMNS: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("provider", "model", "card_provider", "card_model"), pl.String()),
    **dict.fromkeys(("first_day", "last_day"), pl.Date()),
}


@dataclass(frozen=True)
class Differing:
    """Prices of days already priced that differ from the current cards, and the days of their use."""

    prices: int
    first_day: date
    last_day: date


class PriceHistory:
    """The versions of a book's cards.

    Args:
        book: the opened book.
        catalog: the tables of its lake.
    """

    def __init__(self, book: Book, catalog: Catalog) -> None:
        self.book, self.catalog = book, catalog
        self._path = book.folder / FILE

    @property
    def open_from(self) -> date:
        """First UTC day of which nothing is closed; a day of the book may begin in the middle of one."""
        first = self.book.open_from
        if first == date.min:
            return first
        begins = datetime.combine(first, datetime.min.time(), ZoneInfo(self.book.settings.time_zone)).astimezone(UTC)
        return begins.date() + timedelta(days=begins.time() > datetime.min.time())

    def lock(self) -> Lock | None:
        """The book's prices.lock, as it is on disk.

        Raises:
            VersionError: it is not readable.
        """
        return read_lock(self._path)

    def take_up(self) -> None:
        """Let the cards as they are now price the days no run has priced yet.

        Raises:
            VersionError: the lock or a version is missing or was altered.
        """
        before = self.lock()
        text = text_of(self.book.current_cards)
        version = digest_of(text)
        after = adopted(before, version, self.open_from, lambda span: self._fill(span, version))
        if after == before:
            return
        write_snapshot(self.book.folder, text)
        self.write(after)
        if before and before.pending and before.pending not in after.versions:
            path_of(self.book.folder, before.pending).unlink(missing_ok=True)

    def write(self, lock: Lock) -> None:
        """Write the book's prices.lock, and have its cards read anew."""
        write_if_changed(self._path, text_of_lock(lock).encode())
        self.book.__dict__.pop("cards", None)

    def note_priced(self) -> None:
        """Write down the last day that has been priced; days that have not come yet are not history, whatever a wrong clock says."""
        days = [key for name in PRICED_TABLES for key, part in self.catalog.lake.table(name).partitions.items() if part.rows]
        lock = self.lock()
        if days and lock:
            self.write(priced(lock, min(date.fromisoformat(max(days)), datetime.now(UTC).date())))

    def differing(self) -> Differing | None:
        """How many prices of days already priced differ from the current cards; None where none does."""
        lock = self.lock()
        if lock is None or lock.priced_until is None:
            return None
        now, after = digest_of(text_of(self.book.current_cards)), lock.priced_until + timedelta(days=1)
        told = as_corrected(lock)
        spans = [(first, min(end, after)) for span, first, end in told.spans() if first < after and span.versions != (now,)]
        if not spans:
            return None
        with self.catalog.reading(["core.rate_in_force"]) as con:
            con.execute("create temp table span (first_day date, end_day date)")
            con.executemany("insert into span values (?, ?)", spans)
            seen = pl.DataFrame(con.execute(_SEEN).fetchall(), schema=_SEEN_COLUMNS, orient="row")
        moved = list(self._moved(seen.rows()))
        named = seen.select("first_day", "last_day", provider="card_provider", model="card_model").drop_nulls("model")
        used = named.group_by("provider", "model").agg(pl.col("first_day").min(), pl.col("last_day").max())
        old = composed(told, reader(self.book.folder, lock, self.book.current_cards))
        changed = [one for layer in ("effective", "list") for one in self._changed(old, used, after, layer)]
        days = [*((first, last) for first, last in moved), *((first, last) for _, first, last in changed)]
        if not days:
            return None
        count = len(moved) + len({place for place, _, _ in changed})
        return Differing(count, min(first for first, _ in days), max(last for _, last in days))

    def _moved(self, seen: Iterable[tuple[str, str, str | None, str | None, date, date]]) -> Iterator[tuple[date, date]]:
        """When names were in use that were priced as one model and would be priced as another now."""
        for provider, name, card_provider, card_model, first, last in seen:
            found = [(row[2], row[3]) for row in self.book.current_cards.names.matches(provider, name)[:1]]
            if found != ([(card_provider, card_model)] if card_model else []):
                yield first, last

    def _changed(self, old: Cards, used: pl.DataFrame, end: date, layer: str) -> Iterator[tuple[object, date, date]]:
        """Prices of models in use that differ, with the first and last day of use."""
        found = differences(old, self.book.current_cards, BEGINNING, end, layer)
        for row in found.join(used, on=["provider", "model"]).iter_rows(named=True):
            first = max(row["from_at"].date(), row["first_day"])
            last = min((row["to_at"] - timedelta(microseconds=1)).date(), row["last_day"])
            if first <= last:
                yield tuple(row[column] for column in (*PLACE, "meter")), first, last

    def _fill(self, span: Span, version: str) -> Filling | None:
        """How the current version fills a span: not where a source reported the cost, for that is known and would change."""
        versions = {name: cards_of(read_text(self.book.folder, name)) for name in span.versions}
        versions[version] = self.book.current_cards
        if filling(span, version, versions) is None:
            return None
        lake = self.catalog.lake
        if not any(lake.table(name).partitions for name in PRICED_TABLES):
            # What was known of these days cannot be looked up.
            return None
        with self.catalog.reading(["core.request_cost", "core.request", "core.usage_cost"]) as con:
            reported = con.execute(_REPORTED).fetchall()
        names = self.book.current_cards.names
        but = {
            f"{provider}/{model}"
            for who, name, is_preferred in reported
            for _, _, provider, model, _ in names.matches(who, name)
            if provider == SELF_HOSTED or not is_preferred
        }
        return filling(span, version, versions, sorted(but))
