"""The internal rate card of a book: how it is made (`ratecard.yaml`), and the cards that were published (`ratecards/<month>/<edition>/`).

A published card never changes: `card.json` is what charges follow from, names the card before it and the files beside it by their
hashes, and is itself named by the audit. Of several editions of a month the last is in force.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from meterbook.assets.frozen import REPAIR, holds, read_record
from meterbook.assets.sources import Name, Strict
from meterbook.reports.periods import MONTH
from meterbook.reports.ratecard import GPU_METER, ModelClass, Price, Service

FILE, FOLDER = "ratecard.yaml", "ratecards"
RECORD, TABLE, PAGE = "card.json", "card.csv", "card.html"
ACTION = "publish rate card"
"""What the audit calls it."""
NOBODY = "unallocated"
"""Who bears the difference to provider cost where the book names no team."""
Meter = Literal["input", "cache_read", "cache_write", "output"]
Usd = Annotated[Decimal, Field(ge=0, decimal_places=6, max_digits=12)]
"""USD for a million tokens or a GPU hour: 6 decimals of a million are 12 of a token, so that a charge is exact."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class RateCardError(ValueError):
    """ratecard.yaml or a published card is wrong, or a card cannot be published; the message names file and what to do."""


class StatedClass(Strict):
    """Models that have one price.

    Args:
        name: `class:` of the file.
        models: names as logged, `*` for anything, small letters or not.
    """

    name: Name = Field(alias="class")
    models: tuple[Name, ...] = Field(min_length=1)


class StatedRate(Strict):
    """A price that is decided, not measured: of a meter of a class, per million tokens; or of a GPU pool, per hour."""

    of_class: Name | None = Field(default=None, alias="class")
    meter: Meter | None = None
    usd_per_million: Usd | None = None
    gpu_pool: Name | None = None
    usd_per_hour: Usd | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "StatedRate":
        tokens, gpus = (self.of_class, self.meter, self.usd_per_million), (self.gpu_pool, self.usd_per_hour)
        if not ((None not in tokens and gpus == (None, None)) or (None not in gpus and tokens == (None, None, None))):
            raise ValueError("a rate has `class:`, `meter:` and `usd_per_million:`, or `gpu_pool:` and `usd_per_hour:`")
        return self

    @property
    def item(self) -> tuple[str, str]:
        """What it prices: class and meter, or GPU pool and `gpu_hour`."""
        return (self.of_class or self.gpu_pool or "", self.meter or GPU_METER)


class RateCardFile(Strict):
    """ratecard.yaml.

    Args:
        classes: of models; the first with a pattern that matches holds.
        margin_percent: on prices that are not stated.
        rates: stated prices; others are what use cost in the month a card is made from.
        difference_to: team that bears the difference between charges and provider cost; nobody where not given.
    """

    classes: tuple[StatedClass, ...] = ()
    margin_percent: Annotated[Decimal, Field(ge=0, le=1000, decimal_places=4)] = Decimal(0)
    rates: tuple[StatedRate, ...] = ()
    difference_to: Name = NOBODY

    @model_validator(mode="after")
    def _fits(self) -> "RateCardFile":
        names = [one.name for one in self.classes]
        _refuse_twice("class", names)
        _refuse_twice("rate of", [" ".join(rate.item) for rate in self.rates])
        for rate in self.rates:
            if rate.of_class and rate.of_class not in names:
                raise ValueError(f"rates: there is no class {rate.of_class!r}" + (f"; there are {', '.join(names)}" if names else ""))
        return self


def _refuse_twice(what: str, names: Sequence[str]) -> None:
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{what} {name!r} is given twice")


class CardRecord(Strict):
    """card.json.

    Args:
        period: month whose use it prices; edition: 1, and one more each time it was published again.
        supersedes: sha256 of the card.json before.
        made_from: month whose cost its prices come from; days: how many of its days the lake had.
        meterbook: version of the program.
        book: ratecard.yaml and allocation.yaml with their sha256.
        files: the files beside it with their sha256.
    """

    period: str = Field(pattern=f"^{MONTH}$")
    edition: int = Field(ge=1)
    supersedes: Digest | None
    made_from: str
    days: int
    meterbook: str
    margin_percent: Decimal
    difference_to: Name
    why: str
    classes: tuple[ModelClass, ...]
    prices: tuple[Price, ...]
    services: tuple[Service, ...]
    book: Mapping[str, Digest]
    files: Mapping[str, Digest]

    @property
    def name(self) -> str:
        """What lines call it."""
        return f"rate card {self.period}, edition {self.edition}"


@dataclass(frozen=True)
class Published:
    """A published card.

    Args:
        folder: where it lies.
        record: what card.json says.
        digest: sha256 of card.json; the audit names it.
    """

    folder: Path
    record: CardRecord
    digest: str

    def refuse_altered(self) -> None:
        """The files beside card.json are as they were published.

        Raises:
            RateCardError: one is not.
        """
        for name, digest in self.record.files.items():
            if not holds(self.folder / name, digest):
                raise RateCardError(f"{self.folder / name}: is not what {self.record.name} was published with; {REPAIR}")


def load_published(folder: Path) -> tuple[Published, ...]:
    """Every published card of a book, by month and edition.

    Raises:
        RateCardError: one is not readable, lies in the wrong place, or does not follow the edition before it.
    """
    found = sorted(
        (read_published(path) for path in (folder / FOLDER).glob(f"20*/*/{RECORD}")),
        key=lambda one: (one.record.period, one.record.edition),
    )
    last: Published | None = None
    for one in found:
        before = last if last and last.record.period == one.record.period else None
        follows = (one.record.edition, one.record.supersedes) == ((before.record.edition + 1, before.digest) if before else (1, None))
        if not follows:
            raise RateCardError(f"{one.folder / RECORD}: does not follow the edition before it; restore both from git or a backup")
        last = one
    return tuple(found)


def in_force(cards: Iterable[Published]) -> dict[str, Published]:
    """The last edition of each month."""
    return {one.record.period: one for one in cards}


def read_published(path: Path) -> Published:
    """One published card.

    Raises:
        RateCardError: it is not readable, or lies in the wrong place.
    """
    record, digest = read_record(path, CardRecord, RateCardError)
    if path.parts[-3:-1] != (record.period, str(record.edition)):
        raise RateCardError(f"{path}: is edition {record.edition} of {record.period}, and does not lie where that does")
    return Published(path.parent, record, digest)
