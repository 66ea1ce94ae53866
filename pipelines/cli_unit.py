"""`meterbook unit`: cost per unit of value by period and cut, its frozen baseline, and how far it is from its target."""

import csv
import json
import sys
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Column, Table

from meterbook.assets.audit import AuditError
from meterbook.assets.book import BookError
from meterbook.assets.unit_baselines import FILE as BASELINES
from meterbook.assets.unit_baselines import BaselineError
from meterbook.pipelines.asked import book_of, told_in_a_line
from meterbook.pipelines.consoles import err, out
from meterbook.pipelines.locked import locked
from meterbook.reports.numbers import MINUS, NONE, count, dollars, percent, price
from meterbook.reports.unit_figures import CUTS, PERIODS, PICO

if TYPE_CHECKING:
    from meterbook.pipelines.unit_reports import Tracked, UnitBook

app = typer.Typer(
    rich_markup_mode=None,
    help="Cost per unit of value: figures, baselines, distance to the target.",
    no_args_is_help=True,
    epilog="Examples: meterbook --book ./book unit list; meterbook unit track",
)
Form = Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How to print; csv and json are exact.")]
First = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of the book.")]
Last = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, included.")]
_SHARES, _LARGE = ("success", "quality", "escalated"), 1000
Name = Annotated[str, typer.Argument(help="Unit of value; `inference` is always there.")]


@app.command("list", epilog="Example: meterbook --book ./book unit list")
def list_units(context: typer.Context, form: Form = "table") -> None:
    """List the units: what counts them, whose cost they carry, their target and baseline."""
    book = _units(context)
    rows = []
    for name, unit in book.units.items():
        frozen, days = book.baseline(name), book.days(name)
        scope = "; ".join(f"{field} {', '.join(patterns)}" for field, patterns in unit.patterns if patterns)
        row: dict[str, Any] = {"unit": name, "label": unit.label, "counted_by": "sql" if unit.sql else unit.source, "scope": scope}
        row |= {"target_usd": _text(unit.target_usd), "improve": _text(unit.improve), "days": " to ".join(map(str, days)) if days else ""}
        rows.append(row | {"baseline": f"{frozen.baseline_from} to {frozen.baseline_to - timedelta(days=1)}" if frozen else ""})
    if form == "table":
        out.print(_listed(rows))
    else:
        _print(rows, form)


@app.command(
    epilog="Examples: meterbook unit show ticket_resolved --by month; meterbook unit show inference --by week --by model --format csv"
)
def show(
    context: typer.Context,
    name: Name,
    *,
    by: Annotated[list[str] | None, typer.Option(help=f"{', '.join([*PERIODS, *CUTS])}; several times for several. Else week.")] = None,
    first: First = None,
    last: Last = None,
    form: Form = "table",
) -> None:
    """Show what a unit cost, fully loaded, over successful units; failures and retries are in the cost."""
    asked = by or ["week"]
    if wrong := [one for one in asked if one not in {*PERIODS, *CUTS}]:
        raise BookError(f"--by {wrong[0]} is none of {', '.join([*PERIODS, *CUTS])}")
    book = _units(context)
    rows = book.rows(name, _span(first, last) or (date.min, date.max), list(dict.fromkeys(asked)))
    if form != "table":
        _print([{key: _text(value) for key, value in row.items()} for row in rows], form)
        return
    per = Column(f"per {book.unit(name).label}", justify="right")
    figures, shares = ([Column(one, justify="right") for one in names] for names in (("units", "successes", "cost"), _SHARES))
    table = Table(*(Column(one, no_wrap=True) for one in asked), *figures, per, *shares, show_edge=False)
    for row in rows:
        ratios = (percent(row[key]) for key in ("success_ratio", "quality", "escalated_ratio"))
        cost = row["cost_usd"]
        money = (dollars(cost) if cost >= _LARGE else price(cost), price(row["cost_per_unit_usd"]))
        table.add_row(*(str(row[key]) for key in asked), count(row["units"]), count(row["successes"]), *money, *ratios)
    out.print(table)


@app.command(epilog='Examples: meterbook unit baseline ticket_resolved; meterbook unit baseline ticket_resolved --why "new model in March"')
def baseline(
    context: typer.Context,
    name: Name,
    *,
    first: First = None,
    last: Last = None,
    why: Annotated[str, typer.Option(help="Needed where there is a baseline already; the audit keeps it.")] = "",
) -> None:
    """Freeze what a unit costs now as what later weeks are held against; without days: its first two weeks with data."""
    with locked(book_of(context)), told_in_a_line(BaselineError, AuditError):
        made = _units(context).freeze(name, _span(first, last), why.strip())
    days = f"{made.baseline_from} to {made.baseline_to - timedelta(days=1)}"
    per = price(made.cost_usd / made.successes * (1000 if name == "inference" else 1))
    out.print(f"{name}: {days}, {count(made.successes)} delivered for {made.cost_usd:f} USD, {per} each", soft_wrap=True, markup=False)
    told = f"{made.digest[:16]}, which the audit names; keep the file in git with the book"
    err.print(f"{book_of(context) / BASELINES}: {told}", soft_wrap=True, markup=False)


