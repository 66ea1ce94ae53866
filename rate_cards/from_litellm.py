"""Prices of a LiteLLM price map (`model_prices_and_context_window.json`, MIT licence), in the terms of a card.

The map states USD per single unit and no history: what it says is said of today, and a model new to a card gets its price from the
beginning. Azure, Bedrock and Vertex AI have keys and prices of their own and are other providers. An explicit 0 is a price.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from meterbook.rate_cards import litellm_keys as keys
from meterbook.rate_cards.card import BEGINNING, TOKEN_METERS
from meterbook.rate_cards.offers import (
    Hours,
    Prices,
    Said,
    Source,
    SourceError,
    Tiered,
    UnknownProviderError,
    is_too_fine,
    over,
    rate,
    uplift_fits,
)
from meterbook.rate_cards.providers import KNOWN, canonical

HOME = "https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json"
NOT_MODELS = frozenset({"sample_spec", "fallback_generalizations"})
_OURS = {theirs: ours for ours, known in KNOWN.items() for theirs in known.litellm}
_SIZED = re.compile(r"\d+-x-\d+")
_ALTERNATIVES = {"second": TOKEN_METERS, "character": ("input",), "image": ("image_output", "output")}
"""Meters that a map states beside the price of tokens for the same use; both would count it twice."""


class _BrokenError(ValueError):
    """A figure that cannot be a price."""


def read(path: Path, providers: Sequence[str], checked_on: date) -> Source:
    """What a map says of some providers.

    Args:
        path: the JSON file.
        providers: by any of their names.
        checked_on: the day that is written beside each price.

    Raises:
        SourceError: the file is not a whole price map.
        UnknownProviderError: it has none of a provider.
        OSError: the file cannot be read.
    """
    source = Source(f"the price map {path.name}", is_dated=False)
    wanted = list(dict.fromkeys(canonical(name) for name in providers))
    known = set()
    for name, entry in _entries(path):
        provider = _provider(entry)
        known.add(provider)
        if provider in wanted and (place := _name(source, provider, name)):
            _take(source, provider, place, entry, checked_on)
    if missing := [name for name in wanted if name not in known]:
        raise UnknownProviderError(source.name, missing, known)
    return source


def _entries(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        found = json.loads(path.read_text("utf-8"), parse_float=Decimal, parse_constant=_no_number)
    except (UnicodeDecodeError, json.JSONDecodeError, _BrokenError) as error:
        raise SourceError(f"{path} is not a whole price map: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
        raise SourceError(f"{path} is not a price map: it should be one JSON object of models")
    yield from ((name, entry) for name, entry in found.items() if name not in NOT_MODELS)


def _no_number(text: str) -> None:
    raise _BrokenError(f"{text} is not a price")


def _provider(entry: Mapping[str, Any]) -> str:
    theirs = str(entry.get("litellm_provider", ""))
    return "gcp.vertex_ai" if theirs.startswith("vertex_ai") else _OURS.get(theirs, theirs)


def _name(source: Source, provider: str, key: str) -> str | None:
    """The model's name in logs; None for keys that are no model of their own."""
    if _SIZED.search(key) or (provider == "aws.bedrock" and "/" in key):
        source.warn("prices by image size or by region and commitment have no place on a card; left out", f"{provider}/{key}")
        return None
    prefix, slash, rest = key.partition("/")
    return rest if slash and canonical(prefix) == provider else key


