"""A day's caches are the same whatever days are computed with it, and what they spare is in order however it is added up."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pytest

from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch
from meterbook.sql.steps import make_table

FIRST, DAYS, CALLS = date(2026, 10, 2), 3, 400
SHOWN = "cast(day as varchar), request_id, place, low_ppm, point_ppm, high_ppm, wide_place, wide_high_ppm, prefix_low_ppm, prefix_high_ppm"


@pytest.fixture(scope="module")
def keys() -> Sequence[tuple[Any, ...]]:
    """Calls of three days and the day before them, most within an hour of midnight, of few questions and three tenants."""
    rng = np.random.default_rng(7)
    rows = []
    for number in range(CALLS):
        midnight = datetime.combine(FIRST, datetime.min.time()) + timedelta(days=int(rng.integers(0, DAYS)))
        at = midnight + timedelta(seconds=int(rng.integers(-5400, 5400)))
        rows.append((f"{number:03d}", at.date(), at, f"tenant {rng.integers(0, 3)}", *[f"question {rng.integers(0, 9)}"] * 2))
    return rows


def replayed(con: duckdb.DuckDBPyConnection, first: date, end: date) -> list[Any]:
    con.execute(f"set variable from_day = date '{first}'; set variable to_day = date '{end}'")
    make_table(con, project().models["core.cache_replay"], "made")
    found = con.execute(f"select {SHOWN} from made order by all").fetchall()
    con.execute("drop table made")
    return found


def test_days_computed_apart_are_those_computed_together(keys: Sequence[tuple[Any, ...]]) -> None:
    with scratch() as con:
        for table in ("core.request", "book.response_cache", "book.prompt_cache"):
            empty_table(con, table, columns()[table])
        rule = "place, feature, ttl_seconds, is_opted_in, is_shared, is_user_specific"
        con.execute(f"insert into book.response_cache ({rule}) values (1, '%', 1800, false, false, false)")
        rule = "place, provider, model, ttl_seconds, minimum_tokens"
        con.execute(f"insert into book.prompt_cache ({rule}) values (1, '%', '%', 1800, 9)")
        names = "request_id, day, started_at, tenant, prompt_hash, prefix_hash, status, is_cache_hit, temperature, has_tools"
        sizes = "prefix_ratio, prompt_tokens, input_tokens"
        values = "?, ?, ?, ?, ?, ?, 'success', false, 0, false, 0.5, 100, 100"
        con.executemany(f"insert into core.request ({names}, {sizes}) values ({values})", keys)
        days = [FIRST + timedelta(days=n) for n in range(DAYS)]
        together = replayed(con, days[0], days[-1] + timedelta(days=1))
        apart = [row for day in days for row in replayed(con, day, day + timedelta(days=1))]
    assert together == apart
    for place in (5, 7, 9):
        assert {row[0] for row in together if row[place]} == {str(day) for day in days}
