"""What is remembered of every file of an inbox, between runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from meterbook.sql.lake import write_if_changed

MANIFEST = "manifest"
"""The format of a file that says what others must hold."""


@dataclass(frozen=True)
class Listed:
    """What a manifest says of one file.

    Args:
        name: the file, with as much of its path as the manifest gives.
        rows: records it must hold; None where the manifest does not say.
        sums: raw columns with what they must add up to, as text.
    """

    name: str
    rows: int | None = None
    sums: Mapping[str, str] = field(default_factory=dict)


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
    copy_of: str = ""
    """Path of a file with the same bytes, which stands for this one too."""
    flags: Sequence[str] = ()
    """What is odd about the file, each in one line that is true of "the file ..."."""
    continues_on: str = ""
    """UTC day with which the next page begins, where the file says that there is one."""
    units: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Rows by unit of delivery and day, for exports that replace what was delivered before."""
    rank: int = 0
    """Of two views of one delivery the higher counts."""
    adds: bool = False
    """Whether the book says that exports of one unit of this source all count."""
    manifest: Sequence[Listed] = ()
    """What the file says of others; it holds no records itself."""

    @property
    def is_manifest(self) -> bool:
        """Whether the file only says what others must hold."""
        return self.format == MANIFEST

    @property
    def file_id(self) -> str:
        """First 16 digits of the hash."""
        return self.sha256[:16]


def ledger_of(folder: Path) -> Path:
    """Where the ledger of a book lies."""
    return folder / "lake" / "_state" / "raw.json"


def load(path: Path) -> dict[str, Entry]:
    """Entries by path; none where there is no ledger yet."""
    if not path.is_file():
        return {}
    return {entry.file: entry for entry in msgspec.json.decode(path.read_bytes(), type=list[Entry])}


def save(path: Path, entries: Mapping[str, Entry]) -> None:
    """Write the ledger, where anything in it changed."""
    write_if_changed(path, msgspec.json.encode([entries[name] for name in sorted(entries)]))


def contents(entries: Mapping[str, Entry]) -> Iterator[Entry]:
    """One entry per content: of equal files, the one whose path comes first."""
    seen: set[str] = set()
    for name in sorted(entries):
        entry = entries[name]
        if not entry.refused and entry.sha256 not in seen:
            seen.add(entry.sha256)
            yield entry
