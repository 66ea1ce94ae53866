"""GPU samples of the NVML collector."""

import json
from collections.abc import Callable
from typing import Any

import pytest

SAMPLE: dict[str, Any] = {"sampled_at": "2026-10-01T00:00:00Z", "uuid": "GPU-1", "interval_seconds": 60, "utilization_gpu": 5}
STATES = ("used_gpus", "warm_idle_gpus", "unknown_gpus")


def lines(*samples: dict[str, Any]) -> str:
    return "".join(json.dumps({**SAMPLE, **sample}) + "\n" for sample in samples)


def test_no_utilisation_is_unknown_and_never_idle(desk: Any, sample: Callable[[str], str]) -> None:
    assert desk.take({"gpus.jsonl": sample("sample.jsonl")}).rows_typed == 6
    used, warm, free, unknown = (1, 0, 0), (0, 1, 0), (0, 0, 0), (0, 0, 1)
    found = desk.staged("nvml_samples").sort("sampled_second")
    assert found.select(STATES).rows() == [used, warm, free, unknown]
    assert found["slots"].map_elements(int.bit_count, int).to_list() == [1, 1, 1, 3]


def test_samples_of_one_state_in_sixty_slots_are_one_row(desk: Any) -> None:
    text = lines(*({"sampled_at": f"2026-10-01T00:{n:02}:00Z", "utilization_gpu": 20 + n, "memory_used_bytes": n} for n in (3, 4, 6)))
    desk.take({"gpus.jsonl": text})
    columns = [
        "sampled_second",
        "last_second",
        "slots",
        "interval_seconds",
        "utilization_percent",
        "utilization_samples",
        "memory_used_bytes",
        "gpus",
    ]
    assert desk.staged("nvml_samples").select(columns).rows() == [(1_790_812_980, 1_790_813_160, 0b1011000, 60, 73, 3, 6, 1)]


def test_a_counter_that_was_set_back_is_seen_in_the_row(desk: Any) -> None:
    text = lines(*({"sampled_at": f"2026-10-01T00:{n:02}:00Z", "total_energy_mj": mj} for n, mj in enumerate((700, 900, 20, 50))))
    desk.take({"gpus.jsonl": text})
    energies = desk.staged("nvml_samples").select("first_energy_mj", "energy_mj", "least_energy_mj", "most_energy_mj")
    assert energies.rows() == [(700, 50, 20, 900)]


def test_a_slice_nobody_runs_on_is_free_and_of_one_with_processes_nobody_knows(desk: Any) -> None:
    cut = {"mig_mode": 1, "device_slices": 7}
    one = {"parent_uuid": "GPU-1", "slices": 3, "device_slices": 7, "utilization_gpu": None}
    text = lines(cut, {**one, "uuid": "MIG-a", "processes": 0}, {**one, "uuid": "MIG-b", "processes": 2, "job_id": "j"})
    desk.take({"gpus.jsonl": text})
    found = desk.staged("nvml_samples").sort("slice_id", nulls_last=False)
    assert found.select("device_id", "slice_id", "slices", "device_slices", *STATES).rows() == [
        ("GPU-1", None, None, 7, 0, 0, 1),
        ("GPU-1", "MIG-a", 3, 7, 0, 0, 0),
        ("GPU-1", "MIG-b", 3, 7, 0, 0, 1),
    ]


def test_a_gpu_that_a_job_holds_without_work_is_warm_idle(desk: Any) -> None:
    desk.take({"gpus.jsonl": lines({"utilization_gpu": 0, "memory_used_bytes": 0, "job_id": "j"})})
    assert desk.staged("nvml_samples").select(STATES).rows() == [(0, 1, 0)]


def test_a_slice_of_a_gpu_may_have_a_utilisation_of_its_own(desk: Any) -> None:
    desk.take({"gpus.jsonl": lines({"uuid": "MIG-1", "mig_mode": 1, "utilization_gpu": 30})})
    assert desk.staged("nvml_samples").select(STATES).rows() == [(1, 0, 0)]


def test_a_sample_sent_twice_counts_once(desk: Any) -> None:
    desk.take({"a.jsonl": lines({}, {"utilization_gpu": 9}, {"uuid": "GPU-2"})})
    assert desk.staged("nvml_samples").select("device_id", "slots", "copies").rows() == [("GPU-1", 1, 2), ("GPU-2", 1, 1)]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"uuid": None}, "uuid is missing"),
        ({"sampled_at": None}, "sampled_at is missing"),
        ({"interval_seconds": None}, "interval_seconds (none) is not 1 to 3600"),
        ({"interval_seconds": 0}, "interval_seconds 0 is not 1 to 3600"),
        ({"utilization_gpu": 101}, "utilization_gpu 101 is not 0 to 100"),
        ({"utilization_gpu": "busy"}, "utilization_gpu 'busy' is not a percentage"),
        ({"memory_used_bytes": -1}, "memory_used_bytes is negative (-1)"),
    ],
)
def test_a_wrong_sample_is_set_aside(desk: Any, given: dict[str, Any], reason: str) -> None:
    done = desk.take({"gpus.jsonl": lines({"uuid": "GPU-2"}, given)})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


def test_a_clock_that_was_set_back_is_said_and_a_second_counts_once(desk: Any) -> None:
    minutes = (0, 1, 2, 1, 2, 3)
    done = desk.take({"gpus.jsonl": lines(*({"sampled_at": f"2026-10-01T00:{n:02}:00Z"} for n in minutes))})
    [(_, flag)] = done.flagged
    assert flag == "has 1 samples that are earlier than the one before: a clock was set back; a second counts once"
    assert desk.staged("nvml_samples").select("slots", "copies").rows() == [(0b1111, 6)]
