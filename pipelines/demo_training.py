"""What the sample company's training GPUs do in a day: runs of jobs, each on one GPU, some of them lost.

Everything that tells of the pool - samples, energy counters, the log of its Slurm - follows from these runs, so that they agree.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from meterbook.pipelines.demo_company import FIRST, SEED

GPUS = 8
SECONDS = 300
"""Between two samples of a GPU."""
SLOTS = 86_400 // SECONDS
HOUR, DAY = 3600, 86_400
LATE_SECONDS = 240
"""Within which a run begins after its full hour: less than a sample apart."""
PREEMPTED, LOST, PARTED = 0.10, 0.20, 0.85
"""Of GPU-days, cumulated: those with a job that gives way to an urgent one, with one that fails, and with two jobs one after the other."""
URGENT_HOURS = 2
USED_WATTS, WARM_WATTS, FREE_WATTS = 640, 130, 75
BOOTED_MJ = 4_000_000_000_000
"""Energy counters on the first day, in millijoules."""
_NUMBERS_A_DAY = 100


@dataclass(frozen=True)
class Run:
    """One run of a job; times are seconds of the day.

    Args:
        job: number of the job; a run after a loss keeps it.
        gpu: where it ran.
        team: whose it is.
        qos: of Slurm.
        submitted: when it was handed in, or came back into the queue.
        start: when it began.
        worked: end of its last step; it may hold the GPU for longer.
        end: when it let go.
        state: of Slurm.
    """

    job: int
    gpu: int
    team: str
    qos: str
    submitted: int
    start: int
    worked: int
    end: int
    state: str = "COMPLETED"


@cache
def runs_of(day: date) -> tuple[Run, ...]:
    """The runs of a day, GPU by GPU in the order of time."""
    rng = np.random.default_rng([SEED, 7, 0, day.toordinal()])
    starts, lengths = rng.integers(0, 6, GPUS), rng.integers(10, 19, GPUS) - (6 if day.weekday() >= 5 else 0)
    holds, teams = rng.integers(0, 4, GPUS), np.where(rng.random(GPUS) < 0.75, "research", "documents").tolist()
    found: list[Run] = []
    for gpu in range(GPUS):
        start, last = int(starts[gpu]), int(starts[gpu] + lengths[gpu])
        parts = _parts(rng, start, last, teams[gpu])
        bounds = [*(hour for hour, *_ in parts), last]
        numbers = {name: job_number(day, 4 * gpu + n) for n, name in enumerate(dict.fromkeys(name for _, name, *_ in parts))}
        for (hour, until), (_, name, team, state) in zip(pairwise(bounds), parts, strict=True):
            begin = hour * HOUR + int(rng.integers(0, LATE_SECONDS))
            again = [one for one in found if one.job == numbers[name]]
            submitted = again[-1].end if again else begin - _wait(rng, hour, begin, is_urgent=name == "urgent")
            let_go = min((until + int(holds[gpu])) * HOUR, DAY - 1) if until == last else until * HOUR
            qos = "high" if name == "urgent" else "normal"
            found.append(Run(numbers[name], gpu, team, qos, submitted, begin, until * HOUR, let_go, state))
    return tuple(found)


def job_number(day: date, place: int) -> int:
    """The number of a day's job."""
    return 40_000 + (day - FIRST).days * _NUMBERS_A_DAY + place


def _parts(rng: np.random.Generator, start: int, last: int, team: str) -> list[tuple[int, str, str, str]]:
    """Hour in which each run of a GPU's day begins, the job, its team and its state."""
    chance, cut = rng.random(), int(rng.integers(start + 2, max(start + 3, last - URGENT_HOURS), 2).max())
    if last - start <= URGENT_HOURS + 3 or chance >= PARTED:
        return [(start, "first", team, "COMPLETED")]
    if chance < PREEMPTED:
        other = "documents" if team == "research" else "research"
        urgent = (cut, "urgent", other, "COMPLETED")
        return [(start, "first", team, "PREEMPTED"), urgent, (cut + URGENT_HOURS, "first", team, "COMPLETED")]
    if chance < LOST:
        return [(start, "first", team, "NODE_FAIL" if cut % 2 else "FAILED"), (cut, "first", team, "COMPLETED")]
    return [(start, "first", team, "COMPLETED"), (cut, "second", team, "COMPLETED")]


def _wait(rng: np.random.Generator, hour: int, begin: int, *, is_urgent: bool) -> int:
    """Seconds in the queue: minutes by night, hours in the afternoon; never from before midnight."""
    mean = LATE_SECONDS if is_urgent else LATE_SECONDS + 5400 * float(np.exp(-((hour - 14) ** 2) / 18))
    return min(begin, int(rng.exponential(mean)))


@dataclass(frozen=True)
class Grid:
    """What samples of the pool find, GPU by GPU: whether work ran, who held the GPU ('' is nobody) and its energy counter in mJ."""

    busy: NDArray[np.bool_]
    team: NDArray[np.str_]
    job: NDArray[np.str_]
    energy_mj: NDArray[np.int64]


def grid_of(day: date) -> Grid:
    """The pool in each slot of a day."""
    busy = np.zeros((GPUS, SLOTS), dtype=bool)
    team, job = (np.full((GPUS, SLOTS), "", dtype="<U12") for _ in range(2))
    for run in runs_of(day):
        held = slice(run.start // SECONDS, -(-run.end // SECONDS))
        busy[run.gpu, run.start // SECONDS : run.worked // SECONDS] = True
        team[run.gpu, held], job[run.gpu, held] = run.team, str(run.job)
    spent = np.where(busy, USED_WATTS, np.where(team != "", WARM_WATTS, FREE_WATTS)) * (SECONDS * 1000)
    counter = _counters(day)[:, None] + np.cumsum(spent, axis=1) - spent
    return Grid(busy.ravel(), team.ravel(), job.ravel(), counter.ravel())


@cache
def _counters(day: date) -> NDArray[np.int64]:
    """The energy counter of each GPU at the start of a day."""
    if day <= FIRST:
        return np.full(GPUS, BOOTED_MJ, dtype=np.int64)
    before = day - timedelta(days=1)
    used, held = np.zeros(GPUS, dtype=np.int64), np.zeros(GPUS, dtype=np.int64)
    for run in runs_of(before):
        used[run.gpu] += run.worked // SECONDS - run.start // SECONDS
        held[run.gpu] += -(-run.end // SECONDS) - run.worked // SECONDS
    watts = used * USED_WATTS + held * WARM_WATTS + (SLOTS - used - held) * FREE_WATTS
    return np.asarray(_counters(before) + watts * (SECONDS * 1000))
