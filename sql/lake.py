"""Where tables lie, what is known of each file, and how a file is published.

Parquet is the store: one file per table and day (or month, or whole table), written beside its target and renamed. A small JSON
per table remembers from what each file was made, so that nothing is made twice; it can be thrown away and is rebuilt by a run.
"""

import hashlib
import os
import shutil
from bisect import bisect_left
from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path
from stat import S_ISREG
from time import time

import msgspec

Token = tuple[str, str]
"""A partition and the hash of its content."""

COPY = "format parquet, compression zstd, compression_level 1, row_group_size 40960"
"""How DuckDB writes a Parquet file; files of few rows are written by `small_files`, with the same codec.

A group of rows is what a writer holds in memory: those of 122,880, which DuckDB makes where nothing is said, do not fit 256 MB in a wide
table, and then take 1.4 times the CPU. Files are 2.5 % larger so.
"""
TEMPORARY = ".part"
SPILL = ".spill-"
"""Folders that only live while a large file is sorted."""
MEMORY_SPILL = "_spill"
"""The folder for what memory does not hold; there only while it is used."""
MONTHS = "_months"
"""The folder for months that are kept in one file, as `sql/months.py` does."""
LEFT = 86_400
"""Seconds after which what lies there untouched is of a process that was killed: others, of this run or not, may be using theirs."""


class Partition(msgspec.Struct, frozen=True, gc=False):
    """One published file: what it was made from, and what it holds; of a year there are tens of thousands, which hold no cycles."""

    fingerprint: str
    sha256: str
    rows: int
    bytes: int = 0
    mtime_ns: int = 0
    warnings: dict[str, int] = {}
    """Rows that did not satisfy a `should` rule, by rule."""


