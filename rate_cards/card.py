"""Rate cards: what a token, a call or a GPU hour costs, from when to when, and who says so.

A card is one YAML file per provider. Prices of tokens are per million, as providers state them, to at most six decimals, so that a
single token's price is exact at the pico-dollar. Dates are half open; rates of a model and tier neither overlap nor leave a gap.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from meterbook.rate_cards.strict_yaml import explain, load_yaml

SHIPPED = Path(__file__).parent
OPEN = datetime(9999, 12, 31)  # noqa: DTZ001 -- UTC by contract, naive in every table
NO_LIMIT = 2**63 - 1
MILLION = Decimal(1_000_000)
ROUTES: Mapping[str, Sequence[str]] = {"google": ("gemini/", "vertex_ai/")}
"""Other prefixes under which gateways spell a provider's models."""

Code = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^=+\-@\x00-\x1f][^\x00-\x1f]*$")]
PerMillion = Annotated[Decimal, Field(ge=0, decimal_places=6, description="USD per million tokens")]
Price = Annotated[Decimal, Field(ge=0, decimal_places=12, description="USD")]
Tier = Literal["standard", "batch", "flex", "priority"]


class CardError(ValueError):
    """A card is wrong; the message names file, line, model and what to do."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Meters(_Strict):
    """Prices of token kinds; a kind without a price is unknown, an explicit 0 is free."""

    input: PerMillion | None = None
    cache_read: PerMillion | None = None
    cache_write_5m: PerMillion | None = None
    cache_write_1h: PerMillion | None = None
    output: PerMillion | None = None


class LongContext(Meters):
    """Prices of ALL tokens of a request whose whole input is above a threshold."""

    threshold: int = Field(gt=0, description="whole input tokens above which these prices hold")


class Rate(Meters):
    """The prices of one tier in one span of time."""

    tier: Tier = "standard"
    starts_on: date | datetime = Field(description="first day, or UTC instant, of the price")
    ends_on: date | datetime | None = Field(default=None, description="first day, or instant, it no longer holds; empty is open")
    above_input_tokens: LongContext | None = None
    request: Price | None = Field(default=None, description="USD per call")
    gpu_hour: Price | None = Field(default=None, description="USD per GPU and hour")
    source: str = Field(min_length=1, description="where the price was read")
    checked_on: date = Field(description="when it was read")
    note: str | None = None

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Half-open UTC span of the price."""
        return _instant(self.starts_on), _instant(self.ends_on) if self.ends_on else OPEN


