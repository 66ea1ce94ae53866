"""What must always hold for FOCUS rows, whatever was used at whatever price: no dollar is lost, and prices times quantities are costs."""

from decimal import Decimal
from typing import Any

import pytest
from examples import examples
from focus_month import FOCUS, fill, make
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.workspace import project
from meterbook.sql.scratch import scratch

pytestmark = pytest.mark.long

METERS = ("input", "cache_read", "cache_write_5m", "output", "reasoning")
LAYERS = ("list", "contracted", "effective")
Prices = dict[str, dict[str, Decimal]]
Row = dict[str, Any]
SUMS = ", ".join(f"coalesce(sum({name}), 0)" for name in ("list_cost", "contracted_cost", "effective_cost", "billed_cost"))
PRICE = st.decimals(min_value=0, max_value="0.0001", places=12)
PRICES = st.fixed_dictionaries({layer: st.fixed_dictionaries(dict.fromkeys(METERS, PRICE)) for layer in LAYERS})
CALL = st.fixed_dictionaries(
    {
        "input": st.integers(0, 10**7), "cache_read": st.integers(0, 10**6), "cache_write_5m": st.integers(0, 10**6),
        "output": st.integers(0, 10**5), "reasoning": st.integers(0, 10**5), "team": st.sampled_from(["red", "blue", None]),
        "basis": st.sampled_from(["computed", "computed", "computed", "not billed", "reported"]),
    }
)  # fmt: skip
LEAST = st.decimals(min_value=0, max_value=1, places=6)


def _cost(call: Row, prices: Prices, layer: str, least: Decimal) -> Decimal:
    """As a call is priced: reasoning inside of output at a price of its own, and a least amount per call."""
    reasoned = min(call["reasoning"], call["output"])
    units = {**call, "output": call["output"] - reasoned, "reasoning": reasoned}
    return max(least, sum((units[meter] * prices[layer][meter] for meter in METERS), Decimal(0)))


def _row(number: int, call: Row, prices: Prices, least: Decimal) -> Row:
    cost = {layer: _cost(call, prices, layer, least) for layer in LAYERS}
    if call["basis"] != "computed":
        cost = dict.fromkeys(LAYERS, Decimal(0) if call["basis"] == "not billed" else Decimal(number + 1) / 8)
    tokens = {f"{meter}_tokens": call[meter] for meter in METERS[:4]} | {"reasoning_tokens": min(call["reasoning"], call["output"])}
    return {
        "request_id": str(number), "day": "2026-10-02", "provider": "acme", "model": "small", "card_model": "small", "rate_id": "rate",
        "served_tier": "standard", "team": call["team"], "cost_basis": "reported" if call["basis"] == "reported" else "computed",
        "billing": "not billed" if call["basis"] == "not billed" else "billed", "is_estimated": False, **tokens,
        "list_cost_usd": cost["list"], "contracted_cost_usd": cost["contracted"], "cost_usd": cost["effective"],
    }  # fmt: skip


@examples(10)
@given(st.lists(CALL, min_size=1, max_size=8), PRICES, LEAST)
def test_rows_come_to_the_cost_of_the_calls_in_each_layer_and_prices_times_quantities_to_costs(
    calls: list[Row], prices: Prices, least: Decimal
) -> None:
    rows = [_row(number, call, prices, least) for number, call in enumerate(calls)]
    always = {"rate_id": "rate", "priced_from": "2020-01-01", "priced_to": "9999-12-31"}
    rates = [{**always, "meter": meter, **{f"{layer}_usd": prices[layer][meter] for layer in LAYERS}} for meter in METERS]
    read = {name for model in FOCUS for name in project().models[model].inputs} - set(FOCUS)
    with scratch() as con:
        fill(con, {"core.request_cost": rows, "rate_cards.unit_rate": rates}, sorted(read))
        make(con)
        found = con.execute(f"select {SUMS} from marts.focus").fetchall()
        priced = con.execute("select list_unit_price, pricing_quantity, list_cost, contracted_unit_price, contracted_cost from marts.focus")
        for list_price, quantity, list_cost, contracted_price, contracted_cost in priced.fetchall():
            assert (list_price * quantity, contracted_price * quantity) == (list_cost, contracted_cost)
    names = ("list_cost_usd", "contracted_cost_usd", "cost_usd")
    assert found == [(*(sum((row[name] for row in rows), Decimal(0)) for name in names), Decimal(0))]


@examples(10)
@given(st.lists(st.tuples(st.integers(1, 3600), st.sampled_from(["red", "unassigned"])), min_size=1, max_size=6), PRICE)
def test_gpu_rows_come_to_the_cost_of_the_hours_however_they_are_cut(hours: list[tuple[int, str]], price: Decimal) -> None:
    hour = {"day": "2026-10-02", "pool": "p", "rate_id": "gpu", "gpus": 1, "free_idle_seconds": 0, "unknown_seconds": 0}
    rows = []
    for number, (seconds, team) in enumerate(hours):
        used, idle = seconds * price, (3600 - seconds) * price
        rows.append({
            **hour, "device_id": "g", "team": team, "started_at": f"2026-10-02 {number:02}:00:00", "used_seconds": seconds,
            "warm_idle_seconds": 3600 - seconds, "used_cost_usd": used, "warm_idle_cost_usd": idle, "cost_usd": used + idle,
            "free_idle_cost_usd": 0, "unknown_cost_usd": 0,
        })  # fmt: skip
    prices = [{"day": row["day"], "device_id": "g", "started_at": row["started_at"], "seconds": 3600, "covered_seconds": 0} for row in rows]
    rate = {"rate_id": "gpu", "meter": "gpu_hour", "priced_from": "2020-01-01", "priced_to": "9999-12-31"}
    rate |= {f"{layer}_usd": str(price * 3600) for layer in LAYERS}
    read = {name for model in FOCUS for name in project().models[model].inputs} - set(FOCUS)
    with scratch() as con:
        fill(con, {"core.gpu_hour": rows, "core.gpu_price": prices, "rate_cards.unit_rate": [rate]}, sorted(read))
        make(con)
        [(cost, list_cost, count)] = con.execute(
            "select coalesce(sum(effective_cost), 0), coalesce(sum(list_cost), 0), count(*) from marts.focus"
        ).fetchall()
    assert cost == sum(row["cost_usd"] for row in rows)
    # Each row's hours are rounded at the millionth.
    assert abs(list_cost - cost) <= count * price * 3600 / 2_000_000 + Decimal("0.000000000001") * count
