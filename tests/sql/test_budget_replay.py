"""Levels fire once in a scope, period and level, the same whatever the order of what was used and however days are cut into runs."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import duckdb
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.budget_tables import budget_tables
from meterbook.assets.budgets import BudgetsFile
from meterbook.assets.clock import calendar
from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch
from meterbook.sql.steps import make_table

pytestmark = pytest.mark.long

FIRST, LAST = date(2026, 9, 22), date(2026, 10, 6)
LEVELS = (50, 80, 95)
MODELS = ("marts.budget_use", "marts.budget_outlook", "marts.budget_event")
RAISE = {"amount": 60, "starts_on": "2026-09-26", "ends_on": "2026-10-02"}
BUDGETS = BudgetsFile.model_validate(
    {
        "budgets": [
            {"budget": "month", "amount_usd": 100, "forecast_levels": [80, 100]},
            {"budget": "week", "amount_usd": "20.5", "period": "week", "team": "red"},
            {"budget": "day", "amount": 9, "period": "day", "measure": "requests", "team": "red"},
            {"budget": "nothing", "amount": 0, "period": "quarter", "measure": "tokens", "team": "red"},
            {"budget": "late", "amount_usd": 30, "team": "blue", "starts_on": "2026-09-24", "raises": [RAISE]},
        ]
    }
)
Rows = Sequence[tuple[Any, ...]]
Day = st.integers(0, (LAST - FIRST).days).map(lambda n: FIRST + timedelta(days=n))
Use = st.dictionaries(
    st.tuples(st.sampled_from([one.budget for one in BUDGETS.budgets]), Day), st.integers(-3, 40).map(lambda n: Decimal(n) / 2), max_size=60
)


@given(Use, st.randoms(use_true_random=False))
@examples(2)
def test_events_are_the_same_over_shuffled_use_and_day_by_day(use: dict[tuple[str, date], Decimal], rng: random.Random) -> None:
    rows = [(budget, day, used) for (budget, day), used in use.items()]
    shuffled = rng.sample(rows, len(rows))
    end = LAST + timedelta(days=1)
    whole = _events(rows, [(FIRST, end)])
    # Cuts anywhere, often into single days.
    cuts = sorted({FIRST, end, *(FIRST + timedelta(days=rng.randrange(1, (end - FIRST).days)) for _ in range(5))})
    assert _events(shuffled, list(pairwise(cuts))) == whole
    # What fired on a day does not hang on the days after it.
    assert _events(shuffled, [(FIRST, cuts[-2])]) == [row for row in whole if row[4] < cuts[-2]]
    fired = [row[:4] for row in whole]
    assert len(fired) == len(set(fired))


def test_steady_use_is_forecast_once_before_it_is_reached_and_each_level_fires_day_by_day_as_in_one_go() -> None:
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    rows = [("month", day, Decimal(12)) for day in days]
    fired = _events(rows, [(day, day + timedelta(days=1)) for day in days])
    assert fired == _events(rows[::-1], [(FIRST, LAST + timedelta(days=1))])
    october = [(row[3], row[2], row[4].day) for row in fired if row[1] == date(2026, 10, 1)]
    assert october == [("actual", 50, 5), ("forecast", 80, 1), ("forecast", 100, 1)]


@given(Use)
@examples(10)
def test_each_level_fires_on_the_first_day_that_reaches_it_and_never_again(use: dict[tuple[str, date], Decimal]) -> None:
    rows = [(budget, day, used) for (budget, day), used in use.items()]
    found = {row[:3]: row[4] for row in _events(rows, [(FIRST, LAST + timedelta(days=1))], forecasts=False)}
    assert found == _expected(use)


def _expected(use: dict[tuple[str, date], Decimal]) -> dict[tuple[str, date, int], date]:
    """The same by a walk over the days."""
    found: dict[tuple[str, date, int], date] = {}
    for one in BUDGETS.budgets:
        used: dict[date, Decimal] = {}
        peaks: dict[date, Decimal] = {}
        day = max(FIRST, one.starts_on)
        while day <= LAST:
            begins = {
                "day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1),
                "quarter": date(day.year, (day.month - 1) // 3 * 3 + 1, 1),
            }  # fmt: skip
            start = max(begins[one.period], one.starts_on)
            used[start] = used.get(start, Decimal(0)) + use.get((one.budget, day), Decimal(0))
            peak = peaks[start] = max(peaks.get(start, used[start]), used[start])
            for level in LEVELS:
                if peak > 0 and peak * 100 >= one.limit_on(day) * level:
                    found.setdefault((one.budget, start, level), day)
            day += timedelta(days=1)
    return found


def _events(rows: Rows, windows: Sequence[tuple[date, date]], *, forecasts: bool = True) -> Rows:
    """All that fires, the models made window by window from what was made before."""
    with scratch() as con:
        for name, frame in budget_tables(BUDGETS).items():
            con.register("frame", frame.to_arrow())
            con.execute(f"create schema if not exists book; create table {name} as select * from frame")
        con.register("frame", calendar(date(2025, 6, 1), date(2027, 3, 1)).to_arrow())
        con.execute("create table book.day as select * from frame; create schema marts")
        for name in ("core.card_change", "core.cost_ahead"):
            empty_table(con, name, columns()[name])
        for name in ("marts.budget_day", *MODELS):
            empty_table(con, name.replace("marts.", "whole."), columns()[name])
        used = ", ".join(f"('{budget}', date '{day}', {amount})" for budget, day, amount in rows)
        if rows:
            con.execute(f"insert into whole.budget_day (budget, day, used) values {used}")
        for window in windows:
            for name in MODELS if forecasts else ("marts.budget_use", "marts.budget_event"):
                _make(con, name, *window)
        return con.execute("select * from whole.budget_event order by budget, period_start, kind, level_percent").fetchall()


def _make(con: duckdb.DuckDBPyConnection, name: str, first: date, after: date) -> None:
    """Make a model for a window, from as many days before it as it says, and none after."""
    model = project().models[name]
    con.execute(f"set variable from_day = date '{first}'; set variable to_day = date '{after}'")
    read_from = first - timedelta(days=model.header.lookback_days)
    for table in (one for one in model.inputs if one.startswith("marts.")):
        whole = table.replace("marts.", "whole.")
        con.execute(f"create or replace view {table} as select * from {whole} where day >= '{read_from}' and day < '{after}'")
    make_table(con, model, "result")
    con.execute(f"insert into {name.replace('marts.', 'whole.')} select * from result; drop table result")
