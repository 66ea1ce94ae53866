"""One file at the door: what it is, what it holds, and what is odd about it."""

import difflib
import fnmatch
import gc
import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from meterbook.assets import manifests
from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import formats
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import Format, sample_of
from meterbook.assets.ledger import MANIFEST, Entry
from meterbook.assets.reading import write_rejected, write_typed
from meterbook.assets.sources import Options, Reading, Source
from meterbook.sql.digests import digest_of
from meterbook.sql.lake import sha256_of
from meterbook.sql.scratch import scratch

MAPPED = "mapped"
SWITCH = 0.0005
"""Seconds after which Python lets a waiting thread go on."""
Guard = Callable[[Format, Path, Source | None], list[str]]
"""Judges the amounts of typed rows: what is odd about them; FileRefused where they cannot be meant."""


@dataclass(frozen=True)
class Item:
    """A file of the inbox, or one inside a zip."""

    name: str
    path: Path
    member: str | None = None

    @property
    def content(self) -> Content:
        """Its bytes."""
        return Content(self.path, self.member)

    def sha256(self) -> str:
        """Hash of the bytes as they lie; of a member of a zip, of the zip and the name."""
        whole = sha256_of(self.path)
        return whole if self.member is None else hashlib.sha256(f"{whole}/{self.member}".encode()).hexdigest()


