"""The door: what lies in a book's inbox becomes typed Parquet, and every record of every file is accounted for.

A file is known by the hash of its bytes: the same bytes under two names are one file. What cannot be read at all is refused with one
line and stays where it is; records that are wrong are set aside with file, line, reason and text; the rest goes on.
"""

import difflib
import fnmatch
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import duckdb
import polars as pl

from meterbook.assets.book import Source
from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import formats
from meterbook.assets.ingest.format import Format, Rows, sample_of
from meterbook.sql.catalog import RawFile
from meterbook.sql.lake import TEMPORARY, sha256_of, write_atomically

COPY = "format parquet, compression zstd, compression_level 1"
MAPPED = "mapped"
README = "README.md"
ADDED = {"file_id": "VARCHAR", "source": "VARCHAR", "line": "BIGINT", "day": "DATE"}
_QUARANTINE = {"file_id": pl.String, "file": pl.String, "format": pl.String, "line": pl.Int64, "reason": pl.String, "raw_text": pl.String}
Progress = Callable[[str, int, int], None]
"""Called with a file, its number and how many there are."""


def raw_columns() -> dict[str, dict[str, str]]:
    """Columns of every raw table, known without any file."""
    return {name: {**one.columns, **ADDED} for name, one in formats().items()}


@dataclass(frozen=True)
class Entry:
    """What is known of one path of the inbox."""

    file: str
    bytes: int
    mtime_ns: int
    sha256: str
    recipe: str
    """Hash of what beside the bytes decides what they become: reader, source, mapping."""
    format: str = ""
    source: str = ""
    rows_in: int = 0
    rows_typed: int = 0
    quarantined: int = 0
    filtered: int = 0
    days: Mapping[str, int] = field(default_factory=dict)
    refused: str = ""

    @property
    def file_id(self) -> str:
        """First 16 digits of the hash."""
        return self.sha256[:16]


@dataclass
class Ingested:
    """What one look into the inbox did."""

    new_files: int = 0
    known_files: int = 0
    copies: int = 0
    rows_in: int = 0
    rows_typed: int = 0
    quarantined: int = 0
    filtered: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


