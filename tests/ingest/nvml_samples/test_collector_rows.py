"""Rows as `meterbook gpu-sample` writes them, and what is wrong with those that it never would."""

import json
from collections.abc import Callable
from typing import Any

import pytest

GPU: dict[str, Any] = {
    "record": "gpu",
    "sampled_at": "2026-10-01T00:00:10Z",
    "uuid": "GPU-1",
    "interval_seconds": 10,
    "utilization_gpu": None,
    "mig_mode": 1,
    "device_slices": 7,
}
SLICE: dict[str, Any] = {**GPU, "record": "slice", "uuid": "MIG-1", "parent_uuid": "GPU-1", "gpu_instance_id": 1, "slices": 3}
PROCESS: dict[str, Any] = {"record": "process", "sampled_at": "2026-10-01T00:00:10Z", "uuid": "MIG-1", "pid": 7, "interval_seconds": 10}


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_the_collectors_rows_are_read_as_they_were_written(desk: Any, sample: Callable[[str], str]) -> None:
    given = [json.loads(line) for line in sample("collector.jsonl").splitlines()]
    kept = [row for row in given if row["record"] != "process"]
    done = desk.take({"gpus.jsonl": sample("collector.jsonl")})
    raw = desk.raw("nvml_samples")
    assert (done.rows_in, done.rows_typed, done.filtered, done.quarantined) == (15, 13, 2, 0)
    for name in set(raw.columns) - {"file_id", "source", "line", "day", "sampled_at", "sampled_second"}:
        assert raw[name].to_list() == [row.get(name) for row in kept], name


def test_rows_of_processes_are_counted_as_filtered(desk: Any) -> None:
    done = desk.take({"gpus.jsonl": lines(GPU, SLICE, PROCESS, PROCESS)})
    assert (done.rows_in, done.rows_typed, done.filtered) == (4, 2, 2)
    assert "record" not in desk.raw("nvml_samples").columns


def test_a_slice_keeps_its_gpu_its_share_and_its_memory(desk: Any) -> None:
    desk.take({"gpus.jsonl": lines(GPU, {**SLICE, "memory_used_bytes": 5, "memory_total_bytes": 9, "power_mw": None})})
    columns = ("uuid", "parent_uuid", "gpu_instance_id", "slices", "device_slices", "memory_used_bytes", "memory_total_bytes", "power_mw")
    assert desk.raw("nvml_samples").select(columns).row(1) == ("MIG-1", "GPU-1", 1, 3, 7, 5, 9, None)


def test_rows_without_a_record_are_devices_as_before(desk: Any) -> None:
    old = {name: value for name, value in GPU.items() if name not in {"record", "device_slices"}}
    desk.take({"gpus.jsonl": lines(old, {**old, "uuid": "MIG-1", "parent_uuid": "GPU-1"})})
    assert desk.raw("nvml_samples")["parent_uuid"].to_list() == [None, "GPU-1"]


def test_a_slice_whose_share_nvml_does_not_tell_is_kept(desk: Any) -> None:
    assert desk.take({"gpus.jsonl": lines(GPU, {**SLICE, "slices": None, "device_slices": None})}).quarantined == 0


def test_a_slice_may_be_the_whole_gpu(desk: Any) -> None:
    assert desk.take({"gpus.jsonl": lines(GPU, {**SLICE, "slices": 7})}).quarantined == 0


def test_figures_of_whole_gpus_are_kept_in_milliwatt_and_millijoule(desk: Any) -> None:
    desk.take({"gpus.jsonl": lines({**GPU, "power_mw": 592_740, "total_energy_mj": 184_467_440_737})})
    assert desk.raw("nvml_samples").select("power_mw", "total_energy_mj").row(0) == (592_740, 184_467_440_737)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({**SLICE, "parent_uuid": None}, "a slice names no GPU: parent_uuid is missing"),
        ({**SLICE, "parent_uuid": ""}, "a slice names no GPU: parent_uuid is missing"),
        ({**SLICE, "parent_uuid": "MIG-1"}, "parent_uuid is the slice itself"),
        ({**SLICE, "record": None, "parent_uuid": ""}, "parent_uuid is empty"),
        ({**SLICE, "slices": 8}, "a slice of 8 slices is more than its GPU, which has 7"),
        ({**SLICE, "slices": 0}, "slices 0 is less than 1"),
        ({**SLICE, "device_slices": 0}, "device_slices 0 is less than 1"),
        ({**SLICE, "gpu_instance_id": -1}, "gpu_instance_id is negative (-1)"),
        ({**GPU, "parent_uuid": "GPU-2"}, "a GPU has no parent_uuid; record slice has one"),
        ({**GPU, "record": "node"}, "record 'node' is not gpu, slice or process"),
        ({**GPU, "power_mw": -1}, "power_mw is negative (-1)"),
        ({**GPU, "total_energy_mj": -1}, "total_energy_mj is negative (-1)"),
        ({**GPU, "memory_total_bytes": -1}, "memory_total_bytes is negative (-1)"),
        ({**GPU, "memory_used_bytes": 10, "memory_total_bytes": 9}, "memory_used_bytes 10 is more than memory_total_bytes 9"),
    ],
)
def test_a_row_that_cannot_be_is_set_aside_with_its_reason(desk: Any, given: dict[str, Any], reason: str) -> None:
    done = desk.take({"gpus.jsonl": lines({**GPU, "uuid": "GPU-9"}, given)})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


def test_counts_that_are_no_whole_numbers_are_set_aside(desk: Any) -> None:
    done = desk.take({"gpus.jsonl": lines(GPU, {**SLICE, "slices": 2.5}, {**PROCESS, "record": 3})})
    assert (done.rows_typed, done.quarantined, done.filtered) == (1, 2, 0)
