"""Models served on GPUs of one's own pools: `self_hosted` of meterbook.yaml.

A call of such a model has an explicit price of nothing, in a rate that says which pool serves it: it costs the GPU hours of the pool, which
are counted there. So it has a price, and is paid once.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from meterbook.rate_cards.card import METERS, OPEN, CardError, Code, instant
from meterbook.rate_cards.compile import Cards
from meterbook.rate_cards.names import ANY_PROVIDER, NAME, PATTERN
from meterbook.rate_cards.pieces import EVERY_DAY, NO_LIMIT
from meterbook.rate_cards.strict_yaml import line_of
from meterbook.rate_cards.tables import ALIAS, ALWAYS, RATE

PROVIDER = "self-hosted"
"""Provider of these rates in rate_cards.rate."""
TIERS = ("standard", "batch", "flex", "priority", "fast")
"""How a server of one's own may say that it served a call: it costs the same."""
_FREE = [meter for meter in METERS if meter not in {"gpu_hour", "minimum"}]
_BEGINNING = date(1970, 1, 1)


class SelfHosted(BaseModel):
    """One model that a pool of GPUs serves, and the model of an API it stands in for."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    model: Code = Field(description="as logged; `*` stands for anything; letter case does not matter")
    provider: Annotated[Code, Field(pattern=r"^[^*]*$")] | None = Field(default=None, description="as logged; any where not said")
    pool: Annotated[Code, Field(pattern=r"^[^*]*$")] = Field(description="GPU pool that serves it, as sampled")
    api: Annotated[str, StringConstraints(pattern=r"^[^/]+/.+$")] = Field(
        description="provider/model of a rate card: the nearest model of an API"
    )
    ops_ratio: Annotated[Decimal, Field(ge=0, le=10, decimal_places=6)] = Field(
        default=Decimal(0), description="operations on top of the pool's cost, as a share of it"
    )
    starts_on: date = _BEGINNING
    ends_on: date = Field(default=OPEN.date(), description="first day the pool no longer serves it")

    @model_validator(mode="after")
    def _ends_after_start(self) -> "SelfHosted":
        if self.ends_on <= self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} (exclusive) must lie after starts_on {self.starts_on}")
        return self

    @property
    def label(self) -> str:
        """Its name in rate_cards.rate."""
        return f"{self.provider}/{self.model}" if self.provider else self.model

    @property
    def rate_ids(self) -> dict[str, str]:
        """The rate of each tier, as core.request_cost names it."""
        return {tier: f"{PROVIDER}/{self.label}/{tier}/{self.starts_on}" for tier in TIERS}


@lru_cache(maxsize=4)
def with_self_hosted(cards: Cards, entries: tuple[SelfHosted, ...], path: Path) -> Cards:
    """Cards that know the self-hosted models of a book as well.

    Args:
        cards: the shipped ones and the book's.
        entries: of the book.
        path: its meterbook.yaml, for errors.

    Raises:
        CardError: a model has two pools on one day, a pool two shares of operations, or no card prices the model of the API.
    """
    if not entries:
        return cards
    _refuse_contradictions(path, entries)
    known = set(cards.rates.select("provider", "model").unique().rows())
    for place, one in enumerate(entries):
        if tuple(one.api.split("/", 1)) not in known:
            raise CardError(f"{_where(path, place, 'api')}: no card prices {one.api}; name provider/model as a rate card does")
    rates = pl.DataFrame([row for one in entries for row in _rates(one)], schema=RATE)
    names = pl.DataFrame(sorted({(*_name(one), *ALWAYS) for one in entries}), schema=ALIAS, orient="row")
    return replace(
        cards,
        rates=pl.concat([cards.rates, rates]).sort("provider", "model", "served_tier", "region", "starts_at", "rate_id", "layer"),
        aliases=pl.concat([cards.aliases, names]).sort(pl.all()),
    )


def _rates(one: SelfHosted) -> Iterator[dict[str, object]]:
    version = hashlib.sha256(one.model_dump_json().encode()).hexdigest()[:12]
    for tier, rate_id in one.rate_ids.items():
        yield {
            "rate_id": rate_id,
            "layer": "list",
            "card": "self_hosted",
            "card_version": version,
            "provider": PROVIDER,
            "model": one.label,
            "served_tier": tier,
            "region": "",
            "rule": f"served by pool {one.pool}",
            "starts_at": _at(one.starts_on),
            "ends_at": _at(one.ends_on),
            "clock_from": "00:00:00",
            "clock_to": None,
            "weekdays": EVERY_DAY,
            "input_above": -1,
            "input_up_to": NO_LIMIT,
            "counted_input": "whole input",
            **{f"{meter}_usd": Decimal(0) if meter in _FREE else None for meter in METERS},
            "currency": "USD",
            "fx_rate": Decimal(1),
            "source_url": "meterbook.yaml",
            "checked_on": None,
            "priced_from": ALWAYS[0],
            "priced_to": ALWAYS[1],
        }


def _at(day: date) -> datetime:
    return OPEN if day == OPEN.date() else instant(day)


def _name(one: SelfHosted) -> tuple[str, str, str, str, int]:
    rank = PATTERN if "*" in one.model else NAME
    return (one.provider or ANY_PROVIDER).lower(), one.model.lower(), PROVIDER, one.label, rank


def _refuse_contradictions(path: Path, entries: Sequence[SelfHosted]) -> None:
    placed = sorted(enumerate(entries), key=lambda pair: (pair[1].label.lower(), pair[1].starts_on, pair[0]))
    for (_, one), (place, after) in pairwise(placed):
        if one.label.lower() == after.label.lower() and after.starts_on < one.ends_on:
            raise CardError(f"{_where(path, place, 'model')}: {after.label} is served by pool {one.pool} until {one.ends_on} already")
    ratios: dict[str, Decimal] = {}
    for place, one in enumerate(entries):
        if ratios.setdefault(one.pool, one.ops_ratio) != one.ops_ratio:
            raise CardError(f"{_where(path, place, 'ops_ratio')}: pool {one.pool} has ops_ratio {ratios[one.pool]} before; a pool has one")


def _where(path: Path, place: int, key: str) -> str:
    return f"{path}:{line_of(path, ('self_hosted', place, key))}: self_hosted.{place}.{key}"
