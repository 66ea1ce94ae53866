"""What a team spends most on: features, tenants and models, each with its change; what is not shown is one row, so that all adds up."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.charts import Read, how
from meterbook.reports.figures import ZERO, Row, Span
from meterbook.reports.numbers import NONE, dollars, percent
from meterbook.reports.section import Section
from meterbook.reports.team_frame import TeamFrame

SHOWN = 6
_NONE = {"(none)": "no {}"}
_TABLES: Mapping[str, str] = {
    "feature": "marts.cost",
    "tenant": "marts.cost",
    "model": "marts.spend",
}
"""Where the sums are from."""
_NOTE = "The rows are the features, tenants and models that cost anything in the week; calls without a price are in none of them."
Sums = Mapping[str, Decimal]


def _build(frame: TeamFrame) -> Mapping[str, Any] | None:
    tables = [_table(frame, column) for column in _TABLES]
    found = [table for table in tables if table["rows"]]
    read = [Read(table, _costs(frame, column, frame.span)) for column, table in _TABLES.items()]
    return {"tables": found, "basis": frame.week.basis, "how": how(read, _NOTE)} if found else None


def _table(frame: TeamFrame, column: str) -> dict[str, Any]:
    now, before = ({row["name"]: row["cost_usd"] for row in _costs(frame, column, span)} for span in (frame.span, frame.earlier))
    total, was = sum(now.values(), ZERO), sum(before.values(), ZERO)
    return {
        "name": column,
        "rows": list(_rows(column, now, before, total)),
        "total": {"cost": dollars(total), "change": dollars(total - was, plus=True)},
    }


def _rows(column: str, now: Sums, before: Sums, total: Decimal) -> Iterator[Mapping[str, str]]:
    names = sorted(now.keys() | before.keys(), key=lambda name: (-abs(now.get(name, ZERO)), -abs(before.get(name, ZERO)), name))
    # One more that would be a row of others is shown by its name.
    cut = SHOWN if len(names) > SHOWN + 1 else len(names)
    rest = names[cut:]
    groups = [(_NONE.get(name, "{}").format(column) if name in _NONE else name, [name]) for name in names[:cut]]
    for label, found in [*groups, *([(f"{len(rest):,} others", rest)] if rest else [])]:
        cost, was = (sum((sums.get(name, ZERO) for name in found), ZERO) for sums in (now, before))
        moved = cost - was
        yield {
            "name": label,
            "cost": dollars(cost),
            "change": dollars(moved, plus=True),
            "mood": "over" if moved >= 1 else "under" if moved <= -1 else "",
            "share": percent(cost / total) if total > 0 else NONE,
        }


def _costs(frame: TeamFrame, column: str, span: Span) -> list[Row]:
    query = f"""
        select team, {column} as name, sum(cost_usd) as cost_usd from {_TABLES[column]} where day >= ? and day < ?
        group by team, {column} having sum(cost_usd) <> 0
    """
    return frame.own("team", query, *span)


SECTION = Section("team_top", _build, "Nothing was spent in these days.", "What it spends most on")
