"""Pages of provider usage and cost APIs: buckets of time with results, in every shape in which people save them.

A file is a page, a list of pages, JSON lines of pages, or only the array of buckets. Results of one bucket are different rows,
whatever they were grouped by; the same bucket in another page or file is the same rows again. So a row is known by its bucket,
by every dimension it names (`group_id`) and by its place among equal ones of the bucket.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import polars as pl

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest.format import LARGEST, Places, Rows, Rule, exact, first_line, keep_sound

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_TYPES = {"VARCHAR": pl.String(), "BIGINT": pl.Int64(), "BOOLEAN": pl.Boolean(), "TIMESTAMP": pl.Datetime("us")}
_WIDTHS = ((timedelta(hours=1), timedelta(days=1)), (timedelta(minutes=1), timedelta(hours=1)), (timedelta(0), timedelta(minutes=1)))
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError)
Row = dict[str, Any]
BUCKET = {"starts_at": "TIMESTAMP", "ends_at": "TIMESTAMP", "bucket_at": "TIMESTAMP", "group_id": "VARCHAR"}
"""Columns every row of a bucket has. `bucket_at` is the start of the whole minute, hour or day a bucket lies in: an export that
was cut within a bucket is the same bucket."""


@dataclass(frozen=True)
class Pages:
    """How the results of a paged API are read.

    Args:
        columns: columns of a row with their DuckDB types, without those of the bucket.
        starts: key of a bucket's start; unix seconds or RFC 3339.
        ends: key of its end.
        row: one result as a row; raises ValueError with the reason where it is none.
        figures: keys of a result that are no dimensions: its quantities, and what says how they are counted.
        rules: what a sound row must not be.
        is_other: results of other kinds, left out and counted.
    """

    columns: Mapping[str, str]
    starts: str
    ends: str
    row: Callable[[Row], Row]
    figures: frozenset[str]
    rules: Sequence[Rule]
    is_other: Callable[[Row], bool] = lambda _result: False

    def read(self, content: Content, _reading: object = None) -> Rows:
        """Read one file.

        Raises:
            FileRefused: cut short, not JSON, or without buckets.
        """
        rows, typed, raw = Rows(), [], {}
        for bucket in self._buckets(_documents(content.whole())):
            places = Places()
            for result in bucket["results"] or ():
                rows.rows_in += 1
                line, text = rows.rows_in, msgspec.json.encode(result, enc_hook=str)
                try:
                    if self.is_other(result):
                        rows.filtered += 1
                        continue
                    typed.append({**self._bucket(bucket), **self.row(result), "group_id": self._group(result, places), "line": line})
                    raw[line] = text
                except _BROKEN as error:
                    rows.reject(line, f"not a result: {first_line(error)}", text)
        if typed:
            frame = pl.DataFrame(typed, schema=schema_of({**BUCKET, **self.columns, "line": "BIGINT"}), orient="row")
            rows.add(keep_sound(frame, self.rules, rows, raw.__getitem__))
        return rows

    def _bucket(self, bucket: Row) -> Row:
        starts, ends = utc(bucket[self.starts]), utc(bucket[self.ends])
        if ends <= starts:
            raise ValueError(f"the bucket ends at {ends}, not after its start {starts}")
        width = next(whole for least, whole in _WIDTHS if ends - starts > least)
        return {"starts_at": starts, "ends_at": ends, "bucket_at": starts - (starts - datetime.min) % width}  # noqa: DTZ901 -- naive UTC

    def _group(self, result: Row, places: Places) -> str:
        dimensions = {key: value for key, value in sorted(result.items()) if key not in self.figures and isinstance(value, str | bool)}
        return places.name(hashlib.md5(msgspec.json.encode(dimensions), usedforsecurity=False).hexdigest())

    def _buckets(self, documents: Sequence[Any]) -> Iterator[Row]:
        for document in documents:
            if isinstance(document, list):
                yield from self._buckets(document)
            elif isinstance(document, dict) and isinstance(document.get("data"), list):
                yield from self._buckets(document["data"])
            elif isinstance(document, dict) and {self.starts, self.ends, "results"} <= document.keys():
                yield document
            else:
                raise FileRefused(f"is neither a page nor a bucket: {str(document)[:80]}")


def schema_of(columns: Mapping[str, str]) -> dict[str, pl.DataType]:
    """The polars types of DuckDB columns."""
    return {name: _TYPES[dtype] if dtype in _TYPES else _decimal_type(dtype) for name, dtype in columns.items()}


def _decimal_type(dtype: str) -> pl.Decimal:
    precision, scale = re.findall(r"\d+", dtype)
    return pl.Decimal(int(precision), int(scale))


def holds_no_result(text: str) -> bool:
    """Whether a page has buckets, all of them without usage."""
    found = re.findall(r'"results"\s*:\s*\[\s*(\S)', text)
    return bool(found) and set(found) == {"]"}


def _documents(text: bytes) -> Sequence[Any]:
    try:
        return [_DECODER.decode(text)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as whole:
        try:
            return [_DECODER.decode(line) for line in text.splitlines() if line.strip()]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise FileRefused(f"is not JSON: {first_line(whole)}") from whole


def whole_number(result: Row, key: str) -> int | None:
    """A count, strictly: an integer, absent or null.

    Raises:
        ValueError: anything else.
    """
    value = result.get(key)
    if value is None:
        return None
    if type(value) is not int:
        raise ValueError(f"{key} {value} is not a whole number")
    if abs(value) > LARGEST:
        raise ValueError(f"{key} {value} is too large")
    return value


def text(result: Row, key: str) -> str | None:
    """Text, absent or null.

    Raises:
        ValueError: anything else.
    """
    value = result.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} {value} is not text")
    return value


def decimal(value: object, what: str, places: int = 12, digits: int = 28) -> Decimal:
    """An amount from a number or text, exact to a number of decimals.

    Raises:
        ValueError: not a finite number, or too large.
    """
    try:
        found = Decimal(str(value)) if isinstance(value, int | str | Decimal) and not isinstance(value, bool) else None
    except InvalidOperation:
        found = None
    rounded = exact(found, places, digits, what)
    if rounded is None:
        raise ValueError(f"{what} {value} is not an amount")
    return rounded


def utc(value: object) -> datetime:
    """An instant from unix seconds or RFC 3339, naive UTC.

    Raises:
        ValueError: neither.
    """
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return datetime.fromtimestamp(int(value), UTC).replace(tzinfo=None)
    found = datetime.fromisoformat(str(value))
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
