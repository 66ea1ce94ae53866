"""What must hold of waits whatever the jobs are."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.clock import calendar, hours

pytestmark = pytest.mark.long

Made = dict[str, list[dict[str, Any]]]
Chain = Callable[[Mapping[str, Any], Sequence[str], date, date], Made]
FIRST, LAST = date(2026, 10, 5), date(2026, 10, 11)
MODELS = (
    "core.queue_setting",
    "core.job_run",
    "core.job_wait",
    "core.job_loss",
    "core.queue_cell",
    "core.queue_percentile",
    "marts.queue_wait",
    "marts.queue_loss",
    "marts.queue_hour",
)
START = datetime(2026, 10, 5)
CALENDAR = {"book.day": calendar(FIRST, LAST), "book.hour": hours(FIRST, LAST, "UTC")}
WAYS = ("started", "waiting", "cancelled")
RUN = st.tuples(
    st.sampled_from(["red", "blue"]), st.integers(0, 200_000), st.integers(0, 100_000), st.sampled_from(WAYS), st.integers(1, 8)
)


def _job(number: int, run: tuple[str, int, int, str, int]) -> dict[str, object]:
    team, submitted, waited, way, gpus = run
    at, until = START + timedelta(seconds=submitted), START + timedelta(seconds=submitted + waited)
    row = {"run_id": f"{number:03}", "job_id": f"{number % 6}", "day": at.date(), "source": "s", "queue": "q", "team": team, "gpus": gpus}
    ends = {"started": ("completed", until, until), "waiting": ("waiting", None, None), "cancelled": ("cancelled", None, until)}
    state, started, ended = ends[way]
    return {**row, "submitted_at": at, "started_at": started, "ended_at": ended, "state": state}


def _covered(spans: Sequence[tuple[int, int]]) -> int:
    """Seconds that at least one span covers, counted one after the other."""
    covered, until = 0, 0
    for first, last in sorted(spans):
        covered += max(0, last - max(first, until))
        until = max(until, last)
    return covered


@given(st.lists(RUN, min_size=1, max_size=12), st.randoms(use_true_random=False))
@examples(12)
def test_seconds_by_the_clock_are_those_that_any_wait_covers_and_no_order_of_rows_changes_a_figure(
    chain: Chain, runs: list[tuple[str, int, int, str, int]], shuffle: Any
) -> None:
    jobs = [_job(number, run) for number, run in enumerate(runs)]
    made = chain({"core.job": jobs, **CALENDAR}, MODELS, FIRST, LAST)
    mixed = list(jobs)
    shuffle.shuffle(mixed)
    again = chain({"core.job": mixed, **CALENDAR}, MODELS, FIRST, LAST)
    for name in MODELS:
        assert sorted(map(repr, made[name])) == sorted(map(repr, again[name]))
    for team in ("red", "blue"):
        for is_started in (True, False):
            waits = [row for row in made["core.job_wait"] if row["team"] == team and (row["wait_state"] == "started") == is_started]
            spans = [(_second(row["runnable_at"]), _second(row["waited_until"])) for row in waits]
            merged = sum(row["unshared_seconds"] for row in waits)
            assert merged == _covered(spans)
            assert merged <= sum(row["wait_seconds"] for row in waits)
            if spans:
                assert merged <= max(last for _, last in spans) - min(first for first, _ in spans)


@given(st.lists(RUN, min_size=1, max_size=12))
@examples(8)
def test_every_run_is_counted_once_and_every_second_that_gpus_were_waited_for_lies_in_one_hour(
    chain: Chain, runs: list[tuple[str, int, int, str, int]]
) -> None:
    made = chain({"core.job": [_job(number, run) for number, run in enumerate(runs)], **CALENDAR}, MODELS, FIRST, LAST)
    waits = made["core.job_wait"]
    parts = {(row["span"], row["parted_by"]) for row in made["marts.queue_wait"]}
    assert len(parts) == 7
    for part in parts:
        rows = [row for row in made["marts.queue_wait"] if (row["span"], row["parted_by"]) == part]
        counted = sum(row["started_runs"] + row["waiting_runs"] + row["cancelled_runs"] + row["unknown_runs"] for row in rows)
        assert counted == len(runs)
        assert sum(row["wait_seconds"] for row in rows) == sum(row["wait_seconds"] for row in waits if row["wait_state"] == "started")
    assert sum(row["waiting_gpu_seconds"] for row in made["marts.queue_hour"]) == sum(row["waited_gpu_seconds"] for row in waits)
    [week] = [row for row in made["marts.queue_wait"] if (row["span"], row["parted_by"]) == ("week", "total")]
    started = sorted(row["wait_seconds"] for row in waits if row["wait_state"] == "started")
    for name, share in (("p50_seconds", 50), ("p90_seconds", 90), ("p99_seconds", 99)):
        wanted = next((wait for wait in started if 100 * sum(one <= wait for one in started) >= share * len(started)), None)
        assert week[name] == wanted


def test_nothing_of_no_jobs_is_an_empty_table(chain: Chain) -> None:
    made = chain({**CALENDAR}, MODELS, FIRST, LAST)
    assert made == {name: [] for name in MODELS}


def _second(instant: datetime) -> int:
    return int((instant - datetime(1970, 1, 1)).total_seconds())


def test_the_hours_of_the_calendar_say_what_the_clock_shows() -> None:
    found = hours(date(2026, 10, 25), date(2026, 10, 25), "Europe/Berlin")
    # The hour from 2 to 3 is there twice when clocks go back.
    assert found["hour_of_day"].to_list() == [2, 2, *range(3, 24), 0]
    assert found["hour_of_day"].dtype == pl.Int32()
