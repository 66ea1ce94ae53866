"""Questions about owners: how much cost has one, which rule wins, and what the rules say on a day. docs/owners.md has the method."""

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb
from rich.console import Console
from rich.table import Table

from meterbook.assets.book import Book, BookError
from meterbook.assets.dated import OPEN
from meterbook.assets.owner_overlaps import intersect
from meterbook.assets.owners import COLUMNS, CSV, FIELDS, GIVES, Owner, Rule
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.owner_tags import by_tag
from meterbook.pipelines.reconcile import span_of, usd
from meterbook.reports.frame import rows_of
from meterbook.reports.numbers import percent, ratio, share

Form = Literal["table", "csv", "json"]
NOTHING, IDLE = "(none)", "gpu idle"
_PICO = 10**12


@dataclass(frozen=True)
class Unowned:
    """Cost of calls or GPU hours that nobody owns, by what identifies it best; money in exact USD, days of the book."""

    field: str
    value: str
    known_as: str
    basis: str
    events: int
    cost_usd: Decimal
    first_day: date
    last_day: date


@dataclass(frozen=True)
class Coverage:
    """How much of the cost of calls and GPU hours has an owner.

    Args:
        first: first day.
        end: the day after the last.
        owned_usd: what has an owner.
        cost_usd: all of it.
        target: the least share that should have one.
        unowned: what has none, the largest first.
        by_tag: the calls of these that have a certain tag, by its values, the largest first; none where calls have no tags.
    """

    first: date
    end: date
    owned_usd: Decimal
    cost_usd: Decimal
    target: Decimal
    unowned: Sequence[Unowned]
    by_tag: Sequence[Unowned] = ()

    @property
    def owned_share(self) -> Decimal | None:
        """Share of one; None where nothing cost anything."""
        return ratio(self.owned_usd, self.cost_usd)


def coverage(con: duckdb.DuckDBPyConnection, span: tuple[date, date] | None, target: Decimal) -> Coverage:
    """What marts.owner_coverage says of half-open days; of the last month in it where none are given.

    Raises:
        BookError: it has no days.
    """
    if span is None:
        [(last,)] = con.execute("select max(day) from marts.owner_coverage").fetchall()
        if last is None:
            raise BookError("no call and no GPU hour has a price yet; `meterbook run` first")
        span = span_of(f"{last:%Y-%m}")
    sums = "select coalesce(sum(case when is_owned then cost_usd end), 0), coalesce(sum(cost_usd), 0) from marts.owner_coverage"
    [(owned, cost)] = con.execute(f"{sums} where day >= ? and day < ?", list(span)).fetchall()
    rows = rows_of(con, _UNOWNED, *span)
    return Coverage(*span, owned, cost, target, [Unowned(**row) for row in rows])


_UNOWNED = """
    select field, value, max(known_as) as known_as, basis, cast(sum(events) as bigint) as events, sum(cost_usd) as cost_usd,
        min(day) as first_day, max(day) as last_day
    from marts.owner_coverage
    where not is_owned and day >= ? and day < ?
    group by field, value, basis order by sum(cost_usd) desc, field, value, basis
"""


def rule_lines(header: Sequence[str], rows: Sequence[Unowned]) -> list[str]:
    """Lines of owners.csv that give these an owner, to be pasted once TEAM is filled in; none for what only a GPU pool's owner can have."""
    wanted: dict[tuple[str, str], date] = {}
    for row in rows:
        if row.value != NOTHING and row.basis != IDLE:
            wanted[row.field, row.value] = min(row.first_day, wanted.get((row.field, row.value), OPEN))
    made = io.StringIO()
    writer = csv.DictWriter(made, header, restval="", lineterminator="\n")
    for (field, value), first in wanted.items():
        given = {"starts_on": str(first), "field": field, "pattern": value, "team": "TEAM"}
        writer.writerow({name: text for name, text in given.items() if name in header})
    return made.getvalue().splitlines()


def show_coverage(folder: Path, span: tuple[date, date] | None, top: int, form: Form, console: Console) -> Coverage:
    """Print how much cost has an owner, the largest that has none, and lines that would give it one.

    Raises:
        BookError: the book is wrong, or its lake has no such days.
    """
    workspace = Workspace(folder)
    with workspace.catalog.connect() as con:
        found = coverage(con, span, workspace.book.settings.owner_target)
        found = replace(found, by_tag=[Unowned(**row) for row in by_tag(con, found.first, found.end, top)])
    header, rows = header_of(folder), found.unowned[:top]
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([[field.name for field in fields(Unowned)], *(asdict(row).values() for row in rows)])
    elif form == "json":
        sys.stdout.write(json.dumps(_as_json(found, header, rows), indent=1, default=_plain) + "\n")
    else:
        _tell(found, header, rows, console)
    return found


def header_of(folder: Path) -> Sequence[str]:
    """Columns of the book's owners.csv, in its order; all that there are where it has none."""
    path = folder / CSV
    if not path.is_file():
        return COLUMNS
    with path.open(newline="", encoding="utf-8-sig") as handle:
        return next(csv.reader(handle), None) or COLUMNS


def _as_json(found: Coverage, header: Sequence[str], rows: Sequence[Unowned]) -> dict[str, Any]:
    figures = {name: getattr(found, name) for name in ("owned_usd", "cost_usd", "target")}
    days = {"first_day": found.first, "last_day": found.end - timedelta(days=1)}
    parts = {"unowned": rows, "by_tag": found.by_tag}
    return {
        **days,
        **figures,
        **{name: [{**asdict(row), "rule": "".join(rule_lines(header, [row]))} for row in some] for name, some in parts.items()},
    }


