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
    assert desk.staged("nvml_samples").select(STATES).rows() == [used, warm, free, unknown, unknown, unknown]


def test_a_sample_names_its_second_and_stands_for_one_gpu(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"gpus.jsonl": sample("sample.jsonl")})
    assert desk.staged("nvml_samples").select("sampled_second", "gpus", "interval_seconds").row(1) == (1_790_812_860, 1, 60)


def test_a_slice_of_a_gpu_may_have_a_utilisation_of_its_own(desk: Any) -> None:
    desk.take({"gpus.jsonl": lines({"uuid": "MIG-1", "mig_mode": 1, "utilization_gpu": 30})})
    assert desk.staged("nvml_samples").select(STATES).rows() == [(1, 0, 0)]


def test_a_sample_sent_twice_counts_once(desk: Any) -> None:
    desk.take({"a.jsonl": lines({}), "b.jsonl": lines({"utilization_gpu": 9}, {"uuid": "GPU-2"})})
    assert desk.staged("nvml_samples").select("device_id", "utilization_percent", "copies").rows() == [("GPU-1", 9, 2), ("GPU-2", 5, 1)]


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
