"""Some rows of a wide table at a time, column by column as text: from CSV, from records of JSON, from Parquet."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

import msgspec
import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest._rows import BATCH, BROKEN, csv_lists, csv_text, is_lines, json_records, parquet_batches
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import first_line

_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=str)
"""Fractions stay text: money does not pass through a float."""
_NOTHING = frozenset({"", "NULL", "null"})
Lines = Sequence[int]
Path = tuple[str, ...]
"""A column's name, and what to take of the objects it holds."""


class Batch(Protocol):
    """Rows of one file."""

    lines: Lines

    def names(self) -> Sequence[str]:
        """The file's column names."""

    def values(self, name: str) -> Sequence[Any]:
        """A column, as the file has it."""

    def raw(self, place: int) -> str:
        """The text of one row."""


class CsvBatch:
    """Rows of a CSV, cell by cell."""

    def __init__(self, header: Sequence[str], numbered: Sequence[tuple[int, list[str]]]) -> None:
        self.lines: Lines = [number for number, _ in numbered]
        self._header, self._rows = header, [row for _, row in numbered]
        self._columns = dict(zip(header, zip(*self._rows, strict=True), strict=True))

    def names(self) -> Sequence[str]:
        """The file's column names."""
        return self._header

    def values(self, name: str) -> Sequence[Any]:
        """A column, as the file has it."""
        return self._columns[name]

    def raw(self, place: int) -> str:
        """The text of one row."""
        return csv_text(dict(enumerate(self._rows[place])))


class RecordBatch:
    """Records of JSON."""

    def __init__(self, numbered: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        self.lines: Lines = [number for number, _ in numbered]
        self._records = [record for _, record in numbered]

    def names(self) -> Sequence[str]:
        """The names any record has."""
        return list(dict.fromkeys(name for record in self._records for name in record))

    def values(self, name: str) -> Sequence[Any]:
        """A column, as the records have it."""
        return [record.get(name) for record in self._records]

    def raw(self, place: int) -> str:
        """One record as a row of CSV."""
        return csv_text({name: value if isinstance(value, str) else text_of(value) or "" for name, value in self._records[place].items()})


class FrameBatch:
    """Rows of Parquet."""

    def __init__(self, frame: pl.DataFrame, before: int) -> None:
        self.lines: Lines = range(before + 1, before + frame.height + 1)
        self._frame = frame

    def names(self) -> Sequence[str]:
        """The file's column names."""
        return self._frame.columns

    def values(self, name: str) -> Sequence[Any]:
        """A column, as the file has it."""
        return self._frame[name].to_list()

    def raw(self, place: int) -> str:
        """One row as a row of CSV."""
        return csv_text({name: text_of(value) or "" for name, value in self._frame.row(place, named=True).items()})


def batches(content: Content, inside: tuple[str, ...], delimiter: str, rows: Rows) -> Iterator[Batch]:
    """Rows of a file, counted as they come; what is no row is set aside.

    Args:
        content: the file.
        inside: keys under which a page of an API holds its rows.
        delimiter: between the columns of a CSV.
        rows: counts, and takes what is set aside.

    Raises:
        FileRefused: cut short, or not a table.
    """
    head = content.head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if content.is_parquet:
        for frame in parquet_batches(content):
            before, rows.rows_in = rows.rows_in, rows.rows_in + frame.height
            yield FrameBatch(frame, before)
    elif head[:1] not in {b"{", b"["}:
        yield from _csv_batches(content, delimiter, rows)
    else:
        is_document = head.startswith(b"[") or not is_lines(head, inside)
        found = _parsed(enumerate(json_records(content, inside), 1) if is_document else _numbered(content), rows)
        while batch := list(islice(found, BATCH)):
            yield RecordBatch(batch)


def _csv_batches(content: Content, delimiter: str, rows: Rows) -> Iterator[Batch]:
    lists = csv_lists(content, delimiter)
    _, header = next(lists, (0, []))
    found = _whole(lists, header, rows)
    while batch := list(islice(found, BATCH)):
        yield CsvBatch(header, batch)


def _whole(lists: Iterator[tuple[int, list[str]]], header: Sequence[str], rows: Rows) -> Iterator[tuple[int, list[str]]]:
    for number, row in lists:
        rows.rows_in += 1
        if len(row) == len(header):
            yield number, row
        else:
            rows.reject(number, "the row has another number of fields than the header", csv_text(dict(enumerate(row))))


def _numbered(content: Content) -> Iterator[tuple[int, bytes]]:
    number = 0
    for chunk in content.chunks():
        for line in chunk.removesuffix(b"\n").split(b"\n"):
            number += 1
            if line.strip():
                yield number, line


def _parsed(lines: Iterator[tuple[int, bytes]], rows: Rows) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in lines:
        rows.rows_in += 1
        try:
            yield number, _DECODER.decode(line)
        except BROKEN as error:
            rows.reject(number, f"not a record: {first_line(error)}", line)


def texts_of(batch: Batch, path: Path | None) -> pl.Series:
    """A column as text, NULL where it holds nothing.

    Args:
        batch: the rows.
        path: where the column lies; a name that ends with a star gathers all that begin alike; None is a column the file lacks.
    """
    if path is None:
        return pl.Series([None] * len(batch.lines), dtype=pl.String())
    if path[0].endswith("*"):
        return pl.Series(_gathered(batch, path[0][:-1].lower()), dtype=pl.String())
    values = batch.values(path[0])
    for step in path[1:]:
        values = [json_object(value).get(step) for value in values]
    if isinstance(batch, CsvBatch) and len(path) == 1:
        return pl.Series([None if value in _NOTHING else value for value in values], dtype=pl.String())
    return pl.Series([text_of(value) for value in values], dtype=pl.String())


def _gathered(batch: Batch, prefix: str) -> list[str | None]:
    """What stands in the columns that begin alike, by the rest of their names; None where none of them is filled."""
    names = [name for name in batch.names() if name.lower().startswith(prefix)]
    keys = [name[len(prefix) :] for name in names]
    columns = [[text_of(value) for value in batch.values(name)] for name in names]
    found = ({key: text for key, text in zip(keys, row, strict=True) if text is not None} for row in zip(*columns, strict=True))
    return [text_of(one) if one else None for one in found]


def json_object(value: Any) -> Mapping[str, Any]:  # noqa: ANN401 -- any JSON value
    """An object, or the one that a text holds as JSON; nothing where it is neither."""
    if isinstance(value, str):
        try:
            value = _DECODER.decode(value) if value.startswith("{") else None
        except BROKEN:
            return {}
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str | None:  # noqa: ANN401 -- any JSON value
    """A value as text; None where it is nothing. Objects and lists as JSON."""
    if value is None or (isinstance(value, str) and value in _NOTHING):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value != value:  # noqa: PLR0124 -- NaN, which some tools write for nothing
        return None
    if isinstance(value, list) and value:
        value = _pairs(value)
    return msgspec.json.encode(value, enc_hook=str).decode() if isinstance(value, dict | list) else str(value)


def _pairs(values: list[Any]) -> list[Any] | dict[str, Any]:
    """A map as older Parquet readers give it, or as BigQuery writes one: a list of keys with values."""
    if all(isinstance(pair, tuple) for pair in values):
        return dict(values)
    if all(isinstance(pair, dict) and {"key", "value"} <= {name.lower() for name in pair} for pair in values):
        lower = [{name.lower(): one for name, one in pair.items()} for pair in values]
        return {str(pair["key"]): pair["value"] for pair in lower}
    return values
