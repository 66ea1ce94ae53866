"""The book: a user's folder of settings, read strictly.

Everything is validated by pydantic models that forbid unknown keys; an error is one line that names file, line and key.
What the SQL needs of it becomes tables of schema `book` (`sql/inputs.yaml` lists them).
"""

import csv
import difflib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import polars as pl
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator, model_validator

from meterbook.assets.corrections import FILE as CORRECTIONS
from meterbook.assets.corrections import CorrectionError, load_corrections
from meterbook.assets.sources import Mapped, Name, Options, Source, Strict, Zone
from meterbook.rate_cards.card import CardError
from meterbook.rate_cards.commitments import CommitmentError, load_commitments
from meterbook.rate_cards.compile import Cards
from meterbook.rate_cards.composed import cards_in_force, cards_of_book
from meterbook.rate_cards.fx import FxError, load_fx
from meterbook.rate_cards.policy import PolicyError, load_policies
from meterbook.rate_cards.strict_yaml import StrictYamlError, explain, load_yaml

OPEN = date(9999, 12, 31)
FIRST_DAY, LAST_DAY = date(2015, 1, 1), date(2099, 12, 31)
"""The calendar; rows dated outside it are set aside at the door."""

OwnerField = Literal[
    "key_id", "key_alias", "project_id", "user_id", "team", "tenant", "feature", "environment", "model", "provider", "source"
]


class BookError(ValueError):
    """The book is wrong; the message is one line that names file, place and what to do."""


class _Dated(Strict):
    starts_on: date = FIRST_DAY
    ends_on: date = OPEN

    @field_validator("starts_on", "ends_on", mode="before")
    @classmethod
    def _empty_is_open(cls, value: object, info: Any) -> object:  # noqa: ANN401 -- pydantic's ValidationInfo is generic
        return value if value not in (None, "") else (FIRST_DAY if info.field_name == "starts_on" else OPEN)

    @model_validator(mode="after")
    def _ends_after_start(self) -> "_Dated":
        if self.ends_on <= self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} (exclusive) must lie after starts_on {self.starts_on}")
        return self


class GpuPool(Strict):
    """Which rate prices a GPU pool and who answers for its idle time."""

    rate: str | None = Field(default=None, pattern=r"^[^/]+/.+$", description="provider/model of a rate card, such as gpu/h100-sxm")
    owner: Name | None = None
    billed: bool = Field(default=True, description="whether a cloud's bill holds its hours; false for machines of one's own")
    commitment: Literal["standard", "spot", "reserved_1y", "reserved_3y"] = Field(
        default="standard", description="the tier of the rate: how the GPUs were bought; standard is on demand"
    )


class Settings(Strict):
    """meterbook.yaml."""

    name: str
    currency: Literal["USD"] = "USD"
    time_zone: Zone = Field(
        default="UTC", description="finance time zone: its days, weeks and months are those of every page and statement"
    )
    mode: Literal["showback", "chargeback"] = "showback"
    starts_on: date | None = None
    ends_on: date | None = None
    coverage_target: Decimal = Field(
        default=Decimal("0.98"), ge=0, le=1, description="least share with a price that is published: of tokens, requests, reported dollars"
    )
    sources: tuple[Source, ...] = ()
    prompt_hash_key: SecretStr | None = Field(default=None, min_length=16)
    gpu_pools: Mapping[str, GpuPool] = {}
    closed_through: str | None = Field(default=None, pattern=r"^20\d{2}-(0[1-9]|1[0-2])$", description="last month that no longer changes")

    @property
    def open_from(self) -> date:
        """First day that is not closed."""
        if self.closed_through is None:
            return date.min
        return (date.fromisoformat(f"{self.closed_through}-01") + timedelta(days=31)).replace(day=1)


