"""What the sample company's GPUs, their queue and the model they serve leave in the inbox: parts that agree with each other."""

import csv
import gzip
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import zstandard
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.pipelines import demo_notebooks as notebooks
from meterbook.pipelines import demo_slurm as slurm
from meterbook.pipelines import demo_training as training
from meterbook.pipelines.demo_company import LAST, SERVED_FEATURE, SERVED_MODEL, days
from meterbook.pipelines.demo_gpus import IDLE_FROM, IDLE_TO

pytestmark = pytest.mark.long

Row = dict[str, Any]
_VALUE = re.compile(r"DCGM_FI_(\w+)\{(.*)\} (\S+) (\d+)")


@pytest.fixture(scope="module")
def runs(october: Path) -> list[dict[str, str]]:
    """Every line of the log of Slurm, with the day of its file."""
    return [
        {**row, "day": path.stem}
        for path in sorted((october / "inbox" / "slurm").glob("*"))
        for row in csv.DictReader(io.StringIO(path.read_text("utf-8")), delimiter="|")
    ]


@pytest.fixture(scope="module")
def samples(october: Path) -> list[Row]:
    """Every sample of the training pool."""
    paths = sorted((october / "inbox" / "gpu" / "training").glob("*"))
    return [json.loads(line) for path in paths for line in zstandard.ZstdDecompressor().decompress(path.read_bytes()).splitlines()]


@pytest.fixture(scope="module")
def scraped(october: Path) -> list[tuple[str, dict[str, str], float, datetime]]:
    """Every value of the notebooks: metric, labels, value and instant."""
    return list(_scraped(october))


def _scraped(october: Path) -> Iterator[tuple[str, dict[str, str], float, datetime]]:
    for path in sorted((october / "inbox" / "gpu" / "notebooks").glob("*")):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            if found := _VALUE.fullmatch(line):
                labels = dict(re.findall(r'(\w+)="([^"]*)"', found[2]))
                yield found[1], labels, float(found[3]), datetime.fromtimestamp(int(found[4]) / 1000)  # noqa: DTZ006 -- only compared


def _wait(row: dict[str, str]) -> float:
    return (_at(row, "Start") - _at(row, "Submit")).total_seconds()


def _at(row: dict[str, str], name: str) -> datetime:
    return datetime.fromisoformat(row[name])


def _started(runs: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in runs if row["AllocTRES"]]


