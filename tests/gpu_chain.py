"""GPU samples taken through the models that make hours of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import duckdb
import polars as pl

from meterbook.assets import workspace
from meterbook.sql.models import Columns, Project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

CHAIN = ("core.gpu_slot", "core.gpu_observed", "core.gpu_device", "core.gpu_slice", "core.gpu_state", "core.gpu_load", "core.gpu_demand")
"""Computed from samples; all other tables they read are empty but for the calendar."""
MIDNIGHT = int(datetime(2026, 10, 2, tzinfo=UTC).timestamp())
"""The start of the day of which samples are, in unix seconds."""


@cache
def _known() -> tuple[Project, dict[str, Columns]]:
    return workspace.project(), dict(workspace.columns())


def sample(second: int, **given: Any) -> dict[str, Any]:
    """A sample of a whole device that works, so many seconds after midnight."""
    at = MIDNIGHT + second
    day = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
    row = {"device_id": "g", "day": day.date(), "sampled_at": day, "sampled_second": at, "interval_seconds": 60, "source": "s", "pool": "p"}
    return {**row, "gpus": 1, "used_gpus": 1, "warm_idle_gpus": 0, "unknown_gpus": 0, "copies": 1, **given}


@contextmanager
def chained(samples: Sequence[dict[str, Any]], days: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the tables of `CHAIN` over samples; their rules that block hold, and their keys are keys."""
    project, columns = _known()
    kind = project.kinds["gpu_sample"]
    first = datetime.fromtimestamp(MIDNIGHT, UTC).date()
    with scratch() as con:
        con.execute("set timezone = 'UTC'")
        given = {table for model in CHAIN for table in project.models[model].inputs} - {*CHAIN}
        for table in sorted(given):
            empty_table(con, table, kind if table == "staging.gpu_sample" else columns[table])
        con.register("given", pl.DataFrame(samples, infer_schema_length=None).to_arrow())
        con.execute("insert into staging.gpu_sample by name select * from given")
        con.register("minutes", pl.DataFrame({"minute": range(60)}).to_arrow())
        con.execute("insert into book.minute by name select * from minutes")
        con.execute(
            "insert into book.hour by name select cast(began as date) as day, cast(began as date) as book_day, "
            "epoch(began)::bigint as hour_second, began as started_at "
            "from generate_series(?::timestamp, ?::timestamp, interval 1 hour) as hour(began)",
            [str(first - timedelta(days=1)), f"{first + timedelta(days=days - 1)} 23:00:00"],
        )
        con.execute(f"set variable from_day = date '{first}'; set variable to_day = date '{first + timedelta(days=days)}'")
        for name in CHAIN:
            model = project.models[name]
            con.execute(f"create schema if not exists core; create table {name} as {model.sql}")
            for rule in model.header.must:
                assert con.execute(f"select * from {name} where ({rule}) is not true").fetchall() == [], f"{name}: {rule}"
            key = ", ".join(model.header.key)
            assert con.execute(f"select {key} from {name} group by {key} having count(*) > 1").fetchall() == [], f"{name}: {key}"
        yield con


def states(con: duckdb.DuckDBPyConnection, hour: int = 0) -> dict[tuple[str, str], int]:
    """Seconds of an hour by team and state; of a device that is cut, seconds of its slices."""
    found = con.execute("select team, state, seconds from core.gpu_state where hour_second = ?", [MIDNIGHT + hour * 3600]).fetchall()
    assert len({row[:2] for row in found}) == len(found)
    return {(team, state): seconds for team, state, seconds in found}
