"""What must always hold of the chain of levers, whatever calls and levers there are: shown on the models that make it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets import workspace
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

pytestmark = pytest.mark.long

LEVERS = ("duplicates", "retries", "caps", "routing", "prompt cache", "batch")
SCENARIOS = ("low", "point", "high")
CHAIN = ("core.model_spend", "core.lever_call", "core.lever_saving", "core.lever_cost")
ONE = 1_000_000
DAY = "2026-10-02"
PICO = 10**12
PRICES = {
    "large": {
        "input": 2_000_000,
        "read": 200_000,
        "write": 2_500_000,
        "output": 8_000_000,
        "batch": (1_000_000, 100_000, 1_250_000, 4_000_000),
    },
    "small": {"input": 400_000, "read": 40_000, "write": 400_000, "output": 1_600_000, "batch": None},
}
Row = dict[str, Any]
ppm = st.sampled_from([0, 1, 250_000, 333_333, 800_000, ONE])
ordered = st.tuples(ppm, ppm, ppm).map(sorted)
few = examples(8)


@st.composite
def worlds(draw: st.DrawFn, *, with_levers: bool = True) -> dict[str, list[Row]]:
    """Calls of two features, and what levers say of them."""
    found: dict[str, list[Row]] = defaultdict(list)
    for number in range(draw(st.integers(1, 6))):
        call = {
            "request_id": f"r{number}",
            "day": DAY,
            "book_day": DAY,
            "provider": "acme",
            "model": "m",
            "served_tier": "standard",
            "feature": draw(st.sampled_from(["f", "g", None])),
            "team": draw(st.sampled_from(["a", "b"])),
            "rate_id": "large",
            "input_tokens": draw(st.integers(0, 5000)),
            "output_tokens": draw(st.integers(0, 3000)),
            "cache_read_tokens": draw(st.integers(0, 900)),
            "cost_basis": draw(st.sampled_from(["computed", "computed", "reported"])),
        }
        call["cost_usd"] = Decimal(_cost("large", call["input_tokens"], call["cache_read_tokens"], 0, call["output_tokens"])) / PICO
        found["core.request_cost"].append(call)
        if with_levers:
            _touch(draw, found, {"request_id": call["request_id"], "day": DAY})
    if with_levers:
        group = {"day": DAY, "feature": "f", "provider": "acme", "model": "m"}
        retry = draw(ordered)
        found["core.output_cap"].append({**group, "cap_tokens": draw(st.integers(1, 3000)), **_three("{}_retry_ppm", retry[::-1])})
        offer = {"served_tier": "standard", "to_rate_id": "small", "guard_pico": draw(st.sampled_from([0, 10**7, 10**9]))}
        found["core.route_offer"].append({**group, **offer, **_three("{}_accept_ppm", draw(ordered))})
    return found


def _touch(draw: st.DrawFn, found: dict[str, list[Row]], call: Row) -> None:
    for table in ("core.repeated_prompt", "core.avoidable_attempt", "core.batch_share"):
        if draw(st.booleans()):
            found[table].append({**call, **_three("{}_ppm", draw(ordered))})
    if draw(st.booleans()):
        tokens = sorted(draw(st.lists(st.integers(0, 6000), min_size=3, max_size=3)))
        found["core.prefix_reuse"].append({**call, **_three("{}_read_tokens", tokens), **_three("{}_write_tokens", tokens[::-1])})


def _three(name: str, values: Sequence[int]) -> Row:
    return {name.format(scenario): value for scenario, value in zip(SCENARIOS, values, strict=True)}


def _cost(rate: str, plain: int, reads: int, writes: int, outs: int) -> int:
    price = PRICES[rate]
    return plain * price["input"] + reads * price["read"] + writes * price["write"] + outs * price["output"]  # type: ignore[operator] # ints


def _batched(rate: str, plain: int, reads: int, writes: int, outs: int) -> int:
    if (price := PRICES[rate]["batch"]) is None:
        return _cost(rate, plain, reads, writes, outs)
    return sum(tokens * pico for tokens, pico in zip((plain, reads, writes, outs), price, strict=True))  # type: ignore[call-overload] # a tuple


def _rates() -> list[Row]:
    rows = []
    for rate, price in PRICES.items():
        row: Row = {"day": DAY, "rate_id": rate, "input_above": -1, "input_up_to": 10**9, "reasoning_extra_pico": 0, "request_pico": 0}
        row |= {"input_pico": price["input"], "cache_read_pico": price["read"], "cache_write_5m_pico": price["write"]}
        row |= {"cache_write_1h_pico": price["write"], "output_pico": price["output"]}
        if price["batch"]:
            names = ("input", "cache_read", "cache_write_5m", "output")
            row |= {f"batch_{name}_pico": pico for name, pico in zip(names, price["batch"], strict=True)}  # type: ignore[call-overload] # a tuple
            row |= {"batch_cache_write_1h_pico": price["batch"][2], "batch_reasoning_extra_pico": 0, "batch_request_pico": 0}  # type: ignore[index] # a tuple
        rows.append(row)
    return rows


def chain(world: Mapping[str, list[Row]]) -> list[Row]:
    """The rows of core.lever_cost, as the models make them of a world."""
    models, columns = workspace.project().models, workspace.columns()
    rows = {**world, "core.lever_price": _rates()}
    with scratch() as con:
        con.execute(f"set variable from_day = date '{DAY}'; set variable to_day = date '{DAY}' + 1")
        for name in {*(table for made in CHAIN for table in models[made].inputs)} - {*CHAIN}:
            empty_table(con, name, columns[name])
            for row in rows.get(name, []):
                con.execute(f"insert into {name} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))
        for name in CHAIN:
            con.execute(f"create table {name} as {models[name].sql}")
        result = con.execute("select * from core.lever_cost")
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _total(rows: Sequence[Row], scenario: str, lever: str, column: str) -> Decimal:
    return sum((row[column] for row in rows if (row["scenario"], row["lever"]) == (scenario, lever)), Decimal(0))


def _spared(world: Mapping[str, list[Row]], call: Row, scenario: str) -> list[Fraction]:
    """What each lever spares of one call, in pico-dollars, by the formulas of docs/levers.md, without any rounding."""
    if call["cost_basis"] != "computed" or not call["cost_usd"]:
        return [Fraction(0)] * len(LEVERS)

    def share(table: str, column: str) -> Fraction:
        return sum(
            (Fraction(row[f"{scenario}_{column}"], ONE) for row in world.get(table, []) if row["request_id"] == call["request_id"]),
            Fraction(0),
        )

    hit, spared, batch = (share(table, "ppm") for table in ("core.repeated_prompt", "core.avoidable_attempt", "core.batch_share"))
    plain, reads, outs = call["input_tokens"], call["cache_read_tokens"], call["output_tokens"]
    [cap], [offer] = world.get("core.output_cap") or [None], world.get("core.route_offer") or [None]
    is_cut = cap is not None and call["feature"] == cap["feature"] and outs > cap["cap_tokens"]
    again = Fraction(cap[f"{scenario}_retry_ppm"], ONE) if cap is not None and is_cut else Fraction(0)
    kept = cap["cap_tokens"] if cap is not None and is_cut else outs
    more = min(plain, int(share("core.prefix_reuse", "read_tokens") * ONE))
    stored = min(plain - more, int(share("core.prefix_reuse", "write_tokens") * ONE))
    used, then = (plain, reads, 0, kept), (plain - more - stored, reads + more, stored, kept)
    left = (1 - hit) * (1 - spared)
    times = left * (1 + again)
    is_routed = offer is not None and call["feature"] == offer["feature"]
    accepted = Fraction(offer[f"{scenario}_accept_ppm"], ONE) if offer is not None and is_routed else Fraction(0)
    asked = {"large": times * (1 - accepted), **({"small": times} if is_routed else {})}
    whole, capped = _cost("large", plain, reads, 0, outs), _cost("large", *used)
    guard = offer["guard_pico"] * times if offer is not None and is_routed else 0
    return [
        whole * hit,
        whole * (1 - hit) * spared,
        left * (whole - capped) - left * again * capped,
        times * capped - sum(often * _cost(rate, *used) for rate, often in asked.items()) - guard,
        sum((often * (_cost(rate, *used) - _cost(rate, *then)) for rate, often in asked.items()), Fraction(0)),
        sum((batch * often * (_cost(rate, *then) - _batched(rate, *then)) for rate, often in asked.items()), Fraction(0)),
    ]


@few
@given(worlds())
def test_savings_sum_to_the_cost_before_the_first_lever_minus_that_after_the_last(world: dict[str, list[Row]]) -> None:
    rows = chain(world)
    cost = sum((call["cost_usd"] for call in world["core.request_cost"]), Decimal(0))
    for scenario in SCENARIOS:
        assert _total(rows, scenario, LEVERS[0], "before_usd") == cost
        for lever, following in pairwise(LEVERS):
            assert _total(rows, scenario, lever, "after_usd") == _total(rows, scenario, following, "before_usd")
        saved = sum(
            (_total(rows, scenario, lever, "before_usd") - _total(rows, scenario, lever, "after_usd") for lever in LEVERS), Decimal(0)
        )
        assert saved == cost - _total(rows, scenario, LEVERS[-1], "after_usd")
    assert {row["day_difference_usd"] for row in rows} == {0}


@few
@given(worlds())
def test_each_lever_spares_what_its_formula_says_of_what_is_left(world: dict[str, list[Row]]) -> None:
    rows = chain(world)
    calls = world["core.request_cost"]
    # Shares of shares are whole millionths: a call may be off by a few of them.
    tolerance = sum(call["cost_usd"] for call in calls) * PICO * 8 / ONE + 10
    for scenario in SCENARIOS:
        expected = [sum(parts) for parts in zip(*(_spared(world, call, scenario) for call in calls), strict=True)]
        for lever, pico in zip(LEVERS, expected, strict=True):
            found = _total(rows, scenario, lever, "before_usd") - _total(rows, scenario, lever, "after_usd")
            assert abs(found * PICO - Decimal(pico.numerator) / pico.denominator) <= tolerance, (scenario, lever)


@few
@given(worlds(with_levers=False))
def test_without_a_lever_nothing_is_touched(world: dict[str, list[Row]]) -> None:
    rows = chain(world)
    assert {row["team"] for row in rows} == {"(no lever)"}
    assert all(row["before_usd"] == row["after_usd"] and row["requests"] == 0 for row in rows)
    assert len(rows) == len(SCENARIOS) * len(LEVERS)


@few
@given(worlds())
def test_where_every_lever_spares_more_by_itself_low_is_not_above_point_nor_point_above_high(world: dict[str, list[Row]]) -> None:
    # Caps, routes and caches may cost more than they spare; shares of a call that is not made cannot.
    kept = {name: rows for name, rows in world.items() if name not in {"core.output_cap", "core.route_offer", "core.prefix_reuse"}}
    rows = chain(kept)
    low, point, high = (_total(rows, scenario, LEVERS[-1], "after_usd") for scenario in SCENARIOS)
    assert low >= point >= high >= 0
