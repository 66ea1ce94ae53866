"""Shared pools: whole numbers in, whole numbers out, whatever the tree of pools, the weights, the signs and the order of the rows."""

import random
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.sql.allocate import NOBODY, ONE, Pool, allocate, share_out, split

TEAMS = [f"team {n}" for n in range(12)]
USD = ONE
amounts = st.integers(-(10**21), 10**21)
weights = st.dictionaries(st.sampled_from(TEAMS), st.one_of(st.integers(-5, 5), st.integers(-(10**24), 10**24)), max_size=12)
caps = st.dictionaries(st.sampled_from(TEAMS), st.integers(0, 10**20), max_size=12)


@st.composite
def trees(draw: st.DrawFn) -> list[Pool]:
    """Pools in a row, each passing parts of itself to any of those after it."""
    names = [f"pool {n}" for n in range(draw(st.integers(1, 6)))]
    pools = []
    for place, name in enumerate(names):
        after = names[place + 1 :]
        parts = draw(st.lists(st.integers(1, ONE // 6), max_size=len(after)))
        lines = st.sampled_from(["", "GPU free idle", "Credit"])
        pools.append(
            Pool(
                name,
                draw(st.dictionaries(lines, amounts, max_size=3)),
                draw(weights),
                dict(zip(draw(st.permutations(after)), parts, strict=False)),
                draw(st.sampled_from([ONE, ONE // 2, ONE // 10])),
                draw(caps),
                draw(st.booleans()),
            )
        )
    return pools


@given(trees())
@examples(60)
def test_every_pool_is_shared_out_whole_whatever_the_tree(pools: list[Pool]) -> None:
    shared = share_out(pools)
    assert sum(shared.values()) == sum(sum(pool.amounts.values()) for pool in pools)
    for line in {line for pool in pools for line in pool.amounts}:
        assert sum(part for (_, of, _, _), part in shared.items() if of == line) == sum(pool.amounts.get(line, 0) for pool in pools)


@given(amounts, weights, caps)
@examples(150)
def test_parts_sum_to_the_whole_and_are_within_one_of_their_exact_share(amount: int, found: dict[str, int], limits: dict[str, int]) -> None:
    parts = split(amount, found, limits)
    assert sum(parts.values()) == amount
    assert all(abs(parts.get(team, 0)) <= cap for team, cap in limits.items())
    assert all(part * amount > 0 for part in parts.values())
    uncapped = split(amount, found)
    total = sum(weight for weight in found.values() if weight > 0)
    for team, weight in found.items():
        exact = Fraction(amount * max(weight, 0), total) if total else Fraction(0)
        assert abs(uncapped.get(team, 0) - exact) < 1


@given(trees(), st.randoms(use_true_random=False))
@examples(30)
def test_the_order_of_rows_does_not_matter(pools: list[Pool], rng: random.Random) -> None:
    rows = _rows(pools)
    again = list(rows)
    rng.shuffle(again)
    assert allocate(_table(rows)).equals(allocate(_table(again)))


def test_a_rounding_of_cents_goes_to_the_largest_remainders() -> None:
    # gumroad#5468 and the like: 100 over thirds; the published case of 220 over 445455, 9091 and 545455.
    assert split(100, {"a": 3333, "b": 3333, "c": 3334}) == {"a": 33, "b": 33, "c": 34}
    assert split(220, {"a": 445455, "b": 9091, "c": 545455}) == {"a": 98, "b": 2, "c": 120}


def test_idle_and_overhead_are_shared_as_in_the_published_figures_of_opencost() -> None:
    """OpenCost's own test set: three namespaces of 28, 36 and 18 dollars, idle nodes of 20 and 10, an overhead of 250."""
    cost = {"namespace1": 28 * USD, "namespace2": 36 * USD, "namespace3": 18 * USD}
    idle = [
        Pool("cluster1 cpu", {"": 5 * USD}, {"namespace1": 3, "namespace2": 3}),
        Pool("cluster1 ram", {"": 15 * USD}, {"namespace1": 13, "namespace2": 3}),
        Pool("cluster2 cpu", {"": 5 * USD}, {"namespace2": 3, "namespace3": 3}),
        Pool("cluster2 ram", {"": 5 * USD}, {"namespace2": 3, "namespace3": 3}),
    ]
    shared = share_out(idle)
    with_idle = {name: own + sum(part for (*_, team), part in shared.items() if team == name) for name, own in cost.items()}
    assert {name: Decimal(pico) / USD for name, pico in with_idle.items()} == {
        "namespace1": Decimal("42.6875"),
        "namespace2": Decimal("46.3125"),
        "namespace3": Decimal(23),
    }
    assert sum(with_idle.values()) == 112 * USD
    overhead = split(250 * USD, cost)
    assert {name: round(Decimal(pico) / USD, 3) for name, pico in overhead.items()} == {
        "namespace1": Decimal("85.366"),
        "namespace2": Decimal("109.756"),
        "namespace3": Decimal("54.878"),
    }
    assert sum(overhead.values()) == 250 * USD


def test_a_pool_without_weights_stays_unallocated() -> None:
    assert share_out([Pool("idle", {"": 7})]) == {("idle", "", "", NOBODY): 7}
    assert split(-7, {"a": 0, "b": -3}) == {NOBODY: -7}


def test_a_credit_takes_the_key_of_what_it_corrects_and_is_negative_for_everyone() -> None:
    found = {"red": 3, "blue": 1}
    shared = share_out([Pool("support plan", {"": 400}, found), Pool("its credit", {"Credit": -100}, found)])
    assert {team: part for (pool, _, _, team), part in shared.items() if pool == "its credit"} == {"red": -75, "blue": -25}


def test_a_part_that_is_passed_on_is_shared_by_the_key_of_the_pool_it_reaches() -> None:
    staff = Pool("staff", {"": 1000}, {"red": 1, "blue": 1}, passes={"gateway": ONE // 5})
    gateway = Pool("gateway", {"": 100}, {"red": 9, "blue": 1})
    assert share_out([staff, gateway]) == {
        ("staff", "", "", "red"): 400,
        ("staff", "", "", "blue"): 400,
        ("gateway", "", "", "red"): 90,
        ("gateway", "", "", "blue"): 10,
        ("gateway", "", "staff", "red"): 180,
        ("gateway", "", "staff", "blue"): 20,
    }


def test_what_is_passed_to_a_pool_that_does_not_cost_anything_that_day_stays_where_it_is() -> None:
    assert share_out([Pool("staff", {"": 10}, {"red": 1}, passes={"gone": ONE // 2})]) == {("staff", "", "", "red"): 10}


def test_a_key_that_grows_counts_what_pools_before_it_cost_the_team() -> None:
    first = Pool("first", {"": 60}, {"red": 1})
    second = Pool("second", {"": 100}, {"red": 40, "blue": 100}, grows=True)
    shared = share_out([first, second])
    assert (shared["second", "", "", "red"], shared["second", "", "", "blue"]) == (50, 50)


def test_above_a_cap_the_others_pay_by_the_same_key_until_all_are_at_theirs() -> None:
    found = {"red": 8, "blue": 1, "green": 1}
    assert split(100, found, {"red": 50}) == {"red": 50, "blue": 25, "green": 25}
    assert split(100, found, {"red": 50, "blue": 10}) == {"red": 50, "blue": 10, "green": 40}
    assert split(100, found, {"red": 50, "blue": 10, "green": 15}) == {"red": 50, "blue": 10, "green": 15, NOBODY: 25}
    assert share_out([Pool("idle", {"": 100}, found, cap_share=ONE // 2)])["idle", "", "", "red"] == 50


def test_ten_thousand_teams_take_a_pool_whole() -> None:
    rng = random.Random(7)  # noqa: S311 -- the same on each run
    found = {f"team {n:05}": rng.choice((0, 1, rng.randrange(10**15), -4)) for n in range(10_000)}
    parts = split(123_456_789 * USD + 7, found)
    assert sum(parts.values()) == 123_456_789 * USD + 7


def test_a_part_that_no_pool_has_is_an_error() -> None:
    with pytest.raises(ValueError, match="no part 'weights'"):
        allocate(_table([(date(2026, 10, 1), 1, "p", "weights", "red", Decimal(1))]))


def _rows(pools: list[Pool]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for place, pool in enumerate(pools):
        head = (date(2026, 10, 1), place, pool.name)
        rows.extend((*head, "amount", line, Decimal(value)) for line, value in pool.amounts.items())
        rows.extend((*head, "weight", team, Decimal(value)) for team, value in pool.weights.items())
        rows.extend((*head, "pass", to, Decimal(value)) for to, value in pool.passes.items())
        rows.extend((*head, "cap", team, Decimal(value)) for team, value in pool.caps.items())
        rows.append((*head, "cap_share", "", Decimal(pool.cap_share)))
        rows.extend([(*head, "grows", "", Decimal(1))] if pool.grows else [])
    return rows


def _table(rows: list[tuple[object, ...]]) -> pa.Table:
    kinds = (pa.date32(), pa.int32(), pa.string(), pa.string(), pa.string(), pa.decimal128(38, 0))
    names = ("day", "place", "pool", "part", "name", "value")
    return pa.table({name: pa.array([row[n] for row in rows], kind) for n, (name, kind) in enumerate(zip(names, kinds, strict=True))})
