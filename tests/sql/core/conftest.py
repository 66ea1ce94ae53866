"""Models run one after the other in memory, each on what the ones before it made."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

import duckdb
import polars as pl
import pytest
from rows import insert

from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

Given = Mapping[str, Sequence[Mapping[str, object]] | pl.DataFrame]
Made = dict[str, list[dict[str, object]]]


@pytest.fixture(scope="session")
def chain() -> Callable[[Given, Iterable[str], date, date], Made]:
    """Rows of some models, given the other tables they read, for the days from one to before another; broken rules fail the test."""
    return _chain


def _chain(given: Given, models: Iterable[str], first: date, last: date) -> Made:
    wanted = list(models)
    with scratch() as con:
        con.execute(f"set variable from_day = date '{first}'; set variable to_day = date '{last}'")
        for name in {one for model in wanted for one in project().models[model].inputs} - set(wanted):
            _fill(con, name, given.get(name, []))
        return {name: _make(con, name) for name in wanted}


def _fill(con: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Mapping[str, object]] | pl.DataFrame) -> None:
    shape = project().kinds[name.split(".")[1]] if project().is_kind_view(name) else columns()[name]
    empty_table(con, name, shape)
    if isinstance(rows, pl.DataFrame):
        con.register("frame", rows.to_arrow())
        con.execute(f"insert into {name} by name select * from frame")
        return
    insert(con, name, shape, rows)


def _make(con: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, object]]:
    model = project().models[name]
    con.execute(f"create schema if not exists {model.layer}")
    con.execute(f"create table {name} as {model.sql}")
    for rule in model.header.must:
        assert not con.execute(f"select * from {name} where ({rule}) is not true").fetchall(), f"{name}: {rule}"
    return con.sql(f"select * from {name}").pl().to_dicts()
