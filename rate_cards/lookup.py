"""Which model of the cards a name in a log means: the choice core.model_seen makes, for what is not in SQL."""

import re
from collections.abc import Iterable

from meterbook.rate_cards.names import ANY_PROVIDER, NAME, PATTERN, SNAPSHOT, SNAPSHOT_DATE, Alias

RANKS = 10
"""The last digit of a rank says how a name is matched; the rest, whose card it is (`EARLIER_FOLDER`, `LATER`)."""


class Names:
    """The names of some models.

    Args:
        rows: as `alias_rows` gives them, or the rows of rate_cards.alias without their days.
    """

    def __init__(self, rows: Iterable[Alias]) -> None:
        self._exact: dict[str, list[Alias]] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], Alias]]] = {}
        for row in set(rows):
            if row[4] % RANKS == PATTERN:
                pattern = re.compile(re.escape(row[1]).replace(r"\*", ".*"), re.DOTALL)
                self._patterns.setdefault(row[0], []).append((pattern, row))
            else:
                self._exact.setdefault(row[1], []).append(row)

    def matches(self, provider: str, name: str) -> list[Alias]:
        """What a name may mean, the closest first.

        Args:
            provider: as logged, by any of its names; empty where it is not known: then the models of all are meant.
            name: as logged.
        """
        spelled, asked = name.lower(), [provider.lower(), ANY_PROVIDER] if provider else list(self._patterns)
        found = list(self._exact.get(spelled, ()))
        found += [_as_snapshot(row) for row in self._exact.get(SNAPSHOT_DATE.sub("", spelled), ()) if SNAPSHOT_DATE.search(spelled)]
        found += [row for who in asked for pattern, row in self._patterns.get(who, ()) if pattern.fullmatch(spelled)]
        return sorted((row for row in found if not provider or row[0] in {provider.lower(), ANY_PROVIDER}), key=_closeness)

    def find(self, provider: str, name: str) -> str | None:
        """The card's name of a model, by the closest match; None where no card knows it.

        Args:
            provider: as logged, by any of its names.
            name: as logged.
        """
        found = self.matches(provider, name)
        return found[0][3] if found else None

    def has_named(self, provider: str, name: str) -> bool:
        """Whether a card has a model of just that name."""
        return any(row[0] == provider.lower() and row[4] % RANKS == NAME for row in self._exact.get(name.lower(), ()))


def _as_snapshot(row: Alias) -> Alias:
    return (*row[:4], row[4] - row[4] % RANKS + SNAPSHOT)


def _closeness(row: Alias) -> tuple[int, int, bool, str, str, str, str]:
    # Clouds that serve others' models have a dot in their gen_ai name; makers go before them.
    who, name, provider, model, rank = row
    return rank, -len(name), "." in provider, provider, model, name, who