class Owner(_Dated):
    """One line of owners.csv: who a key, project or tag belongs to, from when to when."""

    field: OwnerField
    pattern: str = Field(min_length=1)
    team: Name | None = None
    cost_centre: Name | None = None
    feature: Name | None = None
    tenant: Name | None = None
    environment: Name | None = None
    priority: int = 0

    @field_validator("team", "cost_centre", "feature", "tenant", "environment", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("priority", mode="before")
    @classmethod
    def _empty_is_zero(cls, value: object) -> object:
        return 0 if value == "" else value


class Pool(_Dated):
    """A cost that teams share."""

    pool: Name
    monthly_usd: Decimal = Field(ge=0, decimal_places=6)
    key: Literal["cost", "tokens", "requests", "even", "fixed"]
    shares: Mapping[Name, Annotated[int, Field(ge=0)]] = {}

    @model_validator(mode="after")
    def _shares_only_when_fixed(self) -> "Pool":
        if (self.key == "fixed") != bool(self.shares):
            raise ValueError("`shares:` belong to `key: fixed`, and to no other key")
        return self


class Unit(Strict):
    """A unit of business value."""

    unit: Name
    label: str
    feature: Name | None = None
    target_usd: Decimal | None = Field(default=None, ge=0, decimal_places=12)
    baseline_from: date | None = None
    baseline_to: date | None = None


class Budget(_Dated):
    """A budget for a scope and a period; zero is a budget of nothing, not no budget."""

    budget: Name
    period: Literal["day", "week", "month", "quarter"] = "month"
    amount_usd: Decimal = Field(ge=0, decimal_places=6)
    team: Name | None = None
    tenant: Name | None = None
    feature: Name | None = None
    environment: Name | None = None
    model: Name | None = None
    levels: tuple[Annotated[int, Field(gt=0)], ...] = (50, 80, 100)


class _Pools(Strict):
    pools: tuple[Pool, ...] = ()


class _Units(Strict):
    units: tuple[Unit, ...] = ()


class _Budgets(Strict):
    budgets: tuple[Budget, ...] = ()


_File = TypeVar("_File", bound=BaseModel)


_KNOWN_KEYS = sorted(
    {
        key
        for shape in (Settings, Source, Mapped, Options, GpuPool, _Pools, Pool, _Units, Unit, _Budgets, Budget)
        for key in shape.model_fields
    }
)


class Book:
    """A validated book.

    Args:
        folder: where it lies.

    Raises:
        BookError: any of its files is missing, unreadable or wrong.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "meterbook.yaml").is_file():
            raise BookError(f"{folder} is not a book: it has no meterbook.yaml; `meterbook init {folder}` writes one")
        self.settings = _read(folder / "meterbook.yaml", Settings)
        self.owners = tuple(_owners(folder / "owners.csv"))
        self.pools = _read(folder / "allocation.yaml", _Pools).pools
        self.units = _read(folder / "units.yaml", _Units).units
        self.budgets = _read(folder / "budgets.yaml", _Budgets).budgets
        try:
            self.fx_rates = load_fx(folder / "fx_rates.csv")
            self.corrections = load_corrections(folder / CORRECTIONS)
            self.commitments = load_commitments(folder / "commitments.yaml", self.fx_rates)
        except (FxError, CorrectionError, CommitmentError) as error:
            raise BookError(str(error)) from error
        _refuse_twice(folder / "units.yaml", "unit", (unit.unit for unit in self.units))
        _refuse_twice(folder / "budgets.yaml", "budget", (budget.budget for budget in self.budgets))
        _refuse_overlaps(folder / "allocation.yaml", self.pools)
        _refuse_twice(folder / "meterbook.yaml", "source", (source.name for source in self.settings.sources))

    @cached_property
    def current_cards(self) -> Cards:
        """The shipped rate cards and the book's own, which win, with the layers of its contracts, as they are now.

        Raises:
            BookError: a card is wrong.
        """
        try:
            return cards_of_book(self.folder, self.fx_rates)
        except (CardError, StrictYamlError) as error:
            raise BookError(str(error)) from error

    @cached_property
    def cards(self) -> Cards:
        """The prices of every day: each by the version of the cards that prices it (prices.lock); the current cards where there is none.

        Raises:
            BookError: a card is wrong, or a version that priced days is missing.
        """
        try:
            return cards_in_force(self.folder, self.current_cards)
        except CardError as error:
            raise BookError(str(error)) from error

    @cached_property
    def policies(self) -> pl.DataFrame:
        """Which failed calls are billed: the book's policies.yaml, then the shipped ones, in the columns of `rate_cards.policy`.

        Raises:
            BookError: an entry is wrong.
        """
        try:
            return load_policies(self.folder / "policies.yaml")
        except (PolicyError, StrictYamlError) as error:
            raise BookError(str(error)) from error


def _read(path: Path, shape: type[_File]) -> _File:
    if not path.is_file():
        return shape()
    try:
        return shape.model_validate(load_yaml(path) or {})
    except StrictYamlError as error:
        raise BookError(str(error)) from error
    except ValidationError as error:
        raise BookError(explain(path, error, _KNOWN_KEYS)) from error


def _owners(path: Path) -> Iterator[tuple[int, Owner]]:
    if not path.is_file():
        return
    with path.open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.DictReader(handle, strict=True)
        known = list(Owner.model_fields)
        for column in reader.fieldnames or ():
            if column not in known:
                guess = difflib.get_close_matches(column, known, 1)
                raise BookError(f"{path}:1: unknown column {column!r}{f'; did you mean {guess[0]}?' if guess else ''}")
        for row in reader:
            yield reader.line_num, _owner(path, reader.line_num, row)


def _owner(path: Path, line: int, row: Mapping[str, object]) -> Owner:
    try:
        return Owner.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        raise BookError(f"{path}:{line}: {'.'.join(map(str, first['loc'])) or 'line'}: {first['msg']}") from error


def _refuse_twice(path: Path, what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BookError(f"{path}: {what} {name!r} is given twice")
        seen.add(name)


def _refuse_overlaps(path: Path, pools: Iterable[Pool]) -> None:
    ordered = sorted(pools, key=lambda pool: (pool.pool, pool.starts_on))
    for before, after in pairwise(ordered):
        if before.pool == after.pool and after.starts_on < before.ends_on:
            raise BookError(f"{path}: pool {after.pool!r} from {after.starts_on} overlaps the one until {before.ends_on}")
