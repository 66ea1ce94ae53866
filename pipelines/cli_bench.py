"""`meterbook bench ...`: measurements beside a peer, each in one invocation."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Measurements beside a peer, in one invocation.", no_args_is_help=True, rich_markup_mode=None)
out = Console(highlight=False)

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
    from meterbook.pipelines import bench, bench_ingest  # noqa: PLC0415 -- what is measured is slow to load

    out.print(f"gateway logs of {rows:,} lines in {folder}", soft_wrap=True)
    cases = bench_ingest.cases(folder, rows)
    with out.status("measuring") as status:
        found = bench.compare(cases, rounds, status.update)
    bench.show(cases, found, out)
    if json:
        bench.write(json, cases, found)


@app.command("price", epilog="Example: meterbook bench price --rows 10000000 --rounds 5 --json price.json")
def price(
    rows: Annotated[int, typer.Option(min=1_000, help="Requests, over 30 days.")] = 10_000_000,
    rounds: Rounds = 3,
    folder: Folder = KEPT,
    json: Json = None,
) -> None:
    """Pricing and roll-up beside a bare scan-and-group of the same requests, both within 512 MB of DuckDB."""
    from meterbook.pipelines import bench, bench_price  # noqa: PLC0415

    with out.status(f"{rows:,} requests in {folder}") as status:
        cases = bench_price.cases(folder, rows)
        found = bench.compare(cases, rounds, status.update)
    bench.show(cases, found, out)
    if json:
        bench.write(json, cases, found, rows=rows, ratio_to_floor=bench.ratio(cases, found, cases[1]))
