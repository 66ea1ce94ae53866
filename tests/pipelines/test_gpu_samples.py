"""What the GPU collector writes of a machine, and what it does when the machine changes under it."""

from pathlib import Path
from typing import Any

import pytest
from sampling import Bench, proc

from meterbook.pipelines.collector_jobs import Jobs
from meterbook.pipelines.collector_sampler import DriverReplacedError

ONE: dict[str, Any] = {"uuid": "GPU-1", "utilization": 5}
TWO: dict[str, Any] = {"uuid": "GPU-2", "utilization": 7}
RELOAD = {0: "loaded", 2: "driver not loaded", 5: "loaded"}


def machine(*gpus: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"gpus": list(gpus), **more}


def devices(ticks: list[list[dict[str, Any]]]) -> list[list[str]]:
    return [[row["uuid"] for row in rows if row["record"] != "process"] for rows in ticks]


def test_a_tick_is_a_row_for_each_gpu_and_process(tmp_path: Path) -> None:
    rows = Bench("eight", tmp_path).tick()
    assert [(row["record"], row["uuid"]) for row in rows[:4]] == [
        ("gpu", "GPU-0"),
        ("process", "GPU-0"),
        ("process", "GPU-0"),
        ("gpu", "GPU-1"),
    ]
    assert len(rows) == 24
    assert {row["sampled_at"] for row in rows} == {"2026-10-01T00:00:10Z"}


def test_figures_are_those_of_nvml_in_its_units(tmp_path: Path) -> None:
    [gpu, first, second, *_] = Bench("eight", tmp_path).tick()
    assert gpu == {
        "record": "gpu",
        "sampled_at": "2026-10-01T00:00:10Z",
        "uuid": "GPU-0",
        "host": "n1",
        "pool": "training",
        "interval_seconds": 10,
        "job_id": None,
        "index": 0,
        "name": "NVIDIA H100 80GB HBM3",
        "team": "research",
        "utilization_gpu": 98,
        "utilization_memory": 61,
        "memory_used_bytes": 74_316_513_280,
        "memory_total_bytes": 85_520_809_984,
        "power_mw": 592_740,
        "total_energy_mj": 184_467_440_737,
        "sm_clock_mhz": 1980,
        "clock_event_reasons": 1,
        "processes": 2,
        "mig_mode": 0,
        "device_slices": None,
    }
    assert (first["pid"], first["used_memory_bytes"], first["parent_uuid"]) == (41_217, 74_310_221_824, None)
    assert (first["sm_percent"], second["sm_percent"]) == (97, 1), "the latest sample of a process counts"


@pytest.mark.parametrize(
    ("given", "column"),
    [
        ("utilization", "utilization_gpu"),
        ("memory_used_bytes", "memory_used_bytes"),
        ("power_mw", "power_mw"),
        ("energy_mj", "total_energy_mj"),
        ("sm_clock_mhz", "sm_clock_mhz"),
        ("clock_event_reasons", "clock_event_reasons"),
        ("processes", "processes"),
        ("mig_mode", "mig_mode"),
        ("name", "name"),
    ],
)
@pytest.mark.parametrize(("error", "why"), [("not supported", "not supported"), ("no permission", "no permission"), ("timeout", "timeout")])
def test_a_figure_that_fails_is_null_and_the_reason_is_said_once(tmp_path: Path, given: str, column: str, error: str, why: str) -> None:
    bench = Bench(machine({**ONE, given: error}), tmp_path)
    ticks = bench.run(20)
    assert {rows[0][column] for rows in ticks} == {None}
    assert sum(why in line for line in bench.said) == 1


@pytest.mark.parametrize("blank", [0xFFFFFFFF, 2**64 - 1, 9_223_372_036_854_775_794, 0x7FFFFFF0, -1])
@pytest.mark.parametrize(
    ("given", "column"), [("power_mw", "power_mw"), ("energy_mj", "total_energy_mj"), ("memory_used_bytes", "memory_used_bytes")]
)
def test_what_drivers_write_for_no_figure_is_null(tmp_path: Path, blank: int, given: str, column: str) -> None:
    assert Bench(machine({**ONE, given: blank}), tmp_path).tick()[0][column] is None


