"""What `meterbook rerate` prints: old and new cost by day, model and team, and which prices differ."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from rich.console import Console
from rich.table import Table

from meterbook.assets.rerating import Moved, Rerating
from meterbook.rate_cards.card import MILLION, PER_MILLION
from meterbook.reports.numbers import plural

Form = Literal["table", "csv", "json"]
SHOWN_DECIMALS = 6
NOTE = f"USD, rounded to {SHOWN_DECIMALS} decimals; --format csv and json have all 12. What did not change is left out."


def show(rerating: Rerating, by: Sequence[str], form: Form, console: Console) -> None:
    """Print a comparison.

    Args:
        rerating: the comparison, done.
        by: what to sum by, of `meterbook.assets.rerating.DIMENSIONS`.
        form: csv and json go to standard output, exact.
        console: for tables.
    """
    totals = [rerating.total(closed=False), rerating.total(closed=True), rerating.total()]
    if form == "json":
        found = {
            "from": str(rerating.first),
            "to": str(rerating.last),
            "totals": [_plain(asdict(moved)) for moved in totals],
            "by": {name: [_plain(asdict(moved)) for moved in rerating.by(name)] for name in by},
            "rates": [_plain(row) for row in rerating.changed_rates()],
        }
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    elif form == "csv":
        rows = [("total", moved) for moved in totals] + [(name, moved) for name in by for moved in rerating.by(name)]
        write_csv(["by", *asdict(totals[0])], ([name, *_plain(asdict(moved)).values()] for name, moved in rows))
    else:
        _tables(rerating, by, totals if totals[1].old_usd else totals[2:], console)


def write_csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows as CSV on standard output."""
    csv.writer(sys.stdout, lineterminator="\n").writerows([names, *rows])


def _tables(rerating: Rerating, by: Sequence[str], totals: Sequence[Moved], console: Console) -> None:
    rates = rerating.changed_rates()
    differ = "differs" if len(rates) == 1 else "differ"
    console.print(f"{rerating.first} to {rerating.last}: {plural(len(rates), 'price')} in use {differ}", markup=False)
    if rates:
        table = _table("model", "tier", "meter", "per", "from", "to", right=("published", "now"))
        for row in rates:
            table.add_row(*_rate(row))
        console.print(table)
    for name in by:
        moved = [one for one in rerating.by(name) if one.difference_usd or one.newly_priced or one.newly_unpriced]
        if moved:
            console.print()
            console.print(_sums(name, moved))
    console.print()
    console.print(_sums("", totals))
    console.print(NOTE, style="dim")


def _sums(name: str, moved: Sequence[Moved]) -> Table:
    """A table of sums; columns of which nothing is to be said are left out."""
    columns = {
        "published": [_usd(one.old_usd) for one in moved],
        "corrected": [_usd(one.corrected_usd) for one in moved] if any(one.corrected_usd for one in moved) else [],
        "new": [_usd(one.new_usd) for one in moved],
        "difference": [_usd(one.difference_usd, "+") for one in moved],
        "newly priced": [f"{one.newly_priced:,}" for one in moved] if any(one.newly_priced for one in moved) else [],
        "newly unpriced": [f"{one.newly_unpriced:,}" for one in moved] if any(one.newly_unpriced for one in moved) else [],
    }
    told = {head: cells for head, cells in columns.items() if cells}
    table = _table(name, right=tuple(told))
    for one, *cells in zip(moved, *told.values(), strict=True):
        table.add_row(one.name, *cells)
    return table


def _table(*left: str, right: Sequence[str]) -> Table:
    table = Table(*left, show_edge=False)
    for name in right:
        table.add_column(name, justify="right")
    return table


def _rate(row: Mapping[str, object]) -> list[str]:
    """A price that differs: what it is the price of, when, and the two prices as a card states them."""
    meter = str(row["meter"])
    limits = [
        f"{row['region']} " if row["region"] else "",
        f"above {row['input_above']:,} " if row["input_above"] != -1 else "",
        f"{row['clock_from']}-{row['clock_to'] or '24:00:00'} " if row["clock_from"] != "00:00:00" or row["clock_to"] else "",
    ]
    return [
        f"{row['provider']}/{row['model']}",
        f"{row['served_tier']} {''.join(limits)}".strip(),
        meter,
        "million" if meter in PER_MILLION else "one",
        _instant(row["from_at"]),
        _instant(row["to_at"], timedelta(microseconds=1)),
        *(_price(row[name], meter) for name in ("old_usd", "new_usd")),
    ]


def _instant(value: object, back: timedelta = timedelta()) -> str:
    """A day where it is a midnight; of an end, the last day."""
    at = value if isinstance(value, datetime) else datetime.min  # noqa: DTZ901 -- naive UTC, as in every table
    return str((at - back).date()) if at.time() == datetime.min.time() else f"{at:%Y-%m-%d %H:%M:%S}"


def _price(value: object, meter: str) -> str:
    if not isinstance(value, Decimal):
        return "none"
    return f"{(value * MILLION if meter in PER_MILLION else value).normalize():f}"


def _usd(value: Decimal, sign: str = "") -> str:
    return f"{value:{sign},.{SHOWN_DECIMALS}f}"


def _plain(row: Mapping[str, object]) -> dict[str, object]:
    """Values as JSON and CSV take them: money as text in full, days as text."""
    return {name: f"{value:f}" if isinstance(value, Decimal) else _text(value) for name, value in row.items()}


def _text(value: object) -> object:
    return str(value) if isinstance(value, date) else value
