"""What is remembered of every file of an inbox, between runs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from meterbook.sql.lake import write_if_changed


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
    return {entry["file"]: Entry(**entry) for entry in json.loads(path.read_text("utf-8"))}


def save(path: Path, entries: Mapping[str, Entry]) -> None:
    """Write the ledger, where anything in it changed."""
    text = json.dumps([asdict(entries[name]) for name in sorted(entries)], indent=0)
    write_if_changed(path, text.encode())


def contents(entries: Mapping[str, Entry]) -> Iterator[Entry]:
    """One entry per content: of equal files, the one whose path comes first."""
    seen: set[str] = set()
    for name in sorted(entries):
        entry = entries[name]
        if not entry.refused and entry.sha256 not in seen:
            seen.add(entry.sha256)
            yield entry
