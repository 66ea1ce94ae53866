"""What has no price is in no effect, and what came to have none, or got one, is an effect of its own: no saving, and no rise."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.sql import lmdi

Row = dict[str, Any]
NOTHING = dict.fromkeys(lmdi.MEASURES, 0)
MODELS = "mno"


def calls(side: int, count: int, usd: str | None, **said: Any) -> Row:
    """A side of a leaf: so many calls of some tokens each, at a price for each call; None where they have none."""
    cost = Decimal(usd or 0) * count
    used = {**dict.fromkeys(("operations", "calls", "attempts"), count), "input_tokens": 100 * count}
    owner = {"team": "red", "tenant": "t", "feature": "f", "provider": "p", "model": "m", "served_tier": "standard", "meter": ""}
    kind = {"part": lmdi.USE, "is_counted": True, "is_priced": usd is not None, "side": side, "days": 7}
    return {**NOTHING, **kind, **owner, **used, "input_cost_usd": cost, "cost_usd": cost, **said}


def _pairs(rows: Sequence[Row]) -> pl.DataFrame:
    """As the lake has them, with what both cost on a cost line."""
    lines = [
        {**NOTHING, **row, "part": lmdi.LINE, "provider": lmdi.NONE, "model": lmdi.NONE, "served_tier": "", "meter": "Model usage",
         "is_counted": False, "is_priced": True, "operations": 0, "calls": 0, "attempts": 0, "input_tokens": 0, "units": 0,
         "input_cost_usd": Decimal(0)}
        for row in rows if row["part"] == lmdi.USE
    ]  # fmt: skip
    money = [pl.col(name).cast(lmdi.MONEY) for name in lmdi.MEASURES if name.endswith("_usd")]
    counts = [pl.col(name).cast(pl.Float64) for name in lmdi.COUNTS]
    frames = [pl.DataFrame([{name: str(row[name]) if name in lmdi.MEASURES else row[name] for name in row} for row in [*rows, *lines]])]
    return lmdi.paired(pl.concat(frames).with_columns(*money, *counts))


def _effects(rows: Sequence[Row], *by: str) -> dict[tuple[str, ...], Decimal]:
    return {tuple(key): usd for *key, usd in lmdi.decompose(_pairs(rows), by).rows()}


def _told(rows: Sequence[Row]) -> dict[str, float]:
    return {effect: round(float(usd), 9) for (effect,), usd in _effects(rows).items()}


def test_calls_that_move_to_a_model_without_a_price_are_no_saving() -> None:
    rows = [calls(0, 1000, "0.1"), calls(1, 600, "0.1"), calls(1, 400, None, model="new")]
    assert _told(rows) == {lmdi.UNPRICED: -40}
    assert _told([calls(0, 1000, "0.1"), calls(1, 1000, None, model="new")]) == {lmdi.UNPRICED: -100}


def test_a_model_that_gets_a_price_later_is_no_rise() -> None:
    assert _told([calls(0, 1000, None), calls(1, 1000, "0.1")]) == {lmdi.UNPRICED: 100}


def test_calls_beyond_those_that_lost_their_price_are_told_as_ever() -> None:
    # 500 of 1,000 calls are gone; ten have no price now.
    assert _told([calls(0, 1000, "0.1"), calls(1, 490, "0.1"), calls(1, 10, None)]) == {lmdi.VOLUME: -50, lmdi.UNPRICED: -1}
    assert _told([calls(0, 1000, "0.1"), calls(1, 2, None)]) == {lmdi.VOLUME: -99.8, lmdi.UNPRICED: -0.2}
    # What is new and has no price from the start costs nobody less.
    assert _told([calls(0, 1000, "0.1"), calls(1, 1000, "0.1"), calls(1, 10**6, None, model="new")]) == {}


def test_a_model_whose_own_calls_lose_their_price_lost_them_to_no_other_model() -> None:
    rows = [
        calls(0, 1000, "0.1"),
        calls(1, 600, "0.1"),
        calls(1, 400, None),
        calls(0, 500, "0.1", model="n"),
        calls(1, 900, "0.1", model="n"),
    ]
    found = _told(rows)
    assert found[lmdi.UNPRICED] == -40
    assert sum(found.values()) == pytest.approx(0)
    assert found[lmdi.VOLUME] > 0


def test_a_model_that_another_with_a_price_took_over_from_is_routing_whatever_else_has_none() -> None:
    rows = [calls(0, 1000, "0.1"), calls(1, 900, "0.1"), calls(1, 100, "0.02", model="n")]
    assert _told(rows) == _told([*rows, calls(1, 100, None, model="new")]) == {lmdi.ROUTING: -8}


def test_calls_within_an_operation_that_move_leave_its_requests_as_they_are() -> None:
    agent = {"operations": 200}
    rows = [calls(0, 1000, "0.1", **agent), calls(1, 600, "0.1", **agent), calls(1, 400, None, model="new", operations=0)]
    assert _told(rows) == {lmdi.UNPRICED: -40}


def test_a_longer_period_moves_no_call() -> None:
    rows = [calls(0, 100, "0.1", days=1), calls(0, 20, None, days=1), calls(1, 3000, "0.1", days=30), calls(1, 600, None, days=30)]
    assert _told(rows) == {lmdi.DAYS: 290}
    shorter = [{**row, "side": 1 - row["side"]} for row in rows]
    assert _told(shorter) == {lmdi.DAYS: -290}
    # Half as many a day, and the other half without a price.
    half = [calls(0, 100, "0.1", days=1), calls(1, 1500, "0.1", days=30), calls(1, 1500, None, days=30)]
    assert _told(half) == {lmdi.DAYS: 290, lmdi.UNPRICED: -150}


def test_tokens_are_held_against_each_other_where_nobody_counts_calls() -> None:
    bare = {"is_counted": False, "operations": 0, "calls": 0, "attempts": 0}
    rows = [calls(0, 1000, "0.1", **bare), calls(1, 600, "0.1", **bare), calls(1, 400, None, model="new", **bare)]
    assert _told(rows) == {lmdi.UNPRICED: -40}


def test_hours_of_gpus_that_lose_their_price_are_no_hours_that_were_spared() -> None:
    pool = {"part": lmdi.GPU, "meter": "GPU used", "is_counted": False, "operations": 0, "calls": 0, "attempts": 0, "input_tokens": 0}
    rows = [
        calls(side, count, usd, **pool, units=count, input_cost_usd=0) for side, count, usd in ((0, 100, "2"), (1, 70, "2"), (1, 30, None))
    ]
    found = lmdi.decompose(_pairs(rows)).filter(pl.col("effect") != lmdi.ALLOCATION)
    assert found.rows() == [(lmdi.UNPRICED, Decimal(-60))]


LEAVES = st.lists(
    st.builds(
        calls,
        st.sampled_from((0, 1)), st.integers(1, 10**6), st.none() | st.decimals(0, 1, places=6).map(str), team=st.sampled_from("ab"),
        model=st.sampled_from(MODELS), served_tier=st.sampled_from(("standard", "batch")), is_counted=st.booleans(),
    ),
    max_size=16,
).map(lambda rows: [*rows, *(calls(side, 1, "0.5", team="always") for side in (0, 1))])  # fmt: skip
"""Both sides have days, whatever else they have."""


@examples(8)
@given(LEAVES)
def test_effects_sum_to_the_change_exactly_wherever_something_has_no_price(rows: list[Row]) -> None:
    change = sum((row["cost_usd"] * (1 if row["side"] else -1) for row in rows), Decimal(0))
    for by in ((), ("team",), ("team", "model")):
        assert sum(_effects(rows, *by).values(), Decimal(0)) == change


@examples(8)
@given(LEAVES, st.integers(1, 10**6), st.sampled_from(MODELS), st.sampled_from("abc"))
def test_what_has_no_price_on_both_sides_changes_no_effect(rows: list[Row], count: int, model: str, team: str) -> None:
    added = [calls(side, count, None, model=model, team=team, is_counted=counted) for side in (0, 1) for counted in (True, False)]
    found, held = (_effects(some, "team", "model") for some in ([*rows, *added], rows))
    assert {key: float(usd) for key, usd in found.items()} == pytest.approx({key: float(usd) for key, usd in held.items()}, abs=1e-9)


@examples(8)
@given(LEAVES)
def test_swapped_periods_change_every_sign_wherever_something_has_no_price(rows: list[Row]) -> None:
    there, back = _signed(_effects(rows)), _signed(_effects([{**row, "side": 1 - row["side"]} for row in rows]))
    assert {name: -usd for name, usd in back.items()} == pytest.approx(there, abs=1e-6)


def _signed(effects: Mapping[tuple[str, ...], Decimal]) -> dict[str, float]:
    """New is what was gone the other way round."""
    found = dict.fromkeys((*lmdi.EFFECTS, "both"), 0.0)
    for (name,), usd in effects.items():
        found["both" if name in {lmdi.NEW, lmdi.GONE} else name] += float(usd)
    return found


@examples(8)
@given(LEAVES)
def test_what_is_unknown_is_never_more_than_what_the_calls_with_a_price_cost(rows: list[Row]) -> None:
    costs = [float(sum((row["cost_usd"] for row in rows if row["side"] == side), Decimal(0))) for side in (0, 1)]
    unknown = _told(rows).get(lmdi.UNPRICED, 0.0)
    assert -costs[0] - 1e-6 <= unknown <= costs[1] + 1e-6


@examples(8)
@given(LEAVES)
def test_without_anything_that_has_no_price_nothing_is_unknown(rows: list[Row]) -> None:
    assert lmdi.UNPRICED not in _told([row for row in rows if row["is_priced"]])