def test_a_percentage_beyond_a_hundred_is_no_percentage(tmp_path: Path) -> None:
    busy = {**ONE, "utilization": 101, "processes": [{"pid": 7, "used_memory_bytes": None, "sm_percent": 4_000_000}]}
    gpu, process = Bench(machine(busy), tmp_path).tick()
    assert (gpu["utilization_gpu"], process["sm_percent"], process["used_memory_bytes"]) == (None, None, None)


def test_a_process_that_has_not_run_since_the_tick_before_has_no_percentage(tmp_path: Path) -> None:
    bench = Bench(machine({**ONE, "processes": [{"pid": 7, "sm_percent": 60, "time_stamp": 1_790_812_801_000_000}]}), tmp_path)
    # Beyond a minute, when devices have been listed anew, it still is a sample of long ago.
    assert [rows[1]["sm_percent"] for rows in bench.run(9)] == [60] + [None] * 8


def test_zero_stays_zero(tmp_path: Path) -> None:
    idle = {**ONE, "utilization": 0, "memory_used_bytes": 0, "power_mw": 0, "energy_mj": 0}
    [gpu] = Bench(machine(idle), tmp_path).tick()
    assert [gpu[name] for name in ("utilization_gpu", "memory_used_bytes", "power_mw", "total_energy_mj", "processes")] == [0] * 5


def test_a_figure_that_a_gpu_lacks_is_not_asked_for_at_every_tick(tmp_path: Path) -> None:
    bench = Bench(machine({**ONE, "power_mw": "not supported"}), tmp_path)
    bench.run(13)  # two minutes and a listing at each
    assert bench.nvml.calls["nvmlDeviceGetPowerUsage"] == 3
    assert bench.nvml.calls["nvmlDeviceGetUtilizationRates"] == 13


def test_a_busy_gpu_costs_eight_calls_at_a_tick(tmp_path: Path) -> None:
    bench = Bench("eight", tmp_path)
    bench.tick()
    bench.nvml.calls.clear()
    bench.tick()
    assert bench.nvml.calls.total() == 8 * 8


def test_mig_that_is_switched_on_and_off_is_followed(tmp_path: Path) -> None:
    bench = Bench("mig", tmp_path)
    found = devices(bench.run(13))
    whole, cut = ["GPU-1", "GPU-2"], ["GPU-1", "MIG-3", "MIG-4a", "MIG-4b", "GPU-2"]
    # At the tick of the change the GPU is not known to be cut yet: it says that it lost a figure, and is looked at again at the next.
    assert found == [whole] * 3 + [cut] * 3 + [[name for name in cut if name != "MIG-4b"]] * 4 + [whole] * 3


def test_a_slice_names_its_gpu_and_its_share_and_has_no_utilisation(tmp_path: Path) -> None:
    rows = {row["uuid"]: row for row in Bench("mig", tmp_path).run(4)[3] if row["record"] != "process"}
    assert [rows["GPU-1"][name] for name in ("utilization_gpu", "mig_mode", "device_slices", "processes")] == [None, 1, 7, 1]
    third = rows["MIG-3"]
    shown = (
        "parent_uuid",
        "gpu_instance_id",
        "slice_profile",
        "slices",
        "device_slices",
        "utilization_gpu",
        "processes",
        "name",
        "mig_mode",
    )
    assert [third[name] for name in shown] == ["GPU-1", 1, "3g.20gb", 3, 7, None, 1, "NVIDIA A100-SXM4-40GB", 1]
    assert (third["memory_used_bytes"], third["memory_total_bytes"]) == (4_294_967_296, 20_937_965_568)


