"""What the detector finds in series whose truth is known."""

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest

from meterbook.assets import workspace
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

FIRST = date(2026, 7, 1)
DAYS = 100


def _quiet(seed: int, level: float) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.08, DAYS)
    weekend = np.array([0.6 if (FIRST + timedelta(days=n)).weekday() >= 5 else 1.0 for n in range(DAYS)])
    return level * weekend * np.exp(noise)


def _frame(scope: str, cost: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "day": [FIRST + timedelta(days=n) for n in range(DAYS)],
            "dimension": "team",
            "scope": scope,
            "owner": scope,
            "requests": 100,
            "repeated_attempts": 0,
            "tokens": 1000,
            "cost_usd": [round(float(value), 6) for value in cost],
        }
    )


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch() as connection:
        columns = workspace.columns()
        for name in ("marts.series", "book.day", "core.rate_in_force", "core.large_request"):
            empty_table(connection, name, columns[name])
        connection.execute(
            "insert into book.day (day) select unnest(generate_series(date '2026-01-01', date '2026-12-31', interval 1 day))::date"
        )
        yield connection


def _found(
    con: duckdb.DuckDBPyConnection, frames: list[pl.DataFrame], first: date = FIRST, last: date = FIRST + timedelta(days=DAYS)
) -> pl.DataFrame:
    models = workspace.project().models
    series = pl.concat(frames).filter(pl.col("day") < last, pl.col("day") >= first - timedelta(days=150)).to_arrow()
    con.register("given", series)
    con.execute("delete from marts.series; insert into marts.series by name select * from given")
    con.execute(f"set variable from_day = date '{first}'; set variable to_day = date '{last}'")
    con.execute(f"create or replace table marts.series_score as {models['marts.series_score'].sql}")
    found = pl.from_arrow(con.sql(f"select * from ({models['marts.anomaly'].sql}) order by day, scope, measure").to_arrow_table())
    assert isinstance(found, pl.DataFrame)
    return found


def test_a_planted_spike_is_found_on_its_day_and_nothing_else(con: duckdb.DuckDBPyConnection) -> None:
    cost = _quiet(1, 200)
    cost[80] *= 4
    found = _found(con, [_frame("red", cost), _frame("blue", _quiet(2, 90))]).filter(pl.col("measure") == "cost")
    assert found.select("day", "scope", "kind").rows() == [(FIRST + timedelta(days=80), "red", "spike")]


def test_a_slow_ramp_is_found_as_drift(con: duckdb.DuckDBPyConnection) -> None:
    cost = _quiet(3, 200)
    cost[60:] *= np.linspace(1, 2.2, DAYS - 60)
    kinds = _found(con, [_frame("red", cost), _frame("blue", _quiet(4, 90))]).filter(pl.col("measure") == "cost")
    assert "drift" in kinds["kind"].to_list()
    assert set(kinds["scope"]) == {"red"}


def test_a_collapse_is_found_as_a_drop(con: duckdb.DuckDBPyConnection) -> None:
    cost = _quiet(5, 200)
    cost[90] *= 0.02
    found = _found(con, [_frame("red", cost)]).filter(pl.col("measure") == "cost")
    assert ("drop", FIRST + timedelta(days=90)) in found.select("kind", "day").rows()


def test_quiet_series_stay_quiet(con: duckdb.DuckDBPyConnection) -> None:
    frames = [_frame(f"team {n}", _quiet(100 + n, 150)) for n in range(12)]
    found = _found(con, frames).filter(pl.col("measure") == "cost")
    assert found.height / (12 * DAYS) < 0.005


def test_a_day_is_judged_alike_alone_and_in_a_long_window(con: duckdb.DuckDBPyConnection) -> None:
    cost = _quiet(6, 200)
    cost[80] *= 4
    frames = [_frame("red", cost), _frame("blue", _quiet(7, 90))]
    day = FIRST + timedelta(days=80)
    together = _found(con, frames).filter(pl.col("day") == day)
    alone = _found(con, frames, day, day + timedelta(days=1))
    assert together.equals(alone)
