"""What is wrong with cards, and what is old: every finding at once, for `meterbook prices check`."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Literal

from meterbook.rate_cards.card import CardError, ModelCard, instant
from meterbook.rate_cards.compile import Entry, load_cards, read_card, read_entries
from meterbook.rate_cards.strict_yaml import StrictYamlError

MAX_AGE_DAYS = 180
_URI = re.compile(r"^[a-z][a-z0-9+.-]*:\S+$", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """One thing to look at."""

    severity: Literal["error", "warning"]
    text: str


def audit(folders: Sequence[Path], today: date, max_age_days: int = MAX_AGE_DAYS) -> list[Finding]:
    """All that is wrong with the cards of some folders, the later ones over the earlier.

    Args:
        folders: as for `load_cards`.
        today: prices that no longer hold then may be as old as they are.
        max_age_days: how long ago a price may have been looked at.
    """
    broken = [Finding("error", text) for text in _unreadable(folders)]
    if broken:
        return broken
    try:
        entries = read_entries(folders)
        load_cards(folders)
    except CardError as error:
        return [Finding("error", str(error))]
    errors = [*_shared_names(entries), *_without_source(entries.values())]
    return [
        *(Finding("error", text) for text in errors),
        *(Finding("warning", text) for text in _old(entries.values(), today, max_age_days)),
    ]


def _unreadable(folders: Iterable[Path]) -> Iterator[str]:
    for path in (path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.yaml"))):
        try:
            read_card(path)
        except (CardError, StrictYamlError) as error:
            yield str(error)


def _shared_names(entries: Mapping[tuple[str, str], Entry]) -> Iterator[str]:
    """Names of two models of one provider: which of them is meant would be chance."""
    owner: dict[tuple[str, str], str] = {}
    for (provider, name), entry in entries.items():
        for spelled in dict.fromkeys((name.lower(), *(alias.lower() for alias in entry.model.aliases))):
            other = owner.setdefault((provider, spelled), name)
            if other != name:
                yield f"{entry.path}: {other} and {name} of {provider} both go by {spelled}; leave it to one"


def _without_source(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        for source in dict.fromkeys(_sources(entry.model)):
            if not _URI.match(source):
                what = f"source {source!r} is no address; say where the price can be looked up (https://..., file:...)"
                yield f"{entry.path}: {entry.name}: {what}"


def _sources(model: ModelCard) -> Iterator[str]:
    yield from (one.source for one in model.rates)
    yield from (one.source for one in model.uplifts)
    yield from (one.source for one in model.allowances)


def _old(entries: Iterable[Entry], today: date, max_age_days: int) -> Iterator[str]:
    """Prices that hold today and were last looked at too long ago, a line for each card."""
    limit = today - timedelta(days=max_age_days)
    for path, models in groupby(sorted(entries, key=lambda entry: (entry.path, entry.name)), key=lambda entry: entry.path):
        old = {
            entry.name: rate.checked_on
            for entry in models
            for rate in entry.model.rates
            if rate.span[1] > instant(today) and rate.checked_on < limit
        }
        if old:
            named = ", ".join(list(old)[:3]) + (f" and {len(old) - 3} more" if len(old) > 3 else "")  # noqa: PLR2004 -- three examples
            yield f"{path}: prices looked at before {limit}, the oldest on {min(old.values())}: {named}; `meterbook prices diff` compares"
