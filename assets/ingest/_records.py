"""Files of records: JSON lines, a JSON array, one JSON document, pages that wrap records, CSV or Parquet; strictly typed.

Bad records are set aside with their line. Clean chunks are decoded in one call; only a chunk with a bad line is gone through line by line.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest._rows import BATCH, BROKEN, csv_rows, csv_text, is_lines, json_records, parquet_batches, whole_row
from meterbook.assets.ingest.format import LARGEST, Rows, Rule, first_line, keep_sound

Record = TypeVar("Record", bound=msgspec.Struct)
Count = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]


@dataclass(frozen=True)
class Records(Generic[Record]):
    """How the records of a format are read.

    Args:
        record: the shape of one record; what it does not name is dropped unread, above all message bodies.
        columns: turns records into typed columns; ValueError where one of them is not to be typed.
        rules: what a sound row must not be.
        json_columns: CSV columns that hold JSON.
        bodies: fields with text of people; not even a record that is set aside keeps them.
        inside: keys under which a page of an API holds its records, such as `data`.
        delimiter: between columns of a CSV.
    """

    record: type[Record]
    columns: Callable[[Sequence[Record]], pl.DataFrame]
    rules: Sequence[Rule]
    json_columns: frozenset[str] = frozenset()
    bodies: frozenset[str] = frozenset()
    inside: tuple[str, ...] = ()
    delimiter: str = ","

    def read(self, content: Content, _reading: object = None) -> Rows:
        """Read one file.

        Raises:
            FileRefused: cut short, or neither JSON nor CSV.
        """
        rows = Rows()
        head = content.head.lstrip(b"\xef\xbb\xbf \r\n\t")
        if content.is_parquet:
            self._parquet(content, rows)
        elif head.startswith(b"[") or (head.startswith(b"{") and not is_lines(head, self.inside)):
            self._one_by_one(list(enumerate(json_records(content, self.inside), 1)), rows)
        elif head.startswith(b"{"):
            self._lines(content, rows)
        else:
            self._csv(content, rows)
        return rows

    def _lines(self, content: Content, rows: Rows) -> None:
        decoder = msgspec.json.Decoder(self.record)
        before = 0
        for chunk in content.chunks():
            count = chunk.count(b"\n") + (not chunk.endswith(b"\n"))
            try:
                records = decoder.decode_lines(chunk)
            except BROKEN:
                records = []
            if len(records) == count:
                rows.rows_in += count
                self._add(records, range(before + 1, before + count + 1), rows, _LineOf(chunk, before))
            else:
                self._one_by_one([(before + n, line) for n, line in enumerate(chunk.split(b"\n"), 1) if line.strip()], rows)
            before += count

    def _one_by_one(self, lines: Sequence[tuple[int, bytes]], rows: Rows) -> None:
        decoder = msgspec.json.Decoder(self.record)
        records, numbers = [], []
        for number, line in lines:
            rows.rows_in += 1
            try:
                records.append(decoder.decode(line))
                numbers.append(number)
            except BROKEN as error:
                rows.reject(number, _why(error), self._without_bodies(line))
        self._add(records, numbers, rows, dict(lines).__getitem__)

    def _csv(self, content: Content, rows: Rows) -> None:
        found = csv_rows(content, self.delimiter)
        while batch := list(islice(found, BATCH)):
            self._convert_all(batch, rows)

    def _parquet(self, content: Content, rows: Rows) -> None:
        wanted = [field.encode_name for field in msgspec.structs.fields(self.record)]
        for batch in parquet_batches(content, wanted):
            self._convert_all([(rows.rows_in + n, row) for n, row in enumerate(batch.iter_rows(named=True), 1)], rows)

    def _convert_all(self, batch: Sequence[tuple[int, dict[str, Any]]], rows: Rows) -> None:
        records, numbers, raw = [], [], dict(batch)
        for number, row in batch:
            rows.rows_in += 1
            try:
                records.append(self._convert(row))
                numbers.append(number)
            except (msgspec.ValidationError, msgspec.DecodeError, ValueError, RecursionError) as error:
                rows.reject(number, _why(error), csv_text(row, self.bodies))
        self._add(records, numbers, rows, _RowText(raw, self.bodies))

    def _convert(self, row: dict[str, Any]) -> Record:
        filled = {
            key: msgspec.json.decode(value) if key in self.json_columns and isinstance(value, str) else value
            for key, value in whole_row(row).items()
            if value != "" and key not in self.bodies
        }
        return msgspec.convert(filled, self.record, strict=False)

    def _add(self, records: Sequence[Record], numbers: Sequence[int], rows: Rows, raw_of: Callable[[int], bytes]) -> None:
        if not records:
            return
        try:
            frame = self.columns(records).with_columns(pl.Series("line", numbers, dtype=pl.Int64))
        except ValueError as error:
            if len(records) == 1:
                rows.reject(numbers[0], first_line(error), self._without_bodies(raw_of(numbers[0])))
                return
            # Halving finds the record that is to blame, and costs nothing where none is.
            half = len(records) // 2
            self._add(records[:half], numbers[:half], rows, raw_of)
            self._add(records[half:], numbers[half:], rows, raw_of)
            return
        rows.add(keep_sound(frame, self.rules, rows, lambda number: self._without_bodies(raw_of(number))))

    def _without_bodies(self, raw: bytes) -> bytes:
        if not any(f'"{name}"'.encode() in raw for name in self.bodies):
            return raw
        try:
            record = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        except BROKEN:
            names = "|".join(sorted(self.bodies))
            return re.split(rf'"({names})"'.encode(), raw)[0] + b"(the rest is dropped: it may hold messages)"
        return msgspec.json.encode({key: value for key, value in record.items() if key not in self.bodies})


def _why(error: Exception) -> str:
    # A shape that does not fit is JSON all the same.
    if isinstance(error, msgspec.ValidationError):
        return f"not a record: {first_line(error)}"
    return f"not JSON: {first_line(error)}" if isinstance(error, BROKEN) else first_line(error)


class _LineOf:
    """Raw text of a line of a chunk, split only when somebody asks."""

    def __init__(self, chunk: bytes, before: int) -> None:
        self._chunk, self._before = chunk, before
        self._lines: list[bytes] = []

    def __call__(self, number: int) -> bytes:
        self._lines = self._lines or self._chunk.split(b"\n")
        return self._lines[number - self._before - 1]


class _RowText:
    """Text of a row of a CSV, written only when somebody asks."""

    def __init__(self, rows: dict[int, dict[str, str]], without: frozenset[str]) -> None:
        self._rows, self._without = rows, without

    def __call__(self, number: int) -> bytes:
        return csv_text(self._rows[number], self._without).encode()
