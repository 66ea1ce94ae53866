"""What seconds of a device are said to be, held against every second of it looked at one by one."""

import math
from collections import Counter
from typing import Any

import hypothesis.strategies as st
import pytest
from examples import examples
from gpu_chain import MIDNIGHT, chained, sample, states
from hypothesis import given

pytestmark = pytest.mark.long

STATES = {"used": (1, 0, 0), "warm_idle": (0, 1, 0), "unknown": (0, 0, 1), "free_idle": (0, 0, 0)}
FREE, GAP = ("unassigned", "free_idle"), ("unassigned", "unknown")
Sample = tuple[int, str, str]
"""Second of the day, state, team."""


def rows(found: list[Sample], interval: int, **more: Any) -> list[dict[str, Any]]:
    """Samples as staging has them."""
    return [
        sample(second, interval_seconds=interval, team=team, used_gpus=used, warm_idle_gpus=warm, unknown_gpus=unknown, **more)
        for second, state, team in found
        for used, warm, unknown in [STATES[state]]
    ]


def looked_at(found: list[Sample], interval: int, hours: int) -> list[Counter[tuple[str, str]]]:
    """Seconds by team and state of each hour, told slot by slot."""
    per_hour = math.ceil(3600 / interval)
    best: dict[int, tuple[tuple[int, str], tuple[str, str]]] = {}
    for second, state, team in found:
        slot = second // 3600 * per_hour + second % 3600 // interval
        # Between equals a sample of nobody's work says nothing of a team.
        rank = ({"used": 0, "warm_idle": 1, "free_idle": 2, "unknown": 3}[state], team)
        owner = "unassigned" if state == "free_idle" else team
        if slot not in best or rank < best[slot][0]:
            best[slot] = (rank, (owner, state))
    told = [Counter[tuple[str, str]]() for _ in range(hours)]
    first = min(second for second, _, _ in found) // 3600
    for hour in range(first, hours):
        for within in range(per_hour):
            slot = hour * per_hour + within
            owner = best[slot][1] if slot in best else GAP
            # An hour without any sample is a gap, however long the interval.
            if slot not in best and per_hour > 1 and slot - 1 in best and slot + 1 in best:
                owner = best[slot + 1 if within % 60 == 0 else slot - 1][1]
            told[hour][owner] += min(interval, 3600 - within * interval)
    return told


@examples(24)
@given(st.data(), st.sampled_from([1, 7, 30, 45, 60, 90, 300, 1000, 3600]))
def test_every_second_is_in_the_state_of_its_slot_and_a_gap_is_unknown(data: st.DataObject, interval: int) -> None:
    seconds = data.draw(st.lists(st.integers(0, 3 * 3600 - 1), min_size=1, max_size=40))
    runs = [at + k * interval for at in seconds[:4] for k in range(data.draw(st.integers(0, 80))) if at + k * interval < 3 * 3600]
    one = st.tuples(st.sampled_from(list(STATES)), st.sampled_from(["red", "blue"]))
    found = [(second, *data.draw(one)) for second in [*seconds, *runs]]
    with chained(rows(found, interval)) as con:
        for hour, told in enumerate(looked_at(found, interval, 3)):
            assert states(con, hour) == dict(told)


def test_a_pace_that_is_a_little_slow_loses_no_slot() -> None:
    found = [(math.floor(k * 60.4), "used", "red") for k in range(60)]
    with chained(rows(found, 60)) as con:
        assert states(con) == {("red", "used"): 3600}


def test_two_slots_without_a_sample_are_a_gap() -> None:
    found = [(60 * k, "used", "red") for k in range(60) if k not in (20, 21, 40)]
    with chained(rows(found, 60)) as con:
        assert states(con) == {("red", "used"): 3480, GAP: 120}


def test_an_interval_that_was_changed_within_the_hour_counts_no_second_twice() -> None:
    slow = rows([(60 * k, "used", "red") for k in range(31)], 60)
    quick = rows([(1800 + 15 * k, "warm_idle", "red") for k in range(120)], 15)
    with chained([*slow, *quick]) as con:
        assert states(con) == {("red", "used"): 1860, ("red", "warm_idle"): 1740}


def test_of_two_sources_of_a_device_the_one_that_saw_more_of_the_hour_counts() -> None:
    full = rows([(60 * k, "used", "red") for k in range(60)], 60, source="b")
    half = rows([(30 * k, "free_idle", "blue") for k in range(60)], 30, source="a")
    with chained([*full, *half]) as con:
        assert states(con) == {("red", "used"): 3600}
        left_out = "select source, sum(slot_seconds(slots, part, slot_length)) from core.gpu_slot where not is_counted group by source"
        assert con.execute(left_out).fetchall() == [("a", 1800)]


def slices(*of: tuple[str, int, str, str], device_slices: int = 7) -> list[dict[str, Any]]:
    """A GPU cut into slices for an hour: name, size, state and team of each; and its own samples, in which it has no figure."""
    own: list[dict[str, Any]] = []
    for k in range(60):
        own.append(sample(60 * k, used_gpus=0, unknown_gpus=1, device_slices=device_slices))
        own += [
            row | {"slice_id": name, "slices": size, "device_slices": device_slices}
            for name, size, state, team in of
            for row in rows([(60 * k, state, team)], 60)
        ]
    return own


