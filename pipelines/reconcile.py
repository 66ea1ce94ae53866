"""Billed, reported and computed cost of a period side by side, and why they differ, in amounts that add up.

Everything is read from marts.reconciliation_cell and marts.reconciliation_cause, and summed exactly; docs/reconciliation.md has the method.
"""

import csv
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from meterbook.assets.book import BookError
from meterbook.assets.workspace import Workspace
from meterbook.reports.causes import ACTIONS, BILLED, REPORTED, UNEXPLAINED, ranked
from meterbook.reports.frame import rows_of
from meterbook.reports.periods import days_of

Form = Literal["table", "csv", "json"]
By = Literal["day", "model", "key"]
DEFAULT_TOLERANCE = Decimal(1)
"""Percent of what was billed that may stay unexplained."""
FIGURES = ("billed_usd", "reported_usd", "computed_usd", "held_against_bill_usd", "held_against_report_usd")
_DIFFERENCES = {BILLED: "billed_minus_computed_usd", REPORTED: "reported_minus_computed_usd"}
_CENT = Decimal("0.01")
Place = tuple[str, ...]
"""Provider, and the day, model or key where one is asked for."""


@dataclass(frozen=True)
class Amount:
    """What one cause comes to.

    Args:
        usd: dollars, signed.
        tokens: how many it is about; None where it is about none.
        detail: what shows it where it is largest.
        largest: dollars there, without sign.
    """

    usd: Decimal
    tokens: int | None
    detail: str
    largest: Decimal

    def __add__(self, other: "Amount") -> "Amount":
        """Both together."""
        tokens = other.tokens if self.tokens is None else self.tokens + (other.tokens or 0)
        first = max(self, other, key=lambda one: one.largest)
        return Amount(self.usd + other.usd, tokens, first.detail, first.largest)


@dataclass(frozen=True)
class Reconciliation:
    """What was found.

    Args:
        period: as it was asked for.
        columns: of a place: provider, and what it is broken down by.
        figures: by place, what is in marts.reconciliation_cell; None where nothing is known.
        causes: by comparison, place and cause.
        residual: what no cause explains of what was billed, without regard to sign.
    """

    period: str
    columns: Sequence[str]
    figures: Mapping[Place, Mapping[str, Decimal | None]]
    causes: Mapping[tuple[str, Place], Mapping[str, Amount]]
    residual: Decimal

    @property
    def billed(self) -> Decimal:
        """All that was billed."""
        return self.total("billed_usd") or Decimal(0)

    def total(self, figure: str) -> Decimal | None:
        """Sum of a figure over all places; None where it is known nowhere."""
        found = [amount for one in self.figures.values() if (amount := one[figure]) is not None]
        return sum(found, Decimal(0)) if found else None

    def is_within(self, tolerance: Decimal) -> bool:
        """Whether what is unexplained is at most so many percent of what was billed."""
        return self.residual * 100 <= abs(self.billed) * tolerance


def span_of(period: str) -> tuple[date, date]:
    """Half-open days of a month (2026-10), a day (2026-10-05) or an ISO week (2026-W43).

    Raises:
        BookError: none of these.
    """
    try:
        if week := re.fullmatch(r"(\d{4})-W(\d{2})", period, re.ASCII):
            monday = date.fromisocalendar(int(week[1]), int(week[2]), 1)
            return monday, monday + timedelta(days=7)
        if re.fullmatch(r"\d{4}-\d{2}", period, re.ASCII):
            return days_of(period)
        day = date.fromisoformat(period)
    except ValueError as error:
        raise BookError(f"{period!r} is no period; say a month (2026-10), a day (2026-10-05) or a week (2026-W43)") from error
    return day, day + timedelta(days=1)


def reconciled(con: duckdb.DuckDBPyConnection, period: str, provider: str | None = None, by: By | None = None) -> Reconciliation:
    """Sum what the lake has of a period.

    Args:
        con: a connection in which the marts are views.
        period: as `span_of` takes it.
        provider: only this one.
        by: what providers are broken down by.

    Raises:
        BookError: no such period, or nothing of it in the lake.
    """
    columns = ("provider", by) if by else ("provider",)
    names = ", ".join(f"cast({column} as varchar) as {column}" for column in columns)
    where = "day >= ? and day < ? and provider = coalesce(?, provider)"
    values = (*span_of(period), provider)
    sums = ", ".join(f"sum({name}) as {name}" for name in (*FIGURES, *_DIFFERENCES.values()))
    cells = rows_of(con, f"select {names}, {sums} from marts.reconciliation_cell where {where} group by all order by all", *values)
    if not cells:
        raise BookError(f"there is nothing of {' '.join(filter(None, (provider, period)))} in the lake; `meterbook run` first")
    # What shows a cause is told from where it is largest.
    query = f"""
        select {names}, comparison, cause, sum(amount_usd) as amount_usd, cast(sum(tokens) as bigint) as tokens,
            arg_max(concat_ws(', ', day, key, model, detail, file.file), abs(amount_usd)) as detail, max(abs(amount_usd)) as largest
        from marts.reconciliation_cause as found left join raw.input_file as file on file.file_id = found.file_id
        where {where} group by all order by all
    """
    causes: dict[tuple[str, Place], dict[str, Amount]] = defaultdict(dict)
    for row in rows_of(con, query, *values):
        amount = Amount(row["amount_usd"], row["tokens"], row["detail"], row["largest"])
        causes[row["comparison"], _place(row, columns)][row["cause"]] = amount
    unexplained = f"""
        select coalesce(sum(abs(amount_usd)), 0) as usd from marts.reconciliation_cause
        where {where} and comparison = '{BILLED}' and cause = '{UNEXPLAINED}'
    """
    [residual] = rows_of(con, unexplained, *values)
    figures = {_place(row, columns): {name: row[name] for name in (*FIGURES, *_DIFFERENCES.values())} for row in cells}
    return Reconciliation(period, columns, figures, causes, residual["usd"])


