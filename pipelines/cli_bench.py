"""`meterbook bench ...`: measurements beside a peer, each in one invocation."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from meterbook.assets.book import BookError
from meterbook.pipelines import bench, bench_verdicts
from meterbook.pipelines.bench_listed import BENCHES, FLEET, Bench
from meterbook.pipelines.consoles import out

app = typer.Typer(help="Measurements beside a peer, in one invocation.", no_args_is_help=True, rich_markup_mode=None)

Rounds = Annotated[int, typer.Option(min=1, help="How often each case is run, in alternation.")]
Folder = Annotated[Path, typer.Option(help="Where the generated files are kept.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write every run here, with machine and versions.")]
KEPT = Path("build/bench")


def _command(one: Bench) -> None:
    """Make the command of a benchmark that is told by its rows."""

    @app.command(one.name, help=one.about, epilog=f"Example: meterbook bench {one.name} --rows {one.rows} --json {one.name}.json")
    def measure(
        rows: Annotated[int, typer.Option(min=one.least, help=f"{one.counted[0].upper()}{one.counted[1:]}.")] = one.rows,
        rounds: Rounds = 3,
        folder: Folder = KEPT,
        json: Json = None,
    ) -> None:
        out.print(f"{rows:,} {one.counted}, in {folder}", soft_wrap=True)
        _measure(lambda: one.cases(folder, rows), rounds, rows, json)


for _one in BENCHES:
    _command(_one)


@app.command("gpu", help=FLEET.about, epilog="Example: meterbook bench gpu --gpus 1000 --hours 28 --json gpu.json")
def gpu(
    gpus: Annotated[int, typer.Option(min=FLEET.least, help="Devices, each sampled once a second.")] = FLEET.rows,
    hours: Annotated[int, typer.Option(min=1, help="Hours of samples.")] = 28,
    rounds: Rounds = 3,
    folder: Folder = KEPT,
    json: Json = None,
) -> None:
    """Measure the one that is told devices and hours."""
    from meterbook.pipelines import bench_gpu  # noqa: PLC0415 -- what is measured is slow to load

    out.print(f"{gpus * hours * 3600:,} samples, in {folder}", soft_wrap=True)
    _measure(lambda: bench_gpu.cases(folder, gpus, hours), rounds, gpus * hours * 3600, json)


@app.command("all", epilog="Example: meterbook bench all --scale 0.01 --rounds 1 --json all.json")
def measure_all(
    scale: Annotated[float, typer.Option(min=0.00001, max=10, help="Times the rows that each benchmark has by itself.")] = 1.0,
    rounds: Rounds = 3,
    folder: Folder = KEPT,
    json: Json = None,
) -> None:
    """Every benchmark that makes its own data, one after the other, and one summary of all bars: hours at full size."""
    from meterbook.pipelines import bench_all  # noqa: PLC0415

    with out.status("generating") as status:
        found = bench_all.measure(scale, rounds, folder, status.update, out)
    bench_all.show(found, out)
    if json:
        bench_verdicts.write(json, bench_all.as_json(found, scale))
    raise typer.Exit(int(any(one.failed for one in found)))


@app.command("anomalies", epilog="Example: meterbook bench anomalies --data bench/anomalies --json anomalies.json")
def anomalies(
    data: Annotated[Path, typer.Option(help="Folder with tune.parquet, report.parquet and their events.")],
    mstl: Annotated[bool | None, typer.Option(help="Measure statsforecast's MSTL too, for minutes; default: if installed.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures here.")] = None,
) -> None:
    """The detector on labelled daily series beside its peers, on ratios, and the time for 10,000 keys."""
    from meterbook.pipelines import bench_anomalies, bench_figures  # noqa: PLC0415

    with out.status("reading") as status:
        try:
            found = bench_anomalies.measure(data, status.update, has_mstl=mstl)
        except (OSError, ModuleNotFoundError) as error:
            raise BookError(f"--data {data}: {error}") from error
    bench_figures.show(found, out)
    if json:
        json.write_text(bench_figures.as_json(found), "utf-8")


@app.command("landing", epilog="Example: meterbook bench landing --data bench/anomalies --json landing.json")
def landing(
    data: Annotated[Path, typer.Option(help="Folder with report.parquet: key, day, cost_usd.")],
    trace: Annotated[Path | None, typer.Option(help="An event log whose requests a day are one more series.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write all figures here.")] = None,
) -> None:
    """Month-end landings on daily series beside the run-rate, and how many lie in their 80 % band."""
    from meterbook.pipelines import bench_landing  # noqa: PLC0415

    try:
        found = bench_landing.measure(data, trace)
    except OSError as error:
        raise BookError(f"--data {data}: {error}") from error
    bench_landing.show(found, out)
    if json:
        json.write_text(bench_landing.as_json(found), "utf-8")


def _measure(prepare: Callable[[], Sequence[bench.Case]], rounds: int, rows: int, json: Path | None) -> None:
    """Make what is measured, measure it, and show it."""
    with out.status("generating") as status:
        cases = prepare()
        found = bench.compare(cases, rounds, status.update)
    bench_verdicts.show_cases(cases, found, out)
    if json:
        bench_verdicts.write(json, bench_verdicts.as_json(cases, found, rows))