class Door:
    """Takes files in, one by one.

    Args:
        raw: folder of the raw tables.
        sources: named sets of files, in the order in which they are tried.
        prompt_key: key of the prompt hash; None hashes nothing.
        guard: judges amounts; None lets all pass.
    """

    def __init__(self, raw: Path, sources: Sequence[Source], prompt_key: bytes | None, guard: Guard | None) -> None:
        self._raw, self.sources, self._prompt_key, self._guard = raw, tuple(sources), prompt_key, guard
        self._recipes = dict[tuple[str | None, str], str]()

    def take(self, item: Item, entry: Entry) -> Entry:
        """Read a file and publish what it holds.

        Args:
            item: the file.
            entry: its path, size and hash.

        Returns:
            What became of it.
        """
        source = self.source(entry.file)
        try:
            return self._taken(item.content, source, entry)
        except OSError as error:
            return replace(entry, refused=f"cannot be read: {error.strerror or error}", recipe=self.recipe(entry.file, ""))
        except FileRefused as refusal:
            return replace(entry, refused=str(refusal), recipe=self.recipe(entry.file, ""))

    def _taken(self, content: Content, source: Source | None, entry: Entry) -> Entry:
        listed = manifests.listed(content) if not (source and source.format) else None
        if listed is not None:
            return replace(entry, format=MANIFEST, source=MANIFEST, manifest=listed, recipe=self.recipe(entry.file, ""))
        one = self.format_of(content, source)
        rows = one.read(content, self._reading(one, source, entry))
        if rows.rows_in != rows.rows_typed + rows.quarantined + rows.filtered:
            raise AssertionError(f"{entry.file}: {rows.rows_in} rows read, {rows.rows_typed} typed, {rows.quarantined} set aside")
        named = replace(entry, format=one.name, source=source.name if source else one.name, recipe=self.recipe(entry.file, one.name))
        counted = replace(named, rows_in=rows.rows_in, rows_typed=rows.rows_typed, quarantined=rows.quarantined, filtered=rows.filtered)
        written = replace(counted, days=write_typed(self.parquet(counted), rows, one, counted))
        odd = self._judged(one, written, source)
        if rows.rejected:
            write_rejected(self.set_aside(counted), rows, counted)
        return replace(
            written,
            flags=[*rows.flags, *_volume(one, rows), *_future(written), *odd],
            continues_on=str(rows.continues_at.date()) if rows.continues_at else "",
            units=self._units(one, written),
            rank=rows.rank,
            adds=source is not None and source.options.delivery == "add",
        )

    def _judged(self, one: Format, entry: Entry, source: Source | None) -> list[str]:
        if not self._guard or not entry.days:
            return []
        try:
            return self._guard(one, self.parquet(entry), source)
        except FileRefused:
            self.parquet(entry).unlink()
            raise

    def _units(self, one: Format, entry: Entry) -> dict[str, dict[str, int]]:
        if one.delivery is None or not entry.days:
            return {}
        units: dict[str, dict[str, int]] = {}
        query = "select {0}, cast(day as varchar), count(*) from read_parquet(?) where {0} is not null group by all order by all"
        with scratch() as con:
            for unit, day, rows in con.execute(query.format(one.delivery), [str(self.parquet(entry))]).fetchall():
                units.setdefault(unit, {})[day] = rows
        return units

    def source(self, name: str) -> Source | None:
        """The source of a file, where the book names one."""
        return next((source for source in self.sources if fnmatch.fnmatchcase(name, source.path)), None)

    def recipe(self, name: str, format_name: str) -> str:
        """Hash of what beside the bytes decides what a file becomes: the same for all files of a source and a format."""
        source = self.source(name)
        asked = (source.path if source else None, format_name)
        if asked not in self._recipes:
            self._recipes[asked] = self._recipe(source, format_name)
        return self._recipes[asked]

    def _recipe(self, source: Source | None, format_name: str) -> str:
        # A file that no reader took is tried again as soon as any reader is new.
        readers = [one for one in formats().values() if format_name in {one.name, ""}]
        key = hashlib.sha256(self._prompt_key).hexdigest() if self._prompt_key else ""
        said = (source.model_dump_json() if source else "", key, *(f"{one.name}:{one.version}:{dict(one.columns)}" for one in readers))
        return digest_of("\n".join(said))

    def _reading(self, one: Format, source: Source | None, entry: Entry) -> Reading:
        self._raw.mkdir(parents=True, exist_ok=True)
        mapping, options = (source.mapping, source.options) if source else (None, Options())
        return Reading(mapping, options, self._prompt_key, entry.file_id, source.name if source else one.name, self._raw)

    def format_of(self, content: Content, source: Source | None) -> Format:
        """The format of a file.

        Raises:
            FileRefused: none, with the nearest guess.
        """
        known = formats()
        if source and source.mapping:
            return known[f"{MAPPED}_{source.mapping.kind}"]
        if source and source.format:
            if source.format not in known:
                guess = difflib.get_close_matches(source.format, known, 1)
                raise FileRefused(f"has unknown format {source.format!r} in `sources:`{f'; did you mean {guess[0]}?' if guess else ''}")
            return known[source.format]
        sample = sample_of(content)
        found = next((one for one in known.values() if one.recognises(sample)), None)
        if not found:
            raise FileRefused(f"is of no known format{_nearest(sample.keys)}; name it in `sources:` of meterbook.yaml, or map its columns")
        return found

    def files(self, entry: Entry) -> set[Path]:
        """The Parquet files an entry stands for."""
        made = {self.parquet(entry): entry.rows_typed, self.set_aside(entry): entry.quarantined}
        return {path for path, rows in made.items() if rows}

    def parquet(self, entry: Entry) -> Path:
        """Where its typed rows lie."""
        return self._raw / entry.format / f"{entry.file_id}.parquet"

    def set_aside(self, entry: Entry) -> Path:
        """Where the records set aside lie."""
        return self._raw / "_quarantine" / f"{entry.file_id}.parquet"


@contextmanager
def many_records() -> Iterator[None]:
    """Python set for millions of records: it does not look for cycles, and hands over quickly to threads that wait for it.

    There are no cycles among records, and looking at them takes longer than reading them.
    """
    was_enabled, interval = gc.isenabled(), sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        if was_enabled:
            gc.enable()


def _volume(one: Format, rows: Rows) -> list[str]:
    if one.cap and rows.rows_in and rows.rows_in % one.cap == 0:
        return [f"holds exactly {rows.rows_in:,} rows, where its source cuts exports at {one.cap:,}: more may be missing"]
    return []


def _future(entry: Entry) -> list[str]:
    """Rows dated after the file was last written: a clock is wrong, or a zone."""
    written = datetime.fromtimestamp(entry.mtime_ns / 1e9, UTC).date()
    late = {day: rows for day, rows in entry.days.items() if date.fromisoformat(day) > written + timedelta(days=1)}
    return [f"holds {sum(late.values()):,} rows dated after the file was written ({min(late)} and later)"] if late else []


def _nearest(keys: frozenset[str]) -> str:
    """The known format that shares most names with a file, as a hint."""
    best = max(formats().values(), key=lambda one: len(keys & one.names))
    return f" (nearest: {best.name})" if len(keys & best.names) > 1 else ""
