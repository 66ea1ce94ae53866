"""Prices of the `genai-prices` package that is installed (MIT licence), in the terms of a card.

Its data states tokens per million, calls and pages per thousand, audio per hour. `prices` with dates are its history, dense only since
October 2026; `price_variants` are tiers, whose prices replace those of the standard tier key by key. Its time-of-day prices cannot carry
a date and win over every dated one; here they begin with the last of those, before which its notes say that the price was flat.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from genai_prices.data_snapshot import get_snapshot

from meterbook.rate_cards.card import BEGINNING
from meterbook.rate_cards.offers import Hours, Prices, Said, Source, Tiered, UnknownProviderError, over, rate
from meterbook.rate_cards.providers import canonical

HOME = "https://github.com/pydantic/genai-prices"
_THOUSAND, _HOUR = Decimal(1000), Decimal(3600)
KEYS: Mapping[str, tuple[str, Decimal]] = {
    "input_mtok": ("input", Decimal(1)),
    "cache_read_mtok": ("cache_read", Decimal(1)),
    "cache_write_mtok": ("cache_write_5m", Decimal(1)),
    "cache_write_1h_mtok": ("cache_write_1h", Decimal(1)),
    "output_mtok": ("output", Decimal(1)),
    "output_reasoning_mtok": ("reasoning", Decimal(1)),
    "input_audio_mtok": ("audio_input", Decimal(1)),
    "cache_audio_read_mtok": ("audio_cache_read", Decimal(1)),
    "output_audio_mtok": ("audio_output", Decimal(1)),
    "input_image_mtok": ("image_input", Decimal(1)),
    "cache_image_read_mtok": ("image_cache_read", Decimal(1)),
    "output_image_mtok": ("image_output", Decimal(1)),
    "input_video_mtok": ("video_input", Decimal(1)),
    "input_mchars": ("character", Decimal(1)),
    "web_searches_kcount": ("search", _THOUSAND),
    "storage_searches_kcount": ("call", _THOUSAND),
    "requests_kcount": ("request", _THOUSAND),
    "input_document_kpages": ("page", _THOUSAND),
    "audio_hours": ("second", _HOUR),
    # The same price again, for the part that is input; it is not added.
    "input_audio_hours": ("second", _HOUR),
}
"""Their keys: our meter, and what to divide by."""
TIERS = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
_NO_TIER = {("service_tier", "default")}
_DATED = re.compile(r"\^(?P<name>[a-z0-9\\./-]+?)(?P<mark>-|@|\[-@\])\\d\{(?:8\}|4\}-\\d\{2\}-\\d\{2\})\$")


@dataclass(frozen=True)
class _Reading:
    """A model while it is read."""

    source: Source
    place: str
    said: Said

    def prices(self, price: Any) -> dict[str, Tiered]:  # noqa: ANN401 -- a ModelPrice has a field for every unit the package knows
        found: dict[str, Tiered] = {}
        shift = 1 if self.said.operator == ">=" else 0
        for key, value in vars(price).items():
            if value is None:
                continue
            if key not in KEYS:
                self.source.warn(f"a card has no meter for {key}; left out", self.place)
                continue
            meter, per = KEYS[key]
            above = {tier.start + shift: tier.price / per for tier in getattr(value, "tiers", ())}
            found[meter] = Tiered(getattr(value, "base", value) / per, above)
        return self.source.kept(self.place, found)


def read(providers: Sequence[str], checked_on: date) -> Source:
    """What the package says of some providers.

    Args:
        providers: by any of their names.
        checked_on: the day that is written beside each price.

    Raises:
        UnknownProviderError: the package knows none of a name.
    """
    known = {canonical(one.id): one for one in get_snapshot().providers}
    wanted = list(dict.fromkeys(canonical(name) for name in providers))
    if missing := [name for name in wanted if name not in known]:
        raise UnknownProviderError("genai-prices", missing, known)
    source = Source(f"genai-prices {version('genai-prices')}")
    for provider in wanted:
        found = known[provider]
        said = Said((found.pricing_urls or [HOME])[0], checked_on, ">=" if provider == "x_ai" else ">")
        for model in found.models:
            name = model.id.removeprefix("regional.")
            rates = [one for one in _rates(_Reading(source, f"{provider}/{name}", said), model) if one]
            if rates:
                aliases = sorted(set(_aliases(provider, name, model.match)) - {name})
                source.offer(provider, name, {"aliases": aliases, "rates": rates}, rates)
    return source


def _rates(reading: _Reading, model: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    listed: list[tuple[Any, Any]] = [(None, model.prices)]
    if isinstance(model.prices, list):
        listed = [(one.constraint, one.prices) for one in model.prices]
    conditional = [(constraint, reading.prices(prices)) for constraint, prices in listed]
    dated = {_start(constraint): prices for constraint, prices in conditional if not hasattr(constraint, "start_time")}
    for start, end in _spans(dated):
        yield rate(dated[start], reading.said, span=(start, end))
    for constraint, prices in conditional:
        if hasattr(constraint, "start_time"):
            hours = Hours(f"{constraint.start_time:%H:%M}-{constraint.end_time:%H:%M}")
            yield rate(prices, reading.said, span=(max(dated), None), when=hours)
    for tier in dict.fromkeys(TIERS.values()):
        variants = [(_start(one.constraint), reading.prices(one.prices)) for one in model.price_variants or () if _tier_of(one) == tier]
        yield from _tier(reading.said, tier, variants, dated)
    for variant in model.price_variants or ():
        if not _NO_TIER.issuperset(variant.when.items()) and not _tier_of(variant):
            reading.source.warn(f"prices for {dict(variant.when)} have no tier on a card; left out", reading.place)


def _tier(said: Said, tier: str, variants: Sequence[tuple[date, Prices]], dated: Mapping[date, Prices]) -> Iterator[dict[str, Any]]:
    """A tier's prices over time: those of the first variant in force, key by key, over the standard prices of that time."""
    if not variants:
        return
    first = max(min(start for start, _ in variants), min(dated))
    edges = {first, *(start for start in (*dated, *(start for start, _ in variants)) if start > first)}
    for start, end in _spans(edges):
        own: dict[str, Tiered] = {}
        for since, prices in variants:
            if since <= start:
                own = {**prices, **own}
        yield rate(over(dated[max(one for one in dated if one <= start)], own), said, tier, (start, end))