@app.command(epilog="Examples: meterbook unit track; meterbook unit track ticket_resolved --from 2026-10-01 --to 2026-10-31 --format json")
def track(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One unit; all with a target or a baseline where not given.")] = None,
    *,
    first: First = None,
    last: Last = None,
    form: Form = "table",
) -> None:
    """Say how far units are from their targets, how sure that is, and whether quality held; the last two weeks without days."""
    book, span = _units(context), _span(first, last)
    names = [name] if name else [one for one in book.units if book.days(one)]
    found = [book.tracked(one, span) for one in names]
    if form != "table":
        _print([_exact(one) for one in found], form)
        return
    _print_tracked(found)


def _units(context: typer.Context) -> "UnitBook":
    from meterbook.pipelines.unit_reports import UnitBook  # noqa: PLC0415 -- the engine takes a while to load

    return UnitBook(book_of(context))


def _span(first: datetime | None, last: datetime | None) -> tuple[date, date] | None:
    if first is None and last is None:
        return None
    found = first.date() if first else date.min, last.date() + timedelta(days=1) if last else date.max
    if found[0] >= found[1]:
        raise BookError("--to lies before --from")
    return found


def _print_tracked(found: Sequence["Tracked"]) -> None:
    figures = [Column(one, justify="right", no_wrap=True) for one in ("cost", "baseline", "target", "distance", "between", "quality")]
    table = Table(Column("unit", no_wrap=True), *figures, "verdict", show_edge=False)
    for one in found:
        table.add_row(*_cells(one))
    out.print(table)
    out.print("distance: of the cost from its target, between the ends of a 95 % interval", soft_wrap=True)
    reasons = {one.track.verdict: [other.unit for other in found if other.track.verdict == one.track.verdict] for one in found}
    for verdict, units in reasons.items():
        if ":" in verdict:
            out.print(f"{', '.join(units)}: {verdict}", soft_wrap=True, markup=False)


def _listed(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(Column("unit", no_wrap=True), "counted by", "scope", Column("target", no_wrap=True), "frozen baseline", show_edge=False)
    for row in rows:
        less = f"{MINUS}{percent(Decimal(row['improve']))} of baseline" if row["improve"] else NONE
        target = f"${row['target_usd']}" if row["target_usd"] else less
        table.add_row(row["unit"], row["counted_by"], row["scope"] or "everything", target, row["baseline"] or NONE)
    return table


def _cells(one: "Tracked") -> list[str]:
    found = one.track
    distance = [f"{value:+.0%}" for value in (found.distance.point, found.distance.low, found.distance.high)] if found.distance else []
    between = f"{distance[1]} to {distance[2]}".replace("-", MINUS) if distance else NONE
    return [
        one.unit,
        *map(price, (found.cost_usd, found.baseline_usd, found.target_usd)),
        distance[0].replace("-", MINUS) if distance else NONE,
        between,
        percent(found.quality),
        str(found.standing),
    ]


def _exact(one: "Tracked") -> dict[str, Any]:
    found, bounds = one.track, one.track.distance
    row: dict[str, Any] = {"unit": one.unit, "from": str(one.span[0]), "to": str(one.span[1] - timedelta(days=1)), "baseline": one.baseline}
    figures = ("cost_usd", "baseline_usd", "target_usd", "quality", "baseline_quality")
    row |= {name: _text(None if (value := getattr(found, name)) is None else value.quantize(PICO)) for name in figures}
    row |= {f"distance_{part}": repr(getattr(bounds, part)) if bounds else None for part in ("low", "point", "high")}
    return row | {"standing": str(found.standing), "verdict": found.verdict}


def _text(value: object) -> str | int | None:
    """A figure as it is, without the zeros of its scale."""
    if value is None or isinstance(value, (str, int)):
        return value
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _print(rows: Sequence[dict[str, Any]], form: str) -> None:
    if form == "json":
        sys.stdout.write(json.dumps(rows, indent=1, default=str) + "\n")
    elif form == "csv":
        writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        table = Table(*(rows[0] if rows else ()), show_edge=False)
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row.values()))
        out.print(table)
