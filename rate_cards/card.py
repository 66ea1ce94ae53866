"""Rate cards: what a token, a call or a GPU hour costs, from when to when, and who says so.

A card is one YAML file per provider. Prices of tokens, characters and token-hours are per million, as providers state them, to at most six
decimals, so that a single token's price is exact at the pico-dollar; all other prices are per one. Dates are half open; rates of a model
and tier neither overlap nor leave a gap. Entries are appended: a price that changed is ended, and the new one begins.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

OPEN = datetime(9999, 12, 31)  # noqa: DTZ001 -- UTC by contract, naive in every table
BEGINNING = date(2020, 1, 1)
"""Where a source does not say since when a price holds."""
MILLION = Decimal(1_000_000)

Code = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^=+\-@\x00-\x1f][^\x00-\x1f]*$")]
PerMillion = Annotated[Decimal, Field(ge=0, decimal_places=6, description="per million")]
Price = Annotated[Decimal, Field(ge=0, decimal_places=12, description="per one")]
Tier = Literal[
    "standard", "batch", "flex", "priority", "fast", "balanced", "ultrafast", "provisioned", "spot", "reserved_1y", "reserved_3y"
]  # fmt: skip
"""How a call was served, or how a GPU was bought: standard is on demand."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Hours = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Weekday = Annotated[int, Field(ge=1, le=7, description="1 is Monday")]


class CardError(ValueError):
    """A card is wrong; the message names file, line, model and what to do."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Meters(_Strict):
    """Prices by what is counted; a meter without a price is unknown, an explicit 0 is free."""

    input: PerMillion | None = None
    cache_read: PerMillion | None = None
    cache_write_5m: PerMillion | None = None
    cache_write_1h: PerMillion | None = None
    cache_write_12h: PerMillion | None = None
    output: PerMillion | None = None
    reasoning: PerMillion | None = Field(default=None, description="per million, where reasoning is not priced as output")
    audio_input: PerMillion | None = None
    audio_cache_read: PerMillion | None = None
    audio_output: PerMillion | None = None
    image_input: PerMillion | None = None
    image_cache_read: PerMillion | None = None
    image_output: PerMillion | None = None
    video_input: PerMillion | None = None
    character: PerMillion | None = None
    storage_token_hour: PerMillion | None = Field(default=None, description="per million tokens kept in a cache for an hour")
    request: Price | None = None
    image: Price | None = None
    second: Price | None = Field(default=None, description="per second of audio or video")
    page: Price | None = None
    search: Price | None = None
    call: Price | None = Field(default=None, description="per call of a tool")
    session: Price | None = None
    gpu_hour: Price | None = Field(default=None, description="per GPU and hour")
    minimum: Price | None = Field(default=None, description="the least a call costs, whatever it used")

    def prices(self) -> dict[str, Decimal | None]:
        """Price of one token, call, second..., by meter."""
        return {name: _single(name, getattr(self, name)) for name in METERS}


METERS = tuple(Meters.model_fields)
"""Every meter; `<meter>_usd` is its column in rate_cards.rate."""
PER_MILLION = frozenset((*METERS[: METERS.index("request")],))
TOKEN_METERS = METERS[: METERS.index("character")]


def _single(meter: str, price: Decimal | None) -> Decimal | None:
    return None if price is None else price / MILLION if meter in PER_MILLION else price


MOST_BANDS = 7
"""Thresholds that core.price_cell has numbers for."""


class LongContext(Meters):
    """Prices of ALL tokens of a request whose input is above a threshold; what it does not price keeps the price below."""

    threshold: int = Field(gt=0, description="input tokens")
    operator: Literal[">", ">="] = Field(default=">", description="OpenAI and Google say above; xAI says from")
    counts: Literal["whole input", "uncached input"] = Field(
        default="whole input",
        description="which tokens are held against the threshold: with or without what was read from or written to a cache",
    )

    @property
    def above(self) -> int:
        """The most tokens that are still below."""
        return self.threshold if self.operator == ">" else self.threshold - 1


class Rate(Meters):
    """The prices of one tier in one span of time."""

    tier: Tier = "standard"
    starts_on: date | datetime = Field(description="first day, or UTC instant, of the price")
    ends_on: date | datetime | None = Field(default=None, description="first day, or instant, it no longer holds; empty is open")
    hours_utc: Hours | None = Field(
        default=None, description="hours of the day it holds, such as 16:30-00:30; it then wins over the rate without"
    )
    weekdays: tuple[Weekday, ...] = Field(default=(), description="days of the week (UTC) it holds; empty is all")
    above_input_tokens: LongContext | tuple[LongContext, ...] | None = None
    source: str = Field(min_length=1, description="where the price was read")
    checked_on: date = Field(description="when it was read")
    note: str | None = None

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Half-open UTC span of the price."""
        return instant(self.starts_on), instant(self.ends_on) if self.ends_on else OPEN

    @property
    def bands(self) -> tuple[LongContext, ...]:
        """Its long-context prices, the lowest threshold first."""
        above = self.above_input_tokens
        return tuple(sorted((above,) if isinstance(above, LongContext) else above or (), key=lambda band: band.above))

    @property
    def window(self) -> tuple[str, tuple[int, ...]]:
        """Hours and weekdays it is limited to; empty are all."""
        return self.hours_utc or "", tuple(sorted(set(self.weekdays)))

    @model_validator(mode="after")
    def _bands_agree(self) -> "Rate":
        if len(self.bands) > MOST_BANDS:
            raise ValueError(f"{len(self.bands)} thresholds; a rate has {MOST_BANDS} at most")
        if len({band.counts for band in self.bands}) > 1:
            raise ValueError("all thresholds of a rate count the same tokens; make `counts` one")
        for before, after in pairwise(self.bands):
            if before.above == after.above:
                raise ValueError(f"two prices above {after.threshold} input tokens; keep one")
        return self


