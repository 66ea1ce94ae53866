"""`meterbook reconcile`: what is billed, reported and computed, and why the three differ."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

import typer

from meterbook.assets.book import BookError
from meterbook.pipelines.asked import book_of
from meterbook.pipelines.consoles import out

FAILED = 1
app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog="Examples: meterbook --book ./book reconcile 2026-10; meterbook reconcile 2026-W43 --by model; "
    "meterbook reconcile 2026-10-15 --provider openai --format csv"
)
def reconcile(
    context: typer.Context,
    period: Annotated[str, typer.Argument(help="Month (2026-10), UTC day (2026-10-05) or ISO week (2026-W43).")],
    *,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    by: Annotated[Literal["day", "model", "key"] | None, typer.Option(help="What providers are broken down by.")] = None,
    form: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How to print; csv and json are exact.")] = "table",
    tolerance: Annotated[str, typer.Option(help="Percent of what is billed that may stay unexplained.")] = "1",
) -> None:
    """Show billed, reported and computed cost side by side, and why they differ; exit code 1 where too much is unexplained."""
    from meterbook.pipelines.reconcile import reconcile as show  # noqa: PLC0415 -- the engine takes a while to load

    folder = book_of(context)
    if not show(folder, period, out, provider=provider, by=by, form=form, tolerance=_percent(tolerance)):
        raise typer.Exit(FAILED)


def _percent(text: str) -> Decimal:
    try:
        found = Decimal(text.removesuffix("%"))
    except InvalidOperation:
        found = Decimal(-1)
    if not found.is_finite() or found < 0:
        raise BookError(f"--tolerance {text} is no percentage; say a number of 0 or more, such as 0.5")
    return found
