"""What holds of every row, on the fake and, where a machine has an NVIDIA GPU, on the real thing; and that the fake is like it."""

import importlib
import inspect
import json
from collections import defaultdict
from datetime import datetime
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from sampling import FAKE, Bench, TestClock, fake_nvml, proc, unpacked

from meterbook.assets.inbox import Inbox
from meterbook.pipelines import collector_nvml
from meterbook.pipelines.collector import collect
from meterbook.pipelines.collector_clock import Clock, SystemClock
from meterbook.pipelines.collector_files import Files
from meterbook.pipelines.collector_jobs import Jobs
from meterbook.pipelines.collector_nvml import library
from meterbook.pipelines.collector_sampler import Labels, Sampler

REAL = "a real GPU"
SCENARIOS = sorted(path.stem for path in FAKE.glob("*.yaml"))
PERCENTS = ("utilization_gpu", "utilization_memory", "sm_percent")
COUNTS = (
    "memory_used_bytes",
    "memory_total_bytes",
    "power_mw",
    "total_energy_mj",
    "sm_clock_mhz",
    "processes",
    "used_memory_bytes",
)


def _real() -> ModuleType:
    nvml = library()
    try:
        nvml.nvmlInit()
        count = nvml.nvmlDeviceGetCount()
        nvml.nvmlShutdown()
    except nvml.NVMLError as error:
        pytest.skip(f"this machine has no NVIDIA GPU that answers: {error}")
    if not count:
        pytest.skip("this machine has no NVIDIA GPU")
    return nvml


