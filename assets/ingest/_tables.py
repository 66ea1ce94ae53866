"""Wide tables such as bills: CSV, JSON lines or Parquet, columns found by name whatever their case, typed column by column.

A user may leave out columns of a bill, and vendors add some; so a column is taken where it is there, and NULL where it is not.
Amounts are read from their text, scientific notation included, and rounded half to even at the last kept place.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

import msgspec
import polars as pl
import polars.selectors as cs

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest._rows import BATCH, BROKEN, csv_rows, csv_text, is_lines, json_records, parquet_batches, whole_row
from meterbook.assets.ingest.format import Rows, Rule, exact, first_line, instant, keep_sound
from meterbook.assets.sources import Reading

_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=str)
"""Fractions stay text: money does not pass through a float."""
_NOTHING = frozenset({"", "NULL", "null"})
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
Finish = Callable[[pl.DataFrame, Reading], pl.DataFrame]
"""Adds what follows from typed columns; ValueError refuses the batch's records one by one."""


@dataclass(frozen=True)
class Column:
    """One column of a raw table.

    Args:
        dtype: its DuckDB type: VARCHAR, BIGINT, BOOLEAN, TIMESTAMP or DECIMAL(p,s).
        names: the file's names for it; the first that is there is taken. Dots reach into objects: `usage.amount`.
    """

    dtype: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Tables:
    """How the rows of a wide table are read.

    Args:
        columns: raw columns by name.
        needed: raw columns of which a file must have one of the names, or it is refused.
        rules: what a sound row must not be, over typed columns.
        finish: adds columns and changes typed ones, row by row.
        made: columns `finish` adds, with their DuckDB types.
        inside: keys under which a page of an API holds its rows.
    """

    columns: Mapping[str, Column]
    needed: tuple[str, ...] = ()
    rules: Sequence[Rule] = ()
    finish: Finish = field(default=lambda frame, _reading: frame)
    made: Mapping[str, str] = field(default_factory=dict)
    inside: tuple[str, ...] = ()

    @property
    def types(self) -> dict[str, str]:
        """Columns of the raw table with their DuckDB types."""
        return {**{name: column.dtype for name, column in self.columns.items()}, **self.made}

    def read(self, content: Content, reading: Reading) -> Rows:
        """Read one file.

        Raises:
            FileRefused: cut short, not a table, or without a column that is needed.
        """
        rows = Rows()
        for lines, records in self._batches(content, reading, rows):
            self._take(lines, records, reading, rows)
        return rows

    def _batches(self, content: Content, reading: Reading, rows: Rows) -> Iterator[tuple[Sequence[int], Sequence[Mapping[str, Any]]]]:
        if content.is_parquet:
            for frame in parquet_batches(content):
                before, rows.rows_in = rows.rows_in, rows.rows_in + frame.height
                yield range(before + 1, rows.rows_in + 1), frame.rows(named=True)
            return
        head = content.head.lstrip(b"\xef\xbb\xbf \r\n\t")
        if head[:1] not in {b"{", b"["}:
            found = _whole_rows(content, reading.options.delimiter or ",", rows)
        elif head.startswith(b"[") or not is_lines(head, self.inside):
            found = _parsed(enumerate(json_records(content, self.inside), 1), rows)
        else:
            found = _parsed(_numbered(content), rows)
        while batch := list(islice(found, BATCH)):
            yield [number for number, _ in batch], [record for _, record in batch]

    def _take(self, lines: Sequence[int], records: Sequence[Mapping[str, Any]], reading: Reading, rows: Rows) -> None:
        names = _names(records)
        self._refuse_missing(names)
        given = {name: _texts(records, _source(column, names)) for name, column in self.columns.items()}
        typed = [typed_series(name, values, self.columns[name].dtype) for name, values in given.items()]
        texts = [values.alias(f"given {name}") for name, values in given.items()]
        raw = dict(zip(lines, records, strict=True))
        frame = pl.DataFrame([*typed, *texts, pl.Series("line", lines, dtype=pl.Int64)])
        sound = keep_sound(frame, self._misfits(), rows, lambda line: _record_text(raw[line])).drop(cs.starts_with("given "))
        rows.add(keep_sound(self.finish(sound, reading), self.rules, rows, lambda line: _record_text(raw[line])))

    def _misfits(self) -> list[Rule]:
        """Rules for text that does not become what its column holds."""
        return [
            (
                pl.col(name).is_null() & pl.col(f"given {name}").is_not_null(),
                pl.format("{} '{}' is not {}", pl.lit(name), pl.col(f"given {name}").str.slice(0, 80), pl.lit(_WORDS[_base(column.dtype)])),
            )
            for name, column in self.columns.items()
            if column.dtype != "VARCHAR"
        ]

    def _refuse_missing(self, names: Mapping[str, str]) -> None:
        for name in self.needed:
            if _source(self.columns[name], names) is None:
                raise FileRefused(f"has no column {self.columns[name].names[0]}")


