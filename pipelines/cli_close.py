"""`meterbook close` and `reopen`: months that no longer change."""

from pathlib import Path
from typing import Annotated

import typer

from meterbook.assets.audit import FILE as AUDIT
from meterbook.assets.audit import AuditError
from meterbook.assets.book import Book, BookError
from meterbook.assets.closed import CloseError
from meterbook.pipelines.asked import book_of, check_month, told_in_a_line
from meterbook.pipelines.consoles import err, out
from meterbook.pipelines.locked import locked

app = typer.Typer(rich_markup_mode=None)
Period = Annotated[str, typer.Argument(help="Month, YYYY-MM.")]


@app.command(epilog='Examples: meterbook --book ./book close 2026-09; meterbook close 2026-09 --why "agreed with finance"')
def close(
    context: typer.Context, period: Period, why: Annotated[str, typer.Option(help="Put into the audit beside it.")] = "month closed"
) -> None:
    """Close a month: its figures and finance files stay as they are, and later changes become corrections in the open month."""
    folder = _checked(context, period)
    with locked(folder), told_in_a_line(CloseError, AuditError):
        from meterbook.assets.closing import close as write  # noqa: PLC0415 -- the engine takes a while to load; a wrong book is told before
        from meterbook.assets.workspace import Workspace  # noqa: PLC0415

        with out.status(f"closing {period}"):
            done = write(Workspace(folder), period, why.strip())
    if done.closed:
        record = done.closed.record
        out.print(
            f"{period} is closed at {record.posted_usd} USD (exactly {record.cost_usd}), edition {record.version}: "
            f"{len(record.files)} finance files, {len(record.inputs)} inputs, {len(record.book)} settings files by their hashes",
            soft_wrap=True,
            markup=False,
        )
    out.print(f"{folder / 'closed' / period}", soft_wrap=True, markup=False)
    told = f"keep both in git with the book; `meterbook --book {folder} run` before the next month is closed"
    err.print(f"{folder / AUDIT}: record {done.audit[:16]}; {told}", soft_wrap=True, markup=False)


@app.command(epilog='Example: meterbook --book ./book reopen 2026-09 --why "the bill of September was of another company"')
def reopen(context: typer.Context, period: Period, why: Annotated[str, typer.Option(help="Needed: what the audit says.")] = "") -> None:
    """Open the last closed month again; its next close is a new edition that names this one."""
    if not why.strip():
        raise BookError('reopen needs --why "..."; the audit keeps it')
    folder = _checked(context, period)
    with locked(folder), told_in_a_line(CloseError, AuditError):
        from meterbook.assets.closing import reopen as write  # noqa: PLC0415
        from meterbook.assets.workspace import Workspace  # noqa: PLC0415

        done = write(Workspace(folder), period, why.strip())
    out.print(f"{period} is open again; `meterbook --book {folder} run` computes it anew", soft_wrap=True, markup=False)
    err.print(f"{folder / AUDIT}: record {done.audit[:16]}", soft_wrap=True, markup=False)


def _checked(context: typer.Context, period: str) -> Path:
    check_month(period, "2026-09")
    folder = book_of(context)
    Book(folder)
    return folder
