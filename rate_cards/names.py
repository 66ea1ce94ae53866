"""The names by which logs call a card's models: its own and its aliases, with every prefix a gateway puts before them."""

import re
from collections.abc import Iterator, Mapping, Sequence

from meterbook.rate_cards.card import Card, ModelCard

ROUTES: Mapping[str, Sequence[str]] = {"google": ("gemini/", "vertex_ai/")}
"""Other prefixes under which gateways spell a provider's models."""
SNAPSHOT_DATE = re.compile(r"(-20..-..-..|[-@]20.{6})$", re.DOTALL)
"""A release of a model has its date in its name: it is priced as the model, unless a card names it itself. The macro `undated` of SQL."""
NAME, ALIAS, SNAPSHOT, PATTERN = range(4)
"""How a name was matched, the closest first."""
ANY_PROVIDER = "*"
"""The provider of a name that is meant whatever provider is logged."""

Alias = tuple[str, str, str, str, int]
"""Provider as logged, name in lower case, provider of the card, model of the card, rank; `*` in the name of a pattern is anything."""


def alias_rows(card: Card, name: str, model: ModelCard) -> Iterator[Alias]:
    """Every spelling of a model: with and without the provider in front."""
    providers = [one.lower() for one in (card.provider, *card.other_names)]
    prefixes = ("", *(f"{one}{mark}" for one in providers for mark in "/."), *ROUTES.get(card.provider, ()))
    for alias in dict.fromkeys((name, *model.aliases)):
        rank = NAME if alias == name else PATTERN if "*" in alias else ALIAS
        # What begins with anything needs no prefix.
        for spelled in [f"{prefix}{alias.lower()}" for prefix in (prefixes if not alias.startswith("*") else ("",))]:
            for provider in providers:
                yield provider, spelled, card.provider, name, rank
