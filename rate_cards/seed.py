"""Cards from a price source: what is new is appended, what changed is ended and begun anew, and nothing that held before moves.

A price that moves by more than a threshold is refused until a person accepts it by name; a source that cannot be trusted leaves the
card as it is, byte for byte. Comments, notes and entries written by hand stay. Nothing reaches the network.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from meterbook.rate_cards.card import CardError, ModelCard
from meterbook.rate_cards.card_text import SCHEMA_LINE, CardText, model_text, publish, scalar
from meterbook.rate_cards.changes import Change, as_raw, changes, resolved
from meterbook.rate_cards.compile import SHIPPED, Entry, read_card, read_entries
from meterbook.rate_cards.lookup import Names
from meterbook.rate_cards.offers import Offer, Source
from meterbook.rate_cards.providers import KNOWN
from meterbook.rate_cards.schema import schema
from meterbook.sql.lake import write_if_changed

THRESHOLD = Decimal(30)
"""Per cent by which a price may move without being accepted by name."""
ALL = "all"


@dataclass
class Seeded:
    """What became of one provider's card."""

    provider: str
    path: Path
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Models left as they were, each with the reason."""
    notes: list[str] = field(default_factory=list)
    failed: str | None = None
    """Why the whole card was left as it was."""

    @property
    def is_written(self) -> bool:
        """Whether the file changed."""
        return self.failed is None and bool(self.added or self.changed)


def seed(
    folder: Path, source: Source, providers: Sequence[str], today: date, *, threshold: Decimal = THRESHOLD, accept: Collection[str] = ()
) -> list[Seeded]:
    """Bring the cards of a folder up to a source.

    Args:
        folder: of the cards; a provider's card is `<provider>.yaml`, made where there is none.
        source: what was read.
        providers: as on cards.
        today: first day whose price may change.
        threshold: per cent.
        accept: models whose prices may move by more, by name or as provider/name; `all` is every one.

    Raises:
        CardError: a card that is there is wrong; nothing is written.
        StrictYamlError: it is not readable.
    """
    entries = read_entries([folder])
    borrows = any(entry.model.same_as for entry in entries.values())
    priced = {**(read_entries([SHIPPED]) if borrows else {}), **entries}
    cards = [_Card(folder, provider, entries, source, today) for provider in providers]
    done = [card.seed(priced, threshold, {name.lower() for name in accept}) for card in cards]
    if any(one.is_written for one in done):
        write_if_changed(folder / "schema.json", schema().encode())
    return done


class _Card:
    """One provider's card and what the source offers of it."""

    def __init__(self, folder: Path, provider: str, entries: Mapping[tuple[str, str], Entry], source: Source, today: date) -> None:
        self.path = folder / f"{provider}.yaml"
        self.done = Seeded(provider, self.path)
        self.source, self.today = source, today
        self.offers = source.models.get(provider, {})
        mine = [entry for entry in entries.values() if entry.card.provider == provider]
        self.here = {entry.name: entry for entry in mine if entry.path == self.path}
        self.elsewhere = {entry.name: entry for entry in mine if entry.path != self.path}
        self.names = Names(row for entry in mine for row in entry.names)
        if self.path.is_file() and not self.here and (others := read_card(self.path)):
            raise CardError(f"{self.path} is the card of {others[0].card.provider}; give it another name")

    def seed(self, priced: Mapping[tuple[str, str], Entry], threshold: Decimal, accept: Collection[str]) -> Seeded:
        """Write what may be written; `priced` are all models that one may be the same as."""
        self.done.failed = self._distrusted(accept)
        if self.done.failed:
            return self.done
        new: dict[str, dict[str, Any]] = {}
        changed: dict[str, Change] = {}
        for name, offer in self.offers.items():
            known = self.names.find(self.done.provider, name)
            if known is None:
                new[name] = self._new(offer)
            elif known in self.elsewhere:
                self.done.notes.append(f"{name}: {self.elsewhere[known].path.name} has it; left alone")
            elif change := self._change(name, self.here[known], offer, priced):
                if reasons := _reasons(change, None if _is_accepted(self.done.provider, known, accept) else threshold):
                    self.done.refused.append(f"{known}: {'; '.join(reasons)}")
                else:
                    changed[known] = change
        try:
            self._write(new, changed)
        except CardError as error:
            self.done.failed = str(error)
        return self.done

    def _distrusted(self, accept: Collection[str]) -> str | None:
        provider = self.done.provider
        if provider in self.source.broken:
            return self.source.broken[provider]
        priced = [name for name, entry in self.here.items() if entry.model.rates]
        said = {self.names.find(provider, name) for name in self.offers}
        left = sum(1 for name in priced if name in said)
        if left * 2 < len(priced) and ALL not in accept:
            few = f"{self.source.name} has {left} of the {len(priced)} models of the card"
            return f"{few}, fewer than half; it may be cut off (--accept all takes it)"
        return None

    def _new(self, offer: Offer) -> dict[str, Any]:
        free = [alias for alias in offer.full.aliases if self.names.find(self.done.provider, alias.strip("*")) is None]
        return model_raw(offer.full.model_copy(update={"aliases": tuple(free)}))

    def _change(self, name: str, entry: Entry, offer: Offer, priced: Mapping[tuple[str, str], Entry]) -> Change | None:
        """What changes of a model that is on the card; None where it cannot be written or does not differ."""
        known = entry.name
        change = changes(resolved(entry, priced), offer, self.today, is_dated=self.source.is_dated)
        self.done.notes += [text for note in change.notes if (text := f"{known}: {note}") not in self.done.notes]
        if name == known and not entry.model.same_as:
            return change or None
        if change.moves:
            told = ", ".join(str(move) for move in change.moves[:2])
            whose = f"has the prices of {entry.model.same_as}" if name == known else f"goes by {known} on the card"
            self.done.notes.append(f"{name}: {whose}; the source says otherwise ({told}): give it rates of its own")
        return None

    def _write(self, new: Mapping[str, Mapping[str, Any]], changed: Mapping[str, Change]) -> None:
        if not new and not changed:
            return
        if not self.path.is_file():
            text = self._head() + "".join(model_text(name, raw) for name, raw in new.items())
        else:
            with self.path.open(encoding="utf-8", newline="") as file:
                card = CardText(file.read())
            for name, change in changed.items():
                for index, day in change.ends.items():
                    card.end(name, index, day)
                if change.rates:
                    card.append(name, change.rates)
            for name, raw in new.items():
                card.add(name, raw)
            text = card.result()
        publish(self.path, text, lambda entries: self._unmoved(entries, changed))
        self.done.added, self.done.changed = list(new), list(changed)

    def _unmoved(self, entries: Sequence[Entry], changed: Mapping[str, Change]) -> None:
        """Refuse a text in which more changed than should have."""
        after = {entry.name: entry.model for entry in entries}
        for name, entry in self.here.items():
            ends = changed[name].ends if name in changed else {}
            rates = tuple(
                rate.model_copy(update={"ends_on": ends[index]}) if index in ends else rate for index, rate in enumerate(entry.model.rates)
            )
            same = after.get(name) == entry.model if name not in changed else after[name].rates[: len(rates)] == rates
            if not same:
                raise CardError(f"{self.path}: {name} cannot be changed without touching what stands there; change it by hand")

    def _head(self) -> str:
        provider = self.done.provider
        others = KNOWN[provider].other_names if provider in KNOWN else ()
        return (
            f"{SCHEMA_LINE}\n"
            f"# {provider}: USD per million tokens, first written by `meterbook prices seed` from {self.source.name} on {self.today}.\n"
            "# A price that starts on 2020-01-01 is the first one known; what held before it is not recorded.\n"
            "# Your own card for a model, in your book's rate_cards/, replaces that model here wholly.\n"
            f"provider: {scalar(provider)}\n" + (f"other_names: [{', '.join(map(scalar, others))}]\n" if others else "") + "models:\n"
        )


def _reasons(change: Change, threshold: Decimal | None) -> list[str]:
    far = [] if threshold is None else [str(move) for move in change.moves if move.exceeds(threshold)]
    more = [f"and {len(far) - 3} more"] if len(far) > 3 else []  # noqa: PLR2004 -- three examples
    return [*far[:3], *more, *(["--accept takes it"] if far else []), *change.conflicts]


def _is_accepted(provider: str, name: str, accept: Collection[str]) -> bool:
    return bool({ALL, name.lower(), f"{provider}/{name}".lower()} & set(accept))


def model_raw(model: ModelCard) -> dict[str, Any]:
    """A model as it is written, keys in order."""
    extras = {
        key: [one.model_dump(exclude_defaults=True, exclude_none=True) for one in getattr(model, key)] for key in ("uplifts", "allowances")
    }
    return {
        **({"aliases": list(model.aliases)} if model.aliases else {}),
        **({"same_as": model.same_as} if model.same_as else {}),
        "rates": [as_raw(rate) for rate in model.rates],
        **{key: value for key, value in extras.items() if value},
    }
