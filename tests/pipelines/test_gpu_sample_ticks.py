"""When the GPU collector samples: at multiples of its interval, whatever clocks do."""

import threading
import time
from itertools import islice

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from sampling import START, TestClock

from meterbook.pipelines.collector_clock import SystemClock, ticks


def taken(clock: TestClock, interval: int, count: int, *, work: float = 0.0) -> tuple[list[int], list[str]]:
    """Ticks after the start, and what was said; each costs so many seconds of work."""
    said: list[str] = []
    found = []
    for tick in islice(ticks(clock, interval, said.append), count):
        found.append(tick - START)
        clock.pass_by(work)
    return found, said


def test_ticks_are_the_multiples_of_the_interval() -> None:
    assert taken(TestClock(now=START + 3.2), 10, 4) == ([10, 20, 30, 40], [])


def test_work_does_not_move_ticks() -> None:
    assert taken(TestClock(), 10, 4, work=2.5)[0] == [10, 20, 30, 40]


def test_a_tick_that_is_missed_is_skipped_and_not_made_up() -> None:
    assert taken(TestClock(), 10, 4, work=17)[0] == [10, 30, 50, 70]


def test_an_hourly_tick_is_on_the_hour() -> None:
    assert taken(TestClock(now=START + 100), 3600, 3)[0] == [3600, 7200, 10_800]


def test_a_clock_that_is_put_forward_aligns_ticks_anew_and_it_is_said() -> None:
    found, said = taken(TestClock(sets={1025.0: 3607.0}), 10, 5)
    # The tick of 30 is missed: by then it is 3637.
    assert found == [10, 20, 3640, 3650, 3660]
    assert said == ["the wall clock moved by +3607.0 seconds against the monotonic clock; ticks are aligned anew"]


def test_a_clock_that_is_put_back_aligns_ticks_anew_and_it_is_said() -> None:
    found, said = taken(TestClock(sets={1025.0: -3607.0}), 10, 4)
    assert found == [10, 20, -3570, -3560]
    assert len(said) == 1


def test_a_clock_that_is_put_back_by_an_instant_repeats_no_tick() -> None:
    assert taken(TestClock(sets={1010.1: -0.3}), 10, 3, work=0.2) == ([10, 20, 30], [])


def test_a_clock_that_drifts_is_followed_without_a_word() -> None:
    drift = {1000.0 + n: 0.0005 for n in range(1, 2000)}
    found, said = taken(TestClock(sets=drift), 60, 30)
    assert (found, said) == ([60 * n for n in range(1, 31)], [])


def test_a_clock_that_is_slewed_for_an_hour_is_followed_without_a_word() -> None:
    assert taken(TestClock(sets={1000.0 + n: 1.8 for n in (1800, 5400)}), 3600, 3) == ([3600, 7200, 10_800], [])


def test_a_collector_that_is_stopped_ticks_no_more() -> None:
    assert taken(TestClock(stops_at=1035.0), 10, 9)[0] == [10, 20, 30]


@examples(60)
@given(
    st.integers(1, 3600),
    st.floats(0, 1e5),
    st.lists(st.tuples(st.floats(0, 1e4), st.floats(-1e4, 1e4)), max_size=5),
    st.lists(st.floats(0, 50), min_size=20, max_size=20),
)
def test_whatever_clocks_do_a_tick_is_a_multiple_and_now(
    interval: int, offset: float, sets: list[tuple[float, float]], work: list[float]
) -> None:
    clock = TestClock(now=START + offset, sets={1000.0 + at: by for at, by in sets})
    before = None
    for tick, cost in zip(ticks(clock, interval, lambda _: None), work, strict=False):
        assert tick % interval == 0
        assert 0 <= clock.wall() - tick <= interval / 2
        assert tick != before
        before = tick
        clock.pass_by(cost)


def test_a_waiting_collector_stops_at_once() -> None:
    clock = SystemClock()
    threading.Timer(0.05, clock.stop).start()
    begun = time.monotonic()
    assert clock.wait(60) is True
    assert time.monotonic() - begun < 30
    assert clock.wait(60) is True


def test_the_systems_clocks_are_those_of_the_machine() -> None:
    clock = SystemClock()
    assert clock.wall() == pytest.approx(time.time(), abs=5)
    assert clock.monotonic() == pytest.approx(time.monotonic(), abs=5)
    assert clock.wait(0) is False
