"""`meterbook savings`: the ledger of savings as a month left it, and ideas for it from the levers."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from meterbook.assets.book import Book, BookError
from meterbook.pipelines.asked import book_of, check_month
from meterbook.pipelines.consoles import err, out

if TYPE_CHECKING:
    import duckdb

    from meterbook.reports.frame import Span

app = typer.Typer(help="The ledger of savings.", rich_markup_mode=None)
Period = Annotated[str | None, typer.Option("--period", help="Month, YYYY-MM; the last one with data where not given.")]
TABLES = (
    "book.saving",
    "marts.savings",
    "marts.saving_quality",
    "marts.lever",
    "marts.conservation",
    "core.route_offer",
    "core.rate_in_force",
)


@app.callback(
    invoke_without_command=True,
    epilog="Examples: meterbook --book ./book savings; meterbook savings --period 2026-10 --format json; meterbook savings ideas",
)
def savings(
    context: typer.Context,
    period: Period = None,
    form: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How to print; csv and json are exact.")] = "table",
) -> None:
    """Show each idea of savings.yaml: its state, what is identified, what it saved in the month, whether its quality held."""
    if context.invoked_subcommand:
        return
    from meterbook.pipelines.savings import shown, written  # noqa: PLC0415 -- the engine takes a while to load
    from meterbook.reports.frame import rows_of  # noqa: PLC0415
    from meterbook.reports.saving_ledger import Ledger  # noqa: PLC0415

    with _asked(context, period) as (con, month, span):
        ledger = Ledger(lambda query, *values: rows_of(con, query, *values), month, span)
        if not ledger.entries:
            raise BookError(f"savings.yaml has no idea of {month} or before; `meterbook savings ideas` proposes some")
        if form == "table":
            shown(ledger, month, out)
        else:
            sys.stdout.write(written(ledger, form))


@app.command(epilog="Examples: meterbook --book ./book savings ideas; meterbook savings ideas --period 2026-10 >> book/savings.yaml")
def ideas(context: typer.Context, period: Period = None) -> None:
    """Print entries for savings.yaml from what the levers could spare, largest first, ready to paste; what is there already is left out."""
    from meterbook.pipelines.savings import proposed  # noqa: PLC0415 -- the engine takes a while to load

    known = Book(book_of(context)).savings
    with _asked(context, period) as (con, month, span):
        text, count = proposed(con, month, span, known)
    if not count:
        err.print(f"no lever could spare a dollar in {month} that savings.yaml does not name", soft_wrap=True, markup=False)
    sys.stdout.write(text)


@contextmanager
def _asked(context: typer.Context, period: str | None) -> "Iterator[tuple[duckdb.DuckDBPyConnection, str, Span]]":
    """A connection to what the ledger is read from, the month, and its days with data."""
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415 -- a wrong book is told before
    from meterbook.pipelines.savings import month_of  # noqa: PLC0415

    if period is not None:
        check_month(period)
    folder = book_of(context)
    with Workspace(folder).catalog.reading(TABLES) as con:
        found = month_of(con, period)
        if found is None:
            raise BookError(f"there is nothing of {period or 'any month'} in the lake of {folder}; `meterbook run` first")
        yield con, *found
