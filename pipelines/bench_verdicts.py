"""What measurements say: medians, ratios, the bars they were to meet, and whether they do; as a table and as JSON."""

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from meterbook.pipelines.bench import Case, Measured, median, peer_of, ratio

Found = Mapping[str, Sequence[Measured]]
"""Runs by name of their case."""
PACKAGES = ("meterbook", "duckdb", "polars", "pyarrow", "msgspec", "dagster", "chdb", "pandas", "litellm", "genai-prices")


@dataclass(frozen=True)
class Verdict:
    """One bar and what was measured.

    Args:
        case: what was measured.
        bar: the bar in words, `<= 1.30 x`.
        measured: the figure beside it, in the same unit.
        is_met: whether it is.
    """

    case: str
    bar: str
    measured: str
    is_met: bool


def verdicts(cases: Sequence[Case], found: Found) -> Iterator[Verdict]:
    """Every bar of the cases that were measured, met or not."""
    for case in cases:
        if case.name in found:
            yield from _judged(case, median(found[case.name]), ratio(cases, found, case))


def _judged(case: Case, one: Measured, times: float) -> Iterator[Verdict]:
    if case.at_most is not None:
        yield Verdict(case.name, f"<= {case.at_most:.2f} x", f"{times:.2f} x", times <= case.at_most)
    if case.at_least is not None:
        yield Verdict(case.name, f">= {case.at_least:.2f} x", f"{times:.2f} x", times >= case.at_least)
    if case.at_most_seconds is not None:
        yield Verdict(case.name, f"<= {case.at_most_seconds:g} s", f"{one.seconds:.1f} s", one.seconds <= case.at_most_seconds)
    if case.at_most_bytes is not None:
        limit, peak = case.at_most_bytes / 2**20, one.peak_bytes / 2**20
        yield Verdict(case.name, f"<= {limit:,.0f} MiB", f"{peak:,.0f} MiB", peak <= limit)


def machine() -> Mapping[str, str | int]:
    """What the figures were measured on; packages that are not installed are left out."""
    packages = {name: known for name in PACKAGES if (known := _version(name))}
    return {"cores": os.cpu_count() or 0, "processor": platform.machine(), "python": platform.python_version(), **packages}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def show_cases(cases: Sequence[Case], found: Found, console: Console) -> None:
    """Print medians, ratios to what each case is held against, bars with what came of them, and what else a case says."""
    table = Table(Column("case", no_wrap=True), "seconds", "rows/s", "x peer", "bar", "CPU s", "x peer", "peak GiB", show_edge=False)
    bars = list(verdicts(cases, found))
    for case in cases:
        if case.name in found:
            mine = ", ".join(f"{bar.bar}: {'met' if bar.is_met else 'not met'}" for bar in bars if bar.case == case.name)
            one, peer = median(found[case.name]), peer_of(cases, found, case)
            table.add_row(
                *(case.name, f"{one.seconds:.2f}", f"{one.rows / one.seconds:,.0f}", f"{ratio(cases, found, case):.2f}", mine),
                *(f"{one.cpu_seconds:.2f}", f"{one.cpu_seconds_per_row / peer.cpu_seconds_per_row:.2f}", f"{one.peak_bytes / 2**30:.2f}"),
            )
    console.print(table)
    for case in cases:
        if said := case.missing or ", ".join(f"{name} {value}" for name, value in median(found[case.name]).more.items()):
            console.print(f"{case.name}: {said}", soft_wrap=True, markup=False)


def as_json(cases: Sequence[Case], found: Found, rows: int) -> dict[str, object]:
    """Every run, with medians, bars, the machine and versions.

    Args:
        cases: the peer first.
        found: runs by name of the case; of one that is missing there are none.
        rows: how many were asked for.
    """
    bars = [asdict(bar) for bar in verdicts(cases, found)]
    return {"machine": machine(), "rows": rows, "cases": as_json_of(cases, found), "bars": bars}


def as_json_of(cases: Sequence[Case], found: Found) -> list[dict[str, object]]:
    """Every case with its runs; of one that is missing, why."""
    return [_case(cases, found, case) if case.name in found else {"case": case.name, "missing": case.missing} for case in cases]


def _case(cases: Sequence[Case], found: Found, case: Case) -> dict[str, object]:
    one, peer = median(found[case.name]), peer_of(cases, found, case)
    return {
        "case": case.name,
        "at_most": case.at_most,
        "against": case.against or cases[0].name,
        "ratio_to_peer": ratio(cases, found, case),
        "cpu_ratio_to_peer": one.cpu_seconds_per_row / peer.cpu_seconds_per_row,
        "median": asdict(one),
        "rows_per_second": one.rows / one.seconds,
        "runs": [asdict(run) for run in found[case.name]],
    }


def write(path: Path, said: Mapping[str, object]) -> None:
    """Write figures as JSON."""
    path.write_text(json.dumps(said, indent=2) + "\n", "utf-8")
