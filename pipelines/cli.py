"""The command line: `meterbook --book DIR VERB`.

Exit codes: 0 done; 1 a blocking check failed, a period was held back or a file was refused (what passed stays published); 2 the book, a
card or an argument is wrong.
"""

import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from meterbook.pipelines.commands import Commands
from meterbook.pipelines.consoles import err, out

# What is imported here every command waits for, and --help too.
if TYPE_CHECKING:
    from meterbook.pipelines.cli_pages import Outlets

DONE, FAILED, WRONG = 0, 1, 2
app = typer.Typer(
    cls=Commands,
    help="What AI costs per unit of value: exact, explained, charged back to the cent.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Begin with: meterbook demo ./demo; or meterbook init ./book",
)


class _Context:
    book: Path = Path()
    debug: bool = False


@app.callback()
def _options(
    book: Annotated[Path, typer.Option(help="Folder of the book.", envvar="METERBOOK")] = Path(),
    debug: Annotated[bool, typer.Option(help="Show tracebacks.")] = False,
) -> None:
    _Context.book, _Context.debug = book, debug


@app.command(epilog="Example: meterbook demo ./demo")
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write the sample company.")] = Path("demo"),
    days: Annotated[int, typer.Option(min=32, max=92, help="Only so many of its last days.")] = 92,
) -> None:
    """Write the sample company, run everything, close its quarter, let a file come late; print what to open."""
    from meterbook.assets.book import BookError  # noqa: PLC0415
    from meterbook.pipelines.demo import write_demo  # noqa: PLC0415
    from meterbook.pipelines.demo_quarter import run_quarter  # noqa: PLC0415
    from meterbook.pipelines.progress import Steps  # noqa: PLC0415

    if (folder / "meterbook.yaml").is_file() and not (folder / "truth.json").is_file():
        raise BookError(f"{folder} is a book of your own; name another folder for the sample company")
    with Steps(out) as steps:
        steps.begin("sample company", days)
        write_demo(folder, days, progress=lambda day: steps.advance(str(day)))
    raise typer.Exit(run_quarter(folder, days, out, debug=_Context.debug))


@app.command(epilog="Example: meterbook init ./book")
def init(folder: Annotated[Path, typer.Argument(help="Folder of the new book.")]) -> None:
    """Write a commented book to fill in."""
    from meterbook.pipelines.scaffold import scaffold  # noqa: PLC0415

    for path in scaffold(folder):
        out.print(f"wrote {path}")
    out.print(f"Drop files into {folder / 'inbox'}, then: meterbook --book {folder} run")


@app.command(epilog="Example: meterbook --book ./book check")
def check() -> None:
    """Validate the book, its cards, its inbox and the sections it adds to pages, without running anything."""
    from meterbook.assets.ingest import formats  # noqa: PLC0415
    from meterbook.assets.ledger import MANIFEST  # noqa: PLC0415
    from meterbook.assets.limits import in_words  # noqa: PLC0415
    from meterbook.assets.own_sections import problems  # noqa: PLC0415
    from meterbook.assets.workspace import Workspace, columns  # noqa: PLC0415

    workspace = Workspace(_Context.book)
    cards = workspace.book.current_cards
    known = {*formats(), MANIFEST}
    files = workspace.inbox.recognise()
    for name, found in files:
        out.print(f"{name}: {found}", style="" if found in known else "red", soft_wrap=True, markup=False)
    counts = f"{cards.rates.height} rates, {len(workspace.book.owners)} owner rules, {len(files)} files in the inbox"
    out.print(f"{workspace.book.settings.name}: {counts}", markup=False)
    out.print(in_words(workspace.settings), soft_wrap=True, markup=False)
    wrong = list(problems(workspace.folder, columns()))
    for line in wrong:
        err.print(line, style="red", soft_wrap=True, markup=False)
    if any(found not in known for _, found in files):
        out.print("what is recognised, and how to get it: meterbook formats, meterbook formats NAME")
        raise typer.Exit(FAILED)
    if wrong:
        raise typer.Exit(FAILED)


@app.command("formats", epilog="Examples: meterbook formats; meterbook formats litellm_spendlogs")
def list_formats(name: Annotated[str | None, typer.Argument(help="One format, in full.")] = None) -> None:
    """List what the inbox takes, or say of one format how to get such files and what is made of them."""
    from rich.table import Table  # noqa: PLC0415

    from meterbook.assets.book import BookError  # noqa: PLC0415
    from meterbook.pipelines.formats import listed, shown  # noqa: PLC0415

    if name:
        try:
            out.print(shown(name), markup=False)
        except ValueError as error:
            raise BookError(str(error)) from error
        return
    table = Table("records", "format", "what it is", show_edge=False)
    for row in listed():
        table.add_row(*row)
    out.print(table)


@app.command(epilog="Examples: meterbook --book ./book run; meterbook run --from 2026-10-01 --to 2026-10-31")
def run(
    from_day: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First UTC day; else the first stale.")] = None,
    to_day: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last UTC day, included.")] = None,
) -> None:
    """Take in the inbox, compute what is missing or stale, publish pages and statements."""
    _run(_Context.book, from_day, to_day)


@app.command(epilog='Example: meterbook query "select team, sum(cost_usd) from marts.cost group by 1" --format csv')
def query(
    sql: Annotated[str, typer.Argument(help="DuckDB SQL over the lake's tables.")],
    form: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How to print.")] = "table",
) -> None:
    """Ask the lake."""
    from meterbook.pipelines.queries import ask  # noqa: PLC0415

    ask(_Context.book, sql, form, out)


