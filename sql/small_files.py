"""Files of few rows, many at once: a small book has tens of thousands of them, and DuckDB plans each COPY anew, for milliseconds.

One query takes the rows of many partitions, which Polars sorts and writes: the same bytes whatever was written beside them.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    import polars as pl

SMALL = 50_000
"""Most rows of a file that is written so."""
AT_ONCE = 1_150_000
"""Values (rows by columns) of several files that are taken into memory at once. Each time all rows of a window are looked through."""


def batches(rows: Mapping[str, int], columns: int) -> Iterator[list[str]]:
    """Partitions in their order, as many together as are of few rows; a large one stands alone.

    Args:
        rows: of each partition; those without any are left out.
        columns: of each row.
    """
    batch, size, most = list[str](), 0, AT_ONCE // columns
    for key in sorted(key for key, count in rows.items() if count):
        weight = rows[key] if rows[key] <= SMALL else most + 1
        if batch and size + weight > most:
            yield batch
            batch, size = [], 0
        batch.append(key)
        size += weight
    if batch:
        yield batch


def write_small(con: duckdb.DuckDBPyConnection, query: str, order: Sequence[str], rows: Sequence[tuple[Path, int]], threads: int) -> bool:
    """Write files with the rows of a query, each with those that come next in their order.

    Args:
        con: where the query is asked.
        query: gives the rows of all files.
        order: columns by which rows are sorted, those of one file together; no two rows have the same of all, and none is NULL. Polars
            sorts places by them and then each column once, which takes a fifth of what DuckDB takes for rows of 70 columns.
        rows: each file, and how many rows it takes.
        threads: files written at once.

    Returns:
        Whether they were written: what has a type that Polars would write otherwise than DuckDB reads it is left to DuckDB.
    """
    import polars as pl  # noqa: PLC0415 -- slow to load, and not needed by a run that has nothing to make

    frame = pl.DataFrame(con.sql(query).to_arrow_table())
    if not all(_is_plain(dtype) for dtype in frame.dtypes):
        return False
    frame = frame.sort(order)
    begun = accumulate((count for _, count in rows), initial=0)

    def write(file: tuple[Path, int], offset: int) -> None:
        frame.slice(offset, file[1]).write_parquet(file[0], compression="zstd", compression_level=1, statistics=False)

    # Each is written by one core.
    with ThreadPoolExecutor(threads) as pool:
        deque(pool.map(write, rows, begun), maxlen=0)
    return True


def _is_plain(dtype: "pl.DataType") -> bool:
    return dtype.is_integer() or dtype.is_decimal() or dtype.is_temporal() or str(dtype) in {"String", "Boolean"}