def test_compute_instances_of_one_gpu_instance_share_its_slices(tmp_path: Path) -> None:
    rows = Bench("mig", tmp_path).run(4)[3]
    assert {row["uuid"]: row["slices"] for row in rows if row["record"] == "slice"} == {"MIG-3": 3, "MIG-4a": 1, "MIG-4b": 3}


def test_a_share_that_the_driver_does_not_tell_is_null(tmp_path: Path) -> None:
    part = {"uuid": "MIG-1", "profile": "7g.80gb", "gpu_instance_id": 0, "slices": 0}
    assert Bench(machine({**ONE, "mig_mode": 1, "slices": [part]}), tmp_path).tick()[1]["slices"] is None


def test_a_process_in_a_slice_is_the_slices(tmp_path: Path) -> None:
    [process] = [row for row in Bench("mig", tmp_path).run(4)[3] if row["record"] == "process"]
    assert (process["uuid"], process["parent_uuid"], process["pid"], process["sm_percent"]) == ("MIG-3", "GPU-1", 501, None)


def test_where_the_whole_gpu_may_not_be_asked_its_processes_are_unknown_and_those_of_slices_are_known(tmp_path: Path) -> None:
    part = {"uuid": "MIG-1", "profile": "7g.80gb", "gpu_instance_id": 0, "slices": 7, "processes": [{"pid": 3}]}
    bench = Bench(machine({**ONE, "mig_mode": 1, "processes": "no permission", "slices": [part]}), tmp_path)
    assert [row.get("processes") for row in bench.tick()] == [None, 1, None]


def test_a_gpu_that_falls_off_the_bus_is_left_out_and_the_others_go_on(tmp_path: Path) -> None:
    bench = Bench(machine({**ONE, "answers": {0: True, 2: "gpu is lost", 4: True}}, TWO), tmp_path)
    found = devices(bench.run(12))
    assert found[:3] == [["GPU-1", "GPU-2"], ["GPU-1", "GPU-2"], ["GPU-2"]]
    assert all("GPU-2" in names for names in found)
    assert found[-1] == ["GPU-1", "GPU-2"]
    assert bench.nvml.calls["nvmlInit"] > 1, "the library is loaded anew"


def test_a_gpu_that_is_unplugged_is_no_longer_listed(tmp_path: Path) -> None:
    bench = Bench(machine({**ONE, "present": {0: True, 2: False}}, TWO), tmp_path)
    assert devices(bench.run(5)) == [["GPU-1", "GPU-2"]] * 2 + [["GPU-2"]] * 3
    assert bench.said[-1] == "sampling 1 GPUs and 0 MIG slices"


def test_a_driver_that_is_loaded_anew_is_taken_up_again(tmp_path: Path) -> None:
    bench = Bench(machine({**ONE, "energy_mj": {0: 5_000, 5: 40}}, TWO, driver=RELOAD), tmp_path)
    ticks = bench.run(12)
    found = devices(ticks)
    assert found[:5] == [["GPU-1", "GPU-2"]] * 2 + [[]] * 3
    assert found[-1] == ["GPU-1", "GPU-2"]
    assert {rows[0]["total_energy_mj"] for rows in ticks if rows} == {5_000, 40}, "a counter that begins anew is written as it is"
    assert "NVML is back" in bench.said


def test_attempts_to_reach_a_driver_grow_apart_to_a_minute(tmp_path: Path) -> None:
    bench = Bench(machine(ONE, driver="driver not loaded"), tmp_path, interval=1)
    bench.run(300)
    # At once, after 1, 2, 4, 8, 16 and 32 seconds (63 in all), and from then on each minute.
    assert bench.nvml.calls["nvmlInit"] == 7 + (299 - 63) // 60
    assert bench.said == ["NVML is left out: driver not loaded; is the driver loaded?"], "it is said once"


