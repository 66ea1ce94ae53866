"""What is advised on GPU pools: by hand where a figure is told, and what must hold whatever a pool did."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from typing import Any

import numpy as np
import pytest
from examples import examples
from gpu_pools import NIGHT, Seen, pool, steady
from hypothesis import given
from hypothesis import strategies as st

from meterbook.reports.gpu_evidence import BIN, Memory, Offer, Pool, Reservation
from meterbook.reports.gpu_levers import Advice, advice
from meterbook.reports.gpu_need import Needs, movable, p95_bytes, p99, packing, size, yearly

GIB = 2**30
CARD = (Offer("h100-sxm", "standard", Decimal(2), is_own=True),)


def by_lever(pools: Sequence[Pool], lever: str, held: Sequence[Reservation] = ()) -> Advice:
    [found] = [one for one in advice(pools, held) if one.lever == lever]
    return found


def levers(*pools: Pool) -> set[str]:
    return {one.lever for one in advice(pools, ())}


@given(st.lists(st.lists(st.integers(0, 3000), min_size=1, max_size=12), min_size=1, max_size=8))
@examples(50)
def test_the_percentile_of_the_two_greatest_of_each_hour_is_that_of_all_values(hours: list[list[int]]) -> None:
    values = [value for hour in hours for value in hour]
    pairs = [tuple(sorted((*hour, 0), reverse=True)[:2]) for hour in hours]
    found = p99([(first, second) for first, second in pairs], len(values))
    assert float(found) == pytest.approx(np.percentile(values, 99))


def test_need_is_by_work_at_the_aim_by_what_was_held_and_by_the_mean() -> None:
    # At work: 4 by day, none by night; held besides: 2 all day. 4 / .7 = 5.7; 6 held; (4 * 16 / 24) / .7 = 3.8.
    found = size(pool(lambda hour: Seen(0 if hour % 24 in NIGHT else 4, 2), gpus=16))
    assert found is not None
    assert found.needs == Needs(safe=7, point=7, mean=5)
    assert (found.low, found.point, found.high) == (9, 9, 11)
    held = size(pool(steady(2, 6), gpus=16))
    assert held is not None
    assert held.needs == Needs(safe=9, point=4, mean=4)


def test_one_burst_of_five_minutes_counts_half_in_its_hour_of_the_week() -> None:
    calm = pool(steady(1), gpus=16, target=Decimal(1), spare=0)
    burst = replace(calm.hours[0], used_top=11 * BIN, held_top=11 * BIN)
    found = size(replace(calm, hours=(burst, *calm.hours[1:])))
    assert found is not None
    # 48 values: 46.53 places up, so 1 + 10 * .53.
    assert found.needs.point == 7


def test_what_is_committed_stays_and_only_whole_units_go() -> None:
    fleet = pool(steady(1), gpus=32, spare=0)
    assert [movable(replace(fleet, unit=8, committed=number), 2) for number in (0, 8, 9, 16, 17, 32)] == [24, 24, 16, 16, 8, 0]
    assert [movable(replace(fleet, unit=8), need) for need in (32, 33, 40, 41)] == [0, -8, -8, -16]


def test_dollars_are_of_gpus_that_no_commitment_covers_and_unknown_without_a_price() -> None:
    fleet = pool(steady(1), open_usd=Decimal(3), any_usd=Decimal(1))
    assert (yearly(fleet, 2), yearly(fleet, -1), yearly(fleet, 0)) == (52560, -26280, 0)
    covered = replace(fleet, open_usd=None)
    assert (yearly(covered, 2), yearly(covered, -1)) == (None, -8760)
    assert by_lever([replace(fleet, open_usd=None, any_usd=None)], "size").usd is None


def test_a_pool_that_is_full_at_its_peak_may_queue_or_grow_at_a_cost() -> None:
    found = by_lever([pool(steady(8))], "size")
    assert found.action == "Let work queue in the busiest hours of pool p, or add 5 GPUs"
    assert found.usd is not None
    assert found.usd.point == -5 * 2 * 8760


def test_little_data_or_mostly_unseen_time_is_no_ground_for_advice() -> None:
    assert size(pool(steady(1), hours=7 * 24 - 1)) is None
    assert size(pool(lambda _: Seen(1, 0, 5))) is None
    assert size(pool(lambda _: Seen(1, 0, 4))) is not None
    assert advice([pool(lambda _: Seen(1, 0, 5))], ()) == []


def test_a_pool_that_has_not_worked_for_a_week_is_asked_after_instead_of_sized() -> None:
    quiet = pool(lambda hour: Seen(8) if hour < 28 * 24 - 170 else Seen(0, 3), committed=4)
    found = by_lever([quiet], "unused")
    assert found.action == "Ask whether pool p is still needed: none of its 8 GPUs has worked since 18 October"
    assert found.usd == (0, 4 * 2 * 8760, 4 * 2 * 8760)
    assert "size" not in levers(quiet)
    assert by_lever([replace(quiet, committed=0)], "unused").usd == (0, 5 * 2 * 8760, 8 * 2 * 8760)
    assert "unused" not in levers(pool(lambda hour: Seen(8) if hour < 28 * 24 - 167 else Seen(0)))
    assert "unused" not in levers(pool(lambda hour: Seen(8) if hour < 28 * 24 - 170 else Seen(0, 0, 5 if hour == 28 * 24 - 1 else 0)))


def memory(gib: int, hours: int = 672, device: str = "a", total: int | None = 80) -> Memory:
    return Memory(device, "NVIDIA H100", total * GIB if total else None, {gib * GIB: hours})


def test_nineteen_of_twenty_hours_say_what_memory_a_model_takes() -> None:
    assert p95_bytes([memory(10, 95), memory(70, 5)]) == 10 * GIB
    assert p95_bytes([memory(10, 94), memory(70, 6)]) == 70 * GIB
    assert p95_bytes([]) == 0


def test_memory_bounds_what_work_alone_would_need() -> None:
    devices = tuple(memory(60, device=str(number)) for number in range(8))
    fleet = pool(steady(1, 7), spare=0, memory=devices)
    assert packing(fleet) == 6
    found = size(fleet)
    assert found is not None
    assert found.needs == Needs(safe=8, point=6, mean=2)
    assert packing(replace(fleet, memory=(*devices, memory(1, total=None)))) is None
    assert packing(replace(fleet, memory=(memory(1, total=None),), offers=CARD)) == Decimal(1) / 79


def test_a_slice_that_holds_the_memory_is_advised_and_is_sure_only_where_its_work_fits_too() -> None:
    sliced = {"memory": (memory(15),), "offers": CARD, "models": ("NVIDIA H100",), "spare": 0}
    # 15 of 80 GiB: a quarter of a card, three to a card; they work an eighth of the time, which is less than 2/7 of .7.
    found = by_lever([pool(steady(1, 7), **sliced)], "slice")
    assert found.action.startswith("Cut GPUs of pool p into 2g slices with a quarter of the memory, 3 to a card:")
    assert found.usd == (5 * 2 * 8760,) * 3
    # At work half of the time, one fits beside none.
    busy = by_lever([pool(steady(4, 4), **sliced)], "slice")
    assert busy.usd == (0, 0, 5 * 2 * 8760)
    assert "slice" not in levers(pool(steady(1, 7), **{**sliced, "memory": (memory(60),)}))
    assert "slice" not in levers(pool(steady(1, 7), **{**sliced, "offers": ()}))


def test_a_smaller_card_that_holds_the_memory_saves_nothing_for_sure_as_its_speed_is_unknown() -> None:
    offers = (
        Offer("l40s", "standard", Decimal(2), is_own=True),
        Offer("l4", "standard", Decimal("0.5"), is_own=False),
        Offer("t4", "standard", Decimal("0.25"), is_own=False),
    )
    found = by_lever([pool(steady(8), offers=offers, models=("NVIDIA L40S",), memory=(memory(20, total=45),))], "slice")
    assert found.action.startswith("Try pool p on l4,")
    assert found.usd == (0, 0, 8 * Decimal("1.5") * 8760)


def test_pools_of_one_model_that_peak_at_different_hours_need_fewer_together() -> None:
    day = pool(lambda hour: Seen(0 if hour % 24 in NIGHT else 6), name="day", models=("H100",))
    night = pool(lambda hour: Seen(6 if hour % 24 in NIGHT else 0), name="night", models=("H100",), owner="blue")
    found = by_lever([day, night], "share")
    # Apart 9 + 1 each, of which 8 are there; together 9 + 1, at work and as held.
    assert found.action == "Let pools day and night share their H100: 6 GPUs fewer than apart"
    assert found.usd == (6 * 2 * 8760,) * 3
    assert found.owner == "several"
    assert "share" not in levers(day, replace(night, models=("A100",)))


RESERVED = (*CARD, Offer("h100-sxm", "reserved_1y", Decimal("1.2"), is_own=True), Offer("h100-sxm", "spot", Decimal(1), is_own=True))


def test_the_nth_gpu_is_reserved_where_so_many_are_held_for_the_share_of_hours_that_the_price_asks() -> None:
    # Two always, four from six to midnight (.75 of the hours, above .6), eight for six hours.
    fleet = pool(lambda hour: Seen(2 if hour % 24 < 6 else 8 if hour % 24 < 12 else 4), offers=RESERVED)
    found = by_lever([fleet], "reserve")
    assert found.action == "Reserve 4 GPUs of pool p for 1\N{NO-BREAK SPACE}year"
    certain = 2 * Decimal("0.8") + 2 * (Decimal("1.5") - Decimal("1.2"))
    assert found.usd == (certain * 8760, certain * 8760, 4 * Decimal("0.8") * 8760)
    assert by_lever([replace(fleet, committed=2)], "reserve").usd == (Decimal("5256.0"), Decimal("5256.0"), 2 * Decimal("0.8") * 8760)
    assert "reserve" not in levers(replace(fleet, committed=4))
    assert "reserve" not in levers(replace(fleet, tier="spot"))
    assert "reserve" not in levers(replace(fleet, offers=CARD))


def test_what_of_a_reservation_has_no_device_is_said_and_saves_nothing_before_its_end() -> None:
    one = Reservation("r", "red", gpus=16, least_unused=4, hours=672, cost_usd=Decimal(16 * 672), unused_cost_usd=Decimal(5 * 672))
    found = by_lever([], "lapse", [one])
    assert found.action == "Use 4 GPUs of r, or let them lapse at its end"
    assert by_lever([], "lapse", [replace(one, is_owned=True)]).action == "Use 4 GPUs of r, or sell them"
    assert found.usd == (0, 4 * 8760, 5 * 8760)
    assert advice([], [replace(one, least_unused=0, unused_cost_usd=Decimal(0))]) == []


_SEEN = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 2)).map(lambda parts: Seen(*parts))


@st.composite
def pools(draw: Any) -> Pool:
    days = draw(st.lists(_SEEN, min_size=1, max_size=5))
    gpus = draw(st.integers(10, 24))
    taken = tuple(memory(draw(st.integers(0, 80)), device=str(number)) for number in range(draw(st.integers(0, 4))))
    return pool(
        lambda hour: days[(hour // 5) % len(days)],
        gpus,
        name=draw(st.sampled_from("pqr")),
        committed=draw(st.integers(0, gpus)),
        spare=draw(st.integers(0, 4)),
        unit=draw(st.sampled_from((1, 2, 8))),
        target=Decimal(draw(st.integers(1, 10))) / 10,
        models=("NVIDIA H100",),
        memory=taken,
        offers=RESERVED,
    )


@given(st.lists(pools(), min_size=1, max_size=2, unique_by=lambda one: one.name))
@examples(20)
def test_low_is_no_more_than_point_and_point_no_more_than_high_and_no_committed_gpu_goes(found: list[Pool]) -> None:
    for one in advice(found, ()):
        assert one.usd is not None
        assert one.usd.low <= one.usd.point <= one.usd.high
        assert one.lever == "size" or one.usd.low >= 0
    for one in found:
        sized = size(one)
        assert sized is not None
        assert sized.low <= sized.point <= sized.high
        for need, goes in zip(sized.needs, (sized.low, sized.point, sized.high), strict=True):
            assert goes % one.unit == 0
            if goes >= 0:
                assert one.gpus - goes >= max(need, one.committed)
            else:
                assert one.gpus - goes >= need > one.gpus - goes - one.unit


@given(pools(), st.integers(0, 3))
@examples(20)
def test_more_work_never_needs_fewer_gpus(before: Pool, more: int) -> None:
    busier = replace(
        before,
        hours=tuple(
            reduce(
                lambda hour, name: replace(hour, **{name: getattr(hour, name) + more * BIN}),
                ("held_top", "held_next", "used_top", "used_next"),
                hour,
            )
            for hour in before.hours
        ),
    )
    first, second = size(before), size(busier)
    assert first is not None
    assert second is not None
    assert all(one <= other for one, other in zip(first.needs, second.needs, strict=True))
