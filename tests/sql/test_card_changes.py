"""A change of price is told to the pico-dollar, and by what it is told, whoever watches takes it out: nothing else stands out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from pricing import SAID, Row, cards_of, pricing, request

from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch
from meterbook.sql.steps import make_table

pytestmark = pytest.mark.long

FIRST, DAYS = date(2026, 10, 1), 4
OWNED = ("day", "team", "provider", "model")
PRICES = st.fixed_dictionaries(dict.fromkeys(("input", "cache_read", "output", "search"), st.integers(1, 40)))
Prices = Mapping[str, int]


def _card(old: Prices, new: Prices, changes: datetime) -> str:
    """A model whose prices and band of long requests change at an instant, with a night that costs the same before and after."""

    def rate(prices: Prices, **more: object) -> str:
        said = {"starts_on": "2026-09-01", **more, **prices, "above_input_tokens": {"threshold": 5_000, "input": prices["input"] * 2}}
        return "      - {" + ", ".join(f"{key}: {_said(value)}" for key, value in said.items()) + f", {SAID}}}\n"

    night = rate({**old, "input": 3}, hours_utc="22:00-04:00")
    rates = rate(old, ends_on=changes) + rate(new, starts_on=changes) + night
    return f"provider: acme\nmodels:\n  m:\n    rates:\n{rates}"


def _said(value: object) -> str:
    return "{" + ", ".join(f"{key}: {_said(inner)}" for key, inner in value.items()) + "}" if isinstance(value, Mapping) else str(value)


@st.composite
def calls(draw: st.DrawFn) -> list[Row]:
    """Calls of some days by two teams: answered, failed, from a gateway's cache and with a price of their source."""
    found = []
    for number in range(draw(st.integers(1, 12))):
        at = datetime(FIRST.year, FIRST.month, FIRST.day) + timedelta(seconds=draw(st.integers(0, DAYS * 86_400 - 1)))
        more = {
            "team": draw(st.sampled_from(["red", "blue"])), "status": draw(st.sampled_from(["success", "success", "failure"])),
            "is_cache_hit": draw(st.integers(0, 5)) == 0, "searches": draw(st.sampled_from([None, 2])),
            "cost_basis": draw(st.sampled_from(["computed", "computed", "reported"])),
            "reported_cost_usd": draw(st.sampled_from([None, 7])),
            **{f"{meter}_tokens": draw(st.integers(0, 9_000)) for meter in ("input", "cache_read", "output")},
        }  # fmt: skip
        found.append(request(f"r{number:02d}", at, "m", **more))
    return found


def _changes(asked: Sequence[Row]) -> Mapping[tuple[Any, ...], Decimal]:
    """What core.card_change tells of the calls that were priced last, by day, owner and model."""
    con = pricing().con
    known = "select 1 from duckdb_tables() where database_name = current_database() and schema_name || '.' || table_name = ?"
    for model in ("core.price_move", "core.card_change"):
        for name in project().models[model].inputs:
            if not con.execute(known, [name]).fetchall():
                empty_table(con, name, columns()[name])
        con.execute(f"create or replace table {model} as {project().models[model].sql}")
    rows = con.execute(f"select {', '.join(OWNED)}, change_usd from core.card_change").fetchall()
    assert len(rows) <= len(asked)
    return {row[:-1]: row[-1] for row in rows}


@examples(3)
@given(PRICES, PRICES, calls(), st.integers(1, DAYS * 86_400 - 1))
def test_a_day_at_the_card_of_the_day_before_costs_what_it_would_had_the_change_come_a_day_later(
    old: Prices, new: Prices, asked: list[Row], second: int
) -> None:
    changes = datetime(FIRST.year, FIRST.month, FIRST.day) + timedelta(seconds=second)
    pricing().use(cards_of(_card(old, new, changes + timedelta(days=1))))
    later = pricing().costs(asked)
    pricing().use(cards_of(_card(old, new, changes)))
    pricing().table("core.model_spend", asked)
    heads = list(columns()["core.request_cost"])
    found = [dict(zip(heads, row, strict=True)) for row in pricing().con.execute("from core.request_cost").fetchall()]
    wanted: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in found:
        if row["cost_basis"] == "computed" and row["cost_usd"] is not None:
            wanted[tuple(row[name] for name in OWNED)] += row["cost_usd"] - later[row["request_id"]]["cost_usd"]
    assert _changes(asked) == {key: change for key, change in wanted.items() if change}