def test_runs_begin_and_end_when_samples_of_their_gpu_say_so(runs: list[dict[str, str]], samples: list[Row]) -> None:
    seen: dict[str, set[tuple[str, str, datetime]]] = defaultdict(set)
    for one in samples:
        if one["job_id"]:
            seen[one["job_id"]].add((one["uuid"], one["team"], datetime.fromisoformat(one["sampled_at"][:-1])))
    said: dict[str, set[tuple[str, datetime]]] = defaultdict(set)
    step = timedelta(seconds=training.SECONDS)
    for row in _started(runs):
        # A sample stands for the five minutes after it.
        start = _at(row, "Start")
        first = start - timedelta(seconds=start.minute * 60 % training.SECONDS + start.second)
        assert start - first < step
        count = -((first - _at(row, "End")) // step)
        said[row["JobIDRaw"]] |= {(row["Account"], first + n * step) for n in range(count)}
    assert {job: {(team, at) for _, team, at in where} for job, where in seen.items()} == said
    assert all(len({uuid for uuid, _, _ in where}) == 1 for where in seen.values())
    assert len(said) > 250


def test_a_gpu_works_and_holds_memory_only_for_a_job(samples: list[Row]) -> None:
    assert all(one["job_id"] for one in samples if one["utilization_gpu"] or one["memory_used_bytes"] or one["team"])
    assert any(one["job_id"] and not one["utilization_gpu"] for one in samples)


def test_waits_grow_in_working_hours(runs: list[dict[str, str]]) -> None:
    by_night, by_day = (
        [_wait(row) for row in _started(runs) if _at(row, "Start").hour in hours and row["QOS"] == "normal"]
        for hours in (range(6), range(11, 17))
    )
    assert min(len(by_night), len(by_day)) > 50
    assert sum(by_day) / len(by_day) > 3 * sum(by_night) / len(by_night)
    assert all(_wait(row) >= 0 and row["Submit"] == row["Eligible"] for row in _started(runs))


def test_lost_runs_come_back_into_the_queue_when_they_end(runs: list[dict[str, str]], truth_of_jobs: dict[str, int]) -> None:
    lost = [row for row in runs if row["State"] in slurm.LOST]
    assert {row["State"] for row in lost} == slurm.LOST
    assert 0.05 < len(lost) / len(_started(runs)) < 0.15
    for row in lost:
        [again] = [one for one in runs if (one["JobIDRaw"], one["Submit"]) == (row["JobIDRaw"], row["End"])]
        assert (again["State"], again["Account"]) == ("COMPLETED", row["Account"])
    assert (len(lost), sum(int(row["ElapsedRaw"]) for row in lost)) == (truth_of_jobs["lost"], truth_of_jobs["lost_gpu_seconds"])


@pytest.fixture
def truth_of_jobs(october_truth: dict[str, Any]) -> dict[str, int]:
    return dict(october_truth["jobs"])


def test_urgent_jobs_take_the_gpu_of_a_run_that_gives_way(runs: list[dict[str, str]]) -> None:
    urgent = [row for row in runs if row["QOS"] == "high"]
    gave_way = [row for row in runs if row["State"] == "PREEMPTED"]
    assert len(urgent) == len(gave_way) > 10
    for row in gave_way:
        near = [one for one in urgent if timedelta(0) <= _at(one, "Start") - _at(row, "End") < timedelta(seconds=training.LATE_SECONDS)]
        assert any(one["Account"] != row["Account"] for one in near)


def test_some_jobs_are_cancelled_while_they_wait_and_some_wait_at_the_end(
    runs: list[dict[str, str]], truth_of_jobs: dict[str, int]
) -> None:
    cancelled = [row for row in runs if row["State"].startswith("CANCELLED")]
    pending = [row for row in runs if row["State"] == "PENDING"]
    assert all(_at(row, "End") > _at(row, "Submit") and row["ElapsedRaw"] == "0" for row in cancelled)
    assert {row["day"] for row in pending} == {str(LAST)}
    counts = (len(_started(runs)), len(cancelled), len(pending), len(runs))
    assert counts == tuple(truth_of_jobs[name] for name in ("started", "cancelled", "waiting", "runs"))
    assert (len(pending), len(cancelled) > 5) == (slurm.PENDING, True)
    assert sum(_wait(row) for row in _started(runs)) == truth_of_jobs["wait_seconds"]


@examples(15)
@given(day=st.sampled_from(days()))
def test_runs_of_a_gpu_never_overlap_and_stay_within_their_day(day: date) -> None:
    for gpu in range(training.GPUS):
        own = [run for run in training.runs_of(day) if run.gpu == gpu]
        assert all(0 <= run.submitted <= run.start < min(run.worked, run.end) for run in own)
        assert all(one.end <= after.start for one, after in pairwise(own))
        assert own[-1].end < training.DAY


@examples(15)
@given(day=st.sampled_from(days()[:-1]))
def test_a_days_energy_ends_where_the_next_days_begins(day: date) -> None:
    now, after = (training.grid_of(one).energy_mj.reshape(training.GPUS, -1) for one in (day, day + timedelta(days=1)))
    steps = {watt * training.SECONDS * 1000 for watt in (training.USED_WATTS, training.WARM_WATTS, training.FREE_WATTS)}
    assert {*(after[:, 0] - now[:, -1]).tolist()} <= steps


def test_energy_counters_never_go_back_and_add_up_over_days(samples: list[Row]) -> None:
    counters: dict[str, list[int]] = defaultdict(list)
    for one in samples:
        counters[one["uuid"]].append(one["total_energy_mj"])
    steps = Counter(after - before for values in counters.values() for before, after in pairwise(values))
    watts = {training.USED_WATTS, training.WARM_WATTS, training.FREE_WATTS}
    assert {*steps} == {watt * training.SECONDS * 1000 for watt in watts}
    assert len(counters) == training.GPUS


def test_notebooks_are_slices_of_three_teams_and_leave_a_seventh_to_nobody(
    scraped: list[tuple[str, dict[str, str], float, datetime]],
) -> None:
    held: dict[str, set[str]] = defaultdict(set)
    for metric, labels, _, at in scraped:
        if metric == "PROF_GR_ENGINE_ACTIVE" and "namespace" in labels and at.date() != notebooks.MOVED_DAY:
            held[labels["GPU_I_PROFILE"]].add(labels["namespace"])
    assert held == {"3g.40gb": {"research"}, "2g.20gb": {"documents"}, "1g.10gb": {"engineering"}}
    assert sum(one.sevenths for one in notebooks.SLICES) == notebooks.SEVENTHS - 1


def test_by_night_one_team_keeps_its_memory_and_nobody_works(scraped: list[tuple[str, dict[str, str], float, datetime]]) -> None:
    night = [(metric, labels, value) for metric, labels, value, at in scraped if at.hour < notebooks.OPEN and "GPU_I_ID" in labels]
    assert {value for metric, _, value in night if metric == "PROF_GR_ENGINE_ACTIVE"} == {0}
    assert {labels["namespace"] for metric, labels, value in night if metric == "DEV_FB_USED" and value} == {"research"}
    assert {labels.get("namespace") for *_, labels, _ in night} == {"research", None}


def test_a_pod_gives_way_to_another_teams_in_mid_hour_once(scraped: list[tuple[str, dict[str, str], float, datetime]]) -> None:
    changed: dict[date, set[tuple[datetime, str]]] = defaultdict(set)
    for metric, labels, _, at in scraped:
        if metric == "DEV_FB_USED" and labels["GPU_I_PROFILE"] == "1g.10gb" and labels.get("namespace") == notebooks.MOVED_TO:
            changed[at.date()].add((at, labels["gpu"]))
    assert {*changed} == {notebooks.MOVED_DAY}
    first = min(changed[notebooks.MOVED_DAY])
    assert (first[0].hour, first[0].minute, first[1]) == (10, 30, str(notebooks.MOVED_GPU))


def test_energy_of_a_whole_gpu_follows_from_the_work_of_its_slices(scraped: list[tuple[str, dict[str, str], float, datetime]]) -> None:
    work: Counter[tuple[str, datetime]] = Counter()
    counter: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    sizes = {one.profile: one.sevenths for one in notebooks.SLICES}
    for metric, labels, value, at in scraped:
        if metric == "PROF_GR_ENGINE_ACTIVE":
            work[labels["gpu"], at] += sizes[labels["GPU_I_PROFILE"]] if value else 0
        elif metric == "DEV_TOTAL_ENERGY_CONSUMPTION":
            counter[labels["gpu"]].append((at, value))
    for gpu, values in counter.items():
        for (at, before), (_, after) in pairwise(values):
            watts = notebooks.IDLE_WATTS + notebooks.SLICE_WATTS * work[gpu, at]
            assert after - before == watts * notebooks.SECONDS * 1000
    assert len(counter) == notebooks.GPUS


def test_the_model_of_its_own_is_called_while_its_pool_serves_it(logged: list[Row], october_truth: dict[str, Any]) -> None:
    rows = [row for row in logged if row["model"] == SERVED_MODEL]
    called = {date.fromisoformat(row["startTime"][:10]) for row in rows}
    assert not {day for day in called if IDLE_FROM <= day < IDLE_TO}
    assert called | {IDLE_FROM + timedelta(days=n) for n in range((IDLE_TO - IDLE_FROM).days)} == {
        date.fromisoformat(day) for day in october_truth["days"]
    }
    assert {(row["custom_llm_provider"], row["spend"]) for row in rows} == {("hosted_vllm", 0)}
    said = october_truth["self_hosted"]
    assert (said["model"], said["feature"]) == (SERVED_MODEL, SERVED_FEATURE)
    counted = [row for row in rows if row["total_tokens"]]
    assert (len(counted), sum(row["prompt_tokens"] for row in rows)) == (said["requests"], said["prompt_tokens"])
    assert sum(row["completion_tokens"] for row in rows) == said["output_tokens"]