def _take(source: Source, provider: str, name: str, entry: Mapping[str, Any], checked_on: date) -> None:
    place = f"{provider}/{name}"
    url = str(entry.get("source") or "")
    said = Said(url if url.startswith("http") else HOME, checked_on, ">=" if provider == "x_ai" else ">")
    try:
        tiers = {tier: source.kept(place, prices) for tier, prices in _tiers(source, place, provider, entry).items()}
        standard = _without_alternatives(source, place, tiers.pop("", {}))
        rates = [one for one in (rate(standard, said), *_off_peak(source, place, standard, entry, said)) if one]
        full = [*rates, *(one for tier, own in tiers.items() if (one := rate(over(standard, own), said, tier)))]
        rates += [one for tier, own in tiers.items() if (one := rate(own, said, tier))]
        raw = {"rates": rates} | _uplifts(source, place, entry, full, said) | _allowances(source, place, entry, said)
    except _BrokenError as error:
        source.broken.setdefault(provider, f"{place}: {error}")
        return
    before = source.models.get(provider, {}).get(name)
    if rates:
        source.offer(provider, name, raw, full)
        if before and before.stated.rates != source.models[provider][name].stated.rates:
            source.warn("is there twice, and not alike; the later is taken", place)


def _number(name: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _BrokenError(f"{name} is {value!r}, not a number")
    if value < 0:
        raise _BrokenError(f"{name} is {value}, less than nothing")
    return Decimal(value)


def _tiers(source: Source, place: str, provider: str, entry: Mapping[str, Any]) -> dict[str, dict[str, Tiered]]:
    """Prices by tier, the standard one under an empty name; keys that have no meaning on a card are named."""
    found: dict[str, dict[str, Tiered]] = {"": {}}
    for name, value in sorted(entry.items(), key=lambda item: _rank(item[0])):
        if value is None or name in keys.STRUCTURES or name in keys.UPLIFTS or not keys.is_cost(name):
            continue
        key = keys.parse(name)
        if key is None:
            source.warn(f"a card has no place for {name}; left out", place)
            continue
        price = (_number(name, value) * key.per).normalize()
        for tier in _tier_names(provider, key.tier):
            _put(found.setdefault(tier, {}), key, price, source, place)
    found[""] |= _search(source, place, entry) | _graded(entry)
    if times := _extras(source, place, entry).get("fast"):
        found["fast"] = {meter: _times(price, times) for meter, price in found[""].items() if meter in TOKEN_METERS}
    return {tier: _without_reasoning(prices) for tier, prices in found.items()}


def _without_reasoning(prices: dict[str, Tiered]) -> dict[str, Tiered]:
    """A card says what reasoning costs only where it is not the price of output."""
    said, output = prices.get("reasoning"), prices.get("output")
    is_output = said is not None and output is not None and said.base == output.base and (not said.above or said.above == output.above)
    return {meter: price for meter, price in prices.items() if not (is_output and meter == "reasoning")}


def _rank(name: str) -> int:
    return list(keys.BASES).index(name) if name in keys.BASES else -1


def _tier_names(provider: str, suffix: str) -> tuple[str, ...]:
    if not suffix:
        return ("",)
    # OpenAI renamed its tier: answers say priority or fast, at one price.
    return ("priority", "fast") if suffix == "priority" and provider in {"openai", "azure.ai.openai"} else keys.TIERS[suffix]


def _put(prices: dict[str, Tiered], key: keys.Key, price: Decimal, source: Source, place: str) -> None:
    before = prices.get(key.meter, Tiered(None))
    if key.above is not None:
        prices[key.meter] = Tiered(before.base, {**before.above, key.above: price})
    elif key.meter == "second" and before.base and price and price != before.base:
        # Input and output say the same seconds twice; where they differ, nobody says which it is.
        source.warn("has two different prices per second; the first is kept", place)
    elif key.meter != "second" or price or before.base is None:
        prices[key.meter] = Tiered(price, before.above)


def _times(price: Tiered, times: Decimal) -> Tiered:
    return Tiered(None if price.base is None else price.base * times, {at: one * times for at, one in price.above.items()})


def _search(source: Source, place: str, entry: Mapping[str, Any]) -> dict[str, Tiered]:
    sizes = entry.get("search_context_cost_per_query")
    if not isinstance(sizes, dict) or not sizes:
        return {}
    found = {size.rpartition("_")[2]: _number(size, price) for size, price in sizes.items()}
    if len(set(found.values())) > 1:
        source.warn("web search costs by size of context; the middle one is taken", place)
    return {"search": Tiered(found.get("medium", max(found.values())))}


def _graded(entry: Mapping[str, Any]) -> dict[str, Tiered]:
    """`tiered_pricing`: the step in whose range (from, to] a request's input lies prices all of it, the last one what is beyond."""
    steps = sorted(entry.get("tiered_pricing") or (), key=lambda step: _number("range", step["range"][0]))
    found: dict[str, Tiered] = {}
    for step in steps:
        start = int(_number("range", step["range"][0]))
        for name, value in step.items():
            if (key := keys.parse(name)) and value is not None:
                price = (_number(name, value) * key.per).normalize()
                before = found.get(key.meter, Tiered(None))
                found[key.meter] = Tiered(before.base, {**before.above, start: price}) if start else Tiered(price, before.above)
    return found


def _off_peak(source: Source, place: str, standard: Prices, entry: Mapping[str, Any], said: Said) -> Iterator[dict[str, Any]]:
    quiet = entry.get("off_peak_pricing")
    if not isinstance(quiet, dict):
        return
    known = {name: key for name in quiet if (key := keys.parse(name))}
    own = source.kept(place, {key.meter: Tiered((_number(name, quiet[name]) * key.per).normalize()) for name, key in known.items()})
    for window in quiet.get("windows", ()):
        spoken = window.get("hours_utc", "")
        for hours in [spoken] if isinstance(spoken, str) else spoken:
            whole_day = hours in {"", "00:00-00:00", "00:00-24:00"}
            yield rate(over(standard, own), said, when=Hours("" if whole_day else hours, tuple(window.get("weekdays", ()))))


def _extras(source: Source, place: str, entry: Mapping[str, Any]) -> dict[str, Decimal]:
    """Factors that a provider puts on its prices; other entries there are no prices."""
    found = entry.get("provider_specific_entry") or {}
    for name, value in found.items():
        if name not in {"us", "eu", "fast"} and value != 1:
            source.warn(f"a card has no place for provider_specific_entry.{name}; left out", place)
    return {name: _number(name, value) for name, value in found.items() if name in {"us", "eu", "fast"}}


def _uplifts(source: Source, place: str, entry: Mapping[str, Any], rates: Sequence[Mapping[str, Any]], said: Said) -> dict[str, Any]:
    extras = _extras(source, place, entry)
    found = {region: _number(name, entry[name]) for name, region in keys.UPLIFTS.items() if entry.get(name) is not None}
    found |= {region: times for region, times in extras.items() if region != "fast"}
    uplifts = []
    for region, times in found.items():
        if is_too_fine("input", times) or not uplift_fits(rates, times):
            source.warn("a region's factor gives prices with more decimals than a card keeps; left out", place)
        else:
            head = {"name": f"data residency {region}", "regions": [region], "times": times}
            uplifts.append({**head, "starts_on": BEGINNING, "source": said.source, "checked_on": said.checked_on})
    return {"uplifts": uplifts} if uplifts else {}


def _allowances(source: Source, place: str, entry: Mapping[str, Any], said: Said) -> dict[str, Any]:
    free = entry.get("search_free_requests")
    if not isinstance(free, dict):
        return {}
    if free.get("shared_group") or free.get("period") not in {"day", "month"}:
        source.warn("free searches are shared with other models, which a card cannot say; left out", place)
        return {}
    head = {"meter": "search", "free": _number("count", free.get("count")), "per": free["period"]}
    return {"allowances": [{**head, "source": said.source, "checked_on": said.checked_on}]}


def _without_alternatives(source: Source, place: str, prices: Mapping[str, Tiered]) -> dict[str, Tiered]:
    kept = dict(prices)
    for meter, tokens in _ALTERNATIVES.items():
        if meter in kept and any(token in prices for token in tokens):
            source.warn(f"is priced by tokens and also per {meter}, for the same use; the tokens are taken", place)
            del kept[meter]
    return kept
