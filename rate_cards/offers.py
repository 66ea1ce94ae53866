"""What a price source offers, in the terms of a card: the common shape of genai-prices and of a LiteLLM price map.

A source states prices as decimal text. What a card cannot hold exactly (six decimals per million, twelve per one) is refused by name,
never rounded; what has no meter is named. Nothing here reaches the network.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import ValidationError

from meterbook.rate_cards.card import BEGINNING, METERS, PER_MILLION, TOKEN_METERS, ModelCard

STANDARD = "standard"
EXAMPLES = 3
"""How many models a warning names."""


class SourceError(ValueError):
    """A source cannot be trusted as a whole: unreadable, cut off, not what it should be. No card is touched."""


class UnknownProviderError(ValueError):
    """A source has nothing of a provider."""

    def __init__(self, source: str, missing: Iterable[str], known: Iterable[str]) -> None:
        self.missing = tuple(missing)
        super().__init__(f"{source} knows no provider {', '.join(self.missing)}; it knows {', '.join(sorted(known))}")


@dataclass(frozen=True)
class Tiered:
    """The price of a meter as the source states it, and above which input tokens it is another one."""

    base: Decimal | None
    above: Mapping[int, Decimal] = field(default_factory=dict)


Prices = Mapping[str, Tiered]
"""By meter."""


@dataclass(frozen=True)
class Hours:
    """Hours of the day (UTC) and weekdays (1 is Monday); empty is all."""

    hours_utc: str = ""
    weekdays: tuple[int, ...] = ()


ALWAYS = Hours()
Span = tuple[date, date | None]


@dataclass(frozen=True)
class Said:
    """Where a price was read and when."""

    source: str
    checked_on: date
    operator: Literal[">", ">="] = ">"


@dataclass(frozen=True)
class Offer:
    """One model of a source."""

    stated: ModelCard
    """What the source says and no more: a price it is silent about is None."""
    full: ModelCard
    """The same with what the source charges where it is silent, written down: how a model or a tier enters a card."""


@dataclass
class Source:
    """All that a source says of some providers."""

    name: str
    is_dated: bool = True
    """Whether it speaks of days to come, not only of today."""
    models: dict[str, dict[str, Offer]] = field(default_factory=dict)
    """By provider and by the model's name in the source."""
    broken: dict[str, str] = field(default_factory=dict)
    """Providers of whom nothing can be trusted, and why."""
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """What a card cannot say, with the models concerned."""

    @property
    def warnings(self) -> list[str]:
        """A line for each, with the first models by name."""
        return [
            f"{what}: {', '.join(places[:EXAMPLES])}" + (f" and {len(places) - EXAMPLES} more" if len(places) > EXAMPLES else "")
            for what, places in self.left_out.items()
        ]

    def warn(self, what: str, place: str) -> None:
        """Remember that something was left out of a model."""
        places = self.left_out.setdefault(what, [])
        if place not in places:
            places.append(place)

    def offer(self, provider: str, name: str, raw: Mapping[str, Any], full: Sequence[Mapping[str, Any]]) -> None:
        """Take a model; one that is not a valid card breaks its provider.

        Args:
            provider: as on a card.
            name: of the model.
            raw: the model as a card would say it, with the rates that are stated.
            full: the rates with what is charged where the source is silent.
        """
        try:
            filled = {**raw, "rates": [_with_implied(one) for one in full]}
            self.models.setdefault(provider, {})[name] = Offer(ModelCard.model_validate(raw), ModelCard.model_validate(filled))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(step) for step in first["loc"])
            self.broken.setdefault(provider, f"{name}: {place}: {first['msg'].removeprefix('Value error, ')}")

    def kept(self, place: str, prices: Prices) -> dict[str, Tiered]:
        """The prices a card can hold exactly; the others are named."""
        fit = {}
        for meter, price in prices.items():
            too_fine = [value for value in (price.base, *price.above.values()) if value is not None and is_too_fine(meter, value)]
            if too_fine:
                self.warn("has more decimals than a card keeps; left out, not rounded", f"{place} {meter} {too_fine[0]:.13f}...")
            else:
                fit[meter] = price
        return fit


