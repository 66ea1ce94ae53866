"""budgets.yaml of a book: budgets and quotas by scope and period, limits of rate, and what happens when one is reached.

A budget is a plan of dollars; a quota is what a scope may use: tokens, requests, GPU hours or dollars. Both are one kind of entry, for both
are used up, have levels and end with their period. Nothing here stops a call: levels tell, and `meterbook quota export` hands limits to the
gateway that can.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from meterbook.assets.dated import Dated
from meterbook.assets.sources import Name, Strict

FILE = "budgets.yaml"
EVERYTHING = "everything"
"""The scope of what has none."""
Measure = Literal["dollars", "tokens", "requests", "gpu_hours"]
Period = Literal["day", "week", "month", "quarter"]
_Amount = Annotated[Decimal, Field(ge=0, max_digits=24, decimal_places=6, allow_inf_nan=False)]
_Percent = Annotated[int, Field(gt=0, le=1000)]
_Rate = Annotated[int, Field(gt=0, le=10**12)]


class ModelClass(Strict):
    """A class of models that budgets may be of; of several that fit a model the first holds."""

    model_class: Name = Field(alias="class")
    models: tuple[Name, ...] = Field(min_length=1, description="as logged, with `*` for anything")


class AtLimit(Strict):
    """What the scope agreed to do when the budget is used up; a gateway that can is told so (`meterbook quota export`)."""

    do: Literal["tell", "fall back", "block"] = "tell"
    model: Name | None = Field(default=None, description="fall back: the smaller model")
    max_output_tokens: Annotated[int, Field(gt=0)] | None = Field(default=None, description="fall back: the longest answer")
    max_input_tokens: Annotated[int, Field(gt=0)] | None = Field(default=None, description="fall back: the most context")

    @model_validator(mode="after")
    def _says_to_what(self) -> "AtLimit":
        milder = (self.model, self.max_output_tokens, self.max_input_tokens)
        if (self.do == "fall back") != any(value is not None for value in milder):
            raise ValueError("`fall back` needs a model, max_output_tokens or max_input_tokens; `tell` and `block` have none of them")
        return self

    def sentence(self, owner: str) -> str:
        """What happens at the limit, for people, such as `calls go to gpt-5-mini, answers of at most 800 tokens`."""
        if self.do != "fall back":
            return f"{owner} is told, nothing is stopped" if self.do == "tell" else "the gateway refuses further calls"
        parts = (
            f"calls go to {self.model}" if self.model else "",
            f"answers of at most {self.max_output_tokens:,} tokens" if self.max_output_tokens else "",
            f"at most {self.max_input_tokens:,} tokens of context" if self.max_input_tokens else "",
        )
        return ", ".join(part for part in parts if part)


class Scope(Dated):
    """Whose use counts: what has all the values that are given; none is everything."""

    team: Name | None = None
    tenant: Name | None = None
    feature: Name | None = None
    environment: Name | None = None
    model: Name | None = None
    model_class: Name | None = None
    owner: Name | None = Field(default=None, description="who is told; the team of the scope where not given, else finance")

    @property
    def scope(self) -> str:
        """The scope in words: its values joined by `, `, or `everything`."""
        named = f"class {self.model_class}" if self.model_class else None
        values = (self.team, self.tenant, self.feature, self.environment, self.model, named)
        return ", ".join(value for value in values if value) or EVERYTHING

    @property
    def told(self) -> str:
        """Who is told."""
        return self.owner or self.team or "finance"


class Raise(Dated):
    """Another amount from a day to a day, less than the usual one too; `meterbook quota approve` writes it."""

    amount: _Amount = Field(description="of one period, in the budget's measure")
    request: Name | None = Field(default=None, description="what it comes from: a file of quota_requests/, or a rebalancing")


class Budget(Scope):
    """A budget or quota of each period; zero is a budget of nothing, not no budget."""

    budget: Name
    period: Period = "month"
    measure: Measure = "dollars"
    amount_usd: _Amount | None = Field(default=None, description="of one period, of measure dollars")
    amount: _Amount | None = Field(default=None, description="of one period, in tokens, requests or GPU hours")
    levels: tuple[_Percent, ...] = Field(default=(50, 80, 95), description="percent at which to tell")
    forecast_levels: tuple[_Percent, ...] = Field(
        default=(100,), description="percent at whose forecast day to tell beforehand; [] tells none"
    )
    at_limit: AtLimit = AtLimit()
    allowed_models: tuple[Name, ...] = Field(default=(), description="models the scope may call, for gateways; none is all")
    raises: tuple[Raise, ...] = Field(default=(), description="other amounts for a while; of several the one that began last holds")

    @model_validator(mode="after")
    def _has_one_amount(self) -> "Budget":
        wanted, other = ("amount_usd", "amount") if self.measure == "dollars" else ("amount", "amount_usd")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"measure {self.measure} has `{wanted}`, and only that")
        for name in ("levels", "forecast_levels"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name} names a level twice")
        if self.measure == "gpu_hours" and (self.model or self.model_class or self.environment):
            raise ValueError("gpu_hours are of a team, tenant or feature: GPUs have no model and no environment")
        return self

    @property
    def limit(self) -> Decimal:
        """The amount of one period in its measure."""
        return next(amount for amount in (self.amount_usd, self.amount) if amount is not None)

    def limit_on(self, day: date) -> Decimal:
        """The amount in force on a day: of the raise that began last, and where several began that day of the one written last."""
        held = [(one.starts_on, place) for place, one in enumerate(self.raises) if one.starts_on <= day < one.ends_on]
        return self.raises[max(held)[1]].amount if held else self.limit

    @property
    def amounts(self) -> Iterator[tuple[date, date, Decimal]]:
        """Every amount there is with its first day and the first day on which it no longer holds, in order and without gaps."""
        edges = {day for one in self.raises for day in (one.starts_on, one.ends_on) if self.starts_on < day < self.ends_on}
        days = [self.starts_on, *sorted(edges), self.ends_on]
        yield from ((first, end, self.limit_on(first)) for first, end in pairwise(days))


class RateLimit(Scope):
    """The most a scope may ask for in a minute; checked on logs, exported to gateways."""

    limit: Name
    requests_per_minute: _Rate | None = None
    tokens_per_minute: _Rate | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> "RateLimit":
        if self.requests_per_minute is None and self.tokens_per_minute is None:
            raise ValueError("a rate limit has requests_per_minute, tokens_per_minute or both")
        return self


class BudgetsFile(Strict):
    """budgets.yaml."""

    model_classes: tuple[ModelClass, ...] = ()
    budgets: tuple[Budget, ...] = ()
    rate_limits: tuple[RateLimit, ...] = ()

    @model_validator(mode="after")
    def _names_known_classes(self) -> "BudgetsFile":
        known = {one.model_class for one in self.model_classes}
        for scope in (*self.budgets, *self.rate_limits):
            if scope.model_class is not None and scope.model_class not in known:
                raise ValueError(
                    f"model_class {scope.model_class!r} is not among model_classes: {', '.join(sorted(known)) or 'there are none'}"
                )
        return self
