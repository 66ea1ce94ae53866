"""Files of one record per line: JSON lines, a JSON array, or CSV; strictly typed, and bad records set aside with their line.

Clean chunks are decoded in one call; only a chunk with a bad line is gone through line by line.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
import polars as pl

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest.format import Rows, Rule, keep_sound

Record = TypeVar("Record", bound=msgspec.Struct)


@dataclass(frozen=True)
class Records(Generic[Record]):
    """How the records of a format are read.

    Args:
        record: the shape of one record; what it does not name is dropped unread, above all message bodies.
        columns: turns records into typed columns.
        rules: what a sound row must not be.
        json_columns: CSV columns that hold JSON.
    """

    record: type[Record]
    columns: Callable[[Sequence[Record]], pl.DataFrame]
    rules: Sequence[Rule]
    json_columns: frozenset[str] = frozenset()

    def read(self, content: Content, _mapping: object = None) -> Rows:
        """Read one file.

        Raises:
            FileRefused: cut short, or neither JSON nor CSV.
        """
        rows = Rows()
        head = content.head.lstrip(b"\xef\xbb\xbf \r\n\t")
        if head.startswith(b"["):
            self._array(content, rows)
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
            except (msgspec.DecodeError, UnicodeDecodeError):
                records = []
            if len(records) == count:
                rows.rows_in += count
                self._add(records, range(before + 1, before + count + 1), rows, _LineOf(chunk, before))
            else:
                self._one_by_one([(before + n, line) for n, line in enumerate(chunk.split(b"\n"), 1) if line.strip()], rows)
            before += count

    def _array(self, content: Content, rows: Rows) -> None:
        try:
            raw = msgspec.json.decode(content.whole(), type=list[msgspec.Raw])
        except msgspec.DecodeError as error:
            raise FileRefused(f"is not a JSON array: {error}") from error
        self._one_by_one(list(enumerate((bytes(one) for one in raw), 1)), rows)

    def _one_by_one(self, lines: Sequence[tuple[int, bytes]], rows: Rows) -> None:
        decoder = msgspec.json.Decoder(self.record)
        records, numbers = [], []
        for number, line in lines:
            rows.rows_in += 1
            try:
                records.append(decoder.decode(line))
                numbers.append(number)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                rows.reject(number, f"not a record: {error}", line)
        self._add(records, numbers, rows, dict(lines).__getitem__)

    def _csv(self, content: Content, rows: Rows) -> None:
        records, numbers, raw = [], [], {}
        for number, row in csv_rows(content):
            rows.rows_in += 1
            try:
                records.append(self._convert(row))
                numbers.append(number)
                raw[number] = row
            except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
                rows.reject(number, f"not a record: {error}", csv_text(row))
        self._add(records, numbers, rows, lambda number: csv_text(raw[number]))

    def _convert(self, row: dict[str, str]) -> Record:
        if None in row or None in row.values():
            raise ValueError("the row has another number of fields than the header")
        filled = {key: msgspec.json.decode(value) if key in self.json_columns else value for key, value in row.items() if value != ""}
        return msgspec.convert(filled, self.record, strict=False)

    def _add(self, records: Sequence[Record], numbers: Sequence[int], rows: Rows, raw_of: Callable[[int], bytes | str]) -> None:
        if records:
            frame = self.columns(records).with_columns(pl.Series("line", numbers, dtype=pl.Int64))
            rows.frames.append(keep_sound(frame, self.rules, rows, raw_of))


class _LineOf:
    """Raw text of a line of a chunk, split only when somebody asks."""

    def __init__(self, chunk: bytes, before: int) -> None:
        self._chunk, self._before = chunk, before
        self._lines: list[bytes] = []

    def __call__(self, number: int) -> bytes:
        self._lines = self._lines or self._chunk.split(b"\n")
        return self._lines[number - self._before - 1]


def csv_rows(content: Content) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a CSV with the line they end on.

    Raises:
        FileRefused: not UTF-8, or not CSV.
    """
    csv.field_size_limit(2**27)
    try:
        text = content.whole().decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileRefused(f"is not UTF-8 text ({error.reason} at byte {error.start})") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise FileRefused(f"is not CSV: {error} in line {reader.line_num}") from error


def csv_text(row: dict[str, str]) -> str:
    """A CSV row as text again."""
    handle = io.StringIO()
    csv.writer(handle).writerow(value if isinstance(value, str) else "" for value in row.values())
    return handle.getvalue().strip()