_WORDS = {"BIGINT": "a whole number", "BOOLEAN": "true or false", "TIMESTAMP": "an instant", "DECIMAL": "an amount"}


def _base(dtype: str) -> str:
    return dtype.split("(")[0]


def _numbered(content: Content) -> Iterator[tuple[int, bytes]]:
    number = 0
    for chunk in content.chunks():
        for line in chunk.removesuffix(b"\n").split(b"\n"):
            number += 1
            if line.strip():
                yield number, line


def _parsed(lines: Any, rows: Rows) -> Iterator[tuple[int, Mapping[str, Any]]]:  # noqa: ANN401 -- pairs of number and text
    for number, line in lines:
        rows.rows_in += 1
        try:
            yield number, _DECODER.decode(line)
        except BROKEN as error:
            rows.reject(number, f"not a record: {first_line(error)}", line)


def _whole_rows(content: Content, delimiter: str, rows: Rows) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, row in csv_rows(content, delimiter):
        rows.rows_in += 1
        try:
            yield number, whole_row(row)
        except ValueError as error:
            rows.reject(number, str(error), csv_text(row))


def _names(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The file's column names by their lower-case spelling."""
    return {name.lower(): name for record in records for name in record}


def _source(column: Column, names: Mapping[str, str]) -> tuple[str, ...] | None:
    """The path of the first of a column's names that the file has."""
    for name in column.names:
        if name.lower() in names:
            return (names[name.lower()],)
        first, *rest = name.split(".")
        if rest and first.lower() in names:
            return (names[first.lower()], *rest)
    return None


def _texts(records: Sequence[Mapping[str, Any]], path: tuple[str, ...] | None) -> pl.Series:
    if path is None:
        return pl.Series([None] * len(records), dtype=pl.String())
    return pl.Series([_text(_at(record, path)) for record in records], dtype=pl.String())


def _at(record: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 -- any JSON value
    for step in path:
        record = record.get(step) if isinstance(record, dict) else None
    return record


def _text(value: Any) -> str | None:  # noqa: ANN401 -- any JSON value
    if value is None or (isinstance(value, str) and value in _NOTHING):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list) and value and all(isinstance(pair, tuple) for pair in value):
        value = dict(value)  # a Parquet map
    return msgspec.json.encode(value, enc_hook=str).decode() if isinstance(value, dict | list) else str(value)


def typed_series(name: str, values: pl.Series, dtype: str) -> pl.Series:
    """Text as one of the types of a raw table; NULL where it is not one.

    Args:
        name: of the column.
        values: text.
        dtype: DuckDB type.
    """
    match _base(dtype):
        case "VARCHAR":
            return values.alias(name)
        case "TIMESTAMP":
            return pl.DataFrame({"given": values}).select(instant("given").alias(name))[name]
        case "BOOLEAN":
            return pl.Series(name, [_BOOLEANS.get((value or "").lower()) for value in values], dtype=pl.Boolean())
        case "BIGINT":
            return pl.Series(name, [_whole(value) for value in values], dtype=pl.Int64())
        case _:
            digits, places = (int(one) for one in re.findall(r"\d+", dtype))
            return pl.Series(name, [_amount(value, places, digits) for value in values], dtype=pl.Decimal(digits, places))


def _whole(value: str | None) -> int | None:
    found = _amount(value, 0, 15)
    # Exports write counts as 59200.0; 9.7 is none.
    return int(found) if found is not None and found == Decimal(str(value)) else None


def _amount(value: str | None, places: int, digits: int) -> Decimal | None:
    try:
        return exact(Decimal(value), places, digits, "") if value is not None else None
    except (ValueError, InvalidOperation):
        return None


def _record_text(record: Mapping[str, Any]) -> str:
    return csv_text({name: value if isinstance(value, str) else _text(value) or "" for name, value in record.items()})
