"""Hundreds of tables without rows: copies of ones made before, and nobody's but one's own."""

import pytest

from meterbook.sql.scratch import make_empty, scratch

TABLES = {"marts.part": {"day": "DATE", "cost_usd": "DECIMAL(38,12)"}, "core.empty_part": {"name": "VARCHAR", "tokens": "BIGINT"}}
SHAPE = """select column_name, data_type from duckdb_columns() where database_name = current_database()
    and schema_name = 'marts' and table_name = 'part' order by column_index"""


def test_copies_have_the_columns_and_types_of_what_was_made_first_and_no_row_of_it() -> None:
    # Made, made and kept, copied, copied.
    for _ in range(4):
        with scratch() as con:
            make_empty(con, TABLES)
            assert con.execute(SHAPE).fetchall() == [("day", "DATE"), ("cost_usd", "DECIMAL(38,12)")]
            assert con.execute("select count(*) from marts.part").fetchall() == [(0,)]
            con.execute("insert into marts.part values ('2026-10-01', 1.5); drop table core.empty_part")


def test_two_at_once_do_not_see_each_others_rows() -> None:
    with scratch() as one, scratch() as other, scratch() as third:
        for con in (one, other, third):
            make_empty(con, TABLES)
        one.execute("insert into core.empty_part values ('a', 1)")
        assert [con.execute("select count(*) from core.empty_part").fetchall() for con in (one, other, third)] == [[(1,)], [(0,)], [(0,)]]


def test_another_type_is_another_table() -> None:
    for dtype in ("INTEGER", "BIGINT", "INTEGER", "BIGINT", "INTEGER"):
        with scratch() as con:
            make_empty(con, {"marts.part": {"units": dtype}})
            assert con.execute(SHAPE).fetchall() == [("units", dtype)]


@pytest.mark.parametrize("threads", [1, 3])
def test_each_duckdb_has_its_own(threads: int) -> None:
    for _ in range(3):
        with scratch("300MB", threads) as con:
            make_empty(con, TABLES)
            assert len(con.execute(SHAPE).fetchall()) == 2
