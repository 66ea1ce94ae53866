"""When a pool can be switched off, and when it will be full."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from examples import examples
from gpu_pools import END, NIGHT, Seen, pool, steady
from hypothesis import given
from hypothesis import strategies as st

from meterbook.reports.gpu_capacity import outlook
from meterbook.reports.gpu_evidence import Pool
from meterbook.reports.gpu_levers import advice
from meterbook.reports.gpu_park import DAY_NAMES, parked, schedule


def test_hours_in_which_a_pool_was_never_at_work_can_be_parked() -> None:
    fleet = pool(lambda hour: Seen(0 if hour % 24 in NIGHT else 8, 2 if hour % 24 in NIGHT else 0))
    [found] = [one for one in advice([fleet], ()) if one.lever == "park"]
    assert found.action == "Switch pool p off Mon-Sun 22-06"
    assert [round(usd, 6) for usd in found.usd or ()] == [6 * 8 * 365 * 2, 6 * 8 * 365 * 2, 8 * 8 * 365 * 2]
    covered = parked(replace(fleet, committed=4))
    assert covered is not None
    assert [round(gpus, 6) for gpus in (covered.free, covered.warm_and_free)] == [round(Decimal(4) / 3, 6)] * 2


def test_one_hour_at_work_in_one_week_or_a_gap_keeps_a_pool_on() -> None:
    def seen(hour: int) -> Seen:
        return Seen(1) if hour == 3 * 168 + 30 else Seen(0, 0, 1) if hour == 168 + 40 else Seen(0)

    found = parked(pool(seen))
    assert found is not None
    assert set(range(168)) - set(found.hours) == {30, 40}


def test_hours_seen_in_one_week_only_are_none_that_can_be_parked() -> None:
    assert parked(pool(steady(0), hours=168)) is None
    two = parked(pool(steady(0), hours=168 + 5))
    assert two is not None
    assert two.hours == tuple(range(5))


@given(st.sets(st.integers(0, 167)))
@examples(100)
def test_a_schedule_says_exactly_its_hours(hours: set[int]) -> None:
    assert _read(schedule(sorted(hours))) == hours


def _read(text: str) -> set[int]:
    if text == "all week":
        return set(range(168))
    found: set[int] = set()
    for part in filter(None, text.split(", ")):
        days, *stretches = part.split(" ")
        first, *last = (DAY_NAMES.index(day) for day in days.split("-"))
        for day in range(first, (last or [first])[0] + 1):
            for stretch in stretches or ["00-24"]:
                match = re.fullmatch(r"(\d\d)-(\d\d)", stretch)
                assert match, stretch
                begins, ends = int(match[1]), int(match[2])
                found |= {(day * 24 + hour) % 168 for hour in range(begins, ends if ends > begins else ends + 24)}
    return found


def grown(*held: int) -> Pool:
    return pool(lambda hour: Seen(held[hour // 168]), gpus=100)


def test_a_pool_is_full_when_its_growth_takes_it_to_four_fifths() -> None:
    # 40, 44, 44, 55: growths 1.1, 1, 1.25; 80 / 55 is 1.4545: 27.5 days by 1.1, 11.7 by 1.25, never by 1.
    found = outlook(grown(40, 44, 44, 55), END)
    assert found is not None
    assert (found.soonest, found.point, found.latest, found.order_by) == (11, 27, None, date(2026, 10, 23))


@pytest.mark.parametrize(
    ("held", "days"), [((80, 80, 80, 80), 0), ((50, 50, 50, 50), None), ((50, 49, 48, 47), None), ((10, 10, 10, 10), None)]
)
def test_a_full_pool_is_full_now_and_one_that_does_not_grow_is_not_within_a_year(held: tuple[int, ...], days: int | None) -> None:
    found = outlook(grown(*held), END)
    assert found is not None
    assert found.point == days


def test_a_year_is_as_far_as_growth_is_followed() -> None:
    found = outlook(grown(1000, 1001, 1002, 1003), END)
    assert found is not None
    assert found.point == 0
    slow = outlook(replace(grown(1000, 1001, 1002, 1003), gpus=10_000), END)
    assert slow is not None
    assert slow.point is None


def test_without_four_weeks_there_is_no_outlook() -> None:
    assert outlook(pool(steady(4), hours=27 * 24), END) is not None
    assert outlook(pool(steady(4), hours=21 * 24), END) is None
    assert outlook(pool(steady(0)), END) is None
