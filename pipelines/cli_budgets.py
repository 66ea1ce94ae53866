"""`meterbook budgets`: how budgets and quotas stand, what drives one, and every level that fired."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from meterbook.assets.book import Book, BookError
from meterbook.pipelines.asked import book_of
from meterbook.pipelines.consoles import out

if TYPE_CHECKING:
    from meterbook.reports.budget_status import Ask, Row

app = typer.Typer(help="Budgets and quotas: how they stand, who drives them, what fired.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Exact figures for a machine.")]
First = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of the book; else the first there is.")]
Last = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included; else the last there is.")]


@app.callback(
    invoke_without_command=True,
    epilog="Examples: meterbook --book ./book budgets; meterbook budgets --all; meterbook budgets show support; meterbook budgets events",
)
def budgets(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those too that are where their period is, or below.")] = False,
    as_json: Json = False,
) -> None:
    """Show budgets and quotas that need a look: used, level, landing with its 80 % band, and when they are used up."""
    if context.invoked_subcommand:
        return
    from meterbook.pipelines.budgets import listed  # noqa: PLC0415 -- rich tables and the engine take a while to load
    from meterbook.reports.budget_status import rates_of, statuses  # noqa: PLC0415

    with _asked(context) as (ask, span):
        found, rates = statuses(ask, span), rates_of(ask, (span[1] - timedelta(days=7), span[1]))
    if as_json:
        _print([one.row for one in found if everything or one.needs_a_look])
    else:
        listed(found, rates, out, everything=everything)


@app.command(epilog="Example: meterbook --book ./book budgets show support")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Budget, as budgets.yaml names it.")],
    as_json: Json = False,
) -> None:
    """Show one budget: its forecast, who uses most of it, its last periods, and the levels that fired."""
    from meterbook.pipelines.budgets import shown  # noqa: PLC0415 -- rich tables and the engine take a while to load
    from meterbook.reports.budget_status import drivers_of, events_of, periods_of, statuses  # noqa: PLC0415

    with _asked(context) as (ask, span):
        one = next((status for status in statuses(ask, span) if status.row["budget"] == name), None)
        if one is None:
            raise BookError(_unknown(context, name))
        [scope] = ask("select * from book.budget where budget = ?", name)
        driver, drivers = drivers_of(ask, one, scope)
        periods = periods_of(ask, name, one.row["day"])
        events = [event for event in events_of(ask, span) if event["budget"] == name]
    if as_json:
        _print({"status": one.row, "drivers_by": driver, "drivers": drivers, "periods": periods, "events": events})
    else:
        shown(one, (driver, drivers), periods, events, out)


@app.command(epilog="Examples: meterbook budgets events; meterbook budgets events --from 2026-10-01 --to 2026-10-31 --json")
def events(context: typer.Context, from_day: First = None, to_day: Last = None, as_json: Json = False) -> None:
    """List every level that was reached, or was expected to be, in the order of days: each once in a scope and period."""
    from meterbook.reports.budget_status import events_of, told  # noqa: PLC0415 -- the engine takes a while to load

    with _asked(context) as (ask, (first, end)):
        span = (from_day.date() if from_day else first, to_day.date() + timedelta(days=1) if to_day else end)
        found = events_of(ask, span)
    if as_json:
        _print(found)
        return
    for event in found:
        out.print(f"{event['day']}  {event['kind']:8}  {event['owner']}: {told(event)}", soft_wrap=True, markup=False)
    if not found:
        out.print(f"no level fired from {span[0]} to {span[1] - timedelta(days=1)}", soft_wrap=True, markup=False)


@contextmanager
def _asked(context: typer.Context) -> "Iterator[tuple[Ask, tuple[date, date]]]":
    """Rows of queries over the lake, and the days for which there are budgets.

    Raises:
        BookError: there are no budgets, or nothing has been run yet.
    """
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415 -- a wrong book is told before
    from meterbook.reports.budget_status import TABLES  # noqa: PLC0415
    from meterbook.reports.frame import rows_of  # noqa: PLC0415

    folder = book_of(context)
    file = Book(folder).budgets_file
    if not (file.budgets or file.rate_limits):
        raise BookError(f"there are no budgets in {folder / 'budgets.yaml'}; docs/budgets.md says how one is written")
    with Workspace(folder).catalog.reading(TABLES) as con:
        [(first, last)] = con.execute(_DAYS).fetchall()
        if first is None:
            raise BookError(f"no budget has a day in the lake of {folder}; `meterbook run` first")
        yield lambda query, *values: rows_of(con, query, *values), (first, last + timedelta(days=1))


_DAYS = """
    select min(day), max(day) from (
        select day from marts.budget_use union all select day from marts.rate_limit_use
    )
"""


def _unknown(context: typer.Context, name: str) -> str:
    known = [one.budget for one in Book(book_of(context)).budgets]
    if name in known:
        return f"budget {name!r} has no day in the lake: it has not begun, is over, or `meterbook run` was not called since it was written"
    return f"there is no budget {name!r}; there are {', '.join(sorted(known))}"


def _print(rows: "Row | list[Row] | object") -> None:
    """As JSON: amounts as text, which is exact; days as YYYY-MM-DD."""
    print(json.dumps(rows, indent=1, default=_text))  # noqa: T201 -- for a machine


def _text(value: Any) -> str:  # noqa: ANN401 -- whatever a row holds
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
