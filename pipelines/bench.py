"""Measurements beside a peer: each case in a process of its own, in alternation, so that a noisy machine bothers all of them alike."""

import json
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meterbook.sql.engine import Engine


@dataclass(frozen=True)
class Measured:
    """One run of one case.

    Args:
        seconds: wall clock, without start-up.
        cpu_seconds: of all threads.
        peak_bytes: largest resident memory of the process.
        rows: rows that came out.
        more: what else is to be said of it, by name.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    rows: int
    more: Mapping[str, str | float] = field(default_factory=dict)

    @property
    def seconds_per_row(self) -> float:
        """By which cases are held against each other: most do the same rows, a slow peer or a shorter time fewer."""
        return self.seconds / max(1, self.rows)

    @property
    def cpu_seconds_per_row(self) -> float:
        """The same of all threads, which others at work on the machine bother less."""
        return self.cpu_seconds / max(1, self.rows)


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Args:
        name: what it is.
        module: run as `python -m module *arguments`; prints a `Measured` as JSON in its last line.
        arguments: of the module.
        at_most: bar: seconds a row over those of the peer, where there is one.
        at_least: the same from below, for a peer that is to take longer.
        at_most_seconds: bar of the seconds themselves.
        at_most_bytes: bar of the memory.
        against: name of the case it is held against; the first one where not given.
        missing: why it cannot be measured here; it is said, not run.
    """

    name: str
    module: str
    arguments: Sequence[str]
    at_most: float | None = None
    at_least: float | None = None
    at_most_seconds: float | None = None
    at_most_bytes: int | None = None
    against: str = ""
    missing: str = ""


def peak_bytes() -> int:
    """Largest resident memory of this process so far; where the system says so, without that of the process which started it."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text("utf-8")) if status.is_file() else None
    return int(found[1]) * 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(case: Case) -> Measured:
    """Measure a case once.

    Raises:
        RuntimeError: it failed; the message ends with what it said.
    """
    done = subprocess.run(  # noqa: S603 -- this very interpreter and a module of our own
        [sys.executable, "-m", case.module, *case.arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{case.name} failed: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}")
    return Measured(**json.loads(done.stdout.strip().splitlines()[-1]))


def told(work: Callable[[], int], more: Callable[[], Mapping[str, str | float]] = dict) -> None:
    """Do what a case measures, and print its figures as the last line of its process.

    Args:
        work: gives the rows it did.
        more: what else is to be said of it, asked when the time has been taken.
    """
    began, cpu = time.perf_counter(), _cpu_seconds()
    rows = work()
    took, worked = time.perf_counter() - began, _cpu_seconds() - cpu
    found = Measured(took, worked, peak_bytes(), rows, more())
    print(json.dumps(asdict(found)))  # noqa: T201 -- for `run`


def _cpu_seconds() -> float:
    """Of all threads, and of the processes that were started and have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def warm(paths: Iterable[Path]) -> None:
    """Read files once, so that every case finds them in the file cache."""
    for path in paths:
        with path.open("rb") as handle:
            while handle.read(2**24):
                pass


def make_anew(engine: "Engine", tables: Iterable[str]) -> None:
    """Make tables as if they had never been made, in their order."""
    for name in tables:
        shutil.rmtree(engine.lake.table(name).folder, ignore_errors=True)
        engine.lake.table(name).record.unlink(missing_ok=True)
        engine.build(engine.catalog.project.models[name])


def compare(cases: Sequence[Case], rounds: int, progress: Callable[[str], None]) -> dict[str, list[Measured]]:
    """Measure cases in alternation.

    Args:
        cases: the peer first.
        rounds: how often each is run.
        progress: told of each run before it begins.
    """
    able = [case for case in cases if not case.missing]
    found: dict[str, list[Measured]] = {case.name: [] for case in able}
    for number in range(1, rounds + 1):
        for case in able:
            progress(f"{case.name} ({number} of {rounds})")
            found[case.name].append(run(case))
    return found


def median(runs: Sequence[Measured]) -> Measured:
    """The median of each figure."""
    return Measured(
        statistics.median(one.seconds for one in runs),
        statistics.median(one.cpu_seconds for one in runs),
        int(statistics.median(one.peak_bytes for one in runs)),
        runs[0].rows,
        runs[0].more,
    )


def peer_of(cases: Sequence[Case], found: Mapping[str, Sequence[Measured]], case: Case) -> Measured:
    """Medians of the case that one is held against."""
    return median(found[case.against or cases[0].name])


def ratio(cases: Sequence[Case], found: Mapping[str, Sequence[Measured]], case: Case) -> float:
    """Seconds a row of a case over those of the one it is held against, medians of both."""
    return median(found[case.name]).seconds_per_row / peer_of(cases, found, case).seconds_per_row
