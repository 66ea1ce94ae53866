"""What a budget's scope used lately, from the lake: the evidence of a request, and what a rebalancing goes by."""

import fnmatch
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import duckdb

from meterbook.assets.budget_periods import period_of
from meterbook.assets.budgets import Budget, BudgetsFile
from meterbook.assets.quota_requests import DayUsed, Driver, Evidence, Landing

TABLES = ("marts.budget_day", "marts.budget_outlook", "marts.spend", "marts.cost", "marts.unit_cost", "core.gpu_hour")
DAYS, DRIVERS = 30, 5
_CENT = Decimal("0.01")
_SCOPE = ("team", "tenant", "feature", "environment", "model")
_TOKENS = "input_tokens + cache_read_tokens + cache_write_tokens + output_tokens"
_MEASURED = {"dollars": "cost_usd", "tokens": _TOKENS, "requests": "requests"}
_SECONDS = 3600


def last_day(con: duckdb.DuckDBPyConnection) -> date | None:
    """The last day of the book with data."""
    [(found,)] = con.execute("select max(day) from (select day from marts.spend union all select day from marts.budget_day)").fetchall()
    return found if isinstance(found, date) else None


def used_by_day(con: duckdb.DuckDBPyConnection, budget: str, first: date, end: date) -> dict[date, Decimal]:
    """What each day with use added, in the measure of the budget.

    Args:
        con: with views of `TABLES`.
        budget: its name.
        first: first day.
        end: the day after the last.
    """
    query = "select day, used from marts.budget_day where budget = ? and day >= ? and day < ? order by day"
    return {day: used or Decimal(0) for day, used in con.execute(query, [budget, first, end]).fetchall()}


def landing_of(con: duckdb.DuckDBPyConnection, budget: str, day: date) -> Landing | None:
    """Where the period of a day is expected to land; None where that is not known."""
    query = "select low, point, high from marts.budget_outlook where series = ? and day = ? and point is not null"
    found = con.execute(query, [budget, day]).fetchall()
    return Landing(**dict(zip(("low", "point", "high"), map(_cents, found[0]), strict=True))) if found else None


def evidence_of(con: duckdb.DuckDBPyConnection, file: BudgetsFile, budget: Budget) -> Evidence:
    """The last 30 days of a budget's scope, to the last day with data; figures are rounded to hundredths."""
    last = last_day(con)
    if last is None:
        return Evidence()
    end, first = last + timedelta(days=1), last - timedelta(days=DAYS - 1)
    begun = period_of(last, budget.period)[0]
    used = used_by_day(con, budget.budget, min(first, begun), end)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    of_period = sum((amount for day, amount in used.items() if day >= begun), Decimal(0))
    limit = budget.limit_on(last)
    return Evidence(
        first_day=first,
        last_day=last,
        used=_cents(sum((used.get(day, Decimal(0)) for day in days), Decimal(0))),
        used_per_day=tuple(DayUsed(day=day, used=_cents(used.get(day, Decimal(0)))) for day in days),
        period_used=_cents(of_period),
        period_share_percent=(of_period * 100 / limit).quantize(Decimal("0.1")) if limit else None,
        landing=landing_of(con, budget.budget, last),
        drivers=tuple(_drivers(con, file, budget, first, end)),
    )


def _drivers(con: duckdb.DuckDBPyConnection, file: BudgetsFile, budget: Budget, first: date, end: date) -> Iterator[Driver]:
    """What used most, by the values that the scope leaves open."""
    named, rows = _gpu_rows(con, first, end) if budget.measure == "gpu_hours" else _call_rows(con, budget, first, end)
    open_values = [place for place, name in enumerate(named) if getattr(budget, name, None) is None and name != "environment"]
    found: dict[str, Decimal] = defaultdict(Decimal)
    for *values, amount in rows:
        if _fits(file, budget, dict(zip(named, values, strict=True))):
            found[", ".join(str(values[place]) for place in open_values)] += amount or 0
    for by, amount in sorted(found.items(), key=lambda one: (-one[1], one[0]))[:DRIVERS]:
        if amount:
            yield Driver(by=by, used=_cents(amount))


def _call_rows(con: duckdb.DuckDBPyConnection, budget: Budget, first: date, end: date) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    measured = _MEASURED[budget.measure]
    columns = ", ".join(_SCOPE)
    query = f"select {columns}, sum({measured}) from marts.spend where day >= ? and day < ? group by {columns} order by {columns}"
    return _SCOPE, con.execute(query, [first, end]).fetchall()


def _gpu_rows(con: duckdb.DuckDBPyConnection, first: date, end: date) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    columns = ("team", "tenant", "feature", "pool")
    names = ", ".join(columns)
    query = f"""select {names}, sum(used_seconds + warm_idle_seconds) from core.gpu_hour
        where book_day >= ? and book_day < ? and team <> 'unassigned' group by {names} order by {names}"""
    rows = con.execute(query, [first, end]).fetchall()
    return columns, [(*values, Decimal(int(seconds)) / _SECONDS) for *values, seconds in rows]


def _fits(file: BudgetsFile, budget: Budget, values: dict[str, object]) -> bool:
    asked = ((name, getattr(budget, name)) for name in values if name in _SCOPE)
    if not all(wanted is None or values[name] == wanted for name, wanted in asked):
        return False
    return budget.model_class is None or budget.model_class == class_of(file, str(values.get("model")))


def class_of(file: BudgetsFile, model: str) -> str | None:
    """The class of a model: of several that fit the first."""
    fits = (one.model_class for one in file.model_classes if any(_is_like(model, pattern) for pattern in one.models))
    return next(fits, None)


def _is_like(model: str, pattern: str) -> bool:
    # Only `*` stands for anything; fnmatch knows ? and [] too.
    literal = "".join(f"[{char}]" if char in "?[" else char for char in pattern.lower())
    return fnmatch.fnmatchcase(model.lower(), literal)


def _cents(value: object) -> Decimal:
    return Decimal(str(value)).quantize(_CENT, ROUND_HALF_EVEN)
