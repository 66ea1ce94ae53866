"""Cards as the flat dated tables that SQL joins: rate_cards.rate, rate_cards.alias and rate_cards.allowance.

One row is the price of one model, tier, region, span of time, part of the day and band of input tokens; a layered price (contracted,
effective) is a row of its own beside the list row of the same `rate_id`. All choices a card leaves to the day or the instant are columns.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from meterbook.rate_cards.card import KEYS, METERS, OPEN, Card, CardError, ModelCard, Rate, Uplift, instant
from meterbook.rate_cards.fx import FxRate
from meterbook.rate_cards.layers import PICO, Layer, layered, rounded
from meterbook.rate_cards.lookup import Names
from meterbook.rate_cards.names import Alias, alias_rows
from meterbook.rate_cards.patterns import like
from meterbook.rate_cards.pieces import DAY_MINUTES, EVERY_DAY, Piece, Span, by_bands, by_hours, cut, holds
from meterbook.rate_cards.strict_yaml import explain, load_yaml
from meterbook.rate_cards.tables import ALIAS, ALLOWANCE, ALWAYS, RATE, UNIT_RATE

SHIPPED = Path(__file__).parent
EARLIER_FOLDER = 100
"""Added to the rank of a name for each folder of cards that goes before its own."""


@dataclass(frozen=True, eq=False)
class Cards:
    """All rates, names and allowances, in the columns of sql/inputs.yaml."""

    rates: pl.DataFrame
    aliases: pl.DataFrame
    allowances: pl.DataFrame

    @cached_property
    def names(self) -> Names:
        """Which model a name means, whatever days its version prices."""
        return Names(self.aliases.select("provider", "name", "card_provider", "model", "rank").iter_rows())

    @cached_property
    def unit_rates(self) -> pl.DataFrame:
        """The rates with a row for each meter that has a price, in all layers, for what is rare enough to be priced meter by meter."""
        key = ["rate_id", "priced_from", "priced_to"]
        meters = [f"{meter}_usd" for meter in METERS]
        layer = {name: self.rates.filter(pl.col("layer") == name).select(*key, *meters) for name in ("list", "contracted", "effective")}
        bare = layer["list"].join(layer["effective"], on=key, how="anti")
        long = {
            name: (frame if name == "list" else pl.concat([frame, bare]))
            .unpivot(meters, index=key, variable_name="meter", value_name=f"{name}_usd")
            .drop_nulls(f"{name}_usd")
            for name, frame in layer.items()
        }
        found = long["list"].join(long["contracted"], on=[*key, "meter"], how="full", coalesce=True)
        found = found.join(long["effective"], on=[*key, "meter"], how="full", coalesce=True)
        return found.with_columns(pl.col("meter").str.strip_suffix("_usd")).select(UNIT_RATE).sort(pl.all())


@dataclass(frozen=True)
class Entry:
    """One model as it stands in a file."""

    path: Path
    version: str
    card: Card
    name: str
    model: ModelCard
    place: int = 0
    """How many folders of cards go before its own: what the book says itself goes first."""

    @property
    def names(self) -> Iterator[Alias]:
        """Every spelling of it; those of later folders are closer than any of earlier ones."""
        for provider, name, card_provider, model, rank in alias_rows(self.card, self.name, self.model):
            yield provider, name, card_provider, model, rank + EARLIER_FOLDER * self.place

    @property
    def key(self) -> tuple[str, str]:
        """Provider and model."""
        return self.card.provider, self.name


def load_cards(folders: Sequence[Path], layers: Sequence[Layer] = (), fx: Sequence[FxRate] = ()) -> Cards:
    """Read every card in some folders; a model in a later folder replaces that model of an earlier one wholly.

    Args:
        folders: the shipped cards first, the user's own after.
        layers: of the user's contracts, in order.
        fx: dated rates of exchange, for cards that are not in USD.

    Raises:
        CardError: a card is wrong, or two files of one folder price the same model.
        StrictYamlError: a card is not readable.
    """
    entries = read_entries(folders)
    rates = [row for entry in entries.values() for row in _rate_rows(entry, entries, layers, fx)]
    aliases = {row: None for entry in entries.values() for row in entry.names}
    allowances = [row for entry in entries.values() for row in _allowance_rows(entry)]
    return Cards(
        pl.DataFrame(rates, schema=RATE).sort("provider", "model", "served_tier", "region", "starts_at", "rate_id", "layer"),
        pl.DataFrame([(*row, *ALWAYS) for row in aliases], schema=ALIAS, orient="row").sort(pl.all()),
        pl.DataFrame(allowances, schema=ALLOWANCE).sort(pl.all()),
    )


def read_entries(folders: Sequence[Path]) -> dict[tuple[str, str], Entry]:
    """Every model of some folders, by provider and name, before anything is compiled.

    Raises:
        CardError: a card is wrong, or two files of one folder price the same model.
        StrictYamlError: a card is not readable.
    """
    found: dict[tuple[str, str], Entry] = {}
    for place, folder in enumerate(folders, 1):
        own: dict[tuple[str, str], Entry] = {}
        for entry in (one for path in sorted(folder.glob("*.yaml")) if folder.is_dir() for one in read_card(path)):
            if entry.key in own:
                raise CardError(f"{entry.path}: {entry.name} of {entry.card.provider} is also in {own[entry.key].path.name}; keep one")
            own[entry.key] = replace(entry, place=len(folders) - place)
        found |= own
    return found


def read_card(path: Path) -> list[Entry]:
    """The models of one card.

    Raises:
        CardError: it is wrong.
        StrictYamlError: it is not readable.
    """
    try:
        card = Card.model_validate(load_yaml(path))
    except ValidationError as error:
        raise CardError(explain(path, error, KEYS)) from error
    version = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return [Entry(path, version, card, name, model) for name, model in card.models.items()]


def rates_of(entry: Entry, entries: Mapping[tuple[str, str], Entry], seen: tuple[str, ...] = ()) -> tuple[Rate, ...]:
    """Its own rates, and those of the model it is the same as for tiers it has none of."""
    if not entry.model.same_as:
        return entry.model.rates
    provider, _, name = entry.model.same_as.partition("/")
    other = entries.get((provider, name))
    if other is None or entry.model.same_as in seen:
        what = "no card prices that" if other is None else "that is a circle"
        raise CardError(f"{entry.path}: models.{entry.name}.same_as: {entry.model.same_as}: {what}")
    own = {rate.tier for rate in entry.model.rates}
    inherited = rates_of(other, entries, (*seen, entry.model.same_as))
    return (*entry.model.rates, *(rate for rate in inherited if rate.tier not in own))


def _rate_rows(
    entry: Entry, entries: Mapping[tuple[str, str], Entry], layers: Sequence[Layer], fx: Sequence[FxRate]
) -> Iterator[dict[str, object]]:
    rates = rates_of(entry, entries)
    uplifts = (*entry.card.uplifts, *entry.model.uplifts)
    regions = ("", *dict.fromkeys(region.lower() for uplift in uplifts for region in uplift.regions))
    for row in (band for rate in rates for hours in by_hours(rate, rates) for band in by_bands(hours)):
        held = [layer for layer in layers if layer.holds_for(*entry.key, row.rate.tier)]
        for region in regions:
            mine = [uplift for uplift in uplifts if region in map(str.lower, uplift.regions) and _has_tier(uplift, row.rate.tier)]
            if region and not mine:
                continue
            cuts = [*_spans(mine), *(layer.span for layer in held)]
            for part in _converted(entry, cut(replace(row, region=region), cuts), fx):
                yield from _columns(entry, _uplifted(entry, part, mine), [one for one in held if holds(one.span, part)])


def _spans(uplifts: Iterable[Uplift]) -> list[Span]:
    return [(instant(one.starts_on), instant(one.ends_on) if one.ends_on else OPEN) for one in uplifts]


def _has_tier(uplift: Uplift, tier: str) -> bool:
    return not uplift.tiers or tier in uplift.tiers


def _converted(entry: Entry, rows: Iterable[Piece], fx: Sequence[FxRate]) -> Iterator[Piece]:
    """Prices in USD; a card in another currency has none before its first rate of exchange."""
    currency = entry.card.currency
    if currency == "USD":
        yield from rows
        return
    dated = [one for one in fx if one.currency == currency]
    ends = [*(instant(one.starts_on) for one in dated[1:]), OPEN]
    spans = [(instant(one.starts_on), end, one.usd) for one, end in zip(dated, ends, strict=False)]
    for row in rows:
        for part in cut(row, [(start, end) for start, end, _ in spans]):
            for usd in (usd for start, end, usd in spans if holds((start, end), part)):
                prices = {meter: None if price is None else rounded(price * usd) for meter, price in part.prices.items()}
                yield replace(part, prices=prices, fx_rate=usd, rules=(*part.rules, f"{currency} at {usd:f}"))


def _uplifted(entry: Entry, row: Piece, uplifts: Iterable[Uplift]) -> Piece:
    prices = row.prices
    rules = row.rules
    for uplift in uplifts:
        if not holds((instant(uplift.starts_on), instant(uplift.ends_on) if uplift.ends_on else OPEN), row):
            continue
        prices = {meter: price * uplift.times if price is not None and meter in uplift.meters else price for meter, price in prices.items()}
        rules = (*rules, f"{uplift.name} x {uplift.times:f}")
    for meter, price in prices.items():
        if price is not None and price % PICO:
            where = f"{entry.path}: models.{entry.name}: {meter} from {row.rate.starts_on} in {row.region}"
            raise CardError(f"{where} is {price:f} a unit, finer than a pico-dollar; state the region's price itself")
    return replace(row, prices=prices, rules=rules)


def _columns(entry: Entry, row: Piece, layers: Sequence[Layer]) -> Iterator[dict[str, object]]:
    shared = {
        "rate_id": _rate_id(entry, row),
        "card": entry.path.stem,
        "card_version": entry.version,
        "provider": entry.card.provider,
        "model": entry.name,
        "served_tier": row.rate.tier,
        "region": like(row.region),
        "rule": ", ".join((row.rate.tier, *row.rules)),
        "starts_at": row.starts_at,
        "ends_at": row.ends_at,
        "clock_from": _clock(row.clock[0]),
        "clock_to": None if row.clock[1] == DAY_MINUTES else _clock(row.clock[1]),
        "weekdays": row.weekdays,
        "input_above": row.above,
        "input_up_to": row.up_to,
        "counted_input": row.counts,
        "currency": entry.card.currency,
        "fx_rate": row.fx_rate,
        "source_url": row.rate.source,
        "checked_on": row.rate.checked_on,
        "priced_from": ALWAYS[0],
        "priced_to": ALWAYS[1],
    }
    contracted, effective = layered(row.prices, layers)
    named = ", ".join(layer.name for layer in layers)
    for layer, prices in (("list", row.prices), ("contracted", contracted), ("effective", effective)):
        # A layer that changes nothing has no row of its own.
        if layer == "list" or layers:
            rule = shared["rule"] if layer == "list" else f"{shared['rule']}, {named}"
            yield {**shared, "layer": layer, "rule": rule, **{f"{meter}_usd": prices[meter] for meter in METERS}}


def _rate_id(entry: Entry, row: Piece) -> str:
    """Readable and stable: where it is from, and what it was cut by."""
    start = f"{row.starts_at:%Y-%m-%d}" + (f"T{row.starts_at:%H%M%S}" if row.starts_at.time() != OPEN.time() else "")
    parts = [entry.card.provider, entry.name, row.rate.tier, start]
    if row.region:
        parts.append(row.region)
    if row.clock != (0, DAY_MINUTES) or row.weekdays != EVERY_DAY:
        parts.append(f"{_clock(row.clock[0])[:5]}-{_clock(row.clock[1])[:5]}-{row.weekdays}".replace(":", ""))
    if row.above >= 0:
        parts.append(f"above-{row.above}")
    return "/".join(parts)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}:00"


def _allowance_rows(entry: Entry) -> Iterator[dict[str, object]]:
    for one in entry.model.allowances:
        yield {
            "provider": entry.card.provider,
            "model": entry.name,
            "meter": one.meter,
            "free_units": one.free,
            "per": one.per,
            "starts_on": one.starts_on,
            "ends_on": one.ends_on or OPEN.date(),
            "source_url": one.source,
            "card": entry.path.stem,
        }