def test_slices_take_their_share_and_what_none_takes_is_free() -> None:
    with chained(slices(("a", 3, "used", "red"), ("b", 2, "warm_idle", "blue"), ("c", 1, "free_idle", "blue"))) as con:
        assert states(con) == {("red", "used"): 3 * 3600, ("blue", "warm_idle"): 2 * 3600, FREE: 2 * 3600}


def test_slices_that_claim_more_than_their_gpu_are_cut_off() -> None:
    with chained(slices(("a", 4, "used", "red"), ("b", 4, "used", "blue"))) as con:
        assert states(con) == {("red", "used"): 4 * 3600, ("blue", "used"): 3 * 3600}


def test_a_gpu_that_is_cut_anew_within_the_hour_is_one_gpu() -> None:
    before = [row for row in slices(("a", 7, "used", "red")) if row["sampled_second"] < MIDNIGHT + 1800]
    after = [row for row in slices(("b", 3, "used", "blue"), ("c", 4, "used", "red")) if row["sampled_second"] >= MIDNIGHT + 1800]
    with chained([*before, *after]) as con:
        assert states(con) == {("red", "used"): 7 * 1800 + 4 * 1800, ("blue", "used"): 3 * 1800}


def test_a_gpu_that_was_whole_and_then_cut_is_one_gpu() -> None:
    before = rows([(60 * k, "used", "red") for k in range(30)], 60)
    after = [row for row in slices(("b", 3, "used", "blue")) if row["sampled_second"] >= MIDNIGHT + 1800]
    with chained([*before, *after]) as con:
        assert states(con) == {("red", "used"): 7 * 1800, ("blue", "used"): 3 * 1800, FREE: 4 * 1800}


@examples(12)
@given(st.data())
def test_whatever_is_sampled_an_hour_is_an_hour(data: st.DataObject) -> None:
    one = st.builds(
        lambda second, interval, state, team, source, cut: rows([(second, state, team)], interval, source=source, **cut)[0],
        st.integers(0, 2 * 3600 - 1),
        st.sampled_from([1, 10, 60, 90, 3600]),
        st.sampled_from(list(STATES)),
        st.sampled_from(["red", "blue"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from([{}, {"device_slices": 7}, *({"device_slices": 7, "slice_id": f"s{n}", "slices": n} for n in range(1, 8))]),
    )
    found = data.draw(st.lists(one, min_size=1, max_size=30))
    shuffled = data.draw(st.permutations(found))
    query = "select hour_second, sum(seconds), max(gpus * device_slices * 3600) from core.gpu_state group by hour_second"
    everything = "select * from core.gpu_state order by all"
    with chained(found) as con:
        for _, seconds, whole in con.execute(query).fetchall():
            assert seconds == whole
        told = con.execute(everything).fetchall()
    with chained(shuffled) as con:
        assert con.execute(everything).fetchall() == told


ENERGY = "select hour(started_at), energy_mj, is_energy_partial from core.gpu_load order by 1"


@pytest.mark.parametrize("is_run", [False, True])
def test_energy_is_the_difference_of_the_counter_and_a_counter_set_back_makes_it_a_lower_bound(is_run: bool) -> None:
    counter = {0: 1000, 1200: 3000, 2400: 3500, 3600: 5000, 4800: 9000, 6000: 700, 6600: 900, 7200: 1000}
    found = [sample(second, interval_seconds=600, energy_mj=value) for second, value in counter.items()]
    if is_run:
        # The same as one row for an hour, as staging gathers samples.
        found = []
        for hour in range(3):
            values = [(second, value) for second, value in counter.items() if second // 3600 == hour]
            (first, first_mj), (last, last_mj) = values[0], values[-1]
            bits = sum(1 << (second % 3600 // 600) for second, _ in values)
            energies = [value for _, value in values]
            found.append(
                sample(
                    first, interval_seconds=600, slots=bits, last_second=MIDNIGHT + last, energy_mj=last_mj, first_energy_mj=first_mj,
                    least_energy_mj=min(energies), most_energy_mj=max(energies),
                )
            )  # fmt: skip
    with chained(found) as con:
        assert con.execute(ENERGY).fetchall() == [(0, 2500, True), (1, 1500 + 4000 + 200, True), (2, 100, False)]


def test_demand_of_a_pool_is_told_by_five_minutes() -> None:
    one = rows([(60 * k, "used" if k < 8 else "warm_idle", "red") for k in range(10)], 60)
    two = rows([(300 * k, "used", "red") for k in range(2)], 300, device_id="h")
    with chained([*one, *two]) as con:
        found = con.execute("select started_second, seen_seconds, held_seconds, used_seconds from core.gpu_demand order by 1").fetchall()
    assert found == [(MIDNIGHT, 600, 600, 600), (MIDNIGHT + 300, 600, 600, 480)]


@examples(20)
@given(st.sampled_from([1, 7, 30, 60, 90, 300]), st.integers(1, 40))
def test_demand_sums_to_the_seconds_that_were_seen(interval: int, count: int) -> None:
    with chained(rows([(interval * k, "used", "red") for k in range(count) if interval * k < 3600], interval)) as con:
        [(demand, whole)] = con.execute(
            "select sum(used_seconds), (select sum(bit_count(slots)::bigint * slot_length) from core.gpu_observed) from core.gpu_demand"
        ).fetchall()
    assert demand == whole
