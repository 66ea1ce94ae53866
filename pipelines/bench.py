"""Measurements beside a peer: each case in a process of its own, in alternation, so that a noisy machine bothers all of them alike."""

import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column, Table

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
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    rows: int


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Args:
        name: what it is.
        module: run as `python -m module *arguments`; prints a `Measured` as JSON in its last line.
        arguments: of the module.
        at_most: bar: seconds over those of the peer, where there is one.
    """

    name: str
    module: str
    arguments: Sequence[str]
    at_most: float | None = None


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


def told(work: Callable[[], int]) -> None:
    """Do what a case measures, and print its figures as the last line of its process.

    Args:
        work: gives the rows it did.
    """
    began, cpu = time.perf_counter(), time.process_time()
    rows = work()
    took, worked = time.perf_counter() - began, time.process_time() - cpu
    print(json.dumps({"seconds": took, "cpu_seconds": worked, "peak_bytes": peak_bytes(), "rows": rows}))  # noqa: T201 -- for `run`


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
    found: dict[str, list[Measured]] = {case.name: [] for case in cases}
    for number in range(1, rounds + 1):
        for case in cases:
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
    )


def machine() -> Mapping[str, str | int]:
    """What the figures were measured on."""
    packages = {name: version(name) for name in ("meterbook", "duckdb", "polars", "pyarrow", "msgspec")}
    return {"cores": os.cpu_count() or 0, "processor": platform.machine(), "python": platform.python_version(), **packages}


def show(cases: Sequence[Case], found: Mapping[str, Sequence[Measured]], console: Console) -> None:
    """Print medians, and ratios to the first case."""
    table = Table(Column("case", no_wrap=True), "seconds", "rows/s", "x peer", "bar", "CPU s", "peak GiB", show_edge=False)
    peer = median(found[cases[0].name])
    for case in cases:
        one = median(found[case.name])
        bar = f"<= {case.at_most:.2f}" if case.at_most else ""
        table.add_row(
            case.name, f"{one.seconds:.2f}", f"{one.rows / one.seconds:,.0f}", f"{one.seconds / peer.seconds:.2f}", bar,
            f"{one.cpu_seconds:.2f}", f"{one.peak_bytes / 2**30:.2f}",
        )  # fmt: skip
    console.print(table)


def ratio(cases: Sequence[Case], found: Mapping[str, Sequence[Measured]], case: Case) -> float:
    """Seconds of a case over those of the first, medians of both."""
    return median(found[case.name]).seconds / median(found[cases[0].name]).seconds


def write(path: Path, cases: Sequence[Case], found: Mapping[str, Sequence[Measured]], **more: float) -> None:
    """Write every run as JSON, with medians, the machine and versions.

    Args:
        path: the file.
        cases: the peer first.
        found: runs by name of the case.
        more: further figures, by name.
    """
    said = {
        "machine": machine(),
        **more,
        "cases": [
            {
                "case": case.name,
                "at_most": case.at_most,
                "ratio_to_peer": ratio(cases, found, case),
                "median": asdict(one := median(found[case.name])),
                "rows_per_second": one.rows / one.seconds,
                "runs": [asdict(run) for run in found[case.name]],
            }
            for case in cases
        ],
    }
    path.write_text(json.dumps(said, indent=2) + "\n", "utf-8")
