"""`meterbook whatif FILE`: what a scenario would have made of days already priced."""

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from meterbook.assets.book import Book
from meterbook.pipelines.asked import book_of
from meterbook.pipelines.consoles import err, out

app = typer.Typer(rich_markup_mode=None)
_DAY = ["%Y-%m-%d"]


@app.command(epilog="Examples: meterbook --book ./book whatif cheaper.yaml; meterbook whatif cheaper.yaml --from 2026-10-01 --format json")
def whatif(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The scenario, as docs/whatif.md describes it.")],
    *,
    from_day: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="First day of the book; else 28 days to the last.")
    ] = None,
    to_day: Annotated[datetime | None, typer.Option("--to", formats=_DAY, help="Last day, included; else the last with data.")] = None,
    form: Annotated[Literal["table", "json"], typer.Option("--format", help="How to print; json is exact.")] = "table",
) -> None:
    """Price days already priced as a scenario has them: low, point and high by feature, with the assumptions; nothing is written."""
    folder = book_of(context)
    Book(folder)
    from meterbook.assets.whatif import read_scenario  # noqa: PLC0415 -- the engine takes a while to load; a wrong book is told before
    from meterbook.assets.whatif_run import whatif as asked  # noqa: PLC0415
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415
    from meterbook.pipelines.whatif_tables import fields, show  # noqa: PLC0415

    scenario = read_scenario(file)
    with err.status("what if"):
        outcome = asked(Workspace(folder), scenario, _day(from_day), _day(to_day), file.parent)
    if form == "json":
        sys.stdout.write(json.dumps(fields(outcome), indent=1) + "\n")
        return
    show(outcome, out)


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None
