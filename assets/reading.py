"""How what was read of one file is published: typed rows, and rows set aside, each as one Parquet file."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa

from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import Format
from meterbook.assets.ledger import Entry
from meterbook.sql.lake import COPY, SPILL, TEMPORARY, quoted
from meterbook.sql.limits import memory, threads
from meterbook.sql.scratch import scratch

MEMORY = "512MB"
"""What sorting one file may take; a larger file is sorted on disk."""
FEW = 100_000
"""Rows that are sorted in memory in any case."""
QUARANTINE = {"file_id": pl.String, "file": pl.String, "format": pl.String, "line": pl.Int64, "reason": pl.String, "raw_text": pl.String}


def write_typed(path: Path, rows: Rows, one: Format, entry: Entry) -> dict[str, int]:
    """Publish typed rows in the format's columns with file_id, source, line and day, sorted by day and line.

    Returns:
        Rows by UTC day.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if rows.typed:
        return _place(path, rows.typed)
    days, is_sorted = _days(rows, one.day)
    if days:
        columns = ", ".join(f"cast({name} as {dtype}) as {name}" for name, dtype in one.columns.items())
        added = f"'{entry.file_id}' as file_id, $source as source, line, cast({one.day} as date) as day"
        _publish(path, rows, days, f"select {columns}, {added} from given {'' if is_sorted else 'order by day, line'}", entry.source)
    return days


def write_rejected(path: Path, rows: Rows, entry: Entry) -> None:
    """Publish the rows set aside, in the columns of raw.quarantine."""
    found = [(entry.file_id, entry.file, entry.format, row.line, row.reason, row.raw_text) for row in rows.rejected]
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem}{TEMPORARY}")
    pl.DataFrame(found, schema=QUARANTINE, orient="row").sort("line").write_parquet(beside, compression="zstd", compression_level=1)
    beside.replace(path)


def _days(rows: Rows, column: str) -> tuple[dict[str, int], bool]:
    """Rows by day, and whether they came in the order of days."""
    counts: Counter[str] = Counter()
    last, is_sorted = None, True
    for frame in rows.frames([column]):
        day = frame[column].dt.date()
        is_sorted = is_sorted and day.is_sorted() and (last is None or day[0] >= last)
        last = day[-1]
        counts.update(dict(day.cast(pl.String).value_counts().iter_rows()))
    return dict(sorted(counts.items())), is_sorted


def _place(path: Path, typed: Path) -> dict[str, int]:
    """Publish a file of typed rows as it is, sorted where it is not."""
    found = pl.read_parquet(typed, columns=["day"])["day"]
    if found.is_sorted():
        typed.replace(path)
    else:
        with _connection(path.parent) as con:
            _copy(con, path, f"from read_parquet({quoted(str(typed))}) order by day, line")
    return dict(sorted(found.cast(pl.String).value_counts().iter_rows()))


def _publish(path: Path, rows: Rows, days: Mapping[str, int], select: str, source: str) -> None:
    with _connection(path.parent) if sum(days.values()) > FEW else scratch() as con:
        con.register("given", _stream(rows))
        _copy(con, path, select.replace("$source", quoted(source)))


@contextmanager
def _connection(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=SPILL) as spill,
        duckdb.connect(config={"memory_limit": memory(MEMORY), "threads": str(threads()), "temp_directory": spill}) as con,
    ):
        yield con


def _copy(con: duckdb.DuckDBPyConnection, path: Path, select: str) -> None:
    beside = path.with_name(f".{path.stem}{TEMPORARY}")
    con.execute(f"copy ({select}) to {quoted(str(beside))} ({COPY})")
    beside.replace(path)


def _stream(rows: Rows) -> pa.RecordBatchReader:
    """Typed rows one piece at a time, so that they are never all unpacked."""
    schema = next(iter(rows.frames())).head(0).to_arrow().schema

    def pieces() -> Iterator[pa.RecordBatch]:
        for frame in rows.frames():
            yield from frame.to_arrow().to_batches()

    return pa.RecordBatchReader.from_batches(schema, pieces())