class ModelCard(_Strict):
    """One model: the names it goes by and its prices."""

    aliases: tuple[Code, ...] = Field(default=(), description="other names; `*` stands for anything; letter case does not matter")
    rates: tuple[Rate, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_overlap_no_gap(self) -> "ModelCard":
        for tier, rates in groupby(sorted(self.rates, key=lambda r: (r.tier, r.span)), key=lambda r: r.tier):
            listed = list(rates)
            for before, after in pairwise(listed):
                if after.span[0] != before.span[1]:
                    what = "overlap" if after.span[0] < before.span[1] else "leave a gap"
                    raise ValueError(
                        f"the {tier} rates from {before.starts_on} and from {after.starts_on} {what}; end one where the next starts"
                    )
            for rate in listed:
                if rate.span[1] <= rate.span[0]:
                    raise ValueError(f"the {tier} rate from {rate.starts_on} ends before it starts")
        return self


class Card(_Strict):
    """One file of rates."""

    provider: Code = Field(description="gen_ai.provider.name, or gpu")
    models: Mapping[Code, ModelCard]


@dataclass(frozen=True)
class Cards:
    """All rates and names, in the columns of sql/inputs.yaml."""

    rates: pl.DataFrame
    aliases: pl.DataFrame


@dataclass(frozen=True)
class _File:
    path: Path
    version: str
    card: Card


def load_cards(folders: Sequence[Path]) -> Cards:
    """Read every card in some folders; a model in a later folder replaces that model of an earlier one wholly.

    Raises:
        CardError: a card is wrong, or two files of one folder price the same model.
        StrictYamlError: a card is not readable.
    """
    models: dict[tuple[str, str], tuple[_File, ModelCard]] = {}
    for folder in folders:
        own: dict[tuple[str, str], tuple[_File, ModelCard]] = {}
        for file in map(_read, sorted(folder.glob("*.yaml")) if folder.is_dir() else []):
            for name, model in file.card.models.items():
                key = (file.card.provider, name)
                if key in own:
                    raise CardError(f"{file.path}: {name} of {file.card.provider} is also in {own[key][0].path.name}; keep one")
                own[key] = (file, model)
        models |= own
    rates = [row for (provider, name), (file, model) in models.items() for row in _rate_rows(file, provider, name, model)]
    aliases = {row: None for (provider, name), (_, model) in models.items() for row in _alias_rows(provider, name, model)}
    return Cards(
        pl.DataFrame(rates, schema=_RATE).sort("provider", "model", "served_tier", "starts_at", "input_above"),
        pl.DataFrame(list(aliases), schema=_ALIAS, orient="row").sort(pl.all()),
    )


def _read(path: Path) -> _File:
    try:
        card = Card.model_validate(load_yaml(path))
    except ValidationError as error:
        raise CardError(explain(path, error, sorted(_KEYS))) from error
    return _File(path, hashlib.sha256(path.read_bytes()).hexdigest()[:12], card)


def _rate_rows(file: _File, provider: str, name: str, model: ModelCard) -> Iterable[dict[str, object]]:
    for rate in model.rates:
        start, end = rate.span
        rate_id = f"{provider}/{name}/{rate.tier}/{rate.starts_on:%Y-%m-%d}" + (f"T{start:%H%M%S}" if start.time() != OPEN.time() else "")
        shared = {
            "card": file.path.stem,
            "card_version": file.version,
            "provider": provider,
            "model": name,
            "served_tier": rate.tier,
            "starts_at": start,
            "ends_at": end,
            "request_usd": rate.request,
            "gpu_hour_usd": rate.gpu_hour,
            "source_url": rate.source,
            "checked_on": rate.checked_on,
        }
        above = rate.above_input_tokens
        yield {**shared, **_meters(rate), "rate_id": rate_id, "input_above": -1, "input_up_to": above.threshold if above else NO_LIMIT}
        if above:
            long_id = f"{rate_id}/above-{above.threshold}"
            yield {**shared, **_meters(above), "rate_id": long_id, "input_above": above.threshold, "input_up_to": NO_LIMIT}


def _meters(meters: Meters) -> dict[str, Decimal | None]:
    return {f"{kind}_usd": None if (price := getattr(meters, kind)) is None else price / MILLION for kind in Meters.model_fields}


def _alias_rows(provider: str, name: str, model: ModelCard) -> Iterable[tuple[str, str, str, int]]:
    for alias in (name, *model.aliases):
        for spelled in (alias, *(f"{prefix}{alias}" for prefix in (f"{provider}/", f"{provider}.", *ROUTES.get(provider, ())))):
            lowered = spelled.lower()
            escaped = "".join(f"!{char}" if char in "!%_" else char for char in lowered).replace("*", "%")
            yield provider, escaped, name, int("*" in lowered)


def _instant(value: date | datetime) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return datetime(value.year, value.month, value.day)  # noqa: DTZ001 -- UTC by contract, naive in every table


_KEYS = {key for shape in (Card, ModelCard, Rate, LongContext) for key in shape.model_fields}
_MONEY = pl.Decimal(18, 12)
_RATE: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("rate_id", "card", "card_version", "provider", "model", "served_tier"), pl.String()),
    **dict.fromkeys(("starts_at", "ends_at"), pl.Datetime("us")),
    **dict.fromkeys(("input_above", "input_up_to"), pl.Int64()),
    **dict.fromkeys(
        ("input_usd", "cache_read_usd", "cache_write_5m_usd", "cache_write_1h_usd", "output_usd", "request_usd", "gpu_hour_usd"), _MONEY
    ),
    "source_url": pl.String(),
    "checked_on": pl.Date(),
}
_ALIAS: Mapping[str, pl.DataType] = {"provider": pl.String(), "pattern": pl.String(), "model": pl.String(), "rank": pl.Int32()}
