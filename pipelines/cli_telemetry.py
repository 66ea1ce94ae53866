"""`meterbook telemetry`: which fields calls carry, what each gap makes impossible, and what closes it."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from meterbook.assets.book import Book, BookError
from meterbook.pipelines.asked import book_of
from meterbook.pipelines.consoles import out

if TYPE_CHECKING:
    from meterbook.reports.telemetry import Carried, Telemetry

app = typer.Typer(rich_markup_mode=None)
Formats = Mapping[str, str]
"""The format of each source; a source whose files have several is left out."""


@app.command(epilog="Examples: meterbook --book ./book telemetry; meterbook telemetry --feature search --format json")
def telemetry(
    context: typer.Context,
    *,
    form: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How to print; csv and json are exact.")] = "table",
    feature: Annotated[str | None, typer.Option(help="Only this feature; (none) for calls of no feature.")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days, up to the last one with calls.")] = 28,
) -> None:
    """Say which fields calls carry, by source and feature; what each gap makes impossible, and what closes it."""
    folder = book_of(context)
    Book(folder)
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415 -- the engine takes a while to load; a wrong book is told before
    from meterbook.reports.telemetry import Telemetry  # noqa: PLC0415

    with Workspace(folder).catalog.connect() as con:
        found = Telemetry(con, days, feature)
        if not found.features:
            whose = f"of feature {feature} " if feature else ""
            raise BookError(f"there are no calls {whose}in the lake of {folder}; `meterbook run` first")
        files = con.execute("select source, min(format) from marts.input_file group by source having count(distinct format) = 1").fetchall()
    _PRINT[form](found, dict(files))


def _print_table(found: "Telemetry", formats: Formats) -> None:
    shown = Table("source", "feature", "calls", "carries", "too few carry", show_edge=False)
    for one in found.features:
        whole = len(one.carried) - len(one.gaps)
        shown.add_row(
            one.source, one.feature, f"{one.calls:,}", f"{whole} of {len(one.carried)}", ", ".join(gap.field.name for gap in one.gaps)
        )
    out.print(shown)
    for source, gap, closing in _gaps(found, formats):
        share = _percent(gap.share)
        out.print(f"\n{source}, {gap.field.name} ({share} of {gap.calls:,} calls): {gap.field.without}", soft_wrap=True, markup=False)
        out.print(f"  {closing}", soft_wrap=True, markup=False)


def _print_csv(found: "Telemetry", _formats: Formats) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(("source", "feature", "field", "calls", "carried", "is_gap"))
    for one in found.features:
        writer.writerows(
            (one.source, one.feature, each.field.name, each.calls, each.carried, str(each.is_gap).lower()) for each in one.carried
        )


def _print_json(found: "Telemetry", formats: Formats) -> None:
    from meterbook.pipelines.telemetry_contract import carries  # noqa: PLC0415 -- reads every model

    gaps = [
        {"source": source, **_counts(gap), "without": gap.field.without, "remedy": closing}
        for source, gap, closing in _gaps(found, formats)
    ]
    features = [
        {"source": one.source, "feature": one.feature, "calls": one.calls, "fields": [_counts(each) for each in one.carried]}
        for one in found.features
    ]
    told = {
        "data_through": str(found.last_day),
        "formats": {name: [field.name for field in fields] for name, fields in carries().items()},
        "features": features,
        "gaps": gaps,
    }
    sys.stdout.write(json.dumps(told, indent=1) + "\n")


_PRINT = {"table": _print_table, "csv": _print_csv, "json": _print_json}


def _gaps(found: "Telemetry", formats: Formats) -> "Iterator[tuple[str, Carried, str]]":
    """Every gap of a source, and what closes it."""
    from meterbook.pipelines.telemetry_contract import carries  # noqa: PLC0415 -- reads every model
    from meterbook.reports.telemetry import remedy  # noqa: PLC0415

    for source, fields in found.by_source().items():
        for one in _only_gaps(fields):
            yield source, one, remedy(one.field, formats.get(source), carries())


def _only_gaps(fields: "Sequence[Carried]") -> "list[Carried]":
    return [one for one in fields if one.is_gap]


def _counts(one: "Carried") -> dict[str, Any]:
    return {"field": one.field.name, "calls": one.calls, "carried": one.carried, "is_gap": one.is_gap}


def _percent(share: Decimal | None) -> str:
    return "none" if not share else f"{(share * 100).quantize(Decimal('0.1'), ROUND_HALF_EVEN)} %"
