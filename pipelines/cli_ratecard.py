"""`meterbook ratecard ...`: publish the internal rate card of a month, and show the one in force."""

import sys
from typing import Annotated, Literal

import typer
from rich.table import Table

from meterbook.assets.audit import FILE as AUDIT
from meterbook.assets.audit import AuditError
from meterbook.assets.book import Book, BookError
from meterbook.assets.ratecards import PAGE, RECORD, TABLE, RateCardError, in_force
from meterbook.pipelines.asked import book_of, check_month, told_in_a_line
from meterbook.pipelines.consoles import err, out
from meterbook.pipelines.locked import locked
from meterbook.reports.numbers import plural
from meterbook.reports.ratecard import STATED

app = typer.Typer(help="The internal rate card.", no_args_is_help=True, rich_markup_mode=None)
Period = Annotated[str, typer.Argument(help="Month, YYYY-MM.")]


@app.command(
    epilog="Examples: meterbook --book ./book ratecard publish 2026-11; meterbook ratecard publish 2026-11 --from 2026-09; "
    'meterbook ratecard publish 2026-11 --why "the price of output was agreed anew"'
)
def publish(
    context: typer.Context,
    period: Period,
    made_from: Annotated[str | None, typer.Option("--from", help="Month whose cost its prices come from; the one before it else.")] = None,
    why: Annotated[str, typer.Option(help="Put into the audit; needed where the month has a card.")] = "",
) -> None:
    """Publish the card of a month, frozen by hash: what use is charged at from the next run on."""
    folder = book_of(context)
    for month in filter(None, (period, made_from)):
        check_month(month, "2026-11")
    book = Book(folder)
    with locked(book.folder), told_in_a_line(RateCardError, AuditError):
        from meterbook.assets.ratecarding import month_before  # noqa: PLC0415 -- the engine takes a while to load; a wrong book is told before
        from meterbook.assets.ratecarding import publish as write  # noqa: PLC0415
        from meterbook.assets.workspace import Workspace  # noqa: PLC0415

        with out.status(f"rate card of {period}"):
            done = write(Workspace(folder), period, made_from or month_before(period), why.strip())
    for name in (PAGE, TABLE, RECORD):
        out.print(str(done.folder / name), soft_wrap=True, markup=False)
    stated = sum(price.is_stated for price in done.record.prices)
    said = f"{done.record.name}: {plural(len(done.record.prices) - stated, 'price')} from {done.record.made_from}, {stated} stated"
    err.print(f"{said}; `meterbook --book {folder} run` charges by it", soft_wrap=True, markup=False)
    err.print(f"{folder / AUDIT} names it; keep both in git with the book", soft_wrap=True, markup=False)


@app.command(epilog="Examples: meterbook --book ./book ratecard show 2026-11; meterbook ratecard show 2026-11 --format json")
def show(
    context: typer.Context,
    period: Period,
    form: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How to print; csv and json are the files.")] = "table",
) -> None:
    """Show the card in force in a month."""
    check_month(period, "2026-11")
    cards = in_force(Book(book_of(context)).published_cards)
    if period not in cards:
        told = f"; there are cards of {', '.join(cards)}" if cards else ""
        raise BookError(f"{period} has no rate card{told}; `meterbook ratecard publish {period}` makes one")
    card = cards[period]
    with told_in_a_line(RateCardError, AuditError):
        card.refuse_altered()
    if form != "table":
        sys.stdout.write((card.folder / (TABLE if form == "csv" else RECORD)).read_bytes().decode())
        return
    table = Table("item", "meter", "USD", "per", "basis", show_edge=False)
    for price in card.record.prices:
        per, basis = "GPU hour" if price.is_gpu else "million", STATED if price.is_stated else f"cost of {card.record.made_from}"
        table.add_row(price.item, price.meter, f"{price.usd:f}", per, basis)
    out.print(table)
    out.print(f"{card.record.name}, {card.folder}", soft_wrap=True, markup=False)
