"""`meterbook gpu-sample`: the GPU collector. It needs no book."""

from pathlib import Path
from typing import Annotated

import typer

from meterbook.assets.book import BookError
from meterbook.pipelines.consoles import err, out

FAILED = 1
app = typer.Typer(rich_markup_mode=None)


@app.command(
    "gpu-sample",
    epilog="Examples: meterbook gpu-sample --count 1; meterbook gpu-sample --folder /var/lib/meterbook/gpu --pool training; "
    "meterbook gpu-sample --interval 30 --team research --max-bytes 200000000",
)
def gpu_sample(
    *,
    folder: Annotated[Path, typer.Option(help="Where the files go; from here they are copied into an inbox.")] = Path("gpu-samples"),
    interval: Annotated[int, typer.Option(min=1, max=3600, help="Seconds between samples, which lie at its multiples.")] = 10,
    pool: Annotated[str | None, typer.Option(help="Pool of GPUs, written on every row: its price and its owner.")] = None,
    team: Annotated[str | None, typer.Option(help="Who holds these GPUs, where it is always the same team.")] = None,
    host: Annotated[str | None, typer.Option(help="The machine; its own name where not given.")] = None,
    max_bytes: Annotated[int, typer.Option(min=2**20, help="What the files may take; the oldest are removed, and that is said.")] = 2**30,
    rotate: Annotated[int, typer.Option(min=1, max=86_400, help="Seconds of samples in a file.")] = 3600,
    count: Annotated[int | None, typer.Option(min=1, help="Samples to take, then stop: for a try.")] = None,
) -> None:
    """Sample this machine's NVIDIA GPUs, MIG slices and their processes into JSON lines for an inbox, until SIGTERM or Ctrl-C."""
    from meterbook.pipelines.collector import Wanted, run  # noqa: PLC0415 -- only this command needs it
    from meterbook.pipelines.collector_sampler import DriverReplacedError  # noqa: PLC0415

    wanted = Wanted(folder, interval, rotate, max_bytes, count, host, pool, team)
    try:
        rows = run(wanted, lambda line: err.print(line, soft_wrap=True, markup=False))
    except ModuleNotFoundError as error:
        raise BookError(str(error)) from error
    except DriverReplacedError as error:
        err.print(f"meterbook: {error}", style="red", soft_wrap=True, markup=False)
        raise typer.Exit(FAILED) from error
    except OSError as error:
        raise BookError(f"{folder} cannot be used: {error.strerror or error}") from error
    out.print(f"{rows:,} rows written into {folder}", soft_wrap=True, markup=False)
    if count and not rows:
        raise typer.Exit(FAILED)
