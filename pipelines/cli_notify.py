"""`meterbook notify`: send what is to be told to the channels of notify.yaml, or show what would be sent."""

import json
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from meterbook.assets.book import Book, BookError
from meterbook.pipelines.asked import book_of, told_in_a_line
from meterbook.pipelines.consoles import err, out

if TYPE_CHECKING:
    from meterbook.assets.telling import Asked, Plan, Teller

FAILED = 1
app = typer.Typer(help="Tell owners what is to be told.", rich_markup_mode=None)
Since = Annotated[
    datetime | None,
    typer.Option("--since", formats=["%Y-%m-%d"], help="First day to tell of, passed over before or not; else a week before first use."),
]


@app.callback(
    invoke_without_command=True,
    epilog="Examples: meterbook --book ./book notify --dry-run; meterbook notify --since 2026-10-20; meterbook notify test support-chat",
)
def notify(
    context: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be sent where; send and note nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Of a dry run: as JSON.")] = False,
    since: Since = None,
    channel: Annotated[str | None, typer.Option(help="Only this channel of notify.yaml.")] = None,
) -> None:
    """Send levels of budgets, anomalies, requests and the digest to their owners' channels, each at most once."""
    if context.invoked_subcommand:
        return
    _refuse_unknown(Book(book_of(context)), channel)
    if as_json and not dry_run:
        raise BookError("--json belongs to --dry-run")
    from meterbook.assets.telling import Asked, Teller  # noqa: PLC0415 -- the engine takes a while to load

    asked = Asked(datetime.now(UTC), since.date() if since else None, channel)
    teller = Teller(book_of(context))
    if not dry_run:
        _send(teller, asked)
    elif as_json:
        _dump(teller, teller.plan(asked)[0])
    else:
        _show(teller, teller.plan(asked)[0])


def _send(teller: "Teller", asked: "Asked") -> None:
    from meterbook.assets.notified import NotifyError  # noqa: PLC0415

    with told_in_a_line(NotifyError):
        told = teller.tell(asked)
    for line in told.lines or ["nothing new to tell"]:
        out.print(line, soft_wrap=True, markup=False)
    for line in told.trouble:
        err.print(line, style="yellow", soft_wrap=True, markup=False)
    if told.trouble:
        raise typer.Exit(FAILED)


@app.command(epilog="Example: meterbook --book ./book notify test support-chat")
def test(context: typer.Context, channel: Annotated[str, typer.Argument(help="Of notify.yaml.")]) -> None:
    """Send one message that says nothing, to see whether a channel works; it is not noted."""
    book = Book(book_of(context))
    _refuse_unknown(book, channel)
    from meterbook.assets.channels import Sender  # noqa: PLC0415 -- apprise and the engine take a while to load
    from meterbook.assets.notice import Message  # noqa: PLC0415
    from meterbook.assets.notified import NotifyError  # noqa: PLC0415

    text = "If you can read this, notices of meterbook arrive here."
    with told_in_a_line(NotifyError):
        sent = Sender(channel, book.notify.channels[channel]).send(Message("meterbook: a test", text, text))
    if sent.outcome != "sent":
        err.print(f"channel {channel}: {sent.why}", style="red", soft_wrap=True, markup=False)
        raise typer.Exit(FAILED)
    out.print(f"sent to {channel}", markup=False)


def _refuse_unknown(book: Book, channel: str | None) -> None:
    known = book.notify.channels
    if not known:
        raise BookError(f"{book.folder} has no notify.yaml with channels; `meterbook init` writes an example beside a new book")
    if channel is not None and channel not in known:
        raise BookError(f"there is no channel {channel!r} in notify.yaml: {', '.join(known)}")


def _show(teller: "Teller", plan: "Plan") -> None:
    for name, channel in teller.settings.channels.items():
        parcels, skipped = plan.parcels.get(name, []), len(plan.skipped.get(name, []))
        if not parcels and not skipped:
            continue
        unset = "" if os.environ.get(channel.url_env) else f"; {channel.url_env} is not set, so nothing would be sent"
        older = f", {skipped} older passed over" if skipped else ""
        out.print(f"{name}: {len(parcels)} to send{older}{unset}", soft_wrap=True, markup=False)
        for parcel in parcels:
            message = teller.message(parcel.notice)
            body = message.plain.replace("\n", "\n    ")
            out.print(f"  {message.title}\n    {body}", soft_wrap=True, markup=False)
    for name, notices in plan.unclear.items():
        out.print(f"{name}: {len(notices)} may have arrived when a command ended early; not sent again", soft_wrap=True, markup=False)
    if not plan.parcels:
        out.print("nothing new to tell")


def _dump(teller: "Teller", plan: "Plan") -> None:
    found = []
    for parcels in plan.parcels.values():
        for parcel in parcels:
            message = teller.message(parcel.notice)
            found.append({"channel": parcel.channel, "notices": parcel.told, "title": message.title, "body": message.markdown})
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
