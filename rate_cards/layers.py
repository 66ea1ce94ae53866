"""What a user's contract makes of list prices: layers, applied in the order in which they stand, each on the result of the one before.

List price -> discounts and agreed prices give the contracted price -> margins and fees give the effective price (FOCUS ListUnitPrice,
ContractedUnitPrice; what the effective price leaves to commitments is theirs). A layered price is rounded once, half to even, to the
pico-dollar per token; costs follow from it without any further rounding.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from meterbook.rate_cards.card import BEGINNING, METERS, OPEN, CardError, Meters, Tier, instant
from meterbook.rate_cards.strict_yaml import explain, load_yaml

PICO = Decimal("0.000000000001")
Prices = dict[str, Decimal | None]


class Layer(BaseModel):
    """One clause of a contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    kind: Literal["discount", "price", "margin"]
    percent: Decimal | None = Field(default=None, ge=0, le=1000, decimal_places=6, description="off for a discount, on top for a margin")
    prices: Meters = Field(default=Meters(), description="agreed prices, as on a card; for kind price")
    provider: str = Field(min_length=1, description="provider of the card; `*` stands for anything")
    models: tuple[str, ...] = Field(default=("*",), description="names on the card; `*` stands for anything")
    tiers: tuple[Tier, ...] = Field(default=(), description="all where not said")
    meters: tuple[str, ...] = Field(default=(), description="all where not said")
    starts_on: date = BEGINNING
    ends_on: date | None = None

    @model_validator(mode="after")
    def _says_what_its_kind_needs(self) -> "Layer":
        if (self.kind == "price") == (self.percent is not None):
            raise ValueError(f"a {self.kind} needs `{'prices' if self.kind == 'price' else 'percent'}`, and only that")
        if self.kind == "discount" and self.percent is not None and self.percent > 100:  # noqa: PLR2004 -- per cent
            raise ValueError(f"a discount of {self.percent} % would pay you; at most 100")
        if unknown := sorted(set(self.meters) - set(METERS)):
            raise ValueError(f"no meter {', '.join(unknown)}; there are {', '.join(METERS)}")
        if self.ends_on and self.ends_on <= self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} (exclusive) must lie after starts_on {self.starts_on}")
        return self

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Half-open UTC span it holds for."""
        return instant(self.starts_on), instant(self.ends_on) if self.ends_on else OPEN

    def holds_for(self, provider: str, model: str, tier: str) -> bool:
        """Whether it is about a model and tier, whenever."""
        named = fnmatchcase(provider.lower(), self.provider.lower()) and any(fnmatchcase(model.lower(), one.lower()) for one in self.models)
        return named and (not self.tiers or tier in self.tiers)

    def apply(self, prices: Mapping[str, Decimal | None]) -> Prices:
        """Prices after it; a meter without a price keeps none."""
        chosen = self.meters or METERS
        if self.kind == "price":
            agreed = self.prices.prices()
            return {meter: agreed[meter] if meter in chosen and agreed[meter] is not None else price for meter, price in prices.items()}
        percent = self.percent if self.percent is not None else Decimal(0)
        factor = 1 + percent / 100 * (-1 if self.kind == "discount" else 1)
        return {meter: rounded(price * factor) if price is not None and meter in chosen else price for meter, price in prices.items()}


class _Contracts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    layers: tuple[Layer, ...] = ()


def load_layers(path: Path) -> tuple[Layer, ...]:
    """The layers of a book's contracts.yaml; none where there is no such file.

    Raises:
        CardError: it is wrong; the message names file, line and what to do.
        StrictYamlError: it is not readable.
    """
    if not path.is_file():
        return ()
    try:
        return _Contracts.model_validate(load_yaml(path)).layers
    except ValidationError as error:
        raise CardError(explain(path, error, sorted({*_Contracts.model_fields, *Layer.model_fields, *METERS}))) from error


def layered(prices: Prices, layers: Sequence[Layer]) -> tuple[Prices, Prices]:
    """Contracted and effective prices of list prices, given the layers that hold, in order."""
    contracted = prices
    for layer in layers:
        if layer.kind != "margin":
            contracted = layer.apply(contracted)
    effective = contracted
    for layer in layers:
        if layer.kind == "margin":
            effective = layer.apply(effective)
    return contracted, effective


def rounded(price: Decimal) -> Decimal:
    """A price per single unit, half to even at the pico-dollar."""
    return price.quantize(PICO, ROUND_HALF_EVEN)
