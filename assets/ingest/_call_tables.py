"""Logs of gateways that come as CSV too: each row becomes the JSON record it would have been, and is read like one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest._calls import Calls, Record, Row, set_aside
from meterbook.assets.ingest._rows import BATCH, csv_rows, whole_row
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.sources import Reading

_UNEVEN = b""
"""Stands for a row that has another number of fields than the header: no record is empty."""


@dataclass(frozen=True)
class TabledCalls(Calls[Record]):
    """Calls whose files may be CSV; empty fields are missing ones, all others are text.

    Args:
        header: columns without which a CSV is not of this format.
    """

    header: frozenset[str] = frozenset()

    def batches(self, content: Content) -> Iterator[list[tuple[int, bytes]]]:
        """The records of a file as JSON with their lines, some at a time."""
        if content.head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in {b"{", b"["}:
            return super().batches(content)
        return self._table(content)

    def _table(self, content: Content) -> Iterator[list[tuple[int, bytes]]]:
        found = csv_rows(content)
        while batch := list(islice(found, BATCH)):
            if not self.header.issubset(batch[0][1]):
                raise FileRefused(f"is neither JSON nor a CSV with the columns {', '.join(sorted(self.header))}")
            yield [(line, _record(row)) for line, row in batch]

    def _calls(self, decoder: msgspec.json.Decoder[Record], line: int, raw: bytes, reading: Reading, rows: Rows) -> Sequence[Row]:
        if raw != _UNEVEN:
            return super()._calls(decoder, line, raw, reading, rows)
        set_aside(rows, line, "the row has another number of fields than the header", None)
        return []


def _record(row: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode({name: value for name, value in whole_row(row).items() if value != ""})
    except ValueError:
        return _UNEVEN