class Inbox:
    """A book's inbox and what has been taken from it.

    Args:
        folder: the book.
        sources: named sets of files, in the order in which they are tried.
    """

    def __init__(self, folder: Path, sources: Sequence[Source]) -> None:
        self.folder, self.sources = folder / "inbox", tuple(sources)
        self._raw = folder / "lake" / "raw"
        self._ledger = folder / "lake" / "_state" / "raw.json"
        self.entries: dict[str, Entry] = self._load()

    def scan(self) -> list[Path]:
        """Files that lie in the inbox, in order; hidden and half-written ones are left alone."""
        found = (path for path in self.folder.rglob("*") if path.is_file() and path.name != README)
        return sorted(path for path in found if path.stat().st_size and not path.name.startswith(".") and path.suffix != TEMPORARY)

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
        done = Ingested()
        paths = self.scan()
        for number, path in enumerate(paths, 1):
            before = self.entries.get(self._name(path))
            entry = self._entry(path, before)
            if entry is not before:
                if progress:
                    progress(entry.file, number, len(paths))
                self.entries[entry.file] = self._take(path, entry)
                done.new_files += 1
            else:
                done.known_files += 1
        self._settle(done)
        return done

    def raw_files(self) -> dict[str, list[RawFile]]:
        """Typed files of every format."""
        found: dict[str, list[RawFile]] = {name: [] for name in formats()}
        for entry in self._files():
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
            for entry in self._files()
        ]
        return pl.DataFrame(rows, schema=_INPUT_FILE).with_columns(pl.col("first_day", "last_day").str.to_date())

    def quarantine(self) -> pl.DataFrame:
        """The records set aside, in the columns of raw.quarantine."""
        found = [pl.read_parquet(self._set_aside(entry)) for entry in self._files() if entry.quarantined]
        return pl.concat([pl.DataFrame(schema=_QUARANTINE), *found])

    def _load(self) -> dict[str, Entry]:
        if not self._ledger.is_file():
            return {}
        return {entry["file"]: Entry(**entry) for entry in json.loads(self._ledger.read_text("utf-8"))}

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
        said = (source.model_dump_json() if source else "", *(f"{one.name}:{one.version}" for one in readers))
        return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]

    def _is_there(self, entry: Entry) -> bool:
        return bool(entry.refused) or self._parquet(entry).is_file() or not entry.rows_typed

    def _take(self, path: Path, entry: Entry) -> Entry:
        content, source = Content(path), self._source(entry.file)
        try:
            one = self._format(content, source)
            rows = one.read(content, source.mapping if source else None)
        except FileRefused as refusal:
            return replace(entry, refused=str(refusal), recipe=self._recipe(entry.file, ""))
        named = replace(entry, format=one.name, source=source.name if source else one.name, recipe=self._recipe(entry.file, one.name))
        accounted = replace(named, rows_in=rows.rows_in, rows_typed=_typed(rows), quarantined=rows.quarantined, filtered=rows.filtered)
        return replace(accounted, days=self._write(accounted, one, rows))

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

    def _write(self, entry: Entry, one: Format, rows: Rows) -> dict[str, int]:
        """Publish the typed rows and those set aside.

        Returns:
            Rows by UTC day.
        """
        if rows.rejected:
            aside = pl.DataFrame(
                [(entry.file_id, entry.file, one.name, row.line, row.reason, row.raw_text) for row in rows.rejected],
                schema=_QUARANTINE,
                orient="row",
            )
            _publish(self._set_aside(entry), aside.sort("line").to_arrow(), "*", "line")
        frame = pl.concat(rows.frames) if rows.frames else None
        if frame is None or not frame.height:
            return {}
        columns = ", ".join(f"cast({name} as {dtype}) as {name}" for name, dtype in one.columns.items())
        added = f"'{entry.file_id}' as file_id, '{entry.source}' as source, line, cast({one.day} as date) as day"
        _publish(self._parquet(entry), frame.to_arrow(), f"{columns}, {added}", "day, line")
        by_day = frame.group_by(pl.col(one.day).dt.date().cast(pl.String).alias("day")).len().sort("day")
        return {day: rows for day, rows in by_day.iter_rows()}  # noqa: C416 -- dict() of rows is not typed

    def _settle(self, done: Ingested) -> None:
        """Write the ledger, drop what no file stands for any more, and add up."""
        self._ledger.parent.mkdir(parents=True, exist_ok=True)
        ordered = [asdict(self.entries[name]) for name in sorted(self.entries)]
        text = json.dumps(ordered, indent=0)
        if not self._ledger.is_file() or self._ledger.read_text("utf-8") != text:
            write_atomically(self._ledger, text)
        kept = {path for entry in self._files() for path in (self._parquet(entry), self._set_aside(entry))}
        for path in [path for path in self._raw.glob("*/*.parquet") if path.stem != "all" and path not in kept]:
            path.unlink()
        files = list(self._files())
        present = {self._name(path) for path in self.scan()}
        done.copies = sum(1 for entry in self.entries.values() if not entry.refused) - len(files)
        done.refused = [(name, entry.refused) for name, entry in sorted(self.entries.items()) if entry.refused and name in present]
        for name in ("rows_in", "rows_typed", "quarantined", "filtered"):
            setattr(done, name, sum(getattr(entry, name) for entry in files))

    def _files(self) -> Iterator[Entry]:
        """One entry per content: of equal files, the one whose path comes first."""
        seen: set[str] = set()
        for name in sorted(self.entries):
            entry = self.entries[name]
            if not entry.refused and entry.sha256 not in seen:
                seen.add(entry.sha256)
                yield entry

    def _parquet(self, entry: Entry) -> Path:
        return self._raw / entry.format / f"{entry.file_id}.parquet"

    def _set_aside(self, entry: Entry) -> Path:
        return self._raw / "_quarantine" / f"{entry.file_id}.parquet"


_INPUT_FILE = {
    **dict.fromkeys(("file_id", "file", "format", "source", "sha256"), pl.String),
    **dict.fromkeys(("bytes", "rows_in", "rows_typed", "quarantined", "filtered"), pl.Int64),
    **dict.fromkeys(("first_day", "last_day"), pl.String),
}


def _typed(rows: Rows) -> int:
    """Rows that were typed; every row read is accounted for, or the reader is wrong."""
    typed = sum(frame.height for frame in rows.frames)
    if rows.rows_in != typed + rows.quarantined + rows.filtered:
        raise AssertionError(f"{rows.rows_in} rows read, {typed} typed, {rows.quarantined} set aside, {rows.filtered} filtered")
    return typed


def _publish(path: Path, table: object, columns: str, order: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem}{TEMPORARY}")
    with duckdb.connect() as con:
        con.register("given", table)
        con.execute(f"copy (select {columns} from given order by {order}) to '{beside}' ({COPY})")
    beside.replace(path)


def _nearest(keys: frozenset[str]) -> str:
    """The known format that shares most columns with a file, as a hint."""
    best = max(formats().values(), key=lambda one: len(keys & set(one.columns)) / (1 + len(one.columns)))
    return f" (nearest: {best.name})" if len(keys & set(best.columns)) > 1 else ""
