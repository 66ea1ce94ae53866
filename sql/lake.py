"""Where tables lie, what is known of each file, and how a file is published.

Parquet is the store: one file per table and day (or month, or whole table), written beside its target and renamed. A small JSON
per table remembers from what each file was made, so that nothing is made twice; it can be thrown away and is rebuilt by a run.
"""

import hashlib
import json
import shutil
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from time import time

Token = tuple[str, str]
"""A partition and the hash of its content."""

COPY = "format parquet, compression zstd, compression_level 1"
"""How DuckDB writes a Parquet file; files of few rows are written by `small_files`, with the same codec."""
TEMPORARY = ".part"
SPILL = ".spill-"
"""Folders that only live while a large file is sorted."""
MEMORY_SPILL = "_spill"
"""The folder for what memory does not hold; there only while it is used."""
LEFT = 86_400
"""Seconds after which what lies there untouched is of a process that was killed: others, of this run or not, may be using theirs."""


@dataclass(frozen=True)
class Partition:
    """One published file: what it was made from, and what it holds."""

    fingerprint: str
    sha256: str
    rows: int
    bytes: int = 0
    mtime_ns: int = 0
    warnings: dict[str, int] = field(default_factory=dict)
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
        """What is recorded, by partition; a file changed by somebody else is no longer known."""
        if not self.record.is_file():
            return {}
        known = {key: Partition(**value) for key, value in json.loads(self.record.read_text("utf-8")).items()}
        return {key: partition for key, partition in known.items() if self._is_intact(key, partition)}

    def path(self, partition: str) -> Path:
        """Where the file of a partition (`2026-11-02`, `2026-11` or `all`) lies."""
        stem = {10: f"day={partition}", 7: f"period={partition}"}.get(len(partition), partition)
        return self.folder / f"{stem}.parquet"

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

    def drop(self, keys: Iterable[str]) -> None:
        """Remove partitions that no input gives any more."""
        gone = set(keys)
        for key in gone:
            self.path(key).unlink(missing_ok=True)
        self._remember({key: value for key, value in self.partitions.items() if key not in gone})

    def tokens(self, from_day: str | None = None, to_day: str | None = None) -> list[Token]:
        """Content hashes of the partitions in a half-open range of days; of all where no range is given."""
        return [
            (key, part.sha256)
            for key, part in self.partitions.items()
            if part.rows and (from_day is None or to_day is None or from_day <= key < to_day)
        ]

    def files(self, from_day: str | None = None, to_day: str | None = None) -> list[Path]:
        """Files of the partitions in a range of days, in order."""
        return [self.path(key) for key, _ in sorted(self.tokens(from_day, to_day))]

    def _stamp(self, key: str, partition: Partition) -> Partition:
        if not partition.rows:
            return partition
        stat = self.path(key).stat()
        return Partition(partition.fingerprint, partition.sha256, partition.rows, stat.st_size, stat.st_mtime_ns, partition.warnings)

    def _is_intact(self, key: str, partition: Partition) -> bool:
        path = self.path(key)
        if not partition.rows:
            return not path.exists()
        if not path.is_file():
            return False
        stat = path.stat()
        # A copied lake has new times but the same bytes; only then is a file read to be known.
        return stat.st_size == partition.bytes and (stat.st_mtime_ns == partition.mtime_ns or sha256_of(path) == partition.sha256)

    def _remember(self, partitions: dict[str, Partition]) -> None:
        ordered = {key: asdict(partitions[key]) for key in sorted(partitions)}
        write_atomically(self.record, json.dumps(ordered, indent=0))
        self.partitions = partitions


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

    def clean(self) -> None:
        """Remove what an interrupted run left beside its targets."""
        for path in self.root.rglob(f".*{TEMPORARY}"):
            path.unlink()
        for folder in list(self.root.rglob(f"{SPILL}*")):
            shutil.rmtree(folder)
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
