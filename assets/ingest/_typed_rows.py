"""What reading one file gives: typed rows, and the account of all the others."""

import io
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

import polars as pl

KEPT_REJECTS = 10_000
PACKED = 2**25
"""Bytes of typed rows, packed, that wait in memory."""
KEPT_CHARACTERS = 4096


@dataclass(frozen=True)
class Rejected:
    """A record set aside."""

    line: int
    reason: str
    raw_text: str


@dataclass
class Rows:
    """What one file gave: typed rows with their line numbers, and the account of the others.

    Typed rows wait packed, and on disk where they are many, so that a file of millions does not need its rows in memory at once.
    """

    rows_in: int = 0
    rows_typed: int = 0
    quarantined: int = 0
    filtered: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    """What is odd about the file as a whole, each in one line that is true of "the file ..." ("holds a page that says has_more")."""
    continues_at: datetime | None = None
    """Where a file says that more follows: the UTC instant at which the next page begins."""
    rank: int = 0
    """Of two views of one delivery (actual and amortised costs) the higher counts."""
    typed: Path | None = None
    """Typed rows as one Parquet file in the order of their lines, with all columns of the raw table; then nothing is packed."""
    _packed: list[bytes] = field(default_factory=list)
    _spilled: IO[bytes] | None = None
    _lengths: list[int] = field(default_factory=list)

    def add(self, frame: pl.DataFrame) -> None:
        """Keep typed rows: the format's own columns and `line`."""
        if not frame.height:
            return
        packed = io.BytesIO()
        frame.write_ipc(packed, compression="lz4")
        self._packed.append(packed.getvalue())
        self.rows_typed += frame.height
        if sum(map(len, self._packed)) > PACKED:
            self._spill()

    def _spill(self) -> None:
        if self._spilled is None:
            self._spilled = tempfile.TemporaryFile()  # noqa: SIM115 -- it lives as long as the rows do
            weakref.finalize(self, self._spilled.close)
        self._spilled.writelines(self._packed)
        self._lengths += map(len, self._packed)
        self._packed.clear()

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Typed rows, as they were added."""
        wanted = None if columns is None else list(columns)
        if self._spilled:
            self._spilled.seek(0)
            for length in self._lengths:
                yield pl.read_ipc(io.BytesIO(self._spilled.read(length)), columns=wanted)
            self._spilled.seek(0, io.SEEK_END)
        for packed in self._packed:
            yield pl.read_ipc(io.BytesIO(packed), columns=wanted)

    def reject(self, line: int, reason: str, raw: bytes | str) -> None:
        """Set a record aside; all are counted, the first 10,000 kept, each cut at 4,096 characters."""
        self.quarantined += 1
        if len(self.rejected) < KEPT_REJECTS:
            text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
            self.rejected.append(Rejected(line, reason[:500], text[:KEPT_CHARACTERS].replace("\x00", "\N{REPLACEMENT CHARACTER}")))
