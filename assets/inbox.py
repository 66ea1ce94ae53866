"""The door: what lies in a book's inbox becomes typed Parquet, and every record of every file is accounted for.

A file is known by the hash of its bytes: the same bytes under two names are one file. What cannot be read at all is refused with one
line and stays where it is; records that are wrong are set aside with file, line, reason and text; the rest goes on.
"""

import difflib
import fnmatch
import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import polars as pl

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import formats
from meterbook.assets.ingest.format import Format, sample_of
from meterbook.assets.ledger import Entry, contents, ledger_of, load, save
from meterbook.assets.reading import QUARANTINE, write_rejected, write_typed
from meterbook.assets.sources import Reading, Source
from meterbook.sql.catalog import RawFile
from meterbook.sql.lake import TEMPORARY, sha256_of

MAPPED = "mapped"
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
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Files that were not taken in, each with one line that says why."""
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Files that were not looked into, each with a word."""


class Inbox:
    """A book's inbox and what has been taken from it.

    Args:
        folder: the book.
        sources: named sets of files, in the order in which they are tried.
        prompt_key: key of the prompt hash; None hashes nothing.
    """

    def __init__(self, folder: Path, sources: Sequence[Source], prompt_key: bytes | None = None) -> None:
        self.folder, self.sources, self._prompt_key = folder / "inbox", tuple(sources), prompt_key
        self._raw = folder / "lake" / "raw"
        self._ledger = ledger_of(folder)
        self.entries: dict[str, Entry] = load(self._ledger)

    def scan(self) -> list[Path]:
        """Files that lie in the inbox, in order; empty, hidden and half-written ones are left alone."""
        return [path for path in self._paths() if not self._skipped(path)]

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
        for path in self.scan():
            name = self._name(path)
            try:
                found.append((name, self._format(Content(path), self._source(name)).name))
            except FileRefused as refusal:
                found.append((name, str(refusal)))
        return found

    def ingest(self, progress: Progress | None = None) -> Ingested:
        """Take in what is new or changed.

        Args:
            progress: told about each file before it is read.
        """
        done = Ingested(skipped=[(self._name(path), why) for path in self._paths() if (why := self._skipped(path))])
        paths = self.scan()
        first = self._first_of_absent(paths)
        lost = {file for entry in self.entries.values() for file in self._files(entry)}
        looked = [self._entry(path, self.entries.get(self._name(path))) for path in paths]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ahead = self._ahead(pool, paths, looked, first)
            for number, (path, found) in enumerate(zip(paths, looked, strict=True), 1):
                # What a copy stood for may have changed a moment ago.
                entry = self._entry(path, found) if found.copy_of and not self._is_there(found) else found
                is_known = entry is self.entries.get(entry.file)
                other = first.get(entry.sha256, entry.file)
                if other < entry.file:
                    entry = self._copy(entry, self.entries[other])
                elif not is_known:
                    if progress:
                        progress(entry.file, number, len(paths))
                    entry = ahead[entry.file].result() if entry.file in ahead else self._take(path, entry)
                self.entries[entry.file] = entry
                if not entry.refused:
                    first[entry.sha256] = min(other, entry.file)
                self._count(done, entry, is_known=is_known)
        for file in lost - {file for entry in self.entries.values() for file in self._files(entry)}:
            file.unlink(missing_ok=True)
        save(self._ledger, self.entries)
        self._add_up(done)
        return done

    def _ahead(
        self, pool: ThreadPoolExecutor, paths: Sequence[Path], looked: Sequence[Entry], first: Mapping[str, str]
    ) -> dict[str, Future[Entry]]:
        """Read the first file of each new content already, one while another is written."""
        ahead: dict[str, Future[Entry]] = {}
        seen = set(first)
        for path, entry in zip(paths, looked, strict=True):
            if entry is not self.entries.get(entry.file) and entry.sha256 not in seen:
                ahead[entry.file] = pool.submit(self._take, path, entry)
            seen.add(entry.sha256)
        return ahead

    def _first_of_absent(self, paths: Sequence[Path]) -> dict[str, str]:
        """Of the contents whose file no longer lies in the inbox, the first path by hash."""
        present = {self._name(path) for path in paths}
        absent = {name: entry for name, entry in self.entries.items() if name not in present}
        return {entry.sha256: entry.file for entry in contents(absent)}

    def _copy(self, entry: Entry, other: Entry) -> Entry:
        """An entry whose content another path, which comes before it, already stands for."""
        own = replace(other, file=entry.file, mtime_ns=entry.mtime_ns, copy_of=other.file)
        return replace(own, recipe=self._recipe(entry.file, other.format))

    def raw_files(self) -> dict[str, list[RawFile]]:
        """Typed files of every format."""
        found: dict[str, list[RawFile]] = {name: [] for name in formats()}
        for entry in contents(self.entries):
            found[entry.format].append(RawFile(entry.file_id, self._parquet(entry), entry.days, entry.recipe))
        return found

    def input_files(self) -> pl.DataFrame:
        """What came in, one row per file, in the columns of raw.input_file."""
        rows = [
            {
                "file_id": entry.file_id,
                **{name: value for name, value in asdict(entry).items() if name in _INPUT_FILE},
                "first_day": min(entry.days, default=None),
                "last_day": max(entry.days, default=None),
            }
            for entry in contents(self.entries)
        ]
        return pl.DataFrame(rows, schema=_INPUT_FILE).with_columns(pl.col("first_day", "last_day").str.to_date())

    def quarantine(self) -> pl.DataFrame:
        """The records set aside, in the columns of raw.quarantine."""
        found = [pl.read_parquet(self._set_aside(entry)) for entry in contents(self.entries) if entry.quarantined]
        return pl.concat([pl.DataFrame(schema=QUARANTINE), *found])

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _source(self, name: str) -> Source | None:
        return next((source for source in self.sources if fnmatch.fnmatchcase(name, source.path)), None)

    def _entry(self, path: Path, before: Entry | None) -> Entry:
        """What a file is now; the very entry there was where nothing changed."""
        name, stat = self._name(path), path.stat()
        if before and before.recipe == self._recipe(name, before.format) and self._is_there(before) and before.bytes == stat.st_size:
            is_same = before.mtime_ns == stat.st_mtime_ns or before.sha256 == sha256_of(path)
            if is_same:
                return before
        return Entry(name, stat.st_size, stat.st_mtime_ns, sha256_of(path), "")

    def _recipe(self, name: str, format_name: str) -> str:
        source = self._source(name)
        # A file that no reader took is tried again as soon as any reader is new.
        readers = [one for one in formats().values() if format_name in {one.name, ""}]
        said = (source.model_dump_json() if source else "", *(f"{one.name}:{one.version}:{dict(one.columns)}" for one in readers))
        return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]

    def _is_there(self, entry: Entry) -> bool:
        """Whether what an entry stands for is in the lake, or stands in that of the file it is a copy of."""
        if entry.copy_of:
            other = self.entries.get(entry.copy_of)
            return other is not None and other.sha256 == entry.sha256 and not other.refused
        return bool(entry.refused) or all(file.is_file() for file in self._files(entry))

    def _take(self, path: Path, entry: Entry) -> Entry:
        source = self._source(entry.file)
        try:
            content = Content(path)
            one = self._format(content, source)
            rows = one.read(content, self._reading(source))
        except OSError as error:
            return replace(entry, refused=f"cannot be read: {error.strerror or error}", recipe=self._recipe(entry.file, ""))
        except FileRefused as refusal:
            return replace(entry, refused=str(refusal), recipe=self._recipe(entry.file, ""))
        if rows.rows_in != rows.rows_typed + rows.quarantined + rows.filtered:
            raise AssertionError(f"{entry.file}: {rows.rows_in} rows read, {rows.rows_typed} typed, {rows.quarantined} set aside")
        named = replace(entry, format=one.name, source=source.name if source else one.name, recipe=self._recipe(entry.file, one.name))
        counted = replace(named, rows_in=rows.rows_in, rows_typed=rows.rows_typed, quarantined=rows.quarantined, filtered=rows.filtered)
        if rows.rejected:
            write_rejected(self._set_aside(counted), rows, counted)
        return replace(counted, days=write_typed(self._parquet(counted), rows, one, counted))

    def _reading(self, source: Source | None) -> Reading:
        return Reading(source.mapping, source.options, self._prompt_key) if source else Reading(prompt_key=self._prompt_key)

    def _format(self, content: Content, source: Source | None) -> Format:
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

    def _count(self, done: Ingested, entry: Entry, *, is_known: bool) -> None:
        if entry.refused:
            done.refused.append((entry.file, entry.refused))
        elif entry.copy_of:
            done.copies += 1
        elif is_known:
            done.known_files += 1
        else:
            done.new_files += 1

    def _add_up(self, done: Ingested) -> None:
        for entry in contents(self.entries):
            done.rows_in += entry.rows_in
            done.rows_typed += entry.rows_typed
            done.quarantined += entry.quarantined
            done.filtered += entry.filtered

    def _files(self, entry: Entry) -> set[Path]:
        """The Parquet files an entry stands for."""
        made = {self._parquet(entry): entry.rows_typed, self._set_aside(entry): entry.quarantined}
        return {path for path, rows in made.items() if rows}

    def _parquet(self, entry: Entry) -> Path:
        return self._raw / entry.format / f"{entry.file_id}.parquet"

    def _set_aside(self, entry: Entry) -> Path:
        return self._raw / "_quarantine" / f"{entry.file_id}.parquet"


_INPUT_FILE = {
    **dict.fromkeys(("file_id", "file", "format", "source", "sha256"), pl.String),
    **dict.fromkeys(("bytes", "rows_in", "rows_typed", "quarantined", "filtered"), pl.Int64),
    **dict.fromkeys(("first_day", "last_day"), pl.String),
}


def _nearest(keys: frozenset[str]) -> str:
    """The known format that shares most names with a file, as a hint."""
    best = max(formats().values(), key=lambda one: len(keys & one.names))
    return f" (nearest: {best.name})" if len(keys & best.names) > 1 else ""
