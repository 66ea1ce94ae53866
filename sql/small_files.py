"""Files of few rows, many at once: a small book has tens of thousands of them, and DuckDB plans each COPY anew, for milliseconds.

Rows are sorted by one query for many partitions and written by Polars, the same bytes whatever was written beside them.
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
AT_ONCE = 32_000
"""Rows of several files that are taken into memory at once: wide ones take 25 MiB less than 50,000 do, and no more time."""


def batches(rows: Mapping[str, int]) -> Iterator[list[str]]:
    """Partitions in their order, as many together as are of few rows; a large one stands alone.

    Args:
        rows: of each partition; those without any are left out.
    """
    batch, size = list[str](), 0
    for key in sorted(key for key, count in rows.items() if count):
        if batch and size + rows[key] > AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(key)
        size += rows[key]
    if batch:
        yield batch


def write_small(con: duckdb.DuckDBPyConnection, ordered: str, rows: Sequence[tuple[Path, int]], threads: int) -> bool:
    """Write files with the rows a query gives, each with those that come next.

    Args:
        con: where the query is asked.
        ordered: the query, whose rows come in the order of the files.
        rows: each file, and how many rows it takes.
        threads: files written at once.

    Returns:
        Whether they were written: what has a type that Polars would write otherwise than DuckDB reads it is left to DuckDB.
    """
    import polars as pl  # noqa: PLC0415 -- slow to load, and not needed by a run that has nothing to make

    frame = pl.DataFrame(con.sql(ordered).to_arrow_table())
    if not all(_is_plain(dtype) for dtype in frame.dtypes):
        return False
    begun = accumulate((count for _, count in rows), initial=0)

    def write(file: tuple[Path, int], offset: int) -> None:
        frame.slice(offset, file[1]).write_parquet(file[0], compression="zstd", compression_level=1, statistics=False)

    # Each is written by one core.
    with ThreadPoolExecutor(threads) as pool:
        deque(pool.map(write, rows, begun), maxlen=0)
    return True


def _is_plain(dtype: "pl.DataType") -> bool:
    return dtype.is_integer() or dtype.is_decimal() or dtype.is_temporal() or str(dtype) in {"String", "Boolean"}
