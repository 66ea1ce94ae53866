"""GPUs of one's own, and what their power costs: `owned_gpu` and `gpu_power` of the book's commitments.yaml.

Depreciation is straight-line over the hours of the life: (purchase - residual) / hours. Space, network and staff cost by the month, from
the day of purchase on and beyond the life. Power is what a device took x PUE (ISO/IEC 30134-2: energy of the house over that of its
machines) x USD per kWh.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from meterbook.rate_cards.amortise import HORIZON, Span, later, months, spread, whole_months
from meterbook.rate_cards.card import Code
from meterbook.rate_cards.entries import OPEN, CommitmentError, Money, Named, Strict
from meterbook.rate_cards.strict_yaml import line_of

Watts = Annotated[int, Field(ge=0, lt=10**5)]
Pool = Annotated[Code, Field(pattern=r"^[^*]*$", description="one GPU pool, as sampled")]


class OwnedGpu(Named):
    """GPUs that were bought: their hours cost the same, used or not."""

    pool: Pool
    gpus: int = Field(gt=0, lt=10**6)
    bought_on: date = Field(description="first day they cost")
    ends_on: date = Field(default=OPEN, description="first day they are no longer there, at the end of their life or later")
    purchase_usd: Money = Field(description="of all of them")
    life_months: int = Field(gt=0, le=240, description="over which they lose their value, straight-line, from bought_on")
    residual_usd: Money = Field(default=Decimal(0), description="what all of them are worth at the end of their life")
    hosting_monthly_usd: Money = Field(
        default=Decimal(0), description="space, network and staff, of all of them, a month counted from bought_on"
    )

    @property
    def starts_on(self) -> date:
        """First day."""
        return self.bought_on

    @property
    def life_ends_on(self) -> date:
        """First day on which the purchase costs nothing more."""
        return later(self.bought_on, self.life_months)

    @property
    def capacity(self) -> Decimal:
        """GPU seconds of an hour."""
        return Decimal(self.gpus * 3600)

    @model_validator(mode="after")
    def _loses_its_value_while_it_is_there(self) -> "OwnedGpu":
        if self.residual_usd > self.purchase_usd:
            raise ValueError(f"residual_usd {self.residual_usd} is more than purchase_usd {self.purchase_usd}")
        if self.bought_on >= HORIZON or self.life_ends_on > HORIZON or (self.ends_on > HORIZON and self.ends_on != OPEN):
            raise ValueError(f"there are no days from {HORIZON} on; leave ends_on out where there is no end")
        if self.ends_on < self.life_ends_on:
            raise ValueError(
                f"ends_on {self.ends_on}: the purchase costs until {self.life_ends_on}; what is sold before costs its value on, unused"
            )
        if self.ends_on != OPEN and self.ends_on not in (near := whole_months(self.bought_on, self.ends_on)):
            raise ValueError(f"ends_on {self.ends_on} is no whole number of months after {self.bought_on}; {near[0]} or {near[1]} is")
        return self

    def spans(self) -> Iterator[Span]:
        """What their hours cost; those of the life sum to purchase less residual, those of a month to its hosting."""
        yield spread(self.purchase_usd - self.residual_usd, self.bought_on, self.life_ends_on)
        if self.hosting_monthly_usd:
            yield from (spread(self.hosting_monthly_usd, *month) for month in months(self.bought_on, self.ends_on))
        else:
            # What is written off and stands for free still costs something that is known: nothing.
            yield Span(self.bought_on, self.ends_on, Decimal(0))


class GpuPower(Strict):
    """What a pool pays for power, from a day until the next entry of the pool; append an entry for each price."""

    pool: Pool
    starts_on: date
    usd_per_kwh: Annotated[Decimal, Field(ge=0, lt=1000, decimal_places=6)]
    pue: Annotated[Decimal, Field(ge=1, le=10, decimal_places=4)] = Field(
        default=Decimal(1), description="power of the house over that of its machines"
    )
    watts: Watts | None = Field(default=None, description="of a GPU at work, where it has no energy counter")
    idle_watts: Watts | None = Field(default=None, description="of a GPU without work")

    @property
    def kwh_usd(self) -> Decimal:
        """USD for a kWh that the GPU takes; exact."""
        return self.usd_per_kwh * self.pue

    @model_validator(mode="after")
    def _says_both_watts(self) -> "GpuPower":
        if (self.watts is None) != (self.idle_watts is None):
            raise ValueError("say both watts and idle_watts, or neither: then only energy counters count")
        if self.watts is not None and self.idle_watts is not None and self.idle_watts > self.watts:
            raise ValueError(f"idle_watts {self.idle_watts} is more than watts {self.watts}")
        return self


@dataclass(frozen=True)
class PowerSpan:
    """The power price of a pool on some days, half open."""

    power: GpuPower
    starts_on: date
    ends_on: date


def power_spans(path: Path, entries: Sequence[GpuPower]) -> tuple[PowerSpan, ...]:
    """Each price of power until the next one of its pool.

    Args:
        path: of the file, for errors.
        entries: in any order.

    Raises:
        CommitmentError: two of one pool begin on one day.
    """
    found = []
    for pool in sorted({entry.pool for entry in entries}):
        mine = sorted((entry for entry in entries if entry.pool == pool), key=lambda entry: entry.starts_on)
        for one, after in pairwise(mine):
            if one.starts_on == after.starts_on:
                place = max(number for number, entry in enumerate(entries) if (entry.pool, entry.starts_on) == (pool, one.starts_on))
                where = f"{path}:{line_of(path, ('gpu_power', place, 'pool'))}"
                raise CommitmentError(f"{where}: gpu_power.{place}: {pool} has a price of power from {one.starts_on} already; keep one")
        ends = [*(entry.starts_on for entry in mine[1:]), OPEN]
        found += [PowerSpan(entry, entry.starts_on, end) for entry, end in zip(mine, ends, strict=True)]
    return tuple(found)


def refuse_shared_pools(path: Path, owned: Sequence[OwnedGpu]) -> None:
    """A device is of one commitment: what is bought for a pool goes by one name.

    Args:
        path: of the file, for errors.
        owned: in the order of the file.

    Raises:
        CommitmentError: one pool has GPUs of two names.
    """
    names: dict[str, str] = {}
    for place, one in enumerate(owned):
        if (first := names.setdefault(one.pool, one.name)) != one.name:
            where = f"{path}:{line_of(path, ('owned_gpu', place, 'name'))}"
            raise CommitmentError(f"{where}: {one.name}: pool {one.pool} has {first} already; append it under that name")