def _plain(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _tell(found: Coverage, header: Sequence[str], rows: Sequence[Unowned], console: Console) -> None:
    lost, target = found.cost_usd - found.owned_usd, percent(found.target)
    if not found.cost_usd:
        console.print(f"{found.first} to {found.end - timedelta(days=1)}: no call and no GPU hour has a price", markup=False)
        return
    said = share(int(found.owned_usd * _PICO), int(found.cost_usd * _PICO))
    console.print(
        f"{found.first} to {found.end - timedelta(days=1)}: {said} of {usd(found.cost_usd)} has an owner, target {target}; "
        f"{usd(lost)} has none",
        markup=False,
    )
    if not rows:
        return
    table = Table("field", "value", "known as", "basis", show_edge=False)
    for name in ("calls or hours", "cost", "of unowned"):
        table.add_column(name, justify="right")
    for name in ("first day", "last day"):
        table.add_column(name)
    for row in rows:
        part = percent(ratio(row.cost_usd, lost))
        figures = (f"{row.events:,}", usd(row.cost_usd), part, str(row.first_day), str(row.last_day))
        table.add_row(row.field, row.value, row.known_as, row.basis, *figures)
    console.print(table)
    if len(found.unowned) > len(rows):
        console.print(f"and {len(found.unowned) - len(rows)} more (--top)", markup=False)
    if lines := rule_lines(header, rows):
        _print_lines(f"For {CSV}, with the right TEAM:", header, lines, console)
    for pool in dict.fromkeys(row.value for row in rows if row.basis == IDLE):
        console.print(f"For gpu_pools of meterbook.yaml: {pool}: {{owner: TEAM}}", soft_wrap=True, markup=False)
    if found.by_tag:
        part = percent(ratio(sum((row.cost_usd for row in found.by_tag), Decimal(0)), lost))
        said = f"{part} of what nobody owns has the tag {found.by_tag[0].field.partition('.')[2]}; or, by its values:"
        _print_lines(said, header, rule_lines(header, found.by_tag), console)


def _print_lines(said: str, header: Sequence[str], lines: Sequence[str], console: Console) -> None:
    console.print(f"\n{said}", markup=False)
    for line in [",".join(header), *lines]:
        console.print(line, soft_wrap=True, markup=False)


def in_force(rules: Sequence[Rule], day: date) -> list[Rule]:
    """The rules that hold on a day, those that are asked first in front."""
    held = [rule for rule in rules if rule.owner.starts_on <= day < rule.owner.ends_on]
    return sorted(held, key=lambda rule: (*(-one for one in _standing(rule.owner)), rule.rule_id))


def _standing(owner: Owner) -> tuple[int, int, int]:
    return owner.priority, len(owner.match), owner.rank


def matching(rules: Sequence[Rule], facts: Mapping[str, str], day: date) -> list[Rule]:
    """The rules of a day that a row with these fields, and no others, matches; the one that wins in front."""
    return [
        rule
        for rule in in_force(rules, day)
        if all(field in facts and intersect(pattern, facts[field]) for field, pattern in rule.owner.match.items())
    ]


def show_rules(folder: Path, day: date, console: Console) -> None:
    """Print the rules that hold on a day, in the order in which they are asked.

    Raises:
        BookError: the book is wrong.
    """
    _print_rules(in_force(Book(folder).owners, day), console)


def explain(folder: Path, given: Sequence[str], day: date, console: Console) -> None:
    """Print which rule wins a row with fields such as `key_alias=bot`, and why the other rules that match it lose.

    Raises:
        BookError: the book is wrong, or one of these is no field.
    """
    facts = dict(_facts(given))
    found = matching(Book(folder).owners, facts, day)
    if not found:
        console.print(f"no rule matches on {day}: what was logged stays", markup=False)
        return
    _print_rules(found, console, [why(found[0].owner, rule.owner) for rule in found])


def why(winner: Owner, other: Owner) -> str:
    """Why a rule that matches loses to the one that wins."""
    if winner is other:
        return "wins"
    steps = ("lower priority", "fewer conditions", "less exact fields")
    lost = (step for step, mine, best in zip(steps, _standing(other), _standing(winner), strict=True) if mine != best)
    return next(lost, "gives the same")


def _facts(given: Sequence[str]) -> Iterator[tuple[str, str]]:
    for one in given:
        field, equals, value = one.partition("=")
        if not equals or not value or (field not in FIELDS and not field.startswith("tags.")) or field == "tags":
            raise BookError(f"{one!r} says no field; write FIELD=VALUE, with tags.<name> or one of {', '.join(FIELDS)}")
        yield field, value


def _print_rules(rules: Sequence[Rule], console: Console, reasons: Sequence[str] = ()) -> None:
    table = Table("rule", "matches", "gives", "from", "until", "priority", *(["why"] if reasons else []), show_edge=False)
    for at, rule in enumerate(rules):
        owner = rule.owner
        until = "" if owner.ends_on == OPEN else str(owner.ends_on)
        more = reasons[at : at + 1]
        table.add_row(_place(rule), rule.words, _gives(owner), str(owner.starts_on), until, str(owner.priority), *more)
    console.print(table)


def _place(rule: Rule) -> str:
    path, _, line = rule.place.rpartition(":")
    return f"{Path(path).name}:{line}"


def _gives(owner: Owner) -> str:
    given = {name: getattr(owner, name) for name in GIVES} | {"team": owner.team_name}
    return ", ".join(f"{name}={value}" for name, value in given.items() if value) or "nothing"