def is_too_fine(meter: str, price: Decimal) -> bool:
    """Whether a price has more decimals than a card can say: six per million, twelve per one."""
    exponent = price.normalize().as_tuple().exponent
    return not isinstance(exponent, int) or exponent < (-6 if meter in PER_MILLION else -12)


def over(standard: Prices, own: Prices) -> dict[str, Tiered]:
    """Prices of a tier: its own meter by meter, those of the standard tier for what it does not price (a search, often a cached token)."""
    merged = dict(standard)
    for meter, price in own.items():
        below = standard.get(meter)
        merged[meter] = Tiered(below.base, price.above) if price.base is None and below else price
    return merged


def rate(prices: Prices, said: Said, tier: str = STANDARD, span: Span = (BEGINNING, None), when: Hours = ALWAYS) -> dict[str, Any]:
    """A rate as a card states it, keys in the order in which they are written; empty where nothing is priced.

    Args:
        prices: by meter, for a card's units.
        said: source, day and what `above` means.
        tier: of service.
        span: half-open days.
        when: part of the week it is limited to.
    """
    flat = {meter: prices[meter].base for meter in METERS if meter in prices and prices[meter].base is not None}
    if not flat:
        return {}
    start, end = span
    bands = [_band(prices, threshold, said.operator) for threshold in sorted({one for price in prices.values() for one in price.above})]
    return {
        **({} if tier == STANDARD else {"tier": tier}),
        "starts_on": start,
        **({"ends_on": end} if end else {}),
        **({"hours_utc": when.hours_utc} if when.hours_utc else {}),
        **({"weekdays": list(when.weekdays)} if when.weekdays else {}),
        **flat,
        **({"above_input_tokens": bands[0] if len(bands) == 1 else bands} if bands else {}),
        "source": said.source,
        "checked_on": said.checked_on,
    }


def _band(prices: Prices, threshold: int, operator: str) -> dict[str, Any]:
    at: dict[str, Decimal] = {}
    for meter, price in prices.items():
        if reached := [one for one in price.above if one <= threshold]:
            at[meter] = price.above[max(reached)]
    head: dict[str, Any] = {"threshold": threshold, **({} if operator == ">" else {"operator": operator})}
    return {**head, **{meter: at[meter] for meter in METERS if meter in at}}


def uplift_fits(rates: Iterable[Mapping[str, Any]], times: Decimal) -> bool:
    """Whether every price of tokens, multiplied, is still one a card can hold."""
    bands = [band for one in rates for band in (one, *_bands_of(one))]
    return not any(is_too_fine(meter, band[meter] * times) for band in bands for meter in TOKEN_METERS if meter in band)


def _bands_of(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    above = one.get("above_input_tokens", [])
    return [above] if isinstance(above, Mapping) else list(above)


def _with_implied(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A rate with the price of a cached token written down: where a source gives none, it is charged as input (both sources say so)."""
    if "input" not in raw or "cache_read" in raw:
        return dict(raw)
    filled = _in_order({**raw, "cache_read": raw["input"]})
    bands = [_in_order({**band, **({"cache_read": band["input"]} if "input" in band else {})}) for band in _bands_of(raw)]
    return {**filled, **({"above_input_tokens": bands[0] if len(bands) == 1 else bands} if bands else {})}


def _in_order(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The same keys, meters in the order of a card."""
    before = [key for key in raw if key in _HEAD]
    after = [key for key in raw if key not in _HEAD and key not in METERS]
    return {key: raw[key] for key in (*before, *(meter for meter in METERS if meter in raw), *after)}


_HEAD = ("tier", "starts_on", "ends_on", "hours_utc", "weekdays", "threshold", "operator", "counts")
