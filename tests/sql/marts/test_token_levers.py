"""What caps, retries and batch would save keeps its signs and its bounds, whatever was called and whatever it cost."""

from decimal import Decimal
from typing import Any

import duckdb
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

pytestmark = pytest.mark.long

DAY = "2026-10-02"
USD = st.decimals(min_value=0, max_value=50, places=12, allow_nan=False, allow_infinity=False)
SHARES = st.lists(st.integers(0, 1_000_000), min_size=3, max_size=3).map(sorted)


@st.composite
def _call(draw: st.DrawFn) -> dict[str, Any]:
    parts = {name: draw(USD) for name in ("input_cost_usd", "cache_read_cost_usd", "cache_write_cost_usd", "output_cost_usd")}
    known = draw(st.booleans())
    total = sum(parts.values(), Decimal(0)) if known else None
    return {
        "status": draw(st.sampled_from(["success", "failure"])),
        "attempt": draw(st.integers(1, 6)),
        "operation_id": draw(st.sampled_from("abc")),
        "error_class": draw(st.sampled_from([None, "Timeout", "BadRequestError"])),
        "is_source_priced": draw(st.booleans()),
        "output_tokens": draw(st.integers(1, 2000)),
        **(parts if known else {}),
        "effective_cost_usd": total,
        "cost_usd": total,
    }


CALLS = st.lists(_call(), min_size=1, max_size=12)


def _fill(con: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        con.execute(f"insert into {name} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _made(model: str, given_rows: dict[str, list[dict[str, Any]]], *first: str) -> list[dict[str, Any]]:
    """Rows of a model after others that it reads; its own rules hold."""
    wanted = [*first, model]
    with scratch() as con:
        con.execute(f"set variable from_day = date '{DAY}'; set variable to_day = date '2026-10-03'")
        for name in {one for each in wanted for one in project().models[each].inputs} - set(wanted):
            empty_table(con, name, columns()[name])
            _fill(con, name, given_rows.get(name, []))
        for each in wanted:
            con.execute(f"create schema if not exists {each.split('.')[0]}; create table {each} as {project().models[each].sql}")
            for rule in project().models[each].header.must:
                assert not con.execute(f"select * from {each} where ({rule}) is not true").fetchall(), rule
        return con.sql(f"select * from {model}").pl().to_dicts()


def _costs(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    said = {"day": DAY, "book_day": DAY, "feature": "chat", "provider": "openai", "model": "m", "served_tier": "standard"}
    return [{**said, "request_id": f"r{number}", "is_cache_hit": False, "is_estimated": False, **call} for number, call in enumerate(calls)]


@examples(10)
@given(CALLS, SHARES, st.integers(1, 2000))
def test_a_cap_saves_at_most_the_output_beyond_it_and_loses_at_most_all_that_is_asked_again(
    calls: list[dict[str, Any]], rho: list[int], cap: int
) -> None:
    high, point, low = rho
    held = {"day": DAY, "feature": "chat", "provider": "openai", "model": "m", "cap_tokens": cap, "is_stated": True}
    caps = [{**held, "low_retry_ppm": low, "point_retry_ppm": point, "high_retry_ppm": high}]
    rows = _made("marts.output_use", {"core.request_cost": _costs(calls), "core.output_cap": caps})
    over = [
        call
        for call in calls
        if call["status"] == "success" and call["output_tokens"] > cap and call["cost_usd"] is not None and not call["is_source_priced"]
    ]
    spared = sum((call["output_cost_usd"] * (call["output_tokens"] - cap) / call["output_tokens"] for call in over), Decimal(0))
    for row in rows:
        assert row["high_saving_usd"] <= spared + Decimal("1e-12")
        assert row["low_saving_usd"] >= -sum((call["cost_usd"] for call in over), Decimal(0))


@examples(10)
@given(CALLS, st.integers(1, 4))
def test_retries_spare_no_more_than_failed_attempts_cost(calls: list[dict[str, Any]], limit: int) -> None:
    given_rows = {
        "core.request_cost": _costs(calls),
        "book.retry_policy": [{"max_attempts": limit}],
        "book.final_error": [{"pattern": "%badrequest%"}],
    }
    rows = _made("marts.retry_waste", given_rows, "core.avoidable_attempt")
    failed = [call for call in calls if call["status"] == "failure" and call["cost_usd"] is not None]
    assert sum((row["high_saving_usd"] for row in rows), Decimal(0)) == sum((call["cost_usd"] for call in failed), Decimal(0))
    beyond = sum((call["cost_usd"] for call in failed if call["attempt"] > limit), Decimal(0))
    assert sum((row["low_saving_usd"] for row in rows), Decimal(0)) == beyond


@examples(10)
@given(CALLS, st.lists(st.tuples(SHARES, USD), min_size=12, max_size=12))
def test_what_can_go_by_batch_never_exceeds_what_was_spent_and_saves_only_what_its_price_is_below(
    calls: list[dict[str, Any]], shares: list[tuple[list[int], Decimal]]
) -> None:
    told = [
        {"request_id": f"r{n}", "day": DAY, "low_ppm": low, "point_ppm": point, "high_ppm": high, "batch_tokens_usd": usd}
        for n, ((low, point, high), usd) in enumerate(shares)
    ]
    rows = _made("marts.batch_use", {"core.request_cost": _costs(calls), "core.batch_share": told})
    known = [
        (call["cost_usd"], usd)
        for call, (_, usd) in zip(calls, shares, strict=False)
        if call["cost_usd"] is not None and not call["is_source_priced"]
    ]
    gains = sum((max(cost - usd, Decimal(0)) for cost, usd in known), Decimal(0))
    losses = sum((min(cost - usd, Decimal(0)) for cost, usd in known), Decimal(0))
    for row in rows:
        assert row["eligible_cost_usd"] <= (row["cost_usd"] or 0)
        assert all(losses <= row[f"{name}_saving_usd"] <= gains for name in ("low", "point", "high"))
