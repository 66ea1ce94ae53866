"""What a rebalancing goes by, from the lake, and the patch it comes to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from meterbook.assets.book import Book
from meterbook.assets.budget_edits import patch, with_raise
from meterbook.assets.budget_periods import period_of, periods_before
from meterbook.assets.budgets import FILE, Budget, Raise
from meterbook.assets.quota_evidence import landing_of, last_day, used_by_day
from meterbook.assets.quota_requests import QuotaError
from meterbook.assets.rebalancing import Move, Return, Seen, propose
from meterbook.reports.quota_use import PERIODS


@dataclass(frozen=True)
class Rebalancing:
    """A proposal: from when it would hold, what moves, and the patch to budgets.yaml, empty where nothing moves."""

    month: date
    moves: Sequence[Move]
    patch: str


@dataclass(frozen=True)
class _Known:
    """What is read once for all budgets: days with data, and what units of value cost by half of the days looked at."""

    first: date
    last: date
    features: Mapping[str, str]


def rebalance(con: duckdb.DuckDBPyConnection, book: Book, month: date | None = None) -> Rebalancing:
    """Propose moves that begin with the first whole period of a month.

    Args:
        con: with views of `quota_evidence.TABLES`.
        book: whose budgets.
        month: its first day; the month after the last day with data where not given.

    Raises:
        QuotaError: there is no data, or none before the month.
        EditError: budgets.yaml cannot be edited.
    """
    last = last_day(con)
    if last is None:
        raise QuotaError(f"there is nothing in the lake of {book.folder}; `meterbook run` first")
    [(first,)] = con.execute("select coalesce(min(day), ?) from marts.spend", [last]).fetchall()
    starts = month or period_of(last, "month")[1]
    if starts <= first:
        raise QuotaError(f"there is no data before {starts:%Y-%m}; it begins on {first}")
    known = _Known(first, min(last, starts - timedelta(days=1)), _features(con))
    begun = ((budget, _begins(budget, starts)) for budget in book.budgets)
    seen = [_seen(con, known, budget, day) for budget, day in begun if budget.starts_on <= day < budget.ends_on]
    moves = propose(seen)
    before = (book.folder / FILE).read_bytes().decode("utf-8") if moves else ""
    return Rebalancing(starts, moves, patch(before, _moved(before, moves, starts)))


def _moved(text: str, moves: Sequence[Move], month: date) -> str:
    for move in moves:
        budget = move.seen.budget
        added = Raise(amount=move.after, starts_on=_begins(budget, month), request=f"rebalance {month:%Y-%m}")
        text = with_raise(text, budget.budget, added)
    return text


def _begins(budget: Budget, month: date) -> date:
    """The first day of the first whole period of a month or after it."""
    first, end = period_of(month, budget.period)
    return first if first == month else end


def _seen(con: duckdb.DuckDBPyConnection, known: _Known, budget: Budget, starts: date) -> Seen:
    since = max(known.first, budget.starts_on)
    whole = [span for span in periods_before(known.last + timedelta(days=1), budget.period, PERIODS) if span[0] >= since]
    current = period_of(known.last, budget.period)
    first = whole[0][0] if whole else current[0]
    used = used_by_day(con, budget.budget, first, known.last + timedelta(days=1))
    spent = [sum((amount for day, amount in used.items() if begin <= day < end), Decimal(0)) for begin, end in whole]
    landing = None if current in whole else landing_of(con, budget.budget, known.last)
    found = Seen(
        budget=budget,
        amount=budget.limit_on(starts),
        used=spent,
        amounts=[budget.limit_on(end - timedelta(days=1)) for _, end in whole],
        landing=landing.point if landing else None,
    )
    return replace(found, gained=_gained(con, known, budget, (first, whole[-1][1]))) if whole else found


def _features(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The team that bears most of a feature's cost."""
    rows = con.execute("select feature, team, sum(cost_usd) from marts.cost group by feature, team order by 3, team").fetchall()
    return {feature: team for feature, team, _ in rows}


def _gained(con: duckdb.DuckDBPyConnection, known: _Known, budget: Budget, span: tuple[date, date]) -> Return | None:
    """What the scope's dearest unit of value cost per success; None for scopes that units do not know, such as an environment."""
    if budget.environment or budget.model or budget.model_class:
        return None
    middle = span[0] + (span[1] - span[0]) / 2
    query = """
        select unit, label, feature, tenant, day >= ?, cast(sum(successes) as bigint), sum(cost_usd) from marts.unit_cost
        where is_part and day >= ? and day < ? group by all order by all
    """
    totals: dict[tuple[str, str], list[Any]] = defaultdict(lambda: [[0, Decimal(0)], [0, Decimal(0)]])
    for unit, label, feature, tenant, is_late, successes, cost in con.execute(query, [middle, *span]).fetchall():
        values = {"team": known.features.get(feature), "feature": feature, "tenant": tenant}
        if all(getattr(budget, name) in {None, value} for name, value in values.items()):
            half = totals[unit, label][int(is_late)]
            half[0] += successes
            half[1] += cost
    ranked = sorted((sum(half[1] for half in halves), key, halves) for key, halves in totals.items() if sum(half[0] for half in halves))
    return _as_return(ranked[-1][1][1], ranked[-1][2]) if ranked else None


def _as_return(label: str, halves: Sequence[tuple[int, Decimal]]) -> Return:
    (early, early_cost), (late, late_cost) = halves
    change = None
    if early and late and early_cost:
        change = (late_cost / late) / (early_cost / early) - 1
    return Return(label, (early_cost + late_cost) / (early + late), change)
