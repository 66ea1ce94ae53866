"""`meterbook export`: a month in the formats of others."""

from typing import Annotated

import typer

from meterbook.assets.book import BookError
from meterbook.pipelines.asked import book_of
from meterbook.pipelines.consoles import err, out
from meterbook.pipelines.locked import locked

FAILED = 1
app = typer.Typer(help="Write a month in the formats of others.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _export() -> None:
    """Write a month in the formats of others."""


@app.command(epilog="Example: meterbook --book ./book export focus --period 2026-10")
def focus(
    context: typer.Context,
    period: Annotated[str, typer.Option(help="Billing period: a month, YYYY-MM.")],
) -> None:
    """Write a billing period as FOCUS 1.2 Cost and Usage, Parquet and CSV, to exports/focus/PERIOD; print where they lie."""
    from meterbook.assets.gate import Gate  # noqa: PLC0415 -- the engine takes a while to load
    from meterbook.assets.publications import Publication  # noqa: PLC0415
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415
    from meterbook.reports.focus import FocusError, FocusFacts, PartialError, bounds, write_focus  # noqa: PLC0415
    from meterbook.sql.checks import CheckError  # noqa: PLC0415

    folder = book_of(context)
    workspace = Workspace(folder)
    settings = workspace.book.settings
    try:
        span = bounds(period)
        facts = FocusFacts(settings.name, "closed" if span[1] <= workspace.book.open_from else "open")
        with locked(folder), out.status(f"computing {period}"):
            for model in workspace.project.models.values():
                if model.header.on_demand:
                    workspace.build(model)
        with workspace.catalog.connect() as con:
            failed = Gate(workspace).why(Publication("chargeback", period))
            why = f"focus/{period}: {failed}" if failed else ""
            written = [] if why else write_focus(folder / "exports" / "focus", period, con, facts)
    except (CheckError, PartialError) as error:
        why = str(error)
    except FocusError as error:
        raise BookError(str(error)) from error
    if why:
        err.print(f"not written {why}", style="red", soft_wrap=True, markup=False)
        raise typer.Exit(FAILED)
    for path in written:
        out.print(str(path), soft_wrap=True)