def quoted(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Write a small text file so that a reader, or a crash, sees the old one or the new one."""
    _replace(path, text.encode())


def write_if_changed(path: Path, content: bytes) -> None:
    """Write a small file as `write_atomically` does, and leave it alone where it says this already."""
    if not path.is_file() or path.read_bytes() != content:
        _replace(path, content)


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}{TEMPORARY}")
    beside.write_bytes(content)
    beside.replace(path)


class Table:
    """One table of the lake: its files and the record of them."""

    def __init__(self, root: Path, name: str) -> None:
        schema, table = name.split(".")
        self.name = name
        self.folder = root / schema / table
        self.record = root / "_state" / f"{name}.json"

    @cached_property
    def partitions(self) -> dict[str, Partition]:
        """What is recorded, by partition in order; a file changed by somebody else is no longer known."""
        if not self.record.is_file():
            return {}
        known = msgspec.json.decode(self.record.read_bytes(), type=dict[str, Partition])
        # Of a year of days there are tens of thousands: to put each path together as a `Path` takes longer than to look at its file.
        folder = str(self.folder)
        return {key: known[key] for key in sorted(known) if _is_intact(f"{folder}{os.sep}{_file_name(key)}", known[key])}

    def path(self, partition: str) -> Path:
        """Where the file of a partition (`2026-11-02`, `2026-11` or `all`) lies."""
        return self.folder / _file_name(partition)

    def beside(self, partition: str) -> Path:
        """Where it is written before it is published."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f".{partition}{TEMPORARY}"

    def publish(self, written: dict[str, Partition]) -> None:
        """Rename what was written, drop what became empty, then remember both."""
        for key, partition in written.items():
            if partition.rows:
                self.beside(key).replace(self.path(key))
            else:
                self.path(key).unlink(missing_ok=True)
        stamped = {key: self._stamp(key, partition) for key, partition in written.items()}
        self._remember({**self.partitions, **stamped})

    def note(self, key: str, fingerprint: str) -> None:
        """Remember that a published file is what would be made now, too."""
        self._remember({**self.partitions, key: msgspec.structs.replace(self.partitions[key], fingerprint=fingerprint)})

    def drop(self, keys: Iterable[str]) -> None:
        """Remove partitions that no input gives any more."""
        gone = set(keys)
        for key in gone:
            self.path(key).unlink(missing_ok=True)
        self._remember({key: value for key, value in self.partitions.items() if key not in gone})

    def tokens(self, from_day: str | None = None, to_day: str | None = None) -> list[Token]:
        """Content hashes of the partitions in a half-open range of days, in order; of all where no range is given."""
        keys, tokens, _ = self._ordered
        return tokens[_within(keys, from_day, to_day)]

    def tokens_text(self, from_day: str | None = None, to_day: str | None = None) -> str:
        """`tokens` as JSON, each put into it once: it is asked for again for each day of each model that reads the table."""
        if from_day is None or to_day is None:
            return self._text
        keys, _, texts = self._ordered
        return f"[{','.join(texts[_within(keys, from_day, to_day)])}]"

    def files(self, from_day: str | None = None, to_day: str | None = None) -> list[Path]:
        """Files of the partitions in a range of days, in order."""
        return [self.path(key) for key, _ in sorted(self.tokens(from_day, to_day))]

    @cached_property
    def _ordered(self) -> tuple[list[str], list[Token], list[str]]:
        """Partitions that have rows: their keys in order, and the token of each, as it is and as JSON."""
        tokens = [(key, part.sha256) for key, part in self.partitions.items() if part.rows]
        return [key for key, _ in tokens], tokens, [token_text(token) for token in tokens]

    @cached_property
    def _text(self) -> str:
        return f"[{','.join(self._ordered[2])}]"

    def _stamp(self, key: str, partition: Partition) -> Partition:
        if not partition.rows:
            return partition
        stat = self.path(key).stat()
        return Partition(partition.fingerprint, partition.sha256, partition.rows, stat.st_size, stat.st_mtime_ns, partition.warnings)

    def _remember(self, partitions: dict[str, Partition]) -> None:
        ordered = {key: partitions[key] for key in sorted(partitions)}
        _replace(self.record, msgspec.json.encode(ordered))
        self.partitions = ordered
        for name in ("_ordered", "_text"):
            self.__dict__.pop(name, None)


def token_text(token: Token) -> str:
    """A token as JSON; days and hashes hold nothing that would have to be escaped."""
    return f'["{token[0]}","{token[1]}"]'


def _within(keys: list[str], from_day: str | None, to_day: str | None) -> slice:
    """Where of some sorted keys those of a half-open range lie; all where no range is given."""
    if from_day is None or to_day is None:
        return slice(None)
    return slice(bisect_left(keys, from_day), bisect_left(keys, to_day))


def _file_name(partition: str) -> str:
    stem = {10: f"day={partition}", 7: f"period={partition}"}.get(len(partition), partition)
    return f"{stem}.parquet"


def _is_intact(path: str, partition: Partition) -> bool:
    try:
        stat = os.stat(path)  # noqa: PTH116 -- a `Path` costs more than the look
    except (FileNotFoundError, NotADirectoryError):
        return not partition.rows
    if not partition.rows or not S_ISREG(stat.st_mode):
        return False
    # A copied lake has new times but the same bytes; only then is a file read to be known.
    return stat.st_size == partition.bytes and (stat.st_mtime_ns == partition.mtime_ns or sha256_of(Path(path)) == partition.sha256)


class Lake:
    """The folder of tables."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._tables: dict[str, Table] = {}

    def table(self, name: str) -> Table:
        """A table by its name, `core.request`."""
        if name not in self._tables:
            self._tables[name] = Table(self.root, name)
        return self._tables[name]

    @cached_property
    def months(self) -> "Lake":
        """Where files of months lie, beside those of days."""
        return Lake(self.root / MONTHS)

    def clean(self) -> None:
        """Remove what an interrupted run left beside its targets."""
        for at, folders, files in os.walk(self.root):
            for name in files:
                if name.startswith(".") and name.endswith(TEMPORARY):
                    Path(at, name).unlink()
            for name in [one for one in folders if one.startswith(SPILL)]:
                folders.remove(name)
                shutil.rmtree(Path(at, name))
        spilled = self.root / MEMORY_SPILL
        for path in list(spilled.glob("*")):
            if path.stat().st_mtime < time() - LEFT:
                path.unlink()
        if spilled.is_dir() and not any(spilled.iterdir()):
            spilled.rmdir()


class Beside(Lake):
    """A lake some of whose tables lie elsewhere: those are written, the others only read.

    Args:
        published: where the others lie.
        root: where these do.
        names: of these; what of them is not written has no rows.
    """

    def __init__(self, published: Lake, root: Path, names: Collection[str]) -> None:
        super().__init__(root)
        self._published, self._names = published, names

    def table(self, name: str) -> Table:
        """A table by its name, `core.request`."""
        return super().table(name) if name in self._names else self._published.table(name)
