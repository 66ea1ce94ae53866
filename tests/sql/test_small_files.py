"""Small files hold what DuckDB's own COPY would, and what stands in one does not follow from those written beside it."""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.sql import small_files
from meterbook.sql.small_files import SMALL, batches, write_small

MADE = """
    select date '2026-10-01' + cast(n // 3 as integer) as day, cast(n as bigint) as number, cast(n as smallint) as small,
        case when n % 2 = 0 then 'a ''quoted'' näme' end as name, n % 3 = 0 as is_third, cast(n / 3 as decimal(38,12)) as wide,
        cast(n as decimal(18,12)) as narrow, timestamptz '2026-10-01 23:59:59.999999+00' as at,
        timestamp '2026-10-01 00:00:00.000001' as clock, cast(null as varchar) as nothing
    from range(9) as given(n)
"""


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    opened.execute(f"set timezone = 'UTC'; create table result as {MADE}")
    return opened


def _write(con: duckdb.DuckDBPyConnection, folder: Path, rows: dict[str, int]) -> dict[str, bytes]:
    folder.mkdir()
    listed = ", ".join(f"'{day}'" for day in rows)
    files = [(folder / day, count) for day, count in rows.items()]
    assert write_small(con, f"select * from result where day in ({listed}) order by name", ["day", "number"], files, threads=2)
    return {day: (folder / day).read_bytes() for day in rows}


def test_rows_and_types_are_those_of_a_copy(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    _write(con, tmp_path / "small", {"2026-10-01": 3, "2026-10-02": 3, "2026-10-03": 3})
    con.execute(f"copy (select * from result order by day, number) to '{tmp_path}/copied' (format parquet)")
    columns = [con.execute(f"describe from read_parquet('{tmp_path}/{name}')").fetchall() for name in ("small/*", "copied")]
    assert columns[0] == columns[1]
    rows = [con.execute(f"from read_parquet('{tmp_path}/{name}') order by number").fetchall() for name in ("small/*", "copied")]
    assert rows[0] == rows[1]


def test_a_file_is_the_same_bytes_whatever_is_written_beside_it(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    together = _write(con, tmp_path / "together", {"2026-10-01": 3, "2026-10-02": 3, "2026-10-03": 3})
    alone = _write(con, tmp_path / "alone", {"2026-10-02": 3})
    assert alone["2026-10-02"] == together["2026-10-02"]


@pytest.mark.parametrize("column", ["cast(1.5 as double)", "[1, 2]", "{'a': 1}"])
def test_other_types_are_left_to_duckdb(tmp_path: Path, column: str) -> None:
    assert not write_small(duckdb.connect(), f"select {column} as odd", ["odd"], [(tmp_path / "x", 1)], threads=1)
    assert not list(tmp_path.iterdir())


@given(st.lists(st.integers(0, 2 * SMALL), max_size=20), st.integers(1, 200))
def test_batches_have_every_partition_with_rows_once_and_are_small_or_one(counts: list[int], columns: int) -> None:
    rows = {f"2026-10-{place:02}": count for place, count in enumerate(counts, 1)}
    found = list(batches(rows, columns))
    assert [key for batch in found for key in batch] == [key for key, count in rows.items() if count]
    together = [[rows[key] for key in batch] for batch in found if len(batch) > 1]
    assert all(max(counted) <= SMALL and sum(counted) * columns <= small_files.AT_ONCE for counted in together)


@given(st.lists(st.tuples(st.dates(), st.text(max_size=4), st.integers(-3, 3), st.booleans()), min_size=1, max_size=40, unique=True))
def test_rows_lie_in_the_order_that_duckdb_would_give_them(found: list[tuple[object, ...]]) -> None:
    with TemporaryDirectory() as folder, duckdb.connect() as con:
        con.execute("create table result (day date, name varchar, number decimal(18,6), is_third boolean)")
        con.executemany("insert into result values (?, ?, ?, ?)", found)
        order = ["day", "name", "number", "is_third"]
        assert write_small(con, "select * from result", order, [(Path(folder) / "x", len(found))], threads=1)
        wanted = con.execute(f"select * from result order by {', '.join(order)}").fetchall()
        assert con.execute(f"select * from read_parquet('{folder}/x')").fetchall() == wanted
