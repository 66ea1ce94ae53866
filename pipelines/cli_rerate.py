"""`meterbook rerate` and `meterbook audit`: what other prices would make of the past, and who changed it."""

import json
import sys
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from meterbook.assets.audit import FILE as AUDIT
from meterbook.assets.audit import AuditError, Record, read_audit
from meterbook.assets.book import Book, BookError
from meterbook.assets.corrections import FILE as CORRECTIONS
from meterbook.assets.verified import refuse_tampered
from meterbook.pipelines.asked import book_of, told_in_a_line
from meterbook.pipelines.consoles import err, out
from meterbook.pipelines.locked import locked
from meterbook.pipelines.progress import Steps
from meterbook.reports.numbers import plural

if TYPE_CHECKING:
    from meterbook.assets.applying import Applied

FAILED = 1
app = typer.Typer(rich_markup_mode=None)


class Dimension(StrEnum):
    """What differences are summed by."""

    DAY = "day"
    MODEL = "model"
    TEAM = "team"
    COST_CENTRE = "cost_centre"
    TENANT = "tenant"
    FEATURE = "feature"
    PROVIDER = "provider"


DEFAULT = (Dimension.DAY, Dimension.MODEL, Dimension.TEAM)
Form = Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How to print; csv and json are exact to 12 decimals.")]


@app.command(
    epilog="Examples: meterbook rerate --from 2026-10-01 --to 2026-10-31; "
    "meterbook rerate --from 2026-10-01 --to 2026-10-31 --card acme.yaml --by team --by model --format csv; "
    'meterbook rerate --from 2026-10-01 --to 2026-10-31 --apply --why "the price list of 12 October came late"'
)
def rerate(
    context: typer.Context,
    *,
    from_day: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First UTC day.")],
    to_day: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last UTC day, included.")],
    card: Annotated[Path | None, typer.Option(help="A card in place of what the book has for its models.")] = None,
    by: Annotated[list[Dimension] | None, typer.Option(help="What to sum by; give it again for more. Else day, model and team.")] = None,
    form: Form = "table",
    apply: Annotated[bool, typer.Option("--apply", help="Write it: open days are priced anew, closed ones get correction lines.")] = False,
    why: Annotated[str, typer.Option(help="Needed with --apply: what the audit and the correction lines say.")] = "",
) -> None:
    """Price days anew with the cards as they are now and show the difference; nothing is written without --apply."""
    if apply and not why.strip():
        raise BookError('--apply needs --why "..."; the audit keeps it')
    folder = book_of(context)
    book = Book(folder)
    from meterbook.assets.applying import apply as write  # noqa: PLC0415 -- the engine takes a while to load; a wrong book is told before
    from meterbook.assets.applying import cards_with  # noqa: PLC0415
    from meterbook.assets.rerating import Rerating  # noqa: PLC0415
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415
    from meterbook.pipelines.rerate_report import show  # noqa: PLC0415

    cards = cards_with(book, card) if card else book.current_cards
    with locked(folder), closing(Rerating(Workspace(folder), cards, from_day.date(), to_day.date())) as rerating:
        with Steps(err) as steps:
            steps.begin("rerate", len(rerating.days))
            rerating.compare(steps.advance)
        show(rerating, [one.value for one in by or DEFAULT], form, out)
        if apply:
            with told_in_a_line(AuditError):
                _say(folder, write(rerating, why.strip(), card))


@app.command(epilog="Examples: meterbook --book ./book audit; meterbook audit --format json")
def audit(context: typer.Context, form: Form = "table") -> None:
    """Verify audit.jsonl and list who changed the past, when and why; exit code 1 where the file was tampered with."""
    folder = book_of(context)
    records: list[Record] = []
    try:
        for record in read_audit(folder / AUDIT):
            records.append(record)  # noqa: PERF402 -- what verifies is listed even where a later line does not
        refuse_tampered(Book(folder), records)
    except AuditError as error:
        _list(records, form)
        err.print(str(error), style="red", soft_wrap=True, markup=False)
        raise typer.Exit(FAILED) from error
    _list(records, form)
    err.print(f"{plural(len(records), 'record')}; the chain holds", markup=False)


def _say(folder: Path, applied: "Applied") -> None:
    """What was written, and what to do next; beside the figures, so that those can be piped on."""
    if not applied.audit:
        err.print("nothing to apply: these days are priced so already", markup=False)
        return
    if applied.repriced:
        err.print(
            f"{applied.repriced.first} to {applied.repriced.last} are priced with version {applied.version} from now on; "
            f"`meterbook --book {folder} run` makes the pages follow",
            soft_wrap=True,
            markup=False,
        )
    if applied.corrections:
        lines = plural(applied.corrections, "line")
        err.print(
            f"{folder / CORRECTIONS}: {lines} for closed days; `meterbook --book {folder} run` posts them", soft_wrap=True, markup=False
        )
    err.print(f"{folder / AUDIT}: record {applied.audit[:16]}", soft_wrap=True, markup=False)


def _list(records: list[Record], form: str) -> None:
    if form == "json":
        sys.stdout.write(json.dumps([asdict(record) for record in records], indent=1) + "\n")
    elif form == "csv":
        from meterbook.pipelines.rerate_report import write_csv  # noqa: PLC0415 -- loads the engine

        write_csv(
            ["at", "who", "action", "why", "details", "digest"],
            ([one.at, one.who, one.action, one.why, json.dumps(one.details), one.digest] for one in records),
        )
    elif records:
        table = Table("at", "who", "action", "why", "record", show_edge=False)
        for one in records:
            table.add_row(one.at, one.who, one.action, one.why, one.digest[:16])
        out.print(table)
