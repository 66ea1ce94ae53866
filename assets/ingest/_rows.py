"""How the bytes of a file become rows: JSON documents and pages, CSV, Parquet; nothing typed yet."""

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pyarrow.parquet as pq

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest.format import first_line

BATCH = 20_000
BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading a JSON text may raise."""


def is_lines(head: bytes, inside: tuple[str, ...]) -> bool:
    """Whether the head of a file of JSON objects has a record per line, rather than one document or pages of records."""
    lines = head.splitlines()[:50]
    for line in lines:
        try:
            return not _wrapped(line, inside)
        except BROKEN:
            continue
    # Broken lines begin as records do; a document over several lines does not begin again.
    return any(line.startswith(b"{") for line in lines[1:])


def _wrapped(text: bytes | msgspec.Raw, inside: tuple[str, ...]) -> list[msgspec.Raw]:
    """The records a page holds; none where the text is a record itself."""
    found = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    return next((_elements(found[key]) for key in inside if key in found and bytes(found[key])[:1] == b"["), [])


def _elements(text: bytes | msgspec.Raw) -> list[msgspec.Raw]:
    return msgspec.json.decode(text, type=list[msgspec.Raw])


def json_records(content: Content, inside: tuple[str, ...] = ()) -> list[bytes]:
    """The records of a JSON document, unparsed: elements of an array, of pages or of lists of pages, or the document itself.

    Raises:
        FileRefused: cut short, or not JSON.
    """
    text = content.whole()
    try:
        return [bytes(one) for document in _documents(text) for one in _flat(document, inside)]
    except BROKEN as error:
        raise FileRefused(f"is not JSON: {first_line(error)}") from error


def _documents(text: bytes) -> list[bytes | msgspec.Raw]:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except BROKEN:
        return [line for line in text.split(b"\n") if line.strip()]
    return [text]


def _flat(document: bytes | msgspec.Raw, inside: tuple[str, ...]) -> Iterator[bytes | msgspec.Raw]:
    kind = bytes(document).lstrip()[:1]
    if kind == b"[":
        for one in _elements(document):
            yield from _flat(one, inside) if inside else [one]
    elif kind == b"{" and inside and _is_page(document, inside):
        yield from _wrapped(document, inside)
    else:
        yield document


def _is_page(document: bytes | msgspec.Raw, inside: tuple[str, ...]) -> bool:
    found = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    return any(key in found and bytes(found[key])[:1] == b"[" for key in inside)


def parquet_batches(content: Content, names: Collection[str] | None = None) -> Iterator[pl.DataFrame]:
    """Rows of a Parquet file, some at a time; instants as ISO text, UTC.

    Args:
        content: the file.
        names: columns to read; those it lacks are left out. All where not given.

    Raises:
        FileRefused: it cannot be read.
    """
    instants = cs.datetime()
    try:
        with pq.ParquetFile(content.path) as file:
            found = [name for name in file.schema_arrow.names if names is None or name in names]
            for batch in file.iter_batches(BATCH, columns=found):
                frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
                yield frame.with_columns(instants.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f"))
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        raise FileRefused(f"is a Parquet file that cannot be read: {first_line(error)}") from error


def csv_rows(content: Content, delimiter: str = ",") -> Iterator[tuple[int, dict[str, str]]]:
    """Rows of a CSV with the line they end on.

    Raises:
        FileRefused: not UTF-8, or not CSV (a quote that is never closed would swallow the rows behind it).
    """
    csv.field_size_limit(2**27)
    reader = csv.DictReader(_text_lines(content), strict=True, delimiter=delimiter)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise FileRefused(f"is not CSV: {error} in the row that begins in line {reader.line_num + 1}") from error


def csv_lists(content: Content, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Rows of a CSV as lists of fields, its header first, with the line they end on; empty lines are left out.

    Raises:
        FileRefused: not UTF-8, or not CSV.
    """
    csv.field_size_limit(2**27)
    reader = csv.reader(_text_lines(content), strict=True, delimiter=delimiter)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise FileRefused(f"is not CSV: {error} in the row that begins in line {reader.line_num + 1}") from error


def _text_lines(content: Content) -> Iterator[str]:
    for chunk in content.chunks():
        try:
            text = chunk.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FileRefused(f"is not UTF-8 text ({error.reason}: byte {chunk[error.start]:#x})") from error
        # Only real line ends count, so no str.splitlines.
        yield from io.StringIO(text, newline="")


def whole_row(row: dict[str, str]) -> dict[str, str]:
    """The same row.

    Raises:
        ValueError: it has more or fewer fields than the header.
    """
    if None in row or None in row.values():
        raise ValueError("the row has another number of fields than the header")
    return row


def csv_text(row: Mapping[Any, str], without: frozenset[str] = frozenset()) -> str:
    """A CSV row as text again, some columns left empty."""
    handle = io.StringIO()
    csv.writer(handle).writerow(value if isinstance(value, str) and name not in without else "" for name, value in row.items())
    return handle.getvalue().strip()


def why(error: Exception) -> str:
    """Why something is no record, in one line: it is no JSON, has another shape, or says what cannot be."""
    # A shape that does not fit is JSON all the same.
    if isinstance(error, msgspec.ValidationError):
        return f"not a record: {first_line(error)}"
    return f"not JSON: {first_line(error)}" if isinstance(error, BROKEN) else first_line(error)
