"""What a team spends most on: features, tenants and models, each with its change; what is not shown is one row, so that all adds up."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.figures import ZERO, Span
from meterbook.reports.numbers import NONE, dollars, percent
from meterbook.reports.section import Section
from meterbook.reports.team_frame import TeamFrame

SHOWN = 6
_NONE = {"(none)": "no {}"}
_TABLES: Mapping[str, tuple[str, str]] = {
    "feature": ("marts.cost", "all cost"),
    "tenant": ("marts.cost", "all cost"),
    "model": ("marts.spend", "model usage; what has no price is not in it"),
}
"""Where the sums are from, and of what."""
Sums = Mapping[str, Decimal]


def _build(frame: TeamFrame) -> Mapping[str, Any] | None:
    tables = [_table(frame, column, *said) for column, said in _TABLES.items()]
    found = [table for table in tables if table["rows"]]
    return {"tables": found, "basis": frame.week.basis} if found else None


def _table(frame: TeamFrame, column: str, table: str, of: str) -> dict[str, Any]:
    now, before = (_sums(frame, table, column, span) for span in (frame.span, frame.earlier))
    total, was = sum(now.values(), ZERO), sum(before.values(), ZERO)
    return {
        "name": column,
        "rows": list(_rows(column, now, before, total)),
        "total": {"cost": dollars(total), "change": dollars(total - was, plus=True)},
        "how": f"{table}, {len(now)} {column}s this week; {of}",
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


def _sums(frame: TeamFrame, table: str, column: str, span: Span) -> Sums:
    query = f"""
        select team, {column} as name, sum(cost_usd) as cost_usd from {table} where day >= ? and day < ?
        group by team, {column} having sum(cost_usd) <> 0
    """
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in frame.own("team", query, *span):
        sums[row["name"]] += row["cost_usd"]
    return dict(sums)


SECTION = Section("team_top", _build, "Nothing was spent in these days.", "What it spends most on")
