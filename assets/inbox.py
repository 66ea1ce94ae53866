"""The door: what lies in a book's inbox becomes typed Parquet, and every record of every file is accounted for.

A file is known by the hash of its bytes: the same bytes under two names are one file. What cannot be read at all is refused with one
line and stays where it is; records that are wrong are set aside with file, line, reason and text; the rest goes on.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import polars as pl

from meterbook.assets import manifests
from meterbook.assets.content import FileRefused, members
from meterbook.assets.door import Door, Guard, Item, many_records
from meterbook.assets.ingest import formats
from meterbook.assets.ledger import MANIFEST, Entry, contents, ledger_of, load, save
from meterbook.assets.reading import QUARANTINE
from meterbook.assets.sources import Source
from meterbook.assets.verdicts import Verdicts, asked_sums, verdicts
from meterbook.sql.lake import TEMPORARY
from meterbook.sql.raw_files import RawFile
from meterbook.sql.scratch import scratch

README = "README.md"
AT_ONCE = 2
"""Files read at the same time: decoding keeps one core busy, sorting and writing another."""
ADDED = {"file_id": "VARCHAR", "source": "VARCHAR", "line": "BIGINT", "day": "DATE"}
Progress = Callable[[str, int, int], None]
"""Called with a file, its number and how many there are."""


def raw_columns() -> dict[str, dict[str, str]]:
    """Columns of every raw table, known without any file."""
    return {name: {**one.columns, **ADDED} for name, one in formats().items()}


@dataclass
class Ingested:
    """What one look into the inbox did.

    Every file that lies there is new, known, a copy of another one, refused or skipped; rows are those of all files ever taken in.
    """

    new_files: int = 0
    known_files: int = 0
    copies: int = 0
    rows_in: int = 0
    rows_typed: int = 0
    quarantined: int = 0
    filtered: int = 0
    superseded: int = 0
    """Rows of exports that a later export of the same billing period replaces."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Files that were not taken in, each with one line that says why."""
    flagged: list[tuple[str, str]] = field(default_factory=list)
    """Files that were taken in though something about them is odd, each with one line that says what."""
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Files that were not looked into, each with a word."""


class Inbox:
    """A book's inbox and what has been taken from it.

    Args:
        folder: the book.
        sources: named sets of files, in the order in which they are tried.
        prompt_key: key of the prompt hash; None hashes nothing.
        guard: judges amounts; None lets all pass.
    """

    def __init__(self, folder: Path, sources: Sequence[Source], prompt_key: bytes | None = None, guard: Guard | None = None) -> None:
        self.folder = folder / "inbox"
        self.door = Door(folder / "lake" / "raw", sources, prompt_key, guard)
        self._ledger = ledger_of(folder)
        self.entries: dict[str, Entry] = load(self._ledger)

    def scan(self) -> list[Item]:
        """Files that lie in the inbox, in order, those in zips each by itself; empty, hidden and half-written ones are left alone."""
        return [item for path in self._paths() if not self._skipped(path) for item in self._items(path)]

    def _items(self, path: Path) -> list[Item]:
        name = path.relative_to(self.folder).as_posix()
        try:
            return [Item(f"{name}/{member}", path, member) for member in members(path)] or [Item(name, path)]
        except (FileRefused, OSError):
            return [Item(name, path)]  # it will be refused with its reason, like any other

    def _paths(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.rglob("*") if path.is_file() and path.name != README)

    def _skipped(self, path: Path) -> str:
        """Why a file is not looked into; nothing where it is."""
        if any(part.startswith(".") for part in path.relative_to(self.folder).parts):
            return "hidden"
        if path.suffix == TEMPORARY:
            return "still being written"
        return "" if path.stat().st_size else "empty"

    def recognise(self) -> list[tuple[str, str]]:
        """Each file with its format, or with why it would be refused; nothing is taken in."""
        found = []
        for item in self.scan():
            try:
                is_manifest = manifests.listed(item.content) is not None
                source = self.door.source(item.name)
                found.append((item.name, MANIFEST if is_manifest else self.door.format_of(item.content, source).name))
            except FileRefused as refusal:
                found.append((item.name, str(refusal)))
        return found

    def ingest(self, progress: Progress | None = None) -> Ingested:
        """Take in what is new or changed.

        Args:
            progress: told about each file before it is read.
        """
        done = Ingested(skipped=[(str(path.relative_to(self.folder)), why) for path in self._paths() if (why := self._skipped(path))])
        before, items = dict(self.entries), self.scan()
        first = self._first_of_absent(items)
        lost = {file for entry in self.entries.values() for file in self.door.files(entry)}
        looked = [self._entry(item, self.entries.get(item.name)) for item in items]
        known: dict[str, bool] = {}
        with many_records(), ThreadPoolExecutor(AT_ONCE) as pool:
            ahead = self._ahead(pool, items, looked, first)
            for number, (item, found) in enumerate(zip(items, looked, strict=True), 1):
                # What a copy stood for may have changed a moment ago.
                entry = self._entry(item, found) if found.copy_of and not self._is_there(found) else found
                is_known = entry is self.entries.get(entry.file)
                other = first.get(entry.sha256, entry.file)
                if other < entry.file:
                    entry = self._copy(entry, self.entries[other])
                elif not is_known:
                    if progress:
                        progress(entry.file, number, len(items))
                    entry = ahead[entry.file].result() if entry.file in ahead else self.door.take(item, entry)
                self.entries[entry.file] = entry
                if not entry.refused:
                    first[entry.sha256] = min(other, entry.file)
                known[entry.file] = is_known
        for file in lost - {file for entry in self.entries.values() for file in self.door.files(entry)}:
            file.unlink(missing_ok=True)
        if self.entries != before or not self._ledger.is_file():
            save(self._ledger, self.entries)
        self.__dict__.pop("verdicts", None)
        for name, is_known in known.items():
            self._count(done, self.entries[name], is_known=is_known)
        self._add_up(done)
        return done

    @cached_property
    def verdicts(self) -> Verdicts:
        """What the files say of each other."""
        entries = list(contents(self.entries))
        sums = {}
        for entry, column in asked_sums(entries):
            if column in formats()[entry.format].columns and entry.days:
                with scratch() as con:
                    query = f"select cast(coalesce(sum({column}), 0) as varchar) from read_parquet(?)"
                    [(total,)] = con.execute(query, [str(self.door.parquet(entry))]).fetchall()
                sums[entry.file, column] = total
        return verdicts(entries, sums)

    def _ahead(
        self, pool: ThreadPoolExecutor, items: Sequence[Item], looked: Sequence[Entry], first: Mapping[str, str]
    ) -> dict[str, Future[Entry]]:
        """Read the first file of each new content already, one while another is written."""
        ahead: dict[str, Future[Entry]] = {}
        seen = set(first)
        for item, entry in zip(items, looked, strict=True):
            if entry is not self.entries.get(entry.file) and entry.sha256 not in seen:
                ahead[entry.file] = pool.submit(self.door.take, item, entry)
            seen.add(entry.sha256)
        return ahead

    def _first_of_absent(self, items: Sequence[Item]) -> dict[str, str]:
        """Of the contents whose file no longer lies in the inbox, the first path by hash."""
        present = {item.name for item in items}
        absent = {name: entry for name, entry in self.entries.items() if name not in present}
        return {entry.sha256: entry.file for entry in contents(absent)}

    def _copy(self, entry: Entry, other: Entry) -> Entry:
        """An entry whose content another path, which comes before it, already stands for."""
        own = replace(other, file=entry.file, mtime_ns=entry.mtime_ns, copy_of=other.file)
        return replace(own, recipe=self._recipe(replace(other, file=entry.file)))

    def _sound(self) -> list[Entry]:
        """One entry per content, without what other files show to be cut."""
        return [entry for entry in contents(self.entries) if entry.file not in self.verdicts.refused]

    def raw_files(self) -> dict[str, list[RawFile]]:
        """Typed files of every format, without what later exports replace."""
        found: dict[str, list[RawFile]] = {name: [] for name in formats()}
        for entry in self._sound():
            if not entry.is_manifest:
                found[entry.format].append(self._raw_file(entry))
        return found

    def _raw_file(self, entry: Entry) -> RawFile:
        replaced = sorted(self.verdicts.superseded.get(entry.file, {}))
        if not replaced:
            return RawFile(entry.file_id, self.door.parquet(entry), entry.days, entry.recipe)
        gone = Counter[str]()
        for unit in replaced:
            gone.update(entry.units[unit])
        days = {day: rows - gone[day] for day, rows in entry.days.items() if rows > gone[day]}
        without = (formats()[entry.format].delivery or "", tuple(replaced))
        return RawFile(entry.file_id, self.door.parquet(entry), days, entry.recipe, without)

    def _superseded(self, entry: Entry) -> int:
        return sum(sum(entry.units[unit].values()) for unit in self.verdicts.superseded.get(entry.file, {}))

    def input_files(self) -> pl.DataFrame:
        """What came in, one row per file, in the columns of raw.input_file."""
        rows = [
            {
                "file_id": entry.file_id,
                **{name: value for name, value in asdict(entry).items() if name in _INPUT_FILE},
                "superseded": self._superseded(entry),
                "first_day": min(entry.days, default=None),
                "last_day": max(entry.days, default=None),
            }
            for entry in self._sound()
        ]
        return pl.DataFrame(rows, schema=_INPUT_FILE).with_columns(pl.col("first_day", "last_day").str.to_date())

    def file_flags(self) -> pl.DataFrame:
        """What is odd about files, in the columns of raw.file_flag."""
        ids = {entry.file: entry.file_id for entry in self._sound()}
        rows = [{"file_id": ids[file], "file": file, "flag": flag} for file, flag in self.verdicts.flags if file in ids]
        rows += [
            {"file_id": ids[file], "file": file, "flag": f"is replaced for {unit} by {other}"}
            for file, units in self.verdicts.superseded.items()
            for unit, other in units.items()
        ]
        return pl.DataFrame(rows, schema=dict.fromkeys(("file_id", "file", "flag"), pl.String))

    def quarantine(self) -> pl.DataFrame:
        """The records set aside, in the columns of raw.quarantine."""
        found = [pl.read_parquet(self.door.set_aside(entry)) for entry in self._sound() if entry.quarantined]
        return pl.concat([pl.DataFrame(schema=QUARANTINE), *found])

    def _entry(self, item: Item, before: Entry | None) -> Entry:
        """What a file is now; the very entry there was where nothing changed."""
        stat = item.path.stat()
        if before and before.recipe == self._recipe(before) and self._is_there(before) and before.bytes == stat.st_size:
            is_same = before.mtime_ns == stat.st_mtime_ns or before.sha256 == item.sha256()
            if is_same:
                return before
        return Entry(item.name, stat.st_size, stat.st_mtime_ns, item.sha256(), "")

    def _recipe(self, entry: Entry) -> str:
        return self.door.recipe(entry.file, "" if entry.is_manifest else entry.format)

    def _is_there(self, entry: Entry) -> bool:
        """Whether what an entry stands for is in the lake, or stands in that of the file it is a copy of."""
        if entry.copy_of:
            other = self.entries.get(entry.copy_of)
            return other is not None and other.sha256 == entry.sha256 and not other.refused
        return bool(entry.refused) or all(file.is_file() for file in self.door.files(entry))

    def _count(self, done: Ingested, entry: Entry, *, is_known: bool) -> None:
        if refused := entry.refused or self.verdicts.refused.get(entry.copy_of or entry.file):
            done.refused.append((entry.file, refused))
        elif entry.copy_of:
            done.copies += 1
        elif is_known:
            done.known_files += 1
        else:
            done.new_files += 1

    def _add_up(self, done: Ingested) -> None:
        for entry in self._sound():
            done.rows_in += entry.rows_in
            done.rows_typed += entry.rows_typed
            done.quarantined += entry.quarantined
            done.filtered += entry.filtered
            done.superseded += self._superseded(entry)
        done.flagged += self.verdicts.flags


_INPUT_FILE = {
    **dict.fromkeys(("file_id", "file", "format", "source", "sha256"), pl.String),
    **dict.fromkeys(("bytes", "rows_in", "rows_typed", "quarantined", "filtered", "superseded"), pl.Int64),
    **dict.fromkeys(("first_day", "last_day"), pl.String),
}
