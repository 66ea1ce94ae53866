"""Files of records: JSON lines, a JSON array, one JSON document, pages that wrap records, CSV or Parquet; strictly typed.

Bad records are set aside with their line. Clean chunks are decoded in one call; only a chunk with a bad line is gone through line by line.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import msgspec
import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest._rows import BATCH, BROKEN, csv_rows, csv_text, is_lines, json_records, parquet_batches, whole_row, why
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import LARGEST, Rule, first_line, keep_sound
from meterbook.assets.sources import Reading

Record = TypeVar("Record", bound=msgspec.Struct)
Count = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
Numbered = Sequence[tuple[int, Any]]
"""Records as they lie in the file (bytes of JSON, or rows by column), each with its number."""


class Batch(NamedTuple):
    """Some records of a file.

    Args:
        records: those that have the shape.
        numbers: their lines, or their places in the file.
        given: all records of the batch as they lie in the file, by number; asked for only where something is wrong.
    """

    records: Sequence[Any]
    numbers: Sequence[int]
    given: Callable[[int], Any]


@dataclass(frozen=True)
class RecordFiles(Generic[Record]):
    """How files of records are taken apart.

    Args:
        record: the shape of one record; what it does not name is dropped unread, above all message bodies.
        json_columns: CSV columns that hold JSON.
        bodies: fields with text of people, `msgspec.Raw` where the record has them; not even a record that is set aside keeps them.
        metadata: fields of which a little is read, and that may hold such text: a record that is set aside is kept without them.
        inside: keys under which a page of an API holds its records, such as `data`.
        delimiter: between columns of a CSV.
    """

    record: type[Record]
    json_columns: frozenset[str] = frozenset()
    bodies: frozenset[str] = frozenset()
    metadata: frozenset[str] = frozenset()
    inside: tuple[str, ...] = ()
    delimiter: str = ","

    def batches(self, content: Content, rows: Rows, reading: Reading) -> Iterator[Batch]:
        """Take a file apart; rows count what comes, and keep what is no record.

        Raises:
            FileRefused: cut short, or neither JSON nor CSV.
        """
        for numbered in self._given(content):
            yield self.shaped(numbered, rows, reading)

    def _given(self, content: Content) -> Iterator[Numbered]:
        if content.is_parquet:
            yield from _parquet(content, [one.encode_name for one in msgspec.structs.fields(self.record)])
        elif self.is_json_lines(content):
            yield from _json_lines(content)
        elif content.head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in {b"[", b"{"}:
            yield list(enumerate(json_records(content, self.inside), 1))
        else:
            found = csv_rows(content, self.delimiter)
            while batch := list(islice(found, BATCH)):
                yield batch

    def is_json_lines(self, content: Content) -> bool:
        """Whether a file has a JSON record per line."""
        head = content.head.lstrip(b"\xef\xbb\xbf \r\n\t")
        return not content.is_parquet and head.startswith(b"{") and is_lines(head, self.inside)

    def shaped(self, numbered: Numbered, rows: Rows, reading: Reading) -> Batch:
        """Give records their shape; rows count what comes, and keep what is no record."""
        records, numbers = [], []
        decoder = msgspec.json.Decoder(self.record)
        for number, given in numbered:
            rows.rows_in += 1
            try:
                records.append(self.settled(decoder.decode(given) if isinstance(given, bytes) else self._converted(given), reading))
                numbers.append(number)
            except (*BROKEN, ValueError) as error:
                rows.reject(number, why(error), self.shown(given))
        return Batch(records, numbers, dict(numbered).__getitem__)

    def settled(self, record: Record, _reading: Reading) -> Record:
        """A record as it is to be typed; ValueError where it is wrong."""
        return record

    def _converted(self, row: dict[str, Any]) -> Record:
        filled = {
            key: msgspec.Raw(msgspec.json.encode(value))
            if key in self.bodies
            else msgspec.json.decode(value)
            if key in self.json_columns and isinstance(value, str)
            else value
            for key, value in whole_row(row).items()
            if value not in ("", None)
        }
        return msgspec.convert(filled, self.record, strict=False)

    def texts(self, content: Content, wanted: Collection[int]) -> dict[int, bytes | str]:
        """What is kept of the records of some numbers, read once more."""
        left = set(wanted)
        found: dict[int, bytes | str] = {}
        for numbered in self._given(content) if left else ():
            found |= {number: self.shown(given) for number, given in numbered if number in left}
        return found

    def shown(self, given: bytes | dict[str, Any]) -> bytes | str:
        """What is kept of a record that is set aside: where it may hold messages, only what is read of it.

        Anything else may be a message: in a record that is broken, the key of a body may be spelt wrong.
        """
        if not self.bodies:
            return csv_text(given) if isinstance(given, dict) else given
        read = frozenset(one.encode_name for one in msgspec.structs.fields(self.record)) - self.bodies - self.metadata
        if isinstance(given, dict):
            # With a field too many or too few, any of them may stand under the name of another.
            is_whole = None not in given and None not in given.values()
            return csv_text(given, frozenset(given) - read) if is_whole else "(the row is not kept: it may hold messages)"
        try:
            record = msgspec.json.decode(given, type=dict[str, msgspec.Raw])
        except BROKEN:
            names = "|".join(re.escape(name) for name in sorted(read))
            begin = re.match(rf'\s*\{{(\s*"({names})"\s*:\s*("([^"\\]|\\.)*"|[\w.+-]+)\s*,)*'.encode(), given)
            return (begin.group() if begin else b"") + b"(the rest is dropped: it may hold messages)"
        return msgspec.json.encode({key: value for key, value in record.items() if key in read})


@dataclass(frozen=True)
class Records(RecordFiles[Record]):
    """How records that Python types are read.

    Args:
        columns: turns records into typed columns; ValueError where one of them is not to be typed.
        rules: what a sound row must not be.
    """

    columns: Callable[[Sequence[Record]], pl.DataFrame] = field(kw_only=True)
    rules: Sequence[Rule] = field(kw_only=True)

    def read(self, content: Content, reading: Reading) -> Rows:
        """Read one file.

        Raises:
            FileRefused: cut short, or neither JSON nor CSV.
        """
        rows = Rows()
        for batch in self.batches(content, rows, reading):
            self._add(batch, rows)
        return rows

    def _add(self, batch: Batch, rows: Rows) -> None:
        records, numbers, given = batch
        if not records:
            return
        try:
            frame = self.columns(records).with_columns(pl.Series("line", numbers, dtype=pl.Int64))
        except ValueError as error:
            if len(records) == 1:
                rows.reject(numbers[0], first_line(error), self.shown(given(numbers[0])))
                return
            # Halving finds the record that is to blame, and costs nothing where none is.
            half = len(records) // 2
            self._add(Batch(records[:half], numbers[:half], given), rows)
            self._add(Batch(records[half:], numbers[half:], given), rows)
            return
        rows.add(keep_sound(frame, self.rules, rows, lambda number: self.shown(given(number))))


def _json_lines(content: Content) -> Iterator[Numbered]:
    before = 0
    for chunk in content.chunks():
        lines = chunk.removesuffix(b"\n").split(b"\n")
        yield [(before + n, line) for n, line in enumerate(lines, 1) if line.strip()]
        before += len(lines)


def _parquet(content: Content, wanted: Collection[str]) -> Iterator[Numbered]:
    before = 0
    for batch in parquet_batches(content, wanted):
        yield [(before + n, row) for n, row in enumerate(batch.iter_rows(named=True), 1)]
        before += batch.height