def _tier_of(variant: Any) -> str | None:  # noqa: ANN401
    conditions = list(variant.when.items())
    return TIERS.get(conditions[0]) if len(conditions) == 1 else None


def _spans(starts: Iterable[date]) -> Iterator[tuple[date, date | None]]:
    ordered = sorted(starts)
    yield from zip(ordered, [*ordered[1:], None], strict=True)


def _start(constraint: Any) -> date:  # noqa: ANN401
    return constraint.start_date if constraint is not None and hasattr(constraint, "start_date") else BEGINNING


def _aliases(provider: str, name: str, clause: Any) -> Iterator[str]:  # noqa: ANN401
    """The names a match clause accepts, as far as `*` can say it; dated releases are known by themselves."""
    for pattern in _patterns(clause):
        body, is_guest = pattern.strip("*"), provider == "google" and not name.startswith(("gemini", "gemma"))
        if provider == "aws.bedrock":
            # Logs of Bedrock name the maker; without it the pattern would also take the maker's own models.
            maker = f"{name.removeprefix('global.').partition('.')[0]}."
            yield pattern if maker in body else pattern.replace(body, f"{maker}{body}")
        elif not is_guest:
            yield pattern
        elif "/" not in body and not body.endswith("-2025"):
            yield body.rstrip("@")


def _patterns(clause: Any) -> Iterator[str]:  # noqa: ANN401
    if parts := getattr(clause, "or_", None) or getattr(clause, "and_", None):
        for part in parts:
            yield from _patterns(part)
    elif hasattr(clause, "equals"):
        yield clause.equals.lower()
    elif hasattr(clause, "starts_with"):
        yield f"{clause.starts_with.lower()}*"
    elif hasattr(clause, "contains"):
        yield f"*{clause.contains.lower()}*"
    elif hasattr(clause, "ends_with"):
        yield f"*{clause.ends_with.lower()}"
    elif found := _DATED.fullmatch(getattr(clause, "regex", "")):
        yield found["name"].replace("\\", "")
