"""Where the cards and a price source disagree, meter by meter."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from meterbook.rate_cards.changes import changes, resolved
from meterbook.rate_cards.compile import Entry
from meterbook.rate_cards.lookup import Names
from meterbook.rate_cards.offers import Source

_TENTH = Decimal("0.1")


@dataclass(frozen=True)
class Difference:
    """One price, on the card and in the source: per million tokens, characters and token-hours, per one of all else."""

    provider: str
    model: str
    """As the source spells it."""
    tier: str
    meter: str
    card: Decimal | None
    """None where the card has no price."""
    source: Decimal
    change_percent: Decimal | None
    """Of the card's price, to a tenth; None where it has none or is free."""
    starts_on: date | datetime
    """From when the source's price holds, today at the earliest."""


@dataclass(frozen=True)
class Compared:
    """What a comparison found."""

    differences: list[Difference]
    missing: Mapping[str, Sequence[str]]
    """By provider: models of the source that no card knows."""
    notes: list[str]


def compare(entries: Mapping[tuple[str, str], Entry], source: Source, providers: Sequence[str], today: date) -> Compared:
    """Hold a source against the cards in force.

    Args:
        entries: the models of the cards.
        source: what was read.
        providers: as on cards.
        today: prices of before are not looked at.

    Raises:
        CardError: a model is the same as one no card prices.
    """
    found: list[Difference] = []
    missing: dict[str, list[str]] = {}
    notes = [f"{provider}: {why}" for provider, why in source.broken.items()]
    for provider in providers:
        names = Names(row for entry in entries.values() if entry.card.provider == provider for row in entry.names)
        for name in source.models.get(provider, {}):
            known = names.find(provider, name)
            if known is None:
                missing.setdefault(provider, []).append(name)
            else:
                found += _of_model(entries, source, (provider, known), name, today)
    return Compared(found, missing, notes)


def _of_model(
    entries: Mapping[tuple[str, str], Entry], source: Source, key: tuple[str, str], name: str, today: date
) -> Iterator[Difference]:
    provider = key[0]
    change = changes(resolved(entries[key], entries), source.models[provider][name], today, is_dated=source.is_dated)
    for move in change.moves:
        percent = None if move.percent is None else move.percent.quantize(_TENTH, ROUND_HALF_EVEN)
        yield Difference(provider, name, move.tier, move.meter, move.before, move.after, percent, move.starts_on)
