"""The tables SQL sees of budgets.yaml, in the columns of sql/inputs.yaml."""

from collections.abc import Iterator, Mapping

import polars as pl

from meterbook.assets.budgets import Budget, BudgetsFile, Scope
from meterbook.rate_cards.patterns import like

WHOLE = 100
"""The level, in percent, whose day of exhaustion is forecast of every budget."""
_TEXT, _AMOUNT, _NUMBER = pl.String(), pl.Decimal(38, 12), pl.Int32()
_SCOPE: Mapping[str, pl.DataType] = dict.fromkeys(
    ("scope", "team", "tenant", "feature", "environment", "model", "model_class", "owner"), _TEXT
)
_DATES: Mapping[str, pl.DataType] = {"starts_on": pl.Date(), "ends_on": pl.Date()}
_BUDGET = {**dict.fromkeys(("budget", "period", "measure"), _TEXT), "amount": _AMOUNT, **_SCOPE, "at_limit": _TEXT, **_DATES}
_IN_FORCE = {"budget": _TEXT, **_DATES, "amount": _AMOUNT}
_LEVEL = {"budget": _TEXT, "kind": _TEXT, "level_percent": _NUMBER, "series": _TEXT}
_CLASS = {"place": _NUMBER, "model_class": _TEXT, "pattern": _TEXT}
_RATE = {"limit_name": _TEXT, **_SCOPE, **dict.fromkeys(("requests_per_minute", "tokens_per_minute"), pl.Int64()), **_DATES}


def budget_tables(file: BudgetsFile) -> dict[str, pl.DataFrame]:
    """Every table that budgets.yaml gives, by name."""
    patterns = ((one.model_class, like(pattern.lower())) for one in file.model_classes for pattern in one.models)
    return {
        "book.budget": pl.DataFrame([_budget(one) for one in file.budgets], schema=_BUDGET),
        "book.budget_amount": pl.DataFrame(
            [(one.budget, *held) for one in file.budgets for held in one.amounts], schema=_IN_FORCE, orient="row"
        ),
        "book.budget_level": pl.DataFrame([row for one in file.budgets for row in _levels(one)], schema=_LEVEL),
        "book.model_class": pl.DataFrame([(place, *one) for place, one in enumerate(patterns, 1)], schema=_CLASS, orient="row"),
        "book.rate_limit": pl.DataFrame([{**_scoped(one, _RATE), "limit_name": one.limit} for one in file.rate_limits], schema=_RATE),
    }


def _scoped(one: Scope, columns: Mapping[str, pl.DataType]) -> dict[str, object]:
    return {**one.model_dump(include=set(columns)), "scope": one.scope, "owner": one.told}


def _budget(one: Budget) -> dict[str, object]:
    return {**_scoped(one, _BUDGET), "amount": one.limit, "at_limit": one.at_limit.sentence(one.told)}


def _levels(one: Budget) -> Iterator[dict[str, object]]:
    for level in sorted(one.levels):
        yield {"budget": one.budget, "kind": "actual", "level_percent": level, "series": None}
    for level in sorted(one.forecast_levels):
        series = one.budget if level == WHOLE else f"{one.budget} at {level} %"
        yield {"budget": one.budget, "kind": "forecast", "level_percent": level, "series": series}