def test_a_driver_of_another_version_needs_a_new_process(tmp_path: Path) -> None:
    bench = Bench(machine(ONE, driver={0: "loaded", 1: "driver not loaded", 2: "lib rm version mismatch"}), tmp_path)
    bench.run(2)
    with pytest.raises(DriverReplacedError, match="start gpu-sample again"):
        bench.tick()


def test_a_driver_that_does_not_fit_its_library_from_the_start_is_waited_for(tmp_path: Path) -> None:
    bench = Bench(machine(ONE, driver={0: "lib rm version mismatch", 3: "loaded"}), tmp_path)
    assert devices(bench.run(6))[-1] == ["GPU-1"]


def test_a_driver_that_is_too_old_for_a_figure_has_none(tmp_path: Path) -> None:
    bench = Bench(machine({**ONE, "processes": "function not found"}), tmp_path)
    assert bench.tick()[0]["processes"] is None
    assert "GPU-1: processes is not known: the driver is too old for it" in bench.said


def test_a_machine_without_gpus_is_waited_for(tmp_path: Path) -> None:
    bench = Bench(machine({**ONE, "present": {0: False, 4: True}}), tmp_path)
    assert devices(bench.run(8)) == [[]] * 6 + [["GPU-1"]] * 2
    assert bench.said == ["there is no GPU; waiting for one", "sampling 1 GPUs and 0 MIG slices"]


def test_an_error_that_says_nothing_costs_a_figure_and_not_the_gpu(tmp_path: Path) -> None:
    bench = Bench(machine({**ONE, "power_mw": {0: 9, 1: "unknown", 2: 9}}), tmp_path)
    assert [rows[0]["power_mw"] for rows in bench.run(3)] == [9, None, 9]
    assert bench.nvml.calls["nvmlInit"] == 2


def test_a_gpu_that_says_unknown_to_everything_is_left_out(tmp_path: Path) -> None:
    bench = Bench(machine({**ONE, "answers": {0: True, 1: "unknown"}}, TWO), tmp_path)
    assert devices(bench.run(2)) == [["GPU-1", "GPU-2"], ["GPU-2"]]


def test_a_gpu_shows_the_jobs_of_its_processes(tmp_path: Path) -> None:
    running = [{"pid": 11}, {"pid": 12}, {"pid": 13}, {"pid": 14}]
    groups = {11: "/system.slice/slurmstepd.scope/job_90/step_0/user/task_0", 12: "/slurm/uid_1/job_123/step_batch", 13: "/user.slice"}
    bench = Bench(machine({**ONE, "processes": running}), tmp_path, jobs=Jobs(proc(tmp_path, groups)))
    gpu, *processes = bench.tick()
    assert gpu["job_id"] == "123, 90"
    assert [row["job_id"] for row in processes] == ["90", "123", None, None]


def test_among_other_processes_than_the_hosts_their_number_is_unknown_and_not_zero(tmp_path: Path) -> None:
    bench = Bench("eight", tmp_path, jobs=Jobs(proc(tmp_path, namespace="pid:[4026532999]")))
    rows = bench.tick()
    assert {row["record"] for row in rows} == {"gpu"}
    assert {row["processes"] for row in rows} == {None}
    assert sum("hostPID" in line for line in bench.said) == 8


def test_neither_names_nor_command_lines_of_processes_are_written(tmp_path: Path) -> None:
    jobs = Jobs(proc(tmp_path, {41_217: "/system.slice/job_5/step_0"}))
    (tmp_path / "41217/cmdline").write_text("train --secret")
    rows = Bench("eight", tmp_path, jobs=jobs).tick()
    assert all({"command", "cmdline", "user", "user_id"}.isdisjoint(row) for row in rows)
    assert "secret" not in str(rows)


def test_a_collector_that_ends_lets_go_of_the_driver(tmp_path: Path) -> None:
    bench = Bench(machine(ONE), tmp_path)
    bench.tick()
    bench.sampler.close()
    bench.sampler.close()
    assert bench.nvml.calls["nvmlShutdown"] == 1
