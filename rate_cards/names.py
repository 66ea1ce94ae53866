"""The names by which logs call a card's models: its own, aliases, dated snapshots and patterns, as LIKE patterns."""

from collections.abc import Iterator, Mapping, Sequence

from meterbook.rate_cards.card import Card, ModelCard
from meterbook.rate_cards.patterns import like

ROUTES: Mapping[str, Sequence[str]] = {"google": ("gemini/", "vertex_ai/")}
"""Other prefixes under which gateways spell a provider's models."""
SNAPSHOTS = ("-20__-__-__", "-20______", "@20______")
"""A release of a model, dated: priced as the model unless a card names it itself."""
NAME, ALIAS, SNAPSHOT, PATTERN = range(4)
"""How a name was matched, the closest first."""
MATCHED_BY = ("name", "alias", "snapshot", "pattern")

Alias = tuple[str, str, str, str, int]
"""Provider as logged, pattern, provider of the card, model of the card, rank."""


def alias_rows(card: Card, name: str, model: ModelCard) -> Iterator[Alias]:
    """Every spelling of a model: with and without the provider in front."""
    providers = (card.provider, *card.other_names)
    prefixes = ("", *(f"{one}{mark}" for one in providers for mark in "/."), *ROUTES.get(card.provider, ()))
    for alias in dict.fromkeys((name, *model.aliases)):
        rank = NAME if alias == name else PATTERN if "*" in alias else ALIAS
        for pattern, found in _patterns(alias, rank):
            for prefix in prefixes:
                for provider in providers:
                    yield provider.lower(), f"{like(prefix.lower())}{pattern}", card.provider, name, found


def _patterns(alias: str, rank: int) -> Iterator[tuple[str, int]]:
    spelled = like(alias.lower())
    yield spelled, rank
    if rank != PATTERN:
        yield from ((f"{spelled}{suffix}", SNAPSHOT) for suffix in SNAPSHOTS)
