"""Jobs of Kueue."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/kueue_workload"
NAME = "kueue_workloads"
WAITED, BEGAN, ENDED = "2026-10-05T08:00:00Z", "2026-10-05T09:00:00Z", "2026-10-05T10:00:00Z"


def when(name: str, at: str | None, reason: str = "", status: str = "True", message: str = "") -> dict[str, Any]:
    return {"type": name, "status": status, "reason": reason, "message": message, "lastTransitionTime": at}


def pods(count: int | None = 1, **resources: Any) -> dict[str, Any]:
    container = {"resources": {"requests": resources or {"nvidia.com/gpu": "2"}}}
    return {"name": "main", "count": count, "template": {"spec": {"containers": [container]}}}


def workload(*conditions: dict[str, Any], uid: str = "u1", spec: Any = None, status: Any = None, **meta: Any) -> dict[str, Any]:
    return {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "Workload",
        "metadata": {"uid": uid, "name": "job-a", "namespace": "red", "creationTimestamp": WAITED, **meta},
        "spec": {"queueName": "lab", "podSets": [pods()], **(spec or {})},
        "status": {"conditions": list(conditions), **(status or {})},
    }


DONE = (when("Admitted", BEGAN), when("Finished", ENDED, "Succeeded"))


def job(desk: Any, one: dict[str, Any]) -> dict[str, Any]:
    desk.take({"a.json": json.dumps(one)})
    [found] = desk.staged(NAME).iter_rows(named=True)
    return dict(found)


@pytest.fixture
def found(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    source = {"name": "k8s", "path": "*", "format": NAME, "options": {"cluster": "east"}}
    assert desk.take({"a.json": sample("sample.json")}, [source]).rows_typed == 6
    return {row["job_id"].rsplit("/")[-1]: row for row in desk.staged(NAME).iter_rows(named=True)}


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 10, 5, hour, minute)


def test_a_workload_waits_from_its_creation_to_its_admission(found: dict[str, dict[str, Any]]) -> None:
    row = found["fit"]
    assert (row["submitted_at"], row["eligible_at"], row["started_at"], row["ended_at"]) == (at(6), at(6), at(6, 30), at(8, 30))
    assert (row["gpus"], row["gpu_model"], row["elapsed_seconds"], row["state"]) == (8, "l40s", 7200, "completed")
    assert (row["queue"], row["priority"], row["team"], row["cluster"]) == ("gpu-queue", "batch", "vision", "east")
    assert (row["job_id"], row["run_id"], row["copies"]) == ("east/vision/fit", "0000-fit", 1)


def test_of_an_evicted_workload_only_the_last_wait_is_known(found: dict[str, dict[str, Any]]) -> None:
    # Admission was written over at 09:00: from creation to then is no queue time, for it ran 20 minutes between.
    row = found["sweep"]
    assert (row["submitted_at"], row["eligible_at"], row["started_at"], row["ended_at"]) == (at(6, 5), at(7, 40), at(9), at(9, 30))
    assert (row["elapsed_seconds"], row["state"]) == (1800 + 1200, "failed")


def test_what_waits_or_runs_has_no_times_it_does_not_know(found: dict[str, dict[str, Any]]) -> None:
    names = ("state", "eligible_at", "started_at", "ended_at", "elapsed_seconds", "queue", "gpus")
    assert tuple(found["eval"][name] for name in names) == ("waiting", at(7), None, None, None, "lab", 4)
    assert tuple(found["serve"][name] for name in names) == ("running", at(7, 10), at(7, 12), None, None, "gpu-queue", 1)
    assert tuple(found["stop"][name] for name in names) == ("cancelled", None, None, at(7, 50), 600, "lab", 4)
    assert tuple(found["again"][name] for name in names) == ("waiting", at(8), None, None, 300, "lab", 4)


def test_nothing_people_wrote_is_kept(desk: Any, sample: Callable[[str], str], tmp_path: Path) -> None:
    text = sample("sample.json")
    lines = "".join(json.dumps(one) + "\n" for one in json.loads(text)["items"])
    broken = lines.replace("2026-10-05T06:00:00Z", "soon").replace('"count": 1', '"count": "many"')
    assert desk.take({"a.json": text, "b.jsonl": broken, "c.jsonl": lines[:-40]}).quarantined == 7
    assert not [path for path in (tmp_path / "lake").rglob("*") if path.is_file() and b"heron" in path.read_bytes()]
    assert not any("heron" in text for text in desk.inbox.quarantine()["raw_text"])


@pytest.mark.parametrize(
    "shape",
    [
        lambda one, two: json.dumps({"kind": "List", "apiVersion": "v1", "items": [one, two]}),
        lambda one, two: json.dumps({"kind": "WorkloadList", "apiVersion": "v1", "items": [one, two]}, indent=2),
        lambda one, two: json.dumps([one, two]),
        lambda one, two: json.dumps(one) + "\n" + json.dumps(two) + "\n",
        lambda one, two: "".join(json.dumps({"kind": "List", "items": [each]}) + "\n" for each in (one, two)),
    ],
)
def test_every_shape_people_save_gives_the_same(desk: Any, shape: Callable[[Any, Any], str]) -> None:
    done = desk.take({"a.json": shape(workload(*DONE), workload(*DONE, uid="u2"))})
    assert (done.rows_in, done.rows_typed, done.flagged) == (2, 2, [])


def test_a_later_export_replaces_an_earlier_one_in_whatever_order_they_come(desk: Any) -> None:
    states = [
        workload(when("QuotaReserved", None, status="False")),
        workload(when("Admitted", BEGAN)),
        workload(when("Evicted", "2026-10-05T09:30:00Z", "Preempted"), when("Admitted", "2026-10-05T09:30:00Z", status="False")),
        workload(when("Admitted", "2026-10-05T11:00:00Z"), when("Evicted", "2026-10-05T11:00:00Z", status="False")),
    ]
    for number, expected in enumerate(("waiting", "running", "waiting", "running")):
        desk.take({f"{9 - number}.json": json.dumps(states[number])})
        assert desk.staged(NAME).select("state", "copies").rows() == [(expected, number + 1)]


def test_late_rows_touch_only_the_day_of_creation(desk: Any) -> None:
    desk.take(
        {"a.json": json.dumps([workload(*DONE), workload(when("Admitted", BEGAN), uid="u2", creationTimestamp="2026-10-04T08:00:00Z")])}
    )
    before = {file.path for file in desk.inbox.raw_files()[NAME]}
    desk.take({"b.json": json.dumps(workload(*DONE, uid="u2", creationTimestamp="2026-10-04T08:00:00Z"))})
    [late] = [set(file.days) for file in desk.inbox.raw_files()[NAME] if file.path not in before]
    assert late == {"2026-10-04"}


@pytest.mark.parametrize(
    ("pod_sets", "gpus"),
    [
        ([pods(1)], 2),
        ([pods(3)], 6),
        ([pods(None)], 2),
        ([pods(2), pods(1, **{"nvidia.com/gpu": 4})], 8),
        ([pods(1, **{"amd.com/gpu": "8"})], 8),
        ([pods(1, **{"nvidia.com/gpu": "2000m"})], 2),
        ([pods(4, cpu="500m", memory="4Gi")], 0),
        ([], 0),
        ([{"count": 2, "template": {"spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": "1"}}}, {}]}}}], 2),
        (
            [
                {
                    "count": 1,
                    "template": {
                        "spec": {
                            "initContainers": [{"resources": {"limits": {"nvidia.com/gpu": "4"}}}],
                            "containers": [{"resources": {"limits": {"nvidia.com/gpu": "1"}}}] * 2,
                        }
                    },
                }
            ],
            4,
        ),
    ],
)
def test_gpus_are_those_of_a_pod_times_the_pods(desk: Any, pod_sets: list[Any], gpus: int) -> None:
    assert job(desk, workload(*DONE, spec={"podSets": pod_sets}))["gpus"] == gpus


def test_what_was_admitted_counts_before_what_was_asked_for(desk: Any) -> None:
    given = {"clusterQueue": "cq", "podSetAssignments": [{"flavors": {"nvidia.com/gpu": "h100"}, "resourceUsage": {"nvidia.com/gpu": "6"}}]}
    found = job(desk, workload(*DONE, spec={"podSets": [pods(4)]}, status={"admission": given}))
    assert (found["gpus"], found["gpu_model"], found["queue"]) == (6, "h100", "cq")


def test_how_many_gpus_slices_are_is_unknown(desk: Any) -> None:
    slices = [pods(4, **{"nvidia.com/mig-1g.10gb": "1"}), pods(1, **{"nvidia.com/gpu.shared": 2})]
    done = desk.take({"a.json": json.dumps(workload(*DONE, spec={"podSets": slices}))})
    assert desk.staged(NAME)["gpus"].to_list() == [None]
    [(_, flag)] = done.flagged
    assert flag.startswith("holds workloads that ask for parts of GPUs (nvidia.com/gpu.shared, nvidia.com/mig-1g.10gb)")


@pytest.mark.parametrize(
    ("reason", "message", "state"),
    [
        ("Succeeded", "", "completed"),
        ("Failed", "", "failed"),
        ("JobFinished", "Job finished successfully", "completed"),
        ("JobFinished", "Job failed", "failed"),
        ("JobFinished", "", None),
        ("AdmissionChecksRejected", "", "cancelled"),
        ("OutOfSync", "", "cancelled"),
    ],
)
def test_how_it_ended_is_what_the_reason_says(desk: Any, reason: str, message: str, state: str | None) -> None:
    assert job(desk, workload(when("Admitted", BEGAN), when("Finished", ENDED, reason, message=message)))["state"] == state


def test_an_end_for_a_reason_nobody_knows_is_unknown_and_said(desk: Any) -> None:
    done = desk.take({"a.json": json.dumps(workload(when("Admitted", BEGAN), when("Finished", ENDED, "Bored")))})
    assert desk.staged(NAME).select("state", "elapsed_seconds").rows() == [(None, 3600)]
    assert [flag for _, flag in done.flagged] == ["holds finished workloads with reasons that are not known; their state is unknown"]


def test_a_workload_that_is_held_could_not_have_run(desk: Any) -> None:
    found = job(desk, workload(spec={"active": False}))
    assert (found["state"], found["eligible_at"]) == ("waiting", None)


def test_evictions_without_any_time_leave_the_wait_unknown(desk: Any) -> None:
    found = job(desk, workload(*DONE, status={"schedulingStats": {"evictions": [{"reason": "Preempted", "count": 1}]}}))
    assert (found["eligible_at"], found["started_at"]) == (None, at(9))


def test_a_list_that_goes_on_is_flagged_and_other_objects_are_left_out(desk: Any) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"uid": "p"}}
    listed = {"kind": "List", "metadata": {"continue": "abc"}, "items": [workload(*DONE), pod]}
    done = desk.take({"a.json": json.dumps(listed)})
    assert (done.rows_in, done.rows_typed, done.filtered) == (2, 1, 1)
    assert [flag for _, flag in done.flagged] == ["holds a list that says more workloads follow (continue)"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (workload(*DONE, uid=""), "metadata.uid is missing"),
        (workload(*DONE, creationTimestamp=None), "metadata.creationTimestamp is missing"),
        (workload(*DONE, creationTimestamp="soon"), "metadata.creationTimestamp 'soon' is not an instant"),
        (workload(*DONE, creationTimestamp="1970-01-01T00:00:00Z"), "day 1970-01-01 is outside 2015 to 2099"),
        (workload(when("Admitted", None)), "Admitted.lastTransitionTime is missing"),
        (workload(when("Admitted", ENDED), when("Finished", BEGAN, "Failed")), "Finished is before Admitted"),
        (workload(spec={"podSets": [pods(1, **{"nvidia.com/gpu": "1.5"})]}), "nvidia.com/gpu '1.5' is not a whole number"),
        (workload(spec={"podSets": [pods(1, **{"nvidia.com/gpu": "500m"})]}), "nvidia.com/gpu '500m' is not a whole number"),
        (workload(spec={"podSets": [pods(-1)]}), "podSets count -1 is not a number of pods"),
        (workload(status={"accumulatedPastExecutionTimeSeconds": -1}), "accumulatedPastExecutionTimeSeconds is negative (-1)"),
        (workload(status={"conditions": "none"}), "Expected `array`, got `str` - at `$.status.conditions`"),
    ],
)
def test_a_wrong_workload_is_set_aside(desk: Any, given: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.json": json.dumps([workload(*DONE, uid="u2"), given])})
    assert (done.rows_in, done.rows_typed, desk.reasons()) == (2, 1, [reason])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_examples_are_read(desk: Any) -> None:
    assert desk.take({"a.json": (EXAMPLES / "workloads.json").read_bytes()}).rows_typed == 1
    [found] = desk.staged(NAME).iter_rows(named=True)
    assert (found["gpus"], found["gpu_model"], found["state"], found["elapsed_seconds"]) == (8, "h100", "completed", 14_400)
    assert (found["job_id"], found["started_at"] - found["eligible_at"]) == ("train/llm-ft-0", at(9, 30) - at(8))
