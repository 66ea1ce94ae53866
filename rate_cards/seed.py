"""Cards from the prices that come with the `genai-prices` package: written once as YAML and reviewed, never looked up in a run.

Its data (MIT licence) is a snapshot kept by its community, with history only where a change was recorded. What it does not say is
not invented: a price before its first dated change begins at 2020-01-01, and tiers begin where they were first recorded.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from genai_prices.data_snapshot import get_snapshot

BEGINNING = date(2020, 1, 1)
METERS = {
    "input": "input_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "output": "output_mtok",
}
TIERS = {("processing", "batch"): "batch", ("service_tier", "flex"): "flex", ("service_tier", "priority"): "priority"}
NOT_TEXT = re.compile(
    r"image|audio|realtime|tts|transcribe|whisper|live|omni|moderation|robotics|nano-banana|search|computer-use|deep-research|ft:|\.ft-|vision|:extended"
)
_PLAIN_ALIAS = re.compile(r"^[a-z0-9][a-z0-9._:/-]*$")


def seed(folder: Path, providers: Sequence[str], checked_on: date) -> list[Path]:
    """Write one card per provider from the installed `genai-prices`.

    Args:
        folder: where the cards go; files of the same name are replaced.
        providers: ids such as openai, anthropic, google.
        checked_on: the day the prices are looked at, written beside each.

    Returns:
        The files written.

    Raises:
        ValueError: a provider `genai-prices` does not know.
    """
    known = {provider.id: provider for provider in get_snapshot().providers}
    missing = [name for name in providers if name not in known]
    if missing:
        raise ValueError(f"genai-prices knows no provider {', '.join(missing)}; it knows {', '.join(sorted(known))}")
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder / f"{name}.yaml", known[name], checked_on) for name in providers]


def _write(path: Path, provider: Any, checked_on: date) -> Path:  # noqa: ANN401 -- genai-prices ships no types for it
    source = provider.pricing_urls[0] if provider.pricing_urls else "genai-prices"
    owned = [model for model in provider.models if not NOT_TEXT.search(model.id) and not _is_guest(provider.id, model.id)]
    models = {model.id: card for model in owned if (card := _model(model, source, checked_on))}
    head = (
        f"# {provider.name}: USD per million tokens, seeded from genai-prices {version('genai-prices')} by `meterbook prices seed`.\n"
        f"# A price that starts on {BEGINNING} is the first one known; what held before it is not recorded.\n"
        "# Your own card for a model, in your book's rate_cards/, replaces that model here wholly.\n"
    )
    path.write_text(head + yaml.dump({"provider": provider.id, "models": models}, Dumper=_Dumper, sort_keys=False, width=1000), "utf-8")
    return path


def _is_guest(provider: str, model: str) -> bool:
    """Models of others that a provider resells are left to their own card."""
    return provider == "google" and not model.startswith(("gemini", "gemma"))


def _model(model: Any, source: str, checked_on: date) -> dict[str, Any] | None:  # noqa: ANN401
    rates = [*_standard(model), *_variants(model)]
    if not rates or not any("input" in rate for rate in rates):
        return None
    stamped = [_Line({**rate, "source": source, "checked_on": checked_on}) for rate in rates]
    aliases = sorted({alias for alias in _aliases(model.match) if alias != model.id and _PLAIN_ALIAS.match(alias.rstrip("*"))})
    return {**({"aliases": aliases} if aliases else {}), "rates": stamped}


def _standard(model: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    prices = model.prices if isinstance(model.prices, list) else [None]
    dated = [(_start(price), price.prices if price else model.prices) for price in prices if price is None or _is_dated(price)]
    yield from _spans(dated, {})


def _variants(model: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    base = model.prices if not isinstance(model.prices, list) else model.prices[-1].prices
    for when, tier in TIERS.items():
        variants = [variant for variant in model.price_variants or () if variant.when == dict([when]) and _is_dated(variant)]
        yield from _spans([(_start(variant), variant.prices) for variant in variants], {"tier": tier}, base)


def _spans(dated: list[tuple[date, Any]], head: dict[str, Any], base: Any = None) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    ordered = sorted(dict(dated).items())
    ends = [*(start for start, _ in ordered[1:]), None]
    for (start, price), end in zip(ordered, ends, strict=False):
        meters = _meters(price, base)
        if meters:
            yield {**head, "starts_on": start, **({"ends_on": end} if end else {}), **meters}


def _meters(price: Any, base: Any) -> dict[str, Any]:  # noqa: ANN401
    values = {name: value for name, key in METERS.items() if (value := _value(price, base, key)) is not None}
    # What has no price of its own is charged as input, as genai-prices does; here it is written down.
    if "input" in values and "cache_read" not in values:
        values["cache_read"] = values["input"]
    tiers = {tier.start for value in values.values() for tier in getattr(value, "tiers", ())}
    flat = {name: _plain(getattr(value, "base", value)) for name, value in values.items()}
    if len(tiers) != 1:
        return flat if not tiers else {}
    [threshold] = tiers
    above = {name: _plain(value.tiers[0].price if hasattr(value, "tiers") else value) for name, value in values.items()}
    return {**flat, "above_input_tokens": {"threshold": threshold, **above}}


def _value(price: Any, base: Any, key: str) -> Any:  # noqa: ANN401
    own = getattr(price, key, None)
    return own if own is not None else getattr(base, key, None)


def _plain(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.000001")).normalize() if value else Decimal(0)


def _start(price: Any) -> date:  # noqa: ANN401
    constraint = price.constraint if price is not None else None
    return constraint.start_date if constraint else BEGINNING


def _is_dated(price: Any) -> bool:  # noqa: ANN401
    return price.constraint is None or hasattr(price.constraint, "start_date")


def _aliases(clause: Any) -> Iterator[str]:  # noqa: ANN401
    """The names a match clause accepts, as far as `*` can say it."""
    for part in getattr(clause, "or_", None) or [clause]:
        if hasattr(part, "equals"):
            yield part.equals.lower()
        elif hasattr(part, "starts_with"):
            yield f"{part.starts_with.lower()}*"


class _Dumper(yaml.SafeDumper):
    """Decimals without exponent, one line per rate, no anchors."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


class _Line(dict[str, Any]):
    """A mapping written on one line."""


def _number(dumper: _Dumper, value: Decimal) -> yaml.ScalarNode:
    text = f"{value:f}"
    return dumper.represent_scalar("tag:yaml.org,2002:float" if "." in text else "tag:yaml.org,2002:int", text)


def _one_line(dumper: _Dumper, value: _Line) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True)


_Dumper.add_representer(Decimal, _number)
_Dumper.add_representer(_Line, _one_line)