class Uplift(_Strict):
    """A factor on the prices of a region, such as data residency; uplifts are applied in the order in which they stand."""

    name: str = Field(min_length=1, description="what it is for, as the matched rule says it")
    regions: tuple[Code, ...] = Field(min_length=1, description="regions it holds in, as the logs name them")
    times: Decimal = Field(gt=0, decimal_places=6)
    meters: tuple[str, ...] = Field(default=TOKEN_METERS, description="meters it multiplies; all of tokens where not said")
    tiers: tuple[Tier, ...] = Field(default=(), description="tiers it holds for; all where not said")
    starts_on: date = BEGINNING
    ends_on: date | None = None
    source: str = Field(min_length=1)
    checked_on: date

    @model_validator(mode="after")
    def _known_meters(self) -> "Uplift":
        unknown = sorted(set(self.meters) - set(METERS))
        if unknown:
            raise ValueError(f"no meter {', '.join(unknown)}; there are {', '.join(METERS)}")
        return self


class Allowance(_Strict):
    """What a provider gives free of charge each month or day."""

    meter: str
    free: Decimal = Field(gt=0, decimal_places=6, description="units of the meter: tokens, searches, hours")
    per: Literal["month", "day"] = "month"
    starts_on: date = BEGINNING
    ends_on: date | None = None
    source: str = Field(min_length=1)
    checked_on: date

    @model_validator(mode="after")
    def _known_meter(self) -> "Allowance":
        if self.meter not in METERS:
            raise ValueError(f"no meter {self.meter}; there are {', '.join(METERS)}")
        return self


class ModelCard(_Strict):
    """One model: the names it goes by and its prices, its own or those of another provider's model."""

    aliases: tuple[Code, ...] = Field(default=(), description="other names; `*` stands for anything; letter case does not matter")
    same_as: str | None = Field(
        default=None, pattern=r"^[^/]+/.+$", description="provider/model whose prices it has, unless a tier is given here"
    )
    rates: tuple[Rate, ...] = ()
    uplifts: tuple[Uplift, ...] = ()
    allowances: tuple[Allowance, ...] = ()

    @model_validator(mode="after")
    def _priced_without_overlap_or_gap(self) -> "ModelCard":
        if not self.rates and not self.same_as:
            raise ValueError("neither `rates` nor `same_as`: say what it costs")
        for (tier, window), rates in groupby(sorted(self.rates, key=_place), key=lambda r: (r.tier, r.window)):
            listed = list(rates)
            for before, after in pairwise(listed):
                gap_matters = window == ("", ())
                if after.span[0] < before.span[1] or (gap_matters and after.span[0] != before.span[1]):
                    what = "overlap" if after.span[0] < before.span[1] else "leave a gap"
                    raise ValueError(
                        f"the {tier} rates from {before.starts_on} and from {after.starts_on} {what}; end one where the next starts"
                    )
            for rate in listed:
                if rate.span[1] <= rate.span[0]:
                    raise ValueError(f"the {tier} rate from {rate.starts_on} ends before it starts")
        return self


def _place(rate: Rate) -> tuple[object, ...]:
    return rate.tier, rate.window, rate.span


class Card(_Strict):
    """One file of rates."""

    provider: Code = Field(description="gen_ai.provider.name, or gpu")
    other_names: tuple[Code, ...] = Field(default=(), description="how else logs name the provider")
    currency: Currency = "USD"
    uplifts: tuple[Uplift, ...] = Field(default=(), description="for every model of the card, before the model's own")
    models: Mapping[Code, ModelCard]


KEYS = sorted({key for shape in (Card, ModelCard, Rate, LongContext, Uplift, Allowance) for key in shape.model_fields})
"""Every key a card may have, for the nearest one to a misspelt one."""


def instant(value: date | datetime) -> datetime:
    """A day's midnight, or an instant, as naive UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return datetime(value.year, value.month, value.day)  # noqa: DTZ001 -- UTC by contract, naive in every table


def segments(hours: str, weekdays: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """A window as (weekday, first minute, minute after the last) within single days; one past midnight goes on on the next day."""
    start, end = (int(h) * 60 + int(m) for h, m in re.findall(r"(\d\d):(\d\d)", hours or "00:00-24:00"))
    for weekday in weekdays or range(1, 8):
        if start < end:
            yield weekday, start, end
        else:
            yield weekday, start, 24 * 60
            if end:
                yield weekday % 7 + 1, 0, end
