"""A day of the levers of tokens comes out the same whatever window it is computed in, and the levers of a whole month hold their rules."""

from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest

from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch
from meterbook.sql.steps import make_table

FIRST, DAYS, CALLS = date(2026, 9, 1), 34, 60
MADE = (
    *("core.truncated_answer", "core.output_histogram", "core.output_cap", "core.avoidable_attempt", "core.tier_price", "core.batch_share"),
    *("core.prompt_use", "marts.prompt_growth", "marts.output_use", "marts.retry_waste", "marts.batch_use"),
)
CHECKED = (
    "core.truncated_answer",
    "core.output_cap",
    "core.avoidable_attempt",
    "core.batch_share",
    "marts.prompt_growth",
    "marts.output_use",
)


def _request(day: int, number: int) -> dict[str, Any]:
    """One of some calls whose lengths, outcomes and tags repeat without any chance."""
    spread = (day * 61 + number * 37) % 101
    at = datetime(2026, 9, 1) + timedelta(days=day, minutes=number * 20, milliseconds=spread)
    is_failed, operation = spread % 9 == 0, f"{day}-{number - number % 3}"
    output = 0 if is_failed else 20 + spread * spread
    return {
        "request_id": f"{day}-{number}", "operation_id": operation, "attempt": number % 3 + 1, "day": at.date(), "book_day": at.date(),
        "started_at": at, "feature": "digest" if number % 4 == 0 else "chat", "provider": "openai", "model": "m",
        "served_tier": "standard", "priced_as": "openai|standard||m", "status": "failure" if is_failed else "success",
        "error_class": ("400" if spread % 2 else "Timeout") if is_failed else None, "billing": "billed", "is_cache_hit": False,
        "is_estimated": False, "input_tokens": 400 + 10 * day + spread, "prompt_tokens": 400 + 10 * day + spread, "output_tokens": output,
        "finish_reason": "length" if output > 9000 else "stop", "prefix_hash": f"p{number % 2}", "prefix_ratio": 0.5, "context_ratio": 0.25,
        "is_streaming": spread % 3 == 0, "has_tools": False,
    }  # fmt: skip


def _cost(request: dict[str, Any]) -> dict[str, Any]:
    usd = {"input_cost_usd": request["input_tokens"] * 2e-6, "output_cost_usd": request["output_tokens"] * 8e-6}
    shared = {name: value for name, value in request.items() if name in columns()["core.request_cost"]}
    total = sum(usd.values())
    return {**shared, **usd, "cache_read_cost_usd": 0, "cache_write_cost_usd": 0, "effective_cost_usd": total, "cost_usd": total,
            "uncertain_cost_usd": 0, "is_source_priced": False}  # fmt: skip


def _fill(con: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]]) -> None:
    empty_table(con, name, columns()[name])
    if rows:
        con.register("frame", pl.DataFrame(rows, infer_schema_length=None).to_arrow())
        con.execute(f"insert into {name} by name select * from frame")


def _window(con: duckdb.DuckDBPyConnection, first: date, end: date) -> None:
    con.execute(f"set variable from_day = date '{first}'; set variable to_day = date '{end}'")


@pytest.fixture(scope="module")
def month() -> Any:
    """Every model of the levers of tokens over five weeks of calls, in one window."""
    requests = [_request(day, number) for day in range(DAYS) for number in range(CALLS)]
    rate = {"rate_id": "b", "layer": "list", "provider": "openai", "model": "m", "region": "", "starts_at": datetime(2026, 1, 1),
            "ends_at": datetime(9999, 1, 1), "clock_from": "00:00:00", "weekdays": "1234567", "input_above": -1, "input_up_to": 10**6,
            "counted_input": "whole input", "input_usd": 1e-6, "output_usd": 4e-6, "priced_from": date(2026, 1, 1),
            "priced_to": date(9999, 1, 1)}  # fmt: skip
    price = {"priced_as": "openai|standard||m", "region": "", "served_tier": "standard", "card_provider": "openai", "card_model": "m",
             "rate_id": "s"}  # fmt: skip
    days = [FIRST + timedelta(days=day) for day in range(DAYS)]
    given = {
        "core.request": requests,
        "core.request_cost": [_cost(request) for request in requests],
        "core.price_in_force": [{**price, "day": day} for day in days],
        "rate_cards.rate": [{**rate, "served_tier": "standard", "rate_id": "s"}, {**rate, "served_tier": "batch"}],
        "book.day": [{"day": day, "weekday": day.isoweekday()} for day in days],
        "book.retry_policy": [{"max_attempts": 2}],
        "book.final_error": [{"pattern": "400"}],
        "book.batch_lane": [{"feature": "digest", "tolerance_hours": 24, "feasible_ppm": 800_000}],
    }
    with scratch() as con:
        _window(con, FIRST, FIRST + timedelta(days=DAYS))
        for name in {one for model in MADE for one in project().models[model].inputs} - set(MADE):
            _fill(con, name, given.get(name, []))
        for name in MADE:
            con.execute(f"create schema if not exists {name.split('.')[0]}")
            make_table(con, project().models[name], name)
        yield con


@pytest.mark.parametrize("name", MADE)
def test_the_rules_of_a_model_hold_over_a_whole_month_and_it_has_rows(month: duckdb.DuckDBPyConnection, name: str) -> None:
    header = project().models[name].header
    assert [rule for rule in header.must if month.execute(f"select 1 from {name} where ({rule}) is not true").fetchall()] == []
    assert month.execute(f"select count(*) > 0, count(*) = count(distinct ({', '.join(header.key)})) from {name}").fetchall() == [
        (True, True)
    ]


@pytest.mark.parametrize("name", CHECKED)
def test_a_day_is_the_same_in_a_window_of_its_own(month: duckdb.DuckDBPyConnection, name: str) -> None:
    for day in (FIRST + timedelta(days=9), FIRST + timedelta(days=30)):
        _window(month, day, day + timedelta(days=1))
        alone = month.execute(f"select * from ({project().models[name].sql}) order by all").fetchall()
        assert alone == month.execute(f"select * from {name} where day = date '{day}' order by all").fetchall()


def test_what_is_spared_of_the_month_is_within_what_it_cost_and_not_nothing(month: duckdb.DuckDBPyConnection) -> None:
    for table in ("marts.output_use", "marts.retry_waste", "marts.batch_use"):
        [(low, point, high)] = month.execute(
            f"select sum(low_saving_usd), sum(point_saving_usd), sum(high_saving_usd) from {table}"
        ).fetchall()
        [(cost,)] = month.execute("select sum(cost_usd) from core.request_cost").fetchall()
        assert low <= point <= high <= cost
        # Below nothing is a finding too: asking again for what a cap cuts off costs more than it saves.
        assert high


def _asks_for_calls(name: str) -> bool:
    """Whether a table has no rows where no log of calls was taken in."""
    model = project().models.get(name)
    if model is None or name.startswith("staging."):
        return name == "staging.request"
    return all(any(map(_asks_for_calls, way)) for way in model.ways)


@pytest.mark.parametrize("name", [*MADE, "marts.micro_batch"])
def test_a_book_without_calls_makes_nothing_of_it(name: str) -> None:
    assert _asks_for_calls(name)
    assert not _asks_for_calls("core.price_in_force")
