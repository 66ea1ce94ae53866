"""Pages of provider usage and cost APIs: buckets of time with results, in every shape in which people save them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest.format import Rows, Rule, keep_sound

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
Row = dict[str, Any]


@dataclass(frozen=True)
class Pages:
    """How the results of a paged API are read.

    Args:
        schema: columns of a row.
        row: one result of a bucket as a row; raises ValueError with the reason where it is none.
        rules: what a sound row must not be.
        is_bucket: keys every bucket has.
    """

    schema: dict[str, pl.DataType]
    row: Callable[[Row, Row], Row]
    rules: Sequence[Rule]
    is_bucket: frozenset[str]

    def read(self, content: Content, _mapping: object = None) -> Rows:
        """Read one file: a page, a list of pages, JSON lines of pages, or only the array of buckets.

        Raises:
            FileRefused: cut short, not JSON, or without buckets.
        """
        rows, typed, raw = Rows(), [], {}
        for bucket in self._buckets(_documents(content.whole())):
            for result in bucket["results"]:
                rows.rows_in += 1
                text = msgspec.json.encode(result, enc_hook=str)
                try:
                    typed.append({**self.row(bucket, result), "line": rows.rows_in})
                    raw[rows.rows_in] = text
                except (ValueError, KeyError, TypeError, ArithmeticError) as error:
                    rows.reject(rows.rows_in, f"not a result: {error}", text)
        if typed:
            frame = pl.DataFrame(typed, schema={**self.schema, "line": pl.Int64()}, orient="row")
            rows.frames.append(keep_sound(frame, self.rules, rows, raw.__getitem__))
        return rows

    def _buckets(self, documents: Sequence[Any]) -> Iterator[Row]:
        for document in documents:
            if isinstance(document, list):
                yield from self._buckets(document)
            elif isinstance(document, dict) and isinstance(document.get("data"), list):
                yield from self._buckets(document["data"])
            elif isinstance(document, dict) and self.is_bucket <= document.keys():
                yield document
            else:
                raise FileRefused(f"is neither a page nor a bucket: {str(document)[:80]}")


def _documents(text: bytes) -> Sequence[Any]:
    try:
        return [_DECODER.decode(text)]
    except msgspec.DecodeError as whole:
        try:
            return [_DECODER.decode(line) for line in text.splitlines() if line.strip()]
        except msgspec.DecodeError:
            raise FileRefused(f"is not JSON: {whole}") from whole


def whole_number(result: Row, key: str) -> int | None:
    """A count, strictly: an integer, absent or null.

    Raises:
        ValueError: anything else.
    """
    value = result.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError(f"{key} {value} is not a whole number")
    return value


def decimal(value: object, what: str) -> Decimal:
    """An amount, exactly, from a number or text.

    Raises:
        ValueError: not a finite number.
    """
    found = Decimal(str(value)) if isinstance(value, int | str | Decimal) and not isinstance(value, bool) else None
    if found is None or not found.is_finite():
        raise ValueError(f"{what} {value} is not an amount")
    return found


def utc(value: object) -> datetime:
    """An instant from unix seconds or RFC 3339, naive UTC.

    Raises:
        ValueError: neither.
    """
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return datetime.fromtimestamp(int(value), UTC).replace(tzinfo=None)
    found = datetime.fromisoformat(str(value))
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
