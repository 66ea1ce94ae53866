"""`meterbook forecast`: where the month lands, with an 80 % band, and what such forecasts were off by before."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from meterbook.assets.book import Book, BookError
from meterbook.pipelines.asked import book_of, check_month
from meterbook.pipelines.consoles import out

if TYPE_CHECKING:
    from datetime import date

app = typer.Typer(rich_markup_mode=None)
Row = dict[str, Any]


@app.command(epilog="Examples: meterbook --book ./book forecast; meterbook forecast --by team; meterbook forecast --month 2026-10 --json")
def forecast(
    context: typer.Context,
    by: Annotated[str, typer.Option(help="total, team, feature or provider.")] = "total",
    month: Annotated[str | None, typer.Option(help="YYYY-MM; the last one with data where not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print exact rows for a machine.")] = False,
) -> None:
    """Say where a month lands: used so far, P50 and the 80 % band, how it was reckoned, and its back-test; what is known ahead."""
    folder = book_of(context)
    Book(folder)
    if month is not None:
        check_month(month)
    from meterbook.reports.forecasts import DIMENSIONS, TABLES, ahead, exact, landings  # noqa: PLC0415 -- a wrong book is told before

    if by not in DIMENSIONS:
        raise BookError(f"--by {by!r} is none of {', '.join(DIMENSIONS)}")
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415 -- the engine takes a while to load
    from meterbook.reports.frame import rows_of  # noqa: PLC0415

    with Workspace(folder).catalog.reading(TABLES) as con:
        first, end = _days(month)
        rows = landings(lambda query, *values: rows_of(con, query, *values), by, first, end)
        if not rows:
            raise BookError(f"there is no forecast of {month or 'any month'} in the lake of {folder}; `meterbook run` first")
        known = ahead(lambda query, *values: rows_of(con, query, *values), rows[0]["day"])
    if as_json:
        sys.stdout.write(json.dumps({"forecast": exact(rows), "known_ahead": known}, indent=1) + "\n")
    else:
        _print(rows, known)


def _days(month: str | None) -> "tuple[date, date]":
    from datetime import date  # noqa: PLC0415

    from meterbook.reports.periods import days_of  # noqa: PLC0415

    return days_of(month) if month else (date.min, date.max)


def _print(rows: Sequence[Row], known: Sequence[str]) -> None:
    from meterbook.reports.forecasts import METHODS, tried  # noqa: PLC0415
    from meterbook.reports.numbers import dollars  # noqa: PLC0415

    last = rows[0]
    left = f"{last['days_left']} days left" if last["days_left"] else "the month is over"
    out.print(f"{last['period_start']:%B %Y} as {last['day']} knows it, {left}", soft_wrap=True)
    figures = [Column(name, justify="right", no_wrap=True) for name in ("used", "lands at", "80 % band")]
    backs = [Column(name, justify="right") for name in ("off before", "in band")]
    table = Table(Column(last["dimension"], no_wrap=True), *figures, "reckoned by", *backs, show_edge=False)
    for row in rows:
        band = f"{dollars(row['low_usd'])} to {dollars(row['high_usd'])}"
        table.add_row(row["scope"], *map(dollars, (row["used_usd"], row["point_usd"])), band, METHODS[row["method"]], *tried(row))
    out.print(table)
    out.print("off before, in band: medians and shares of back-tests over as long a period with as many days left", soft_wrap=True)
    for sentence in known:
        out.print(sentence, soft_wrap=True, markup=False)