@pytest.fixture(params=[*SCENARIOS, REAL])
def ticks(request: pytest.FixtureRequest, tmp_path: Path) -> list[list[dict[str, Any]]]:
    """Rows by tick; what was written lies in tmp_path/inbox."""
    said: list[str] = []
    if request.param == REAL:
        clock: Clock = SystemClock()
        nvml, jobs, interval, count = _real(), Jobs(), 1, 4
    else:
        clock = fake = TestClock()
        nvml = fake_nvml(request.param, lambda: int(fake.up - 1000) // 10)
        jobs, interval, count = Jobs(proc(tmp_path / "proc", {501: "/slurm/job_7/step_0"})), 10, 100
    files = Files(tmp_path / "inbox", "n1", interval, rotate=3600, max_bytes=2**30, say=said.append)
    collect(Sampler(nvml, jobs, Labels("n1", interval), clock, said.append), files, clock, interval, count=count, say=said.append)
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted((tmp_path / "inbox").iterdir()):
        for line in unpacked(path).splitlines():
            row = json.loads(line)
            found[row["sampled_at"]].append(row)
    return [found[at] for at in sorted(found)]


def test_the_reader_takes_every_row(ticks: list[list[dict[str, Any]]], tmp_path: Path) -> None:
    done = Inbox(tmp_path, ()).ingest()
    records = [row["record"] for row in chain(*ticks)]
    assert (done.refused, done.quarantined, done.flagged) == ([], 0, [])
    assert (done.rows_typed, done.filtered) == (len(records) - records.count("process"), records.count("process"))


def test_ticks_lie_at_multiples_of_the_interval(ticks: list[list[dict[str, Any]]]) -> None:
    for row in chain(*ticks):
        at = datetime.fromisoformat(row["sampled_at"])
        assert at.timestamp() % row["interval_seconds"] == 0
        assert row["sampled_at"].endswith("Z")


def test_a_device_keeps_its_uuid_and_is_one_row_of_a_tick(ticks: list[list[dict[str, Any]]]) -> None:
    names = defaultdict(set)
    for rows in ticks:
        devices = [row["uuid"] for row in rows if row["record"] != "process"]
        assert len(devices) == len(set(devices))
        for row in rows:
            if row["record"] == "gpu":
                names[row["uuid"]].add((row["name"], row["memory_total_bytes"]))
    assert all(len(found) == 1 for found in names.values())


def test_figures_are_null_or_within_their_range(ticks: list[list[dict[str, Any]]]) -> None:
    for row in chain(*ticks):
        assert all(row[name] is None or 0 <= row[name] <= 100 for name in PERCENTS if name in row)
        assert all(row[name] is None or row[name] >= 0 for name in COUNTS if name in row)
        if row.get("memory_used_bytes") is not None:
            assert row["memory_used_bytes"] <= row["memory_total_bytes"]


def test_energy_never_falls_while_the_driver_stays(ticks: list[list[dict[str, Any]]]) -> None:
    last: dict[str, int] = {}
    for row in chain(*ticks):
        if row.get("total_energy_mj") is not None:
            assert row["total_energy_mj"] >= last.get(row["uuid"], 0)
            last[row["uuid"]] = row["total_energy_mj"]


def test_slices_name_a_gpu_of_their_tick_and_are_not_more_than_it_has(ticks: list[list[dict[str, Any]]]) -> None:
    for rows in ticks:
        gpus = {row["uuid"] for row in rows if row["record"] == "gpu"}
        shares: defaultdict[str, int] = defaultdict(int)
        for row in rows:
            if row["record"] == "slice":
                assert row["parent_uuid"] in gpus
                shares[row["parent_uuid"]] += row["slices"]
                assert shares[row["parent_uuid"]] <= row["device_slices"]


_ERROR = st.sampled_from(["not supported", "no permission", "unknown", "gpu is lost", "timeout", "uninitialized", "invalid argument"])
_BLANK = st.sampled_from([0xFFFFFFFF, 2**64 - 1, 0x7FFFFFFFFFFFFFF2, -1])


def _over_time(value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[int, Any]]:
    """What is so at turn 0, and changes at some of the next ones."""
    return st.dictionaries(st.integers(1, 9), value, max_size=4).flatmap(lambda later: value.map(lambda first: {0: first, **later}))


_COUNT = _over_time(st.integers(0, 10**9) | _BLANK | _ERROR)
_PROCESSES = _over_time(_ERROR | st.lists(st.fixed_dictionaries({"pid": st.integers(1, 5), "sm_percent": st.integers(0, 999)}), max_size=3))
_FIGURES = {"memory_used_bytes": _COUNT, "processes": _PROCESSES, "answers": _over_time(st.just(value=True) | _ERROR)}
_SLICE = {"profile": st.just("1g.10gb"), "gpu_instance_id": _COUNT, "slices": st.integers(0, 1), "present": _over_time(st.booleans())}
_WHOLE = {
    **dict.fromkeys(("power_mw", "energy_mj", "sm_clock_mhz", "clock_event_reasons"), _COUNT),
    "utilization": _over_time(st.integers(0, 100) | st.just(4_000) | _ERROR),
    "mig_mode": _over_time(st.integers(0, 1) | _ERROR),
    "present": _over_time(st.booleans()),
    "slices": st.fixed_dictionaries({"uuid": st.just("MIG-1"), **_SLICE, **_FIGURES}).map(lambda one: [one]),
}
_GPU = st.fixed_dictionaries({**_WHOLE, **_FIGURES})
_DRIVER = _over_time(st.sampled_from(["loaded", "loaded", "driver not loaded", "library not found", "unknown"]))


@examples(40)
@given(driver=_DRIVER, gpus=st.lists(_GPU, min_size=1, max_size=2))
def test_whatever_a_machine_does_the_collector_goes_on_and_writes_nothing_that_cannot_be(
    tmp_path_factory: pytest.TempPathFactory, driver: dict[int, str], gpus: list[dict[str, Any]]
) -> None:
    # MIG-1 may be in either GPU, never in both.
    named = [{**gpu, "uuid": f"GPU-{n}", "slices": gpu["slices"] if n == 0 else []} for n, gpu in enumerate(gpus)]
    bench = Bench({"driver": driver, "gpus": named}, tmp_path_factory.mktemp("machine"))
    for rows in bench.run(12):
        devices = [row["uuid"] for row in rows if row["record"] != "process"]
        assert len(devices) == len(set(devices))
        assert len({row["sampled_at"] for row in rows}) <= 1
        for row in rows:
            assert all(row[name] is None or 0 <= row[name] <= 100 for name in PERCENTS if name in row)
            assert all(row[name] is None or 0 <= row[name] <= 10**12 for name in COUNTS if name in row)
            assert row["record"] != "slice" or (row["parent_uuid"] in devices and row["utilization_gpu"] is None)


def test_the_fake_has_the_functions_and_constants_of_the_real_library() -> None:
    real, fake = importlib.import_module("pynvml"), fake_nvml("eight", lambda: 0)
    for name, value in vars(fake).items():
        if name.startswith("NVML_"):
            assert getattr(real, name) == value, name
        elif name.startswith("nvml") and callable(value):
            theirs, own = (list(inspect.signature(one).parameters) for one in (getattr(real, name), value))
            assert len(theirs) == len(own), name
    assert real.nvmlMemory_v2 == fake.nvmlMemory_v2


def test_errors_have_the_numbers_of_the_real_library() -> None:
    real = importlib.import_module("pynvml")
    ours = {name: value for name, value in vars(collector_nvml).items() if hasattr(real, f"NVML_ERROR_{name}")}
    assert len(ours) == 12
    assert all(getattr(real, f"NVML_ERROR_{name}") == value for name, value in ours.items())


@pytest.mark.parametrize(
    ("structure", "fields"),
    [
        ("c_nvmlUtilization_t", {"gpu", "memory"}),
        ("c_nvmlMemory_v2_t", {"used", "total"}),
        ("c_nvmlProcessInfo_v3_t", {"pid", "usedGpuMemory"}),
        ("c_nvmlProcessUtilizationSample_t", {"pid", "timeStamp", "smUtil"}),
        ("c_nvmlDeviceAttributes", {"gpuInstanceSliceCount", "computeInstanceSliceCount"}),
    ],
)
def test_the_real_library_has_the_fields_that_are_read(structure: str, fields: set[str]) -> None:
    real = importlib.import_module("pynvml")
    assert fields <= {field[0] for field in getattr(real, structure)._fields_}


def test_every_scenario_is_replayed_without_a_word_of_an_unknown_error(tmp_path: Path) -> None:
    for name in SCENARIOS:
        bench = Bench(name, tmp_path / name)
        assert any(bench.run(20))
        assert not [line for line in bench.said if "NVML Error" in line]
