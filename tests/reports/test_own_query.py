from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from meterbook.reports.own_query import ROWS, QueryError, asked, tables_read
from meterbook.sql.scratch import scratch

TABLES = ("marts.cost", "marts.spend")
ENDLESS = "with recursive t(n) as (select 1 union all select n + 1 from t) select n from t order by n"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch() as found:
        found.execute("create schema marts; create table marts.cost as select date '2026-10-01' as day, 'a' as team, 1.5 as cost_usd")
        yield found


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("select team from marts.cost where day >= getvariable('from_day') order by team", ["marts.cost"]),
        ("with a as (select * from MARTS.Cost) select a.team from a join marts.spend using (team) order by team", list(TABLES)),
        ("select n from range(3) as t(n) order by n", []),
        ("from marts.cost order by all", ["marts.cost"]),
        ("select * from marts.cost union all select * from marts.cost order by 1", ["marts.cost"]),
    ],
)
def test_a_query_names_the_tables_it_reads(sql: str, reads: list[str]) -> None:
    assert tables_read(sql, TABLES) == reads


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select * from\nread_csv('/etc/passwd') order by 1", r"2: read_csv\(\) is not allowed"),
        ("select * from marts.cost, lateral (select * from read_text('x')) order by 1", r"1: read_text\(\) is not allowed"),
        ("select (select max(content) from read_blob('x')) order by 1", r"read_blob\(\)"),
        ("select * from glob('*') order by 1", r"glob\(\)"),
        ("select * from query('drop view marts.cost') order by 1", r"query\(\)"),
        ("select * from duckdb_secrets() order by 1", r"duckdb_secrets\(\)"),
        ("select * from 'lake/secret.parquet' order by 1", "reads lake/secret.parquet"),
        ("select * from 'secret.csv' where exists (with \"secret.csv\" as (select 1) select 1) order by 1", "give it a name of letters"),
        ("select * from raw.openai_usage order by 1", "reads raw.openai_usage"),
        ("select * from information_schema.tables order by 1", "reads information_schema.tables"),
        ("select * from memory.marts.cost order by 1", "reads memory.marts.cost"),
        ("describe marts.cost", "one SELECT"),
        ("copy (select 1) to '/tmp/x.csv'", "one SELECT"),
        ("drop view marts.cost", "one SELECT"),
        ("attach '/tmp/x.db'", "one SELECT"),
        ("pragma database_list", "one SELECT"),
        ("select 1 order by 1; select 2 order by 1", "2 statements"),
        ("select team,\n from from marts.cost", "2: syntax error"),
        ("select team from marts.cost", "no `order by`"),
        ("select\n now() as x order by 1", r"2: now\(\) is not allowed"),
        ("select main.random() order by 1", r"random\(\) is not allowed"),
        ("select current_date order by 1", "current_date is not allowed"),
        ("select current_setting('memory_limit') order by 1", r"current_setting\(\)"),
        ("select nextval('x') order by 1", r"nextval\(\)"),
        ("select sleep_ms(100000) order by 1", r"sleep_ms\(\)"),
        ("", "0 statements"),
    ],
)
def test_a_query_that_could_do_or_see_more_is_refused(sql: str, why: str) -> None:
    with pytest.raises(QueryError, match=why):
        tables_read(sql, TABLES)


def test_a_query_is_told_the_days_and_nothing_of_it_stays(con: duckdb.DuckDBPyConnection) -> None:
    hostile = "'); drop table marts.cost; --"
    sql = "select team, getvariable('to_day') as end_day, getvariable('team') as asked from marts.cost order by 1"
    answer = asked(con, sql, {"to_day": date(2026, 10, 5), "team": hostile})
    assert answer.rows == [{"team": "a", "end_day": date(2026, 10, 5), "asked": hostile}]
    assert con.execute("select getvariable('team'), count(*) from marts.cost").fetchall() == [(None, 1)]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (ENDLESS, "1: took longer than 0.2 seconds"),
        (f"select n from range({ROWS + 1}) as t(n) order by n", f"more than {ROWS} rows"),
        ("select team, team from marts.cost order by 1", "two columns of one name"),
        ("select team,\n  nope from marts.cost order by 1", '2: Binder Error: Referenced column "nope"'),
        ("select cast(team as int) as n from marts.cost order by 1", "Conversion Error"),
        ("create table marts.other as select 1", "read-only"),
    ],
)
def test_a_query_that_takes_too_much_or_fails_says_so_and_leaves_the_connection_sound(
    sql: str, why: str, con: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(QueryError, match=why):
        asked(con, sql, {}, seconds=0.2)
    assert con.execute("select count(*) from marts.cost").fetchall() == [(1,)]
    con.execute("insert into marts.cost select * from marts.cost")
