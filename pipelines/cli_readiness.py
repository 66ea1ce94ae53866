"""`meterbook readiness`: which teams can move from showback to chargeback, and what keeps the others."""

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from meterbook.assets.book import Book, BookError
from meterbook.pipelines.asked import book_of, check_month
from meterbook.pipelines.consoles import out

if TYPE_CHECKING:
    from meterbook.reports.readiness import Ready

app = typer.Typer(rich_markup_mode=None)
UNKNOWN = "not known"


@app.command(epilog="Examples: meterbook --book ./book readiness; meterbook readiness --period 2026-10 --team support --format json")
def readiness(
    context: typer.Context,
    *,
    period: Annotated[str | None, typer.Option(help="Month, YYYY-MM; the last one with statements where not given.")] = None,
    team: Annotated[str | None, typer.Option(help="Only this team.")] = None,
    form: Annotated[Literal["table", "json"], typer.Option("--format", help="How to print; json is exact.")] = "table",
) -> None:
    """Say of each team whether it can move from showback to chargeback: coverage, disputes, reconciliation difference."""
    folder = book_of(context)
    rows = _read(Book(folder), folder, period)
    if team is not None:
        rows = [row for row in rows if row.team == team]
    if not rows:
        raise BookError(
            f"there is nothing of {team or 'any team'} in {period or 'any month'} in the lake of {folder}; `meterbook run` first"
        )
    if form == "json":
        sys.stdout.write(json.dumps([row.as_json() for row in rows], indent=1) + "\n")
        return
    _print(rows)


def _read(book: Book, folder: Path, period: str | None) -> "list[Ready]":
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415 -- the engine takes a while to load; a wrong book is told before
    from meterbook.reports.readiness import Disputed, Thresholds, last_period  # noqa: PLC0415
    from meterbook.reports.readiness import readiness as asked  # noqa: PLC0415

    if period is not None:
        check_month(period)
    needed = Thresholds(**book.settings.readiness.model_dump())
    unsettled = [Disputed(one.id, one.period, one.team, one.amount_usd, one.note) for one in book.disputes if one.is_open]
    with Workspace(folder).catalog.connect() as con:
        month = period or last_period(con)
        return asked(con, month, unsettled, needed) if month else []


def _print(rows: "list[Ready]") -> None:
    table = Table("team", "mode", "cost", "shared", "coverage", "unexplained", "disputes", "months", "verdict", show_edge=False)
    for row in rows:
        table.add_row(
            row.team,
            row.mode,
            f"${row.cost_usd:,.2f}",
            f"${row.shared_usd:,.2f}",
            _share(row.coverage),
            _share(row.unexplained, up=True) if row.bills else "no provider",
            str(len(row.disputes)),
            str(row.months),
            row.verdict,
        )
    out.print(table)
    for one in (one for row in rows for one in row.disputes):
        out.print(f"dispute {one.id}: {one.team}, {one.period}, ${one.amount_usd:,.2f}: {one.note}", soft_wrap=True, markup=False)


def _share(share: Decimal | None, *, up: bool = False) -> str:
    from meterbook.reports.readiness import shown  # noqa: PLC0415 -- loads the engine

    return UNKNOWN if share is None else shown(share, up=up)
