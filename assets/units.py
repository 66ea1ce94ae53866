"""Units of value of a book (`units.yaml`): what counts as one, when it succeeded, whose cost it carries, and what it should cost."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import polars as pl
from pydantic import BeforeValidator, Field, field_validator, model_validator

from meterbook.assets.sources import Name, Strict
from meterbook.assets.unit_baselines import Baseline, baseline_table
from meterbook.assets.unit_plan import UnitPlan, check_plan, plan_table
from meterbook.assets.unit_prices import Prices, check_prices, price_table
from meterbook.rate_cards.patterns import like

FILE = "units.yaml"
INFERENCE, NO_UNIT = "inference", "(no unit)"
"""The unit that is always there, and what stands for the cost that no unit carries."""
SCOPE = ("feature", "team", "tenant", "environment", "model")
Ratio = Annotated[Decimal, Field(ge=0, le=1, decimal_places=6)]


def _each(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _rules(value: object) -> object:
    """`not_escalated` or a list of rules as the mapping they stand for."""
    rules = _each(value)
    if not isinstance(rules, Sequence):
        return rules
    found: dict[str, object] = {}
    for rule in rules:
        found |= rule if isinstance(rule, Mapping) else {str(rule): True}
    return found


Patterns = Annotated[tuple[Name, ...], BeforeValidator(_each)]
"""One pattern or several, `*` is anything; one that fits is enough."""


class UnitScope(Strict):
    """The work a unit is of: the fields that are given, all of which have to fit."""

    feature: Patterns = ()
    team: Patterns = ()
    tenant: Patterns = ()
    environment: Patterns = ()
    model: Patterns = ()


class UnitSuccess(Strict):
    """When a unit was delivered: every rule that is given has to hold.

    Args:
        is_success: its row, or the last attempt of its request, says so; holds too where other rules are named.
        not_escalated: no person had to take over.
        completed: no signal of completion says that it was not.
        min_quality: its quality score is known and at least so much, 0 to 1.
    """

    is_success: bool = True
    not_escalated: bool = False
    completed: bool = False
    min_quality: Ratio | None = None


class UnitQuality(Strict):
    """What is watched while a unit gets cheaper, 0 to 1, more is better.

    Args:
        signal: `score` of its row; or of what people and requests say: rating, task_completed, escalated, fallback (of the last two, the
            share without).
        margin: how far it may fall before a lower cost is no improvement.
    """

    signal: Literal["score", "rating", "task_completed", "escalated", "fallback"] = "score"
    margin: Ratio = Decimal("0.01")


class Unit(Strict):
    """A unit of business value.

    Args:
        unit: its name; rows of outcome files that name it count where nothing else is said.
        label: singular, for sentences.
        source: `outcomes`, or `request`: each operation of the scope is one.
        sql: instead: a query of the lake that counts them (assets/unit_sql.py).
        feature: short for a scope of one feature.
        scope: whose cost it carries, and which outcomes or requests count. Without a feature it carries cost that others carry too.
        success: when one was delivered.
        quality: what is watched beside the cost.
        target_usd: what one should cost; or
        improve: by which share it should become cheaper than in the baseline.
        price_usd: what a customer pays for one that is delivered.
        baseline_from: first day of the baseline; the first two weeks with data where not given.
        baseline_to: the day after its last.
        plan: how many are meant to be delivered; the forecast of its feature follows it.
    """

    unit: Name
    label: str
    source: Literal["outcomes", "request"] = "outcomes"
    sql: str | None = Field(default=None, min_length=1)
    feature: Name | None = None
    scope: UnitScope = UnitScope()
    success: Annotated[UnitSuccess, BeforeValidator(_rules)] = UnitSuccess()
    quality: Annotated[UnitQuality, BeforeValidator(lambda value: {"signal": value} if isinstance(value, str) else value)] = UnitQuality()
    target_usd: Decimal | None = Field(default=None, ge=0, decimal_places=12)
    improve: Decimal | None = Field(default=None, gt=0, lt=1, decimal_places=6)
    price_usd: Prices = ()
    baseline_from: date | None = None
    baseline_to: date | None = None
    plan: tuple[UnitPlan, ...] = ()

    @field_validator("unit")
    @classmethod
    def _free(cls, value: str) -> str:
        if value in {INFERENCE, NO_UNIT}:
            raise ValueError(f"{value!r} is always there; take another name")
        return value

    @model_validator(mode="after")
    def _fits(self) -> "Unit":
        if self.feature and self.scope.feature:
            raise ValueError("`feature:` is short for `scope: {feature: ...}`; give one of them")
        if self.sql and self.source != "outcomes":
            raise ValueError("a unit is counted by `source: request` or by `sql:`, not by both")
        if self.source == "request" and not any(patterns for _, patterns in self.patterns):
            raise ValueError("`source: request` needs a scope: which requests are units")
        if self.target_usd is not None and self.improve is not None:
            raise ValueError("a target is either `target_usd:` or `improve:`")
        if (self.baseline_from is None) != (self.baseline_to is None):
            raise ValueError("a baseline has both `baseline_from:` and `baseline_to:`")
        if self.baseline_from and self.baseline_to and self.baseline_from >= self.baseline_to:
            raise ValueError("`baseline_to:` is the day after the last of the baseline")
        check_plan(self.plan, self.only_feature)
        check_prices(self.price_usd)
        return self

    @property
    def patterns(self) -> list[tuple[str, tuple[str, ...]]]:
        """The patterns of each field of the scope."""
        given = {**self.scope.model_dump(), **({"feature": (self.feature,)} if self.feature else {})}
        return [(field, given[field]) for field in SCOPE]

    @property
    def only_feature(self) -> str | None:
        """The feature, where there is just one and no pattern: outcomes of the unit are of it whatever they name."""
        return self.only("feature")

    def only(self, field: str) -> str | None:
        """What a field of the scope has to be, where that is just one value and no pattern."""
        values = dict(self.patterns)[field]
        return values[0] if len(values) == 1 and "*" not in values[0] else None


class Units(Strict):
    """units.yaml."""

    units: tuple[Unit, ...] = ()

    @model_validator(mode="after")
    def _one_plan(self) -> "Units":
        planned = [unit.only_feature for unit in self.units if unit.plan]
        if twice := sorted({str(feature) for feature in planned if planned.count(feature) > 1}):
            raise ValueError(f"two units of feature {twice[0]} have a plan; its forecast follows one")
        return self


_UNIT: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("unit", "label", "source", "feature", "team"), pl.String()),
    "is_part": pl.Boolean(),
    **dict.fromkeys(("asks_success", "asks_no_escalation", "asks_completion"), pl.Boolean()),
    "min_quality": pl.Decimal(18, 6),
    "quality_signal": pl.String(),
    **dict.fromkeys(("quality_margin", "improve_ratio"), pl.Decimal(18, 6)),
    "target_usd": pl.Decimal(18, 12),
    **dict.fromkeys(("baseline_from", "baseline_to"), pl.Date()),
}
_PICO = Decimal("0.000000000001")
_TEXTS = dict.fromkeys(("unit", "field", "pattern"), pl.String())


def unit_tables(units: Sequence[Unit], baselines: Mapping[str, Baseline]) -> dict[str, pl.DataFrame]:
    """book.unit, its scopes, the units that requests count, and the baselines that are frozen, by unit."""
    counted = [{"unit": unit.unit} for unit in units if unit.source == "request"]
    return {
        "book.unit": pl.DataFrame([_row(unit, baselines.get(unit.unit)) for unit in units], schema=_UNIT),
        "book.unit_scope": pl.DataFrame([row for unit in units for row in _patterns(unit)], schema=_TEXTS),
        "book.request_unit": pl.DataFrame(counted, schema={"unit": pl.String()}),
        "book.unit_plan": plan_table([(unit.unit, unit.only_feature, unit.plan) for unit in units]),
        "book.unit_price": price_table([(unit.unit, unit.price_usd) for unit in units]),
        **baseline_table(baselines),
    }


def target_of(unit: Unit, baseline: Baseline | None) -> Decimal | None:
    """What a successful unit should cost, at the pico-dollar: as said, or so much less than in the frozen baseline."""
    if unit.improve is None or baseline is None:
        return unit.target_usd
    return (baseline.cost_usd / baseline.successes * (1 - unit.improve)).quantize(_PICO)


def _row(unit: Unit, baseline: Baseline | None) -> dict[str, object]:
    rules = unit.success
    span = (baseline.baseline_from, baseline.baseline_to) if baseline else (unit.baseline_from, unit.baseline_to)
    return {
        **unit.model_dump(include={"unit", "label"}),
        "target_usd": target_of(unit, baseline),
        "baseline_from": span[0],
        "baseline_to": span[1],
        "source": "sql" if unit.sql else unit.source,
        "feature": unit.only_feature,
        "team": unit.only("team"),
        "is_part": bool(dict(unit.patterns)["feature"]),
        "asks_success": rules.is_success,
        "asks_no_escalation": rules.not_escalated,
        "asks_completion": rules.completed,
        "min_quality": rules.min_quality,
        "quality_signal": unit.quality.signal,
        "quality_margin": unit.quality.margin,
        "improve_ratio": unit.improve,
    }


def _patterns(unit: Unit) -> Iterator[dict[str, str]]:
    for field, patterns in unit.patterns:
        for pattern in dict.fromkeys(patterns):
            yield {"unit": unit.unit, "field": field, "pattern": like(pattern)}
