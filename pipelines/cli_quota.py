"""`meterbook quota`: requests of other amounts and their decisions, a rebalancing, and limits as a gateway's own configuration."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from meterbook.assets.audit import AuditError
from meterbook.assets.book import Book, BookError
from meterbook.assets.budget_edits import EditError
from meterbook.assets.gateway_export import Gateway, export
from meterbook.assets.gateways import Asked
from meterbook.assets.quota_requests import FOLDER, QuotaError, QuotaRequest, load_requests
from meterbook.assets.quotas import Wanted, approve, ask, budget_of, reject, today_of
from meterbook.pipelines.asked import book_of, check_month, told_in_a_line
from meterbook.pipelines.consoles import err, out
from meterbook.pipelines.locked import locked
from meterbook.reports.numbers import NONE, count, dollars

if TYPE_CHECKING:
    import duckdb

app = typer.Typer(
    rich_markup_mode=None,
    help="Ask for more, decide, rebalance, and hand limits to a gateway.",
    no_args_is_help=True,
    epilog="Examples: meterbook quota list --open; meterbook quota rebalance; meterbook quota export litellm --out litellm.yaml",
)
_DAY = ["%Y-%m-%d"]
Why = Annotated[str, typer.Option("--why", help="The reason; kept with the book.")]
Request = Annotated[str, typer.Argument(metavar="REQUEST", help="Its name, or the path of its file.")]
Until = Annotated[datetime | None, typer.Option("--until", formats=_DAY, help="First day on which the old amount holds again.")]
_LARGE = 100


@app.command(
    epilog='Examples: meterbook quota request support --by 25 --until 2027-01-01 --why "the sale"; '
    'meterbook quota request batch-tokens --amount 900000000 --why "a second language"'
)
def request(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Budget of budgets.yaml.")],
    *,
    why: Why,
    amount: Annotated[str | None, typer.Option(help="Of one period, in the budget's measure.")] = None,
    by: Annotated[str | None, typer.Option(help="Percent of the present amount, such as 25.")] = None,
    until: Until = None,
    who: Annotated[str | None, typer.Option(help="Who asks; the user of this machine where not given.")] = None,
) -> None:
    """Ask for another amount: writes a file with the reason and the scope's last 30 days."""
    from meterbook.assets.quota_evidence import evidence_of  # noqa: PLC0415 -- the engine takes a while to load

    folder = book_of(context)
    book = Book(folder)
    wanted = Wanted(_number("--amount", amount), _number("--by", by), _day(until))
    with _told(), _lake(folder) as con:
        budget = budget_of(book, name)
        found = evidence_of(con, book.budgets_file, budget)
        made = ask(book, name, wanted, why, who=who or _user(), evidence=found)
    share = "" if found.period_share_percent is None else f"; {found.period_share_percent} % of that was used by {found.last_day}"
    out.print(f"{made.request}: {_figure(made, made.wanted)} instead of {_figure(made, made.amount)} a {made.period}{share}", markup=False)
    err.print(f"{folder / FOLDER / made.request}.yaml", soft_wrap=True, markup=False)


@app.command("list", epilog="Examples: meterbook quota list; meterbook quota list --open --json")
def list_requests(
    context: typer.Context,
    *,
    only_open: Annotated[bool, typer.Option("--open", help="Only what is not decided.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For a machine.")] = False,
) -> None:
    """List the requests and what became of them."""
    with _told():
        found = [one for one in load_requests(book_of(context)) if not (only_open and one.decision)]
    if as_json:
        rows = [one.model_dump(mode="json", exclude={"evidence"}) for one in found]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    table = Table(
        Column("request", no_wrap=True), "who", *(Column(one, justify="right") for one in ("from", "to")), "why", "", show_edge=False
    )
    for one in found:
        cells = (one.request, one.who, _figure(one, one.amount), _figure(one, one.wanted), one.why, _state(one))
        table.add_row(*map(Text, cells))
    out.print(table if found else "no request")


@app.command("approve", epilog='Example: meterbook quota approve 2026-11-02-support-1 --until 2026-12-01 --why "agreed with finance"')
def approve_request(
    context: typer.Context,
    name: Request,
    *,
    why: Why,
    until: Until = None,
    first: Annotated[datetime | None, typer.Option("--from", formats=_DAY, help="First day of the new amount; else today.")] = None,
) -> None:
    """Approve a request: budgets.yaml gets a dated amount, the audit a line, the request the decision."""
    folder = book_of(context)
    with locked(folder), _told():
        done = approve(Book(folder), name, why, _day(first), _day(until))
    days = done.decision
    held = f" until {days.ends_on}" if days and days.ends_on else ""
    starts = days.starts_on if days else None
    out.print(f"{done.budget}: {_figure(done, done.wanted)} a {done.period} from {starts}{held}", markup=False)