def _place(row: Mapping[str, Any], columns: Iterable[str]) -> Place:
    return tuple(str(row[column]) for column in columns)


def reconcile(folder: Path, period: str, console: Console, *, provider: str | None, by: By | None, form: Form, tolerance: Decimal) -> bool:
    """Print the reconciliation of a period of a book.

    Returns:
        Whether what is unexplained is within the tolerance.

    Raises:
        BookError: the book, the period or the provider is wrong.
    """
    with Workspace(folder).catalog.connect() as con:
        found = reconciled(con, period, provider, by)
    if form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow([*found.columns, "comparison", "figure", "amount_usd", "tokens", "detail"])
        writer.writerows(_lines(found))
    elif form == "json":
        json.dump(_told(found, tolerance), sys.stdout, default=str, indent=1)
        sys.stdout.write("\n")
    else:
        _show(found, console, tolerance)
    return found.is_within(tolerance)


def _lines(found: Reconciliation) -> Iterator[list[object]]:
    for place, figures in found.figures.items():
        for name, amount in figures.items():
            if amount is not None:
                yield [*place, "", name.removesuffix("_usd"), amount, None, None]
        for comparison in _DIFFERENCES:
            for cause, one in found.causes.get((comparison, place), {}).items():
                yield [*place, comparison, cause, one.usd, one.tokens, one.detail]


def _told(found: Reconciliation, tolerance: Decimal) -> dict[str, Any]:
    causes = [
        {**dict(zip(found.columns, place, strict=True)), "comparison": comparison, "cause": cause, "amount_usd": one.usd,
         "tokens": one.tokens, "detail": one.detail, "do": ACTIONS[cause]}
        for (comparison, place), of in found.causes.items()
        for cause, one in of.items()
    ]  # fmt: skip
    return {
        "period": found.period,
        "figures": [{**dict(zip(found.columns, place, strict=True)), **figures} for place, figures in found.figures.items()],
        "causes": causes,
        "total": {name: found.total(name) for name in (*FIGURES, *_DIFFERENCES.values())},
        "unexplained_usd": found.residual,
        "tolerance_percent": tolerance,
        "is_within_tolerance": found.is_within(tolerance),
    }


def _show(found: Reconciliation, console: Console, tolerance: Decimal) -> None:
    console.print(_side_by_side(found))
    for place, figures in found.figures.items():
        for side, held in (("bill", "held_against_bill_usd"), ("report", "held_against_report_usd")):
            other, computed = figures[held], figures["computed_usd"]
            if other is not None and computed is not None and other != computed and len(place) == 1:
                console.print(f"{place[0]}: its {side} is held against {usd(other)} of {usd(computed)} computed", markup=False)
    for comparison in _DIFFERENCES:
        if table := _causes(found, comparison):
            console.print(table)
    if found.total("billed_usd") is None:
        console.print("nothing is billed for these days yet")
        return
    within = "within" if found.is_within(tolerance) else "above"
    console.print(f"unexplained {usd(found.residual)} of {usd(found.billed)} billed: {within} the tolerance of {tolerance.normalize():f} %")


def _side_by_side(found: Reconciliation) -> Table:
    table = Table(*found.columns, show_edge=False, show_footer=len(found.figures) > 1)
    table.columns[0].footer = "total"
    names = {
        "billed_usd": "billed",
        "reported_usd": "reported",
        "computed_usd": "computed",
        **{of: name for name, of in _DIFFERENCES.items()},
    }
    for name, label in names.items():
        table.add_column(label, usd(found.total(name)), justify="right")
    for place, figures in found.figures.items():
        table.add_row(*place, *(usd(figures[name]) for name in names))
    return table


def _causes(found: Reconciliation, comparison: str) -> Table | None:
    places = {place: of for (name, place), of in found.causes.items() if name == comparison}
    difference = found.total(_DIFFERENCES[comparison])
    if difference is None:
        return None
    table = Table(*found.columns[1:], title=f"\n{comparison}", title_justify="left", show_edge=False, show_footer=True)
    table.add_column("cause", "total")
    table.add_column("USD", usd(difference), justify="right")
    table.add_column("tokens", justify="right")
    table.add_column("what to do, and where it is largest")
    # By provider all of a comparison is one list that ends with the residual; broken down, each place has its own.
    for place, of in sorted((_grouped(places) or {(): {}}).items()):
        for cause, amount in ranked({cause: one.usd for cause, one in of.items()}):
            one = of.get(cause)
            if one:
                tokens = "" if one.tokens is None else f"{one.tokens:,}"
                table.add_row(*place, cause, usd(amount), tokens, Text.assemble(ACTIONS[cause], "\n", (one.detail, "dim")))
            elif len(found.columns) == 1:
                table.add_row(cause, usd(amount))
    return table


def _grouped(places: Mapping[Place, Mapping[str, Amount]]) -> dict[Place, dict[str, Amount]]:
    """Causes of all providers together, for each day, model or key."""
    found: dict[Place, dict[str, Amount]] = defaultdict(dict)
    for (_, *rest), of in places.items():
        group = found[tuple(rest)]
        for cause, one in of.items():
            group[cause] = group[cause] + one if cause in group else one
    return found


def usd(amount: Decimal | None) -> str:
    """An amount to the cent, or with the digits it has where it is less than one; nothing where it is not known."""
    if amount is None:
        return ""
    small = amount and abs(amount) < _CENT
    return f"{amount.normalize():f}" if small else f"{amount:,.2f}"
