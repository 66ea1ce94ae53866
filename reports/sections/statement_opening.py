"""The opening of a statement: whose it is, whether it is charged, and the month in one sentence."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.numbers import change, head, percent
from meterbook.reports.section import Section
from meterbook.reports.statements import Statement

HELD = Decimal("0.005")
"""Less of a change than this is none."""


def _build(statement: Statement) -> Mapping[str, Any]:
    facts, month = statement.facts, statement.month
    version = f"version {facts.edition.version}" if facts.edition.version > 1 else ""
    mode = statement.banner or "Chargeback"
    parts = (facts.company, f"Statement of {facts.team}", f"{month.first:%B %Y}", facts.edition.state, version, mode)
    return {
        "kicker": " \N{MIDDLE DOT} ".join(filter(None, parts)),
        "banner": statement.banner,
        "headline": headline(statement),
        "causes": _causes(statement),
    }


def headline(statement: Statement) -> str:
    """What the month came to, from the same lines as the tables below it."""
    month, posted = statement.month, statement.total.posted
    of_month = f"{month.first:%B %Y}"
    if month.days < month.last.day:
        of_month += f" so far, {month.days} of {month.last.day} days"
    if statement.is_nobodys:
        return f"{head(posted)} of {of_month} have no team ({statement.facts.team}){_moved(statement)}."
    if statement.is_charged:
        verb = "is credited" if posted < 0 else "is charged"
        return f"{statement.facts.team} {verb} {head(abs(posted))} for {of_month}{_moved(statement)}."
    return f"{statement.facts.team} came to {head(posted)} in {of_month}{_moved(statement)}; nothing is charged."


def _moved(statement: Statement) -> str:
    moved, before = statement.moved, f"{statement.month.before:%B}"
    if moved is None or not statement.month.is_whole:
        return ""
    if abs(moved) < HELD:
        return f", as in {before}"
    return f", {percent(abs(moved))} {'more' if moved > 0 else 'less'} than in {before}"


def _causes(statement: Statement) -> list[str]:
    """The largest line, and what is shared."""
    rows = [row for part in statement.parts for row in statement.rows(part)]
    found = []
    whole = statement.total.posted
    largest = max(rows, key=lambda row: row.posted)
    if whole >= largest.posted > 0:
        found.append(f"{largest.name} is {percent(largest.posted / whole)} of it ({largest.note}).")
    moved = [(difference, row) for row in rows if (difference := row.change)] if statement.month.is_whole else []
    if moved:
        amount, most = max(moved, key=lambda pair: abs(pair[0]))
        rate = percent(change(most.posted, most.before), plus=True) if most.before and most.before > 0 else ""
        found.append(
            ", ".join(filter(None, (f"{most.name} moved most: {head(abs(amount))} {'more' if amount > 0 else 'less'}", rate))) + "."
        )
    return found


SECTION = Section("statement_opening", _build)
