"""`meterbook owners ...`: how much cost has an owner, which rule wins, and which rules hold."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

import typer

from meterbook.assets.book import BookError
from meterbook.pipelines.asked import book_of
from meterbook.pipelines.consoles import out

FAILED = 1
app = typer.Typer(help="Who owns what.", no_args_is_help=True, rich_markup_mode=None)
Day = datetime | None
On = Annotated[Day, typer.Option("--on", formats=["%Y-%m-%d"], help="Day of the book; today where not given.")]


@app.command(
    epilog="Examples: meterbook --book ./book owners coverage; meterbook owners coverage --period 2026-10 --top 5; "
    "meterbook owners coverage --from 2026-10-01 --to 2026-10-15 --format json --fail-under 0.95"
)
def coverage(
    context: typer.Context,
    *,
    period: Annotated[
        str | None, typer.Option(help="Month (2026-10), day or ISO week; the last month in the lake where not given.")
    ] = None,
    from_day: Annotated[Day, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, instead of a period.")] = None,
    to_day: Annotated[Day, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many of what nobody owns, the largest first.")] = 20,
    form: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How to print; csv and json are exact.")] = "table",
    fail_under: Annotated[str | None, typer.Option(help="Least share of cost with an owner, 0 to 1; below it the exit code is 1.")] = None,
) -> None:
    """Show how much cost has an owner, the largest that has none, and lines for owners.csv that would give it one."""
    from meterbook.pipelines.owners import show_coverage  # noqa: PLC0415 -- the engine takes a while to load

    least = None if fail_under is None else _share(fail_under)
    found = show_coverage(book_of(context), _span(period, from_day, to_day), top, form, out)
    if least is not None and found.owned_usd < least * found.cost_usd:
        raise typer.Exit(FAILED)


@app.command("list", epilog="Example: meterbook --book ./book owners list --on 2026-10-15")
def list_rules(context: typer.Context, on: On = None) -> None:
    """List the rules that hold on a day, in the order in which they are asked."""
    from meterbook.pipelines.owners import show_rules  # noqa: PLC0415

    show_rules(book_of(context), _day(on), out)


@app.command(epilog="Example: meterbook --book ./book owners explain key_alias=support-prod model=gpt-5 --on 2026-10-15")
def explain(
    context: typer.Context,
    fields: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE...", help="What a row has.")],
    on: On = None,
) -> None:
    """Show which rule wins a row with these fields, and why the other rules that match it lose."""
    from meterbook.pipelines.owners import explain as show  # noqa: PLC0415

    show(book_of(context), fields, _day(on), out)


def _day(value: Day) -> date:
    return (value or datetime.now(UTC)).date()


def _span(period: str | None, first: Day, last: Day) -> tuple[date, date] | None:
    if period is not None and (first or last):
        raise BookError("say either --period, or --from and --to")
    if period is not None:
        from meterbook.pipelines.reconcile import span_of  # noqa: PLC0415

        return span_of(period)
    if first is None and last is None:
        return None
    if first is None or last is None or last < first:
        raise BookError("--from and --to belong together, the first day before the last")
    return first.date(), last.date() + timedelta(days=1)


def _share(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal(-1)
    if not 0 <= found <= 1:
        raise BookError(f"--fail-under {text} is no share; say a number from 0 to 1, such as 0.95")
    return found
