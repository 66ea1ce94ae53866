"""Which model of the cards a name in a log means: the choice core.rate_in_force makes, for what is not in SQL."""

import re
from collections.abc import Iterable

from meterbook.rate_cards.compile import EARLIER_FOLDER, Entry
from meterbook.rate_cards.names import NAME, Alias


class Names:
    """The names of some models.

    Args:
        entries: the models, of one or more providers.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._plain: dict[tuple[str, str], Alias] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], Alias]]] = {}
        rows = {row for entry in entries for row in entry.names}
        for row in sorted(rows, key=_closeness):
            if re.search(r"(?<!!)[%_]", row[1]):
                self._patterns.setdefault(row[0], []).append((re.compile(_regex(row[1]), re.DOTALL), row))
            else:
                self._plain.setdefault((row[0], _unescaped(row[1])), row)

    def find(self, provider: str, name: str) -> str | None:
        """The card's name of a model, by the closest match; None where no card knows it.

        Args:
            provider: as logged, by any of its names.
            name: as logged.
        """
        if plain := self._plain.get((provider.lower(), name.lower())):
            return plain[3]
        return next((row[3] for pattern, row in self._patterns.get(provider.lower(), ()) if pattern.fullmatch(name.lower())), None)

    def has_named(self, provider: str, name: str) -> bool:
        """Whether a card has a model of just that name."""
        plain = self._plain.get((provider.lower(), name.lower()))
        return plain is not None and plain[4] % EARLIER_FOLDER == NAME


def _closeness(row: Alias) -> tuple[int, int, bool, str, str]:
    # Clouds that serve others' models have a dot in their gen_ai name; makers go before them.
    return row[4], -len(row[1]), "." in row[2], row[2], row[3]


def _unescaped(like: str) -> str:
    return re.sub(r"!([!%_])", r"\1", like)


def _regex(like: str) -> str:
    """A LIKE pattern with the escape character ! as a regular expression."""
    marks = {"%": ".*", "_": "."}
    return "".join(marks.get(part) or re.escape(_unescaped(part)) for part in re.findall(r"![!%_]|%|_|[^!%_]+|!", like))
