"""`meterbook bench all`: every benchmark that makes its own data, one after the other, and one table of every bar, met or not."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from meterbook.pipelines.bench import Case, Measured, compare
from meterbook.pipelines.bench_listed import BENCHES, FLEET
from meterbook.pipelines.bench_verdicts import Verdict, as_json_of, machine, show_cases, verdicts


@dataclass(frozen=True)
class Result:
    """What came of one benchmark.

    Args:
        name: of its command.
        rows: how many it was told.
        cases: what was measured.
        found: runs by name of the case.
        failed: why it could not be measured, where it could not.
    """

    name: str
    rows: int
    cases: Sequence[Case] = ()
    found: dict[str, list[Measured]] = field(default_factory=dict)
    failed: str = ""

    @property
    def bars(self) -> list[Verdict]:
        """Every bar, met or not."""
        return list(verdicts(self.cases, self.found))


def measure(scale: float, rounds: int, folder: Path, progress: Callable[[str], None], console: Console) -> list[Result]:
    """Measure every benchmark; one that fails is said, and the next goes on.

    Args:
        scale: times the rows that each has by itself.
        rounds: how often each case is run.
        folder: where generated files are kept.
        progress: told of each run before it begins.
        console: for what each one found, as soon as it is known.
    """
    results = []
    for bench in (*BENCHES, FLEET):
        rows = max(bench.least, round(bench.rows * scale))
        progress(f"{bench.name}: generating")
        try:
            cases = bench.cases(folder, rows)
            found = compare(cases, rounds, lambda said, name=bench.name: progress(f"{name}: {said}"))  # type: ignore[misc]
        except (RuntimeError, OSError) as error:
            results.append(Result(bench.name, rows, failed=str(error)))
            console.print(f"{bench.name} failed: {error}", style="red", soft_wrap=True, markup=False)
            continue
        results.append(Result(bench.name, rows, cases, found))
        console.print(f"{bench.name}: {rows:,} {bench.counted}", soft_wrap=True, markup=False)
        show_cases(cases, found, console)
    return results


def show(results: Sequence[Result], console: Console) -> None:
    """Print one table of every bar."""
    table = Table("benchmark", "case", "bar", "measured", "", show_edge=False)
    for result in results:
        if result.failed:
            table.add_row(result.name, "", "", "failed", result.failed, style="red")
        for bar in result.bars:
            table.add_row(
                result.name, bar.case, bar.bar, bar.measured, "met" if bar.is_met else "not met", style="" if bar.is_met else "red"
            )
    console.print(table)
    bars = [bar for result in results for bar in result.bars]
    console.print(f"{sum(bar.is_met for bar in bars)} of {len(bars)} bars are met; {sum(bool(one.failed) for one in results)} failed")


def as_json(results: Sequence[Result], scale: float) -> dict[str, object]:
    """Every run of every benchmark, and every bar.

    Args:
        results: of all benchmarks.
        scale: times the rows that each has by itself.
    """
    return {
        "machine": machine(),
        "scale": scale,
        "benchmarks": [
            {"benchmark": one.name, "rows": one.rows, "failed": one.failed, "cases": as_json_of(one.cases, one.found)} for one in results
        ],
        "bars": [{"benchmark": one.name, **asdict(bar)} for one in results for bar in one.bars],
    }
