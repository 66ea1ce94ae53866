"""The log of the sample company's Slurm, as `sacct -D -P` gives it: a file a day, one line per run of a job.

Runs that began are those of demo_training; beside them are jobs that were cancelled while they waited, and some that wait still on the
last day.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from meterbook.pipelines.demo_company import LAST, SEED
from meterbook.pipelines.demo_training import HOUR, Run, job_number, runs_of

CLUSTER, QUEUE = "northwind", "training"
PENDING = 3
"""Jobs that wait at the end of the data."""
TARGET_SECONDS, TARGET_PERCENTILE = 1800, 90
LOST = frozenset({"PREEMPTED", "FAILED", "NODE_FAIL"})
COLUMNS = (
    "Cluster", "JobIDRaw", "JobID", "JobName", "User", "Account", "Partition", "QOS", "Submit", "Eligible", "Start", "End", "ElapsedRaw",
    "ReqTRES", "AllocTRES", "State", "NodeList",
)  # fmt: skip
_USERS = {"research": "mira", "documents": "noor"}
_TRES = "billing=16,cpu=16,gres/gpu=1,mem=200G,node=1"
_SPARE = 60
"""First number, within a day, of jobs that did not begin."""


def write_slurm(folder: Path, day: date) -> tuple[str, Counter[str]]:
    """Write a day's file.

    Returns:
        Its name in the inbox; and of its runs how many started, were cancelled and wait still, seconds waited, runs that started in time,
        and lost runs with their GPU seconds.
    """
    runs, unstarted = runs_of(day), list(_unstarted(day))
    name = f"slurm/{day}.txt"
    path = folder / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["|".join(COLUMNS), *(_started(day, run) for run in runs), *(_line(day, *one) for one in unstarted)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    waits, lost = [run.start - run.submitted for run in runs], [run.end - run.start for run in runs if run.state in LOST]
    waiting = sum(1 for *_, ended in unstarted if ended is None)
    return name, Counter(
        runs=len(runs) + len(unstarted),
        started=len(runs),
        cancelled=len(unstarted) - waiting,
        waiting=waiting,
        wait_seconds=sum(waits),
        in_time=sum(1 for wait in waits if wait <= TARGET_SECONDS),
        lost=len(lost),
        lost_gpu_seconds=sum(lost),
    )


def _unstarted(day: date) -> Iterator[tuple[int, str, int, int | None]]:
    """Number, team and second of submission of jobs that did not begin, and when they were cancelled; None where they wait still."""
    rng = np.random.default_rng([SEED, 8, day.toordinal()])
    cancelled = int(rng.integers(0, 3)) if day.weekday() < 5 else 0
    for place in range(cancelled + (PENDING if day == LAST else 0)):
        is_cancelled = place < cancelled
        submitted = int(rng.integers(9 * HOUR, 17 * HOUR) if is_cancelled else rng.integers(20 * HOUR, 23 * HOUR))
        ended = submitted + int(rng.integers(HOUR // 2, 4 * HOUR))
        yield job_number(day, _SPARE + place), str(rng.choice(list(_USERS))), submitted, ended if is_cancelled else None


def _started(day: date, run: Run) -> str:
    times = (run.submitted, run.submitted, run.start, run.end)
    head = _head(run.job, run.team, run.qos)
    node = f"{QUEUE}-{run.gpu // 4 + 1}"
    return "|".join([*head, *(_at(day, one) for one in times), str(run.end - run.start), _TRES, _TRES, run.state, node])


def _line(day: date, job: int, team: str, submitted: int, ended: int | None) -> str:
    state = "PENDING" if ended is None else "CANCELLED by 1021"
    end = "Unknown" if ended is None else _at(day, ended)
    times = [_at(day, submitted), _at(day, submitted), "Unknown" if ended is None else "None", end]
    return "|".join([*_head(job, team, "normal"), *times, "0", _TRES, "", state, "None assigned"])


def _head(job: int, team: str, qos: str) -> list[str]:
    return [CLUSTER, str(job), str(job), f"fit-{team}", _USERS[team], team, QUEUE, qos]


def _at(day: date, second: int) -> str:
    return f"{datetime(day.year, day.month, day.day) + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}"  # noqa: DTZ001 -- sacct has no zone
