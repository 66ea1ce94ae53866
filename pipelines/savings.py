"""The ledger of savings as text: a table, exact CSV or JSON, and entries to paste into savings.yaml."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

import duckdb
from rich.console import Console
from rich.table import Column, Table

from meterbook.assets.savings import Saving
from meterbook.reports.actions import OF_LEVER
from meterbook.reports.frame import Row, Span, rows_of
from meterbook.reports.numbers import dollars
from meterbook.reports.periods import days_of
from meterbook.reports.saving_ledger import SCENARIOS, Entry, Ledger, Range, of_a_month
from meterbook.reports.sections.savings_ledger import shown_quality, spread

CENT, LEAST = Decimal("0.01"), Decimal(1)
"""What is less a month is not proposed: it would cost more to talk about."""


def month_of(con: duckdb.DuckDBPyConnection, period: str | None) -> tuple[str, Span] | None:
    """A month, the last one with data where none is named, and its days with data; None where it has none."""
    [(last,)] = con.execute("select max(day) from marts.conservation").fetchall()
    if last is None:
        return None
    month = period or f"{last:%Y-%m}"
    first, end = days_of(month)
    return (month, (first, min(end, last + timedelta(days=1)))) if first <= last else None


def shown(ledger: Ledger, month: str, console: Console) -> None:
    """Print the ledger."""
    names = ("lever", "owner", "state", "identified", "realised")
    table = Table("idea", *(Column(name, no_wrap=True) for name in names), show_edge=False)
    for one in ledger.entries:
        table.add_row(one.saving, one.lever, one.owner, one.status, spread(one.identified), dollars(one.realised_usd))
    console.print(table)
    console.print(
        f"realised in {month}: {dollars(ledger.realised_usd)}, measured; identified is estimated, of a month, and never added to it",
        soft_wrap=True,
        markup=False,
    )
    for one in ledger.entries:
        if one.quality:
            said = f"{shown_quality(one.quality)}, {one.quality.compared.verdict}"
            console.print(f"{one.saving}: {said} (margin {one.quality.margin.normalize():f})", soft_wrap=True, markup=False)
        if one.unknown_requests:
            console.print(f"{one.saving}: {one.unknown_requests:,} requests unknown: {one.unknown_reason}", soft_wrap=True, markup=False)


def written(ledger: Ledger, form: Literal["csv", "json"]) -> str:
    """The ledger in full: amounts are USD, exact; an empty field or null is unknown."""
    rows = [_fields(one) for one in ledger.entries]
    if form == "json":
        return json.dumps(rows, indent=1) + "\n"
    target = io.StringIO()
    writer = csv.DictWriter(target, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue()


def _fields(one: Entry) -> dict[str, Any]:
    quality = one.quality
    return {
        "saving": one.saving,
        "lever": one.lever,
        "owner": one.owner,
        "state": one.state,
        "status": one.status,
        **{f"identified_{name}_usd": _exact(getattr(one.identified, name) if one.identified else None) for name in SCENARIOS},
        "estimated_by": one.estimated_by or None,
        "realised_usd": _exact(one.realised_usd),
        "since_live_usd": _exact(one.total_usd),
        "basis": one.basis or None,
        "unknown_requests": one.unknown_requests,
        "unknown_reason": one.unknown_reason,
        "quality_signal": quality.signal if quality else None,
        "quality_verdict": str(quality.compared.verdict) if quality else None,
    }


def _exact(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def proposed(con: duckdb.DuckDBPyConnection, month: str, span: Span, known: Sequence[Saving]) -> tuple[str, int]:
    """Entries for savings.yaml worth a dollar a month, the largest first, and how many: each lever by team, feature and, if routing, model.

    Args:
        con: a connection with marts.lever and core.route_offer.
        month: whose traffic they are estimated from, as its end is the day of the idea.
        span: its days with data.
        known: what savings.yaml has; an idea about the same is not proposed again.
    """
    query = """
        select lever, team, feature, case when lever = 'routing' then model end as was,
            case when lever = 'routing' then provider end as sold_by, sum(case when scenario = 'low' then saving_usd else 0 end) as low,
            sum(case when scenario = 'point' then saving_usd else 0 end) as point,
            sum(case when scenario = 'high' then saving_usd else 0 end) as high
        from marts.lever where day >= ? and day < ? and feature not in ('(none)', '(no lever)')
        group by all having sum(case when scenario = 'point' then saving_usd else 0 end) > 0 order by point desc, lever, team, feature, was
    """
    found = [row for row in rows_of(con, query, *span) if not any(_is_same(one, row) for one in known)]
    months = ((row, of_a_month(Range(row["low"], row["point"], row["high"]), span, days_of(month))) for row in found)
    entries = [_entry(con, row, whole, span) for row, whole in months if whole.point >= LEAST]
    heads = [] if known else ["savings:\n"]
    note = f"# Estimates in USD a month, from the traffic of {month} (marts.lever); measured once live.\n"
    return "".join([note, *heads, *entries]) if entries else "", len(entries)


def _is_same(one: Saving, row: Row) -> bool:
    lever = OF_LEVER.get(one.lever, one.lever)
    return lever == row["lever"] and one.scope.feature in {None, row["feature"]} and one.scope.team in {None, row["team"]}


def _entry(con: duckdb.DuckDBPyConnection, row: Row, found: Range, span: Span) -> str:
    return "".join(f"{'  - ' if place == 0 else '    '}{line}\n" for place, line in enumerate(_lines(con, row, found, span)))


def _lines(con: duckdb.DuckDBPyConnection, row: Row, found: Range, span: Span) -> Iterator[str]:
    names = {theirs: ours for ours, theirs in OF_LEVER.items()}
    lever = names.get(row["lever"], row["lever"])
    said = [lever, row["was"], row["feature"], row["team"]]
    yield f"name: {_text(' '.join(str(part) for part in said if part))}"
    yield f"lever: {lever}"
    yield f"owner: {_text(row['team'])}"
    team = "" if row["team"] == "unowned" else f", team: {_text(row['team'])}"
    yield f"scope: {{feature: {_text(row['feature'])}{team}}}"
    yield "status: idea"
    yield f"idea_on: {_last(span)}"
    if lever == "routing":
        was, became = _models(con, row, span)
        yield f"was: {{model: {_text(was)}}}"
        yield f"to: {{model: {_text(became)}}}"
    # Each is what the levers before it leave in the same case, so that of a lever alone the likely one may be the least or the most.
    ends = (found.low, found.point, found.high)
    low, point, high = (f"{value.quantize(CENT):f}" for value in (min(ends), found.point, max(ends)))
    yield f"estimate: {{low: {low}, point: {point}, high: {high}}}"


def _models(con: duckdb.DuckDBPyConnection, row: Row, span: Span) -> tuple[str, str]:
    """The model before, as its card has it, and the one a route offers."""
    during = "provider = ? and model = ? and day >= ? and day < ?"
    asked = (row["sold_by"], row["was"], *span)
    [was] = rows_of(con, f"select max(card_model) as name from core.rate_in_force where {during}", *asked)
    [to] = rows_of(con, f"select max(to_model) as name from core.route_offer where {during} and feature = ?", *asked, row["feature"])
    return was["name"] or row["was"], to["name"]


def _last(span: Span) -> date:
    return span[1] - timedelta(days=1)


def _text(value: object) -> str:
    """A text as YAML takes it whatever it holds."""
    return json.dumps(str(value), ensure_ascii=False)
