"""Connections of a catalog share one DuckDB and nothing else."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from meterbook.sql.catalog import Catalog
from meterbook.sql.engine import Engine
from meterbook.sql.lake import Lake
from meterbook.sql.limits import threads
from meterbook.sql.models import Header, Model, Project
from meterbook.sql.raw_files import RawFile

MODEL = Model(
    "core.doubled",
    "Factors, doubled, in pico-dollars.",
    Header(grain="one row per factor", key=("factor",), monthly=True),
    "select factor.factor, cast(to_pico(factor.factor * 2) as bigint) as pico, '2026-10' as period from book.factor as factor",
    ("book.factor",),
)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    project = Project({MODEL.name: MODEL}, {"happening": {"id": "VARCHAR"}}, {"book.factor": {"factor": "BIGINT"}})
    found = Catalog(Lake(tmp_path), project, {"event": [RawFile("f", tmp_path / "unread.parquet", {"2026-10-05": 1})]})
    Engine(found).put("book.factor", pl.DataFrame({"factor": [3]}))
    return found


def test_connections_that_are_open_at_once_do_not_see_each_others_tables(catalog: Catalog) -> None:
    with catalog.connect() as one, catalog.connect() as other:
        one.execute("create table result as select 1 as x; create table core.own as select 1 as x")
        other.execute("create table result as select 2 as x")
        assert (one.sql("from result").fetchall(), other.sql("from result").fetchall()) == ([(1,)], [(2,)])
        with pytest.raises(duckdb.CatalogException, match="own"):
            other.execute("from core.own")


def test_nothing_is_left_of_a_connection_even_where_it_ended_in_an_error(catalog: Catalog) -> None:
    def others(con: duckdb.DuckDBPyConnection) -> set[str]:
        return {
            name
            for (name,) in con.execute("select database_name from duckdb_databases() where database_name <> current_database()").fetchall()
        }

    with catalog.connect() as con:
        before = others(con)
    with pytest.raises(duckdb.ConversionException), catalog.connect() as con:
        con.execute("create table result as select 1 as x; begin; insert into result values (2); select cast('x' as integer)")
    with catalog.connect() as con:
        assert others(con) == before
        with pytest.raises(duckdb.CatalogException, match="result"):
            con.execute("from result")


def test_a_window_is_that_of_its_connection(catalog: Catalog) -> None:
    window = "select getvariable('from_day')::varchar, getvariable('to_day')::varchar"
    with catalog.connect(MODEL, ["2026-10"]) as october, catalog.connect(MODEL, ["2026-11"]) as november, catalog.connect() as none:
        assert october.execute(window).fetchall() == [("2026-10-01", "2026-11-01")]
        assert november.execute(window).fetchall() == [("2026-11-01", "2026-12-01")]
        assert none.execute(window).fetchall() == [(None, None)]


def test_every_connection_has_the_macros_the_zone_and_the_limits_of_the_catalog(catalog: Catalog) -> None:
    settings = "select current_setting('TimeZone'), current_setting('threads'), current_setting('disabled_optimizers')"
    with catalog.connect(MODEL, ["2026-10"]) as con, con.cursor() as cursor:
        assert con.execute(MODEL.sql).fetchall() == [(3, 6_000_000_000_000, "2026-10")]
        for one in (con, cursor):
            assert one.execute(settings).fetchall() == [("UTC", threads(), "statistics_propagation")]


def test_a_table_without_files_is_there_and_empty(catalog: Catalog) -> None:
    with catalog.connect() as con:
        assert con.execute("select count(factor), count(pico), count(period) from core.doubled").fetchall() == [(0, 0, 0)]
        assert con.execute("select count(id) from staging.happening").fetchall() == [(0,)]
        assert con.execute("from book.factor").fetchall() == [(3,)]


def test_a_connection_for_reading_has_the_tables_named_and_no_others(catalog: Catalog) -> None:
    with catalog.reading(["book.factor"]) as con:
        assert con.execute("select to_pico(factor) from book.factor").fetchall() == [(3_000_000_000_000,)]
        with pytest.raises(duckdb.CatalogException, match="doubled"):
            con.execute("from core.doubled")


def test_while_nothing_is_written_all_who_ask_for_every_table_share_one_connection(catalog: Catalog) -> None:
    Engine(catalog).build(MODEL)
    with catalog.sharing():
        with catalog.connect() as one:
            one.execute("set variable kept = 7")
        with catalog.connect() as other:
            assert other.execute("select getvariable('kept'), factor from core.doubled").fetchall() == [(7, 3)]
        with catalog.connect(MODEL, ["2026-10"]) as own:
            assert own.execute("select getvariable('kept')").fetchone() == (None,)
    Engine(catalog).put("book.factor", pl.DataFrame({"factor": [3, 4]}))
    Engine(catalog).build(MODEL)
    with catalog.connect() as later:
        assert later.execute("select getvariable('kept'), max(factor) from core.doubled").fetchone() == (None, 4)
