"""savings.yaml of a book: the ledger of savings, from an idea to what is verified, made a default of the platform, or retired.

What an idea saves is measured from the day it is live (marts.savings); what it could save is its estimate, or else that of marts.lever.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from meterbook.assets.sources import Name, Strict
from meterbook.reports.saving_states import STATES

FILE = "savings.yaml"
STEPS: Mapping[str, int] = {"response cache": 1, "retries": 2, "caps": 3, "routing": 4, "prompt cache": 5, "batch": 6, "gpu": 7}
"""The published order of the levers: of several ideas that a request fits, the one of the first lever has it."""
_Usd = Annotated[Decimal, Field(max_digits=18, decimal_places=6, allow_inf_nan=False)]


class SavingScope(Strict):
    """What an idea is about; what is left out is any. `model` may have a `*` for anything; `pool` is of GPUs."""

    feature: Name | None = None
    model: Name | None = None
    team: Name | None = None
    tenant: Name | None = None
    environment: Name | None = None
    pool: Name | None = None


class Was(Strict):
    """The behaviour before: the model of a rate card, by its provider where several sell it; or GPU hours a day."""

    model: Name | None = None
    provider: Name | None = None
    gpu_hours_per_day: Annotated[Decimal, Field(gt=0, decimal_places=3)] | None = None


class Became(Strict):
    """The behaviour since: the model as logged, with a `*` for anything."""

    model: Name


class SavingEstimate(Strict):
    """What it could save, in USD a month; signed."""

    low: _Usd
    point: _Usd
    high: _Usd

    @model_validator(mode="after")
    def _in_order(self) -> "SavingEstimate":
        if not self.low <= self.point <= self.high:
            raise ValueError(f"low {self.low}, point {self.point}, high {self.high} must not fall")
        return self


class SavingQuality(Strict):
    """The signal of core.quality that must not fall: its name, and by how much its mean may at most."""

    signal: Name
    margin: Decimal = Field(default=Decimal("0.01"), ge=0, le=1, decimal_places=6)


class Saving(Strict):
    """One entry of the ledger."""

    name: Name
    lever: Literal["response cache", "retries", "caps", "routing", "prompt cache", "batch", "gpu"]
    owner: Name
    scope: SavingScope = SavingScope()
    status: Literal["idea", "committed", "live", "verified", "promoted", "retired"]
    idea_on: date
    committed_on: date | None = None
    live_since: date | None = None
    verified_on: date | None = None
    promoted_on: date | None = None
    retired_on: date | None = Field(default=None, description="first day on which it saves nothing more")
    was: Was | None = None
    to: Became | None = None
    estimate: SavingEstimate | None = None
    quality: SavingQuality | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _passed_its_states(self) -> "Saving":
        passed = [(state, getattr(self, column)) for state, column in STATES.items()]
        number = list(STATES).index(self.status)
        if self.status == "retired":
            number = max(place for place, (state, day) in enumerate(passed) if day and state != "retired")
            _dated(passed[-1])
        for place, one in enumerate(passed[:-1]):
            if place <= number:
                _dated(one)
            elif one[1]:
                raise ValueError(f"`{STATES[one[0]]}` is given, but the status is {self.status!r}: say {one[0]!r}, or leave the date out")
        if self.retired_on and self.status != "retired":
            raise ValueError(f"`retired_on` is given, but the status is {self.status!r}: say 'retired', or leave the date out")
        days = [(state, day) for state, day in passed if day]
        for (before, first), (after, second) in pairwise(days):
            if second < first:
                raise ValueError(f"`{STATES[after]}` {second} lies before `{STATES[before]}` {first}: states follow one another")
        return self

    @model_validator(mode="after")
    def _is_about_its_lever(self) -> "Saving":
        is_gpu, is_routing = self.lever == "gpu", self.lever == "routing"
        told = self.was or Was()
        if is_gpu != bool(self.scope.pool) or (is_gpu and len(self.scope.model_dump(exclude_none=True)) > 1):
            raise ValueError("`scope` of lever gpu is {pool: NAME} and nothing else; other levers have no pool")
        if is_routing and not (told.model and self.to):
            raise ValueError("lever routing needs the models: `was: {model: ...}` as on a rate card, `to: {model: ...}` as logged")
        if not is_routing and (told.model or told.provider or self.to):
            raise ValueError(f"`was.model` and `to` are of lever routing; {self.lever} keeps its model")
        if told.gpu_hours_per_day and not is_gpu:
            raise ValueError("`was.gpu_hours_per_day` is of lever gpu")
        if self.verified_on and not self.quality and not is_gpu:
            raise ValueError("what is verified has a signal that did not fall: say `quality: {signal: rating, margin: 0.01}`")
        return self

    @property
    def step(self) -> int:
        """Place of its lever in the published order."""
        return STEPS[self.lever]


def _dated(one: tuple[str, date | None]) -> None:
    state, day = one
    if day is None:
        raise ValueError(f"`{STATES[state]}` is missing: every state passed has its day")


class SavingsFile(Strict):
    """savings.yaml."""

    savings: tuple[Saving, ...] = ()