WATCHED = 70
COUNTS = {
    "requests": 2_000, "unpriced_requests": 0, "used_requests": 2_000, "repeated_attempts": 0, "prompt_tokens": 0, "cache_read_tokens": 0,
    "tokens": 0, "busiest_hour_tokens": 0, "session_requests": 0, "sessions": 0, "compared_requests": 0, "swapped_requests": 0,
    "finished_requests": 0, "truncated_requests": 0, "known_seconds": 0, "idle_seconds": 0, "units": 2_000,
}  # fmt: skip


Told = Mapping[str, tuple[Sequence[float], Mapping[int, float]]]
"""Scope -> what each day cost, and what of a day's cost a change of price brought."""


def _watch(con: duckdb.DuckDBPyConnection, told: Told, dimensions: Sequence[str]) -> None:
    """Give a database the days of some scopes."""
    days = [FIRST + timedelta(days=n) for n in range(WATCHED)]
    calendar = pl.DataFrame({"day": days, "weekday": [day.isoweekday() for day in days]})
    rows = [
        {"day": day, "dimension": dimension, "scope": scope, "cost_usd": cost, "change_usd": changes.get(n, 0.0), **COUNTS}
        for scope, (costs, changes) in told.items() for dimension in dimensions
        for n, (day, cost) in enumerate(zip(days, costs, strict=True))
    ]  # fmt: skip
    for name, frame in (("book.day", calendar), ("marts.series", pl.DataFrame(rows))):
        empty_table(con, name, columns()[name])
        con.register("frame", frame.to_arrow())
        con.execute(f"insert into {name} by name select * from frame")


def _scores(con: duckdb.DuckDBPyConnection, first: int, end: int) -> list[tuple[Any, ...]]:
    """What marts.series_score has of a range of days."""
    from_day, to_day = (FIRST + timedelta(days=n) for n in (first, end))
    con.execute(f"set variable from_day = date '{from_day}'; set variable to_day = date '{to_day}'")
    make_table(con, project().models["marts.series_score"], "made")
    found = con.execute("select day, scope, measure, kind, z, made.* from made order by day, dimension, scope, measure").fetchall()
    con.execute("drop table made")
    return found


def _kinds(told: Told) -> set[tuple[str, str]]:
    """Scope and measure of what stands out."""
    with scratch() as con:
        _watch(con, told, ["model", "feature", "unit"])
        found = _scores(con, 40, WATCHED)
    # Of weekends there are too few days to judge.
    assert {measure for _, _, measure, _, z, *_ in found if z is not None} >= {"cost", "cost per request", "cost per unit"}
    return {(scope, measure) for _, scope, measure, kind, *_ in found if kind is not None}


@examples(2)
@given(st.lists(st.tuples(st.floats(0.3, 3), st.integers(30, 60), st.floats(0.2, 1)), min_size=8, max_size=16), st.integers(0, 2**16))
def test_nothing_stands_out_where_only_a_price_changed(moves: list[tuple[float, int, float]], seed: int) -> None:
    weekly = np.where((np.arange(WATCHED) + FIRST.weekday()) % 7 > 4, 400.0, 1_000.0)
    rng = np.random.default_rng(seed)
    told = {}
    for number, (factor, day, part) in enumerate(moves):
        calm = weekly * np.exp(rng.normal(0, 0.02, WATCHED))
        # So large a part of the use is of the model whose price changed.
        raised = 1 + part * (factor - 1)
        paid = np.where(np.arange(WATCHED) >= day, calm * raised, calm)
        told[f"{number:02d}"] = (paid.tolist(), {day: float(calm[day]) * (raised - 1)})
    assert _kinds(told) == set()


def test_a_change_of_price_that_nobody_knows_of_stands_out() -> None:
    paid = [1_000.0] * 50 + [1_400.0] * (WATCHED - 50)
    assert _kinds({"s": (paid, {})}) == {("s", measure) for measure in ("cost", "cost per request", "cost per unit")}


def test_days_scored_apart_are_those_scored_together() -> None:
    costs = 1_000 * np.exp(np.random.default_rng(3).normal(0, 0.3, WATCHED))
    with scratch() as con:
        _watch(con, {"s": (costs.tolist(), dict.fromkeys(range(WATCHED), 5.0))}, ["team"])
        together = _scores(con, 40, WATCHED)
        assert _scores(con, 40, 55) + _scores(con, 55, 69) + _scores(con, 69, WATCHED) == together
