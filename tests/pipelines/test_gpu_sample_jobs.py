"""Which job a process on a GPU belongs to."""

from pathlib import Path

import pytest
from sampling import proc, process

from meterbook.pipelines.collector_jobs import Jobs, together

POD = "0a1b2c3d-1111-2222-3333-444455556666"


@pytest.mark.parametrize(
    ("group", "job"),
    [
        ("/system.slice/slurmstepd.scope/job_4712/step_0/user/task_0", "4712"),
        ("/slurm/uid_1000/job_4712/step_batch", "4712"),
        ("/slurm_node7/uid_1000/job_4712", "4712"),
        (f"/kubepods/burstable/pod{POD}/9f8e", POD),
        (f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD.replace('-', '_')}.slice/cri-containerd-9f.scope", POD),
        (f"/../../kubepods-pod{POD.replace('-', '_')}.slice/cri-containerd-9f.scope", POD),
        ("/kubepods/besteffort/pod0a1b2c3d111122223333444455556666/9f", "0a1b2c3d111122223333444455556666"),
        ("/user.slice/user-1000.slice/session-3.scope", None),
        ("/machine.slice/libpod-0a1b2c3d.scope", None),
        ("/my_job_12x/other", None),
        ("/", None),
    ],
)
def test_control_groups_name_the_job(tmp_path: Path, group: str, job: str | None) -> None:
    assert Jobs(proc(tmp_path, {7: group})).of(7) == job


@pytest.mark.parametrize(
    ("environ", "job"),
    [
        (b"A=1\x00SLURM_JOB_ID=77\x00B=2\x00", "77"),
        (b"SLURM_JOB_ID=77", "77"),
        (b"NOT_SLURM_JOB_ID=77\x00", None),
        (b"SLURM_JOB_ID=7 rm\x00", None),
    ],
)
def test_slurms_variable_names_the_job_where_no_group_does(tmp_path: Path, environ: bytes, job: str | None) -> None:
    process(proc(tmp_path), 7, "/", environ=environ)
    assert Jobs(tmp_path).of(7) == job


def test_the_group_counts_more_than_the_variable(tmp_path: Path) -> None:
    process(proc(tmp_path), 7, "/slurm/uid_1/job_1/step_0", environ=b"SLURM_JOB_ID=2")
    assert Jobs(tmp_path).of(7) == "1"


def test_a_process_that_has_ended_has_no_job(tmp_path: Path) -> None:
    assert Jobs(proc(tmp_path)).of(7) is None


def test_what_may_not_be_read_is_unknown(tmp_path: Path) -> None:
    process(proc(tmp_path), 7, "/")
    (tmp_path / "7/environ").unlink()
    (tmp_path / "7/environ").mkdir()
    (tmp_path / "7/cgroup").unlink()
    assert Jobs(tmp_path).of(7) is None


def test_a_job_is_looked_up_once(tmp_path: Path) -> None:
    jobs = Jobs(proc(tmp_path, {7: "/slurm/job_1/x"}))
    assert jobs.of(7) == "1"
    process(tmp_path, 7, "/slurm/job_2/x")
    assert jobs.of(7) == "1"


def test_a_number_that_another_process_was_given_is_looked_up_anew(tmp_path: Path) -> None:
    jobs = Jobs(proc(tmp_path, {7: "/slurm/job_1/x"}))
    assert jobs.of(7) == "1"
    process(tmp_path, 7, "/slurm/job_2/x", started=78)
    assert jobs.of(7) == "2"


def test_processes_that_are_not_asked_for_are_forgotten(tmp_path: Path) -> None:
    jobs = Jobs(proc(tmp_path, {7: "/slurm/job_1/x", 8: "/slurm/job_1/x"}))
    assert [jobs.of(7), jobs.of(8)] == ["1", "1"]
    jobs.forget()
    jobs.of(7)
    jobs.forget()
    process(tmp_path, 7, "/slurm/job_2/x")
    process(tmp_path, 8, "/slurm/job_2/x")
    assert [jobs.of(7), jobs.of(8)] == ["1", "2"]


def test_the_hosts_processes_are_told_from_those_of_a_container(tmp_path: Path) -> None:
    assert Jobs(proc(tmp_path / "host")).is_host()
    assert not Jobs(proc(tmp_path / "container", namespace="pid:[4026532999]")).is_host()
    assert not Jobs(tmp_path / "nothing").is_host()


def test_jobs_that_share_a_device_are_named_together_in_order() -> None:
    assert together({"b", None, "a"}) == "a, b"
    assert together({None}) is None
    assert together(set()) is None