@app.command("reject", epilog='Example: meterbook quota reject 2026-11-02-support-1 --why "half of the present amount is unused"')
def reject_request(context: typer.Context, name: Request, *, why: Why) -> None:
    """Reject a request: the audit gets a line, the request the decision."""
    folder = book_of(context)
    with locked(folder), _told():
        done = reject(Book(folder), name, why)
    out.print(f"{done.request}: rejected", markup=False)


@app.command(
    "rebalance", epilog="Example: meterbook quota rebalance --month 2026-12 --patch more.patch; patch -p0 --directory book < more.patch"
)
def propose(
    context: typer.Context,
    *,
    month: Annotated[str | None, typer.Option(help="From which month on, YYYY-MM; else the one after the last day with data.")] = None,
    patch: Annotated[Path | None, typer.Option(help="Where to write the change of budgets.yaml.")] = None,
) -> None:
    """Propose moves from budgets that stay unused to those that are used up; nothing is applied."""
    from meterbook.assets.rebalancing_lake import rebalance  # noqa: PLC0415 -- the engine takes a while to load

    folder = book_of(context)
    if month is not None:
        check_month(month, "2026-12")
    first = date.fromisoformat(f"{month}-01") if month else None
    with _told(), _lake(folder) as con:
        found = rebalance(con, Book(folder), first)
    if not found.moves:
        out.print(f"nothing to move from {found.month:%Y-%m} on: no budget is starved beside one of its kind that stayed below half")
        return
    figures = [Column(one, justify="right", no_wrap=True) for one in ("now", "by", "then")]
    table = Table(Column("budget", no_wrap=True), *figures, "why", show_edge=False)
    for move in found.moves:
        budget = move.seen.budget
        amounts = (_amount(budget.measure, value) for value in (move.seen.amount, move.by, move.after))
        table.add_row(*map(Text, (f"{budget.budget} ({budget.period})", *amounts, move.reason)))
    out.print(table)
    if patch is None:
        err.print("nothing is applied; --patch FILE writes the change of budgets.yaml", soft_wrap=True)
        return
    patch.write_text(found.patch, "utf-8", newline="")
    err.print(f"{patch}: nothing is applied yet; patch -p0 --directory {folder} < {patch}", soft_wrap=True, markup=False)


@app.command("export", epilog="Examples: meterbook quota export litellm; meterbook quota export envoy --out quotas.yaml --enforce")
def export_limits(
    context: typer.Context,
    gateway: Annotated[Gateway, typer.Argument(help="For which gateway.")],
    *,
    target: Annotated[Path | None, typer.Option("--out", help="The file; else it is printed.")] = None,
    day: Annotated[datetime | None, typer.Option("--on", formats=_DAY, help="Amounts in force on that day; else today.")] = None,
    enforce: Annotated[
        bool, typer.Option("--enforce", help="Limits that refuse calls, for budgets too that only tell or fall back.")
    ] = False,
) -> None:
    """Write budgets, rate limits and allowed models as a gateway's own configuration; what it cannot express is told."""
    book = Book(book_of(context))
    made = export(gateway, Asked(book.budgets_file, _day(day) or today_of(book), book.settings.time_zone, enforce=enforce))
    if target is None:
        sys.stdout.write(made.text)
    else:
        target.write_text(made.text, "utf-8")
        out.print(str(target), soft_wrap=True, markup=False)
    for line in made.left_out:
        err.print(f"not in it: {line}", soft_wrap=True, markup=False)
    for line in made.to_know:
        err.print(f"to know: {line}", soft_wrap=True, markup=False)


@contextmanager
def _told() -> Iterator[None]:
    with told_in_a_line(QuotaError, EditError, AuditError):
        yield


@contextmanager
def _lake(folder: Path) -> "Iterator[duckdb.DuckDBPyConnection]":
    from meterbook.assets.quota_evidence import TABLES  # noqa: PLC0415 -- the engine takes a while to load
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415

    with Workspace(folder).catalog.reading(TABLES) as con:
        yield con


def _number(option: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        found = Decimal(text.removesuffix("%").replace(",", ""))
    except InvalidOperation as error:
        raise BookError(f"{option} {text!r} is no number") from error
    if not found.is_finite():
        raise BookError(f"{option} {text!r} is no number")
    return found


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None


def _user() -> str:
    import getpass  # noqa: PLC0415 -- only where no name was given

    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise BookError("say who asks (--who); this machine knows no name") from error


def _figure(one: QuotaRequest, value: Decimal) -> str:
    return _amount(one.measure, value)


def _amount(measure: str, value: Decimal) -> str:
    """An amount in its measure, for people."""
    if measure != "dollars":
        return f"{count(value)} {measure.replace('gpu_hours', 'GPU hours')}"
    return dollars(value) if abs(value) >= _LARGE or not value else f"${value:,.2f}"


def _state(one: QuotaRequest) -> str:
    if one.decision is None:
        return f"open, to {one.until}" if one.until else "open"
    days = "" if one.decision.starts_on is None else f" from {one.decision.starts_on} to {one.decision.ends_on or NONE}"
    return f"{one.decision.outcome}{days}"
