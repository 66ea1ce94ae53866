"""`meterbook bench ...`: measurements beside a peer, each in one invocation."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from meterbook.assets.book import BookError
from meterbook.pipelines import bench
from meterbook.pipelines.consoles import out

app = typer.Typer(help="Measurements beside a peer, in one invocation.", no_args_is_help=True, rich_markup_mode=None)

Rounds = Annotated[int, typer.Option(min=1, help="How often each case is run, in alternation.")]
Folder = Annotated[Path, typer.Option(help="Where the generated files are kept.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write every run here, with machine and versions.")]
KEPT = Path("build/bench")


@app.command("ingest", epilog="Example: meterbook bench ingest --rounds 5 --json ingest.json")
def ingest(
    rows: Annotated[int, typer.Option(min=1_000, help="Lines of the gateway log.")] = 333_333,
    rounds: Rounds = 3,
    folder: Folder = KEPT,
    json: Json = None,
) -> None:
    """The door beside DuckDB's plain read_json: decode, validate, set aside, type, write Parquet."""
    from meterbook.pipelines import bench_ingest  # noqa: PLC0415 -- what is measured is slow to load

    out.print(f"gateway logs of {rows:,} lines in {folder}", soft_wrap=True)
    _measure(lambda: bench_ingest.cases(folder, rows), rounds, rows, json)


@app.command("price", epilog="Example: meterbook bench price --rows 10000000 --rounds 5 --json price.json")
def price(
    rows: Annotated[int, typer.Option(min=1_000, help="Requests, over 30 days.")] = 10_000_000,
    rounds: Rounds = 3,
    folder: Folder = KEPT,
    json: Json = None,
) -> None:
    """Pricing and roll-up beside a bare scan-and-group of the same requests, both within 512 MB of DuckDB."""
    from meterbook.pipelines import bench_price  # noqa: PLC0415

    out.print(f"{rows:,} requests in {folder}", soft_wrap=True)
    _measure(lambda: bench_price.cases(folder, rows), rounds, rows, json, ratio="ratio_to_floor")


@app.command("allocate", epilog="Example: meterbook bench allocate --rows 50000000 --json allocate.json")
def allocate(
    rows: Annotated[int, typer.Option(min=100_000, help="Requests of the month.")] = 50_000_000,
    rounds: Rounds = 3,
    folder: Folder = KEPT,
    json: Json = None,
) -> None:
    """A month's costs shared out over 500 teams by 20 pools and posted, beside reading and summing them."""
    from meterbook.pipelines import bench_allocate  # noqa: PLC0415

    out.print(f"a month of {rows:,} requests in {folder}", soft_wrap=True)
    _measure(lambda: bench_allocate.cases(folder, rows), rounds, rows, json)


@app.command("gpu", epilog="Example: meterbook bench gpu --gpus 1000 --hours 28 --json gpu.json")
def gpu(
    gpus: Annotated[int, typer.Option(min=8, help="Devices, each sampled once a second.")] = 1000,
    hours: Annotated[int, typer.Option(min=1, help="Hours of samples.")] = 28,
    rounds: Rounds = 3,
    folder: Folder = KEPT,
    json: Json = None,
) -> None:
    """GPU samples made into hours with a price, beside a bare scan and group of the same samples."""
    from meterbook.pipelines import bench_gpu  # noqa: PLC0415

    out.print(f"{gpus * hours * 3600:,} samples in {folder}", soft_wrap=True)
    _measure(lambda: bench_gpu.cases(folder, gpus, hours), rounds, gpus * hours * 3600, json)


@app.command("replay", epilog="Example: meterbook bench replay --rows 10000000 --rounds 3 --json replay.json")
def replay(
    rows: Annotated[int, typer.Option(min=1_000, help="Requests, over 30 days.")] = 10_000_000,
    rounds: Rounds = 3,
    folder: Folder = KEPT,
    json: Json = None,
) -> None:
    """What caches would have answered, replayed exactly, beside a bare scan and group of the same requests."""
    from meterbook.pipelines import bench_replay  # noqa: PLC0415

    out.print(f"{rows:,} requests in {folder}", soft_wrap=True)
    _measure(lambda: bench_replay.cases(folder, rows), rounds, rows, json)


@app.command("explain", epilog="Example: meterbook bench explain --rows 50000000 --json explain.json")
def explain(
    rows: Annotated[int, typer.Option(min=10_000, help="Requests of both months.")] = 50_000_000,
    rounds: Rounds = 3,
    folder: Folder = KEPT,
    json: Json = None,
) -> None:
    """Why the cost of two months changed, from rollups, beside reading and summing them."""
    from meterbook.pipelines import bench_explain  # noqa: PLC0415

    out.print(f"rollups of {rows:,} requests in {folder}", soft_wrap=True)
    _measure(lambda: bench_explain.cases(folder, rows), rounds, rows, json)


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


def _measure(prepare: Callable[[], list[bench.Case]], rounds: int, rows: int, json: Path | None, ratio: str | None = None) -> None:
    """Make what is measured, measure it, and show it; written to a file, the second case's ratio may have a name of its own."""
    with out.status("generating") as status:
        cases = prepare()
        found = bench.compare(cases, rounds, status.update)
    bench.show(cases, found, out)
    if json:
        bench.write(json, cases, found, rows=rows, **({ratio: bench.ratio(cases, found, cases[1])} if ratio else {}))
