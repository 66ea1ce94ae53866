"""`meterbook anomalies`: what stood out, why and whose it is, and what people made of it."""

import json
import sys
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meterbook.assets.book import BookError
from meterbook.pipelines.asked import book_of, told_in_a_line
from meterbook.pipelines.consoles import out
from meterbook.pipelines.locked import locked

if TYPE_CHECKING:
    from meterbook.pipelines.anomalies import CardBook
    from meterbook.pipelines.second_opinion import Opinion

app = typer.Typer(help="What stood out: cards with dollars, cause and owner.", rich_markup_mode=None)
First = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day; 28 days before the last where not given.")]
Last = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")]
Id = Annotated[str, typer.Argument(help="Card, as listed; a beginning that only one card has will do.")]
Note = Annotated[str, typer.Option("--note", help="Why, in a few words; it is kept with your name.")]


@app.callback(
    invoke_without_command=True,
    epilog="Examples: meterbook --book ./book anomalies; meterbook anomalies --from 2026-10-01 --all; meterbook anomalies --json",
)
def anomalies(
    context: typer.Context,
    *,
    first: First = None,
    last: Last = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what was looked at, and what is muted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines; dollars are exact.")] = False,
    second: Annotated[bool, typer.Option("--second-opinion", help="Ask AutoETS about them, too; needs the extra `forecast`.")] = False,
) -> None:
    """List cards, those that matter most first: one per cause, with dollars, owner and status."""
    if context.invoked_subcommand:
        return
    from meterbook.pipelines.anomalies import CardBook, as_text, listed  # noqa: PLC0415 -- the engine takes a while to load

    found = CardBook(book_of(context))
    span = _span(first, last, found.last_day)
    cards = found.cards(span)
    told = [card for card in cards if everything or card["status"] == "open"]
    opinion = _second_opinion(found, told, span) if second else None
    if as_json:
        made: object = [as_text(card) for card in told]
        made = {"cards": made, "only_second_opinion": [as_text(row) for row in opinion.only]} if opinion else made
        sys.stdout.write(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
        return
    listed(told, cards, out)
    if opinion:
        from meterbook.pipelines.second_opinion import show as show_opinion  # noqa: PLC0415 -- loaded by now

        show_opinion(opinion, out)


@app.command(epilog='Example: meterbook anomalies show "2026-10-21 tenant harbor cost"')
def show(context: typer.Context, card: Id) -> None:
    """Show a card in full: six weeks of its series, its days, parts, the combination behind it, suspects and events."""
    from meterbook.pipelines.anomalies import CardBook, shown  # noqa: PLC0415 -- the engine takes a while to load

    found = CardBook(book_of(context))
    shown(found, found.card(card), out)


@app.command(epilog='Example: meterbook anomalies ack "2026-10-21 tenant harbor cost" --real --note "a backfill, stopped"')
def ack(
    context: typer.Context,
    card: Id,
    *,
    real: Annotated[bool, typer.Option("--real/--false", help="Whether it was worth an alarm; precision is counted from it.")],
    note: Note,
) -> None:
    """Say that somebody looked at a card, and whether it was real; the audit keeps it."""
    from meterbook.assets.alarms import AlarmError, acknowledge  # noqa: PLC0415 -- the engine takes a while to load
    from meterbook.assets.audit import AuditError  # noqa: PLC0415
    from meterbook.pipelines.anomalies import CardBook  # noqa: PLC0415

    folder = book_of(context)
    with locked(folder), told_in_a_line(AlarmError, AuditError):
        name = CardBook(folder).card(card)["card_id"]
        made = acknowledge(folder, name, "real" if real else "false", note)
        CardBook(folder).settle()
    out.print(f"{name}: {made.verdict}, says {made.who}: {made.note}", soft_wrap=True, markup=False)


@app.command(epilog='Example: meterbook anomalies mute "tenant harbor cost" --until 2026-11-30 --note "load test, known to finance"')
def mute(
    context: typer.Context,
    scope: Annotated[str, typer.Argument(help="Dimension and name, such as `tenant harbor`; with a measure where only that one is meant.")],
    *,
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day on which cards that begin are kept quiet.")],
    note: Note,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First such day; a week before the last with data.")
    ] = None,
) -> None:
    """Keep cards of a scope quiet until a day; they are still counted. The same --from with an earlier --until ends it sooner."""
    from meterbook.assets.alarms import AlarmError  # noqa: PLC0415 -- the engine takes a while to load
    from meterbook.assets.alarms import mute as muted  # noqa: PLC0415
    from meterbook.assets.audit import AuditError  # noqa: PLC0415
    from meterbook.pipelines.anomalies import CardBook  # noqa: PLC0415

    folder = book_of(context)
    with locked(folder), told_in_a_line(AlarmError, AuditError):
        book = CardBook(folder)
        starts = first.date() if first else book.last_day - timedelta(days=6)
        made = muted(folder, book.scope(scope), (starts, until.date()), note)
        quiet = CardBook(folder).settle()
    said = f"{made.scope}: muted from {made.starts_on} to {made.until}"
    out.print(f"{said}; {quiet} cards are muted now", soft_wrap=True, markup=False)


def _second_opinion(book: "CardBook", cards: list[dict[str, Any]], span: tuple[date, date]) -> "Opinion":
    """What AutoETS says; each card has it beside it."""
    from meterbook.assets.auto_ets import auto_ets  # noqa: PLC0415 -- the engine takes a while to load
    from meterbook.pipelines.second_opinion import ask  # noqa: PLC0415

    with out.status("AutoETS"):
        opinion = ask(book, cards, span, auto_ets())
    for card in cards:
        card["second_opinion"] = opinion.cards.get(card["card_id"])
    return opinion


def _span(first: datetime | None, last: datetime | None, data_through: date) -> tuple[date, date]:
    end = (last.date() if last else data_through) + timedelta(days=1)
    start = first.date() if first else end - timedelta(days=28)
    if start >= end:
        raise BookError("--to lies before --from")
    return start, end