@app.command(
    epilog="Examples: meterbook report --period 2026-W43 --pdf week.pdf; meterbook report quarterly --period 2026-Q4; "
    "meterbook report --email week.eml --to cfo@example.com; meterbook report team --team sales"
)
def report(
    kind: Annotated[
        Literal["weekly", "monthly", "quarterly", "savings", "quality", "team", "index"], typer.Argument(help="Which page.")
    ] = "weekly",
    period: Annotated[
        str | None, typer.Option(help="Week, 2026-W43, month, 2026-10, or quarter, 2026-Q4; the last one where not given.")
    ] = None,
    *,
    pdf: Annotated[Path | None, typer.Option(help="Print it to this file, with the Chromium there is.", metavar="FILE.pdf")] = None,
    email: Annotated[Path | None, typer.Option(help="Write it as a mail to send, with the page attached.", metavar="FILE.eml")] = None,
    to: Annotated[str, typer.Option(help="Whom that mail is for.", metavar="ADDRESSES")] = "",
    team: Annotated[str, typer.Option(help="Of a team's page: whose; all of the week where not given.", metavar="NAME")] = "",
) -> None:
    """Publish a page from what is in the lake; print where it lies, and its PDF and mail where asked for."""
    from meterbook.pipelines.cli_pages import Outlets  # noqa: PLC0415

    _publish(kind, period, Outlets(pdf, email, to, team, kind))


@app.command(epilog="Example: meterbook chargeback 2026-10")
def chargeback(period: Annotated[str, typer.Argument(help="Month, YYYY-MM.")]) -> None:
    """Publish a month's finance files from what is in the lake; print where they lie, and which are not made and why."""
    written = _publish("chargeback", period)
    from meterbook.reports.finance import not_made  # noqa: PLC0415

    for name, why in not_made(written).items():
        err.print(f"no {name}: {why}", soft_wrap=True, markup=False)


@app.command()
def models() -> None:
    """List the models: table, what it is, what it reads; of a book, as its allocation.yaml has them."""
    from rich.table import Table  # noqa: PLC0415

    from meterbook.assets.book import Book  # noqa: PLC0415
    from meterbook.assets.workspace import project, project_of  # noqa: PLC0415

    table = Table("table", "what it is", "reads", show_edge=False)
    found = project_of(Book(_Context.book)) if (_Context.book / "meterbook.yaml").is_file() else project()
    for model in found.models.values():
        table.add_row(model.name, model.description, ", ".join(model.inputs))
    out.print(table)


def _run(folder: Path, from_day: datetime | None, to_day: datetime | None) -> None:
    from meterbook.pipelines.runner import run_book  # noqa: PLC0415

    raise typer.Exit(run_book(folder, out, _day(from_day), _day(to_day), debug=_Context.debug))


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None


def _publish(kind: str, period: str | None, outlets: "Outlets | None" = None) -> list[Path]:
    from meterbook.assets.book import BookError  # noqa: PLC0415
    from meterbook.assets.gate import HeldBackError  # noqa: PLC0415
    from meterbook.assets.publishing import Publisher  # noqa: PLC0415
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415
    from meterbook.pipelines.cli_pages import asked_for, linked  # noqa: PLC0415

    publisher = Publisher(Workspace(_Context.book))
    items = [item for item in publisher.wanted() if item.kind == kind and period in {None, item.period}][-1:]
    if not items:
        raise BookError(f"there is nothing of {period or 'any period'} in the lake of {_Context.book}; `meterbook run` first")
    try:
        made = dict(publisher.publish([*items, *linked(publisher, items[0])]))
    except HeldBackError as held:
        err.print(f"not published {held}", style="red", soft_wrap=True, markup=False)
        raise typer.Exit(FAILED) from held
    written = asked_for(made[items[0]], outlets)
    for why, keys in publisher.unmade().items():
        if items[0].key in keys:
            err.print(why, style="yellow", soft_wrap=True, markup=False)
    for path in written:
        out.print(str(path), soft_wrap=True)
    if outlets:
        if draft := publisher.drafts().get(items[0].key):
            err.print(f"draft {draft}", style="yellow", soft_wrap=True, markup=False)
        outlets.hand_out(publisher, items[0], written[0])
    return written


def main() -> None:
    """Run the command line; errors are one line, tracebacks only with --debug."""
    try:
        if "_METERBOOK_COMPLETE" in os.environ:
            # A shell asks so when TAB is pressed.
            from typer.completion import completion_init  # type: ignore[attr-defined]  # noqa: PLC0415 -- typer lists no exports

            completion_init()
        # Outside standalone mode an exit code comes back as a value.
        sys.exit(app(standalone_mode=False) or DONE)
    except typer.Abort:
        _fail("interrupted; run again to go on")
    except Exception as error:
        if hasattr(error, "format_message"):
            _fail(error.format_message())
        if isinstance(error, _telling()):
            _fail(str(error))
        if _Context.debug:
            raise
        err.print(
            f"meterbook: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''} (--debug shows where)", style="red"
        )
        sys.exit(FAILED)


def _telling() -> tuple[type[Exception], ...]:
    """Errors whose message says what to do."""
    from meterbook.assets.book import BookError  # noqa: PLC0415 -- most commands end without an error
    from meterbook.rate_cards.card import CardError  # noqa: PLC0415
    from meterbook.rate_cards.strict_yaml import StrictYamlError  # noqa: PLC0415
    from meterbook.sql.limits import LimitError  # noqa: PLC0415
    from meterbook.sql.models import ModelError  # noqa: PLC0415

    return BookError, CardError, StrictYamlError, ModelError, LimitError


def _fail(message: str) -> NoReturn:
    if _Context.debug:
        err.print_exception()
    err.print(f"meterbook: {message}", style="red", soft_wrap=True, markup=False)
    sys.exit(WRONG)
