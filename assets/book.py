"""The book: a user's folder of settings, read strictly.

Everything is validated by pydantic models that forbid unknown keys; an error is one line that names file, line and key.
What the SQL needs of it becomes tables of schema `book` (`sql/inputs.yaml` lists them).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

import polars as pl
from pydantic import BaseModel, Field, SecretStr, ValidationError

from meterbook.assets.alarms import AlarmError, load_alarms
from meterbook.assets.branding import BrandError, BrandSettings, brand_of
from meterbook.assets.budgets import FILE as BUDGETS
from meterbook.assets.budgets import BudgetsFile
from meterbook.assets.closed import CloseError, load_closed
from meterbook.assets.corrections import FILE as CORRECTIONS
from meterbook.assets.corrections import CorrectionError, load_corrections
from meterbook.assets.disputes import FILE as DISPUTES
from meterbook.assets.disputes import DisputeError, load_disputes
from meterbook.assets.events import EventError, load_events
from meterbook.assets.gate_measures import GateSettings
from meterbook.assets.journals import JournalError, load_journal
from meterbook.assets.levers import Levers
from meterbook.assets.limits import Limits
from meterbook.assets.modes import Readiness, TeamModes
from meterbook.assets.notify import FILE as NOTIFY
from meterbook.assets.notify import NotifyFile
from meterbook.assets.owner_overlaps import centres, refuse_overlaps
from meterbook.assets.owners import OwnerError, Rule, load_owners
from meterbook.assets.pools import Pool, PoolError, check_pools, load_weights
from meterbook.assets.queues import Queues
from meterbook.assets.ratecards import FILE as RATE_CARD
from meterbook.assets.ratecards import RateCardError, RateCardFile, load_published
from meterbook.assets.savings import FILE as SAVINGS
from meterbook.assets.savings import SavingsFile
from meterbook.assets.sources import Name, Source, Strict, Zone
from meterbook.assets.unit_baselines import BaselineError, load_baselines
from meterbook.assets.units import FILE as UNITS
from meterbook.assets.units import Units
from meterbook.rate_cards.card import CardError
from meterbook.rate_cards.commitments import load_commitments
from meterbook.rate_cards.compile import Cards
from meterbook.rate_cards.composed import cards_in_force, cards_of_book
from meterbook.rate_cards.entries import CommitmentError
from meterbook.rate_cards.fx import FxError, load_fx
from meterbook.rate_cards.policy import PolicyError, load_policies
from meterbook.rate_cards.self_hosted import SelfHosted, with_self_hosted
from meterbook.rate_cards.strict_yaml import StrictYamlError, explain, load_yaml


class BookError(ValueError):
    """The book is wrong; the message is one line that names file, place and what to do."""


class GpuPool(Strict):
    """Which rate prices a GPU pool and who answers for its idle time."""

    rate: str | None = Field(default=None, pattern=r"^[^/]+/.+$", description="provider/model of a rate card, such as gpu/h100-sxm")
    owner: Name | None = None
    billed: bool = Field(default=True, description="whether a cloud's bill holds its hours; false for machines of one's own")
    commitment: Literal["standard", "spot", "reserved_1y", "reserved_3y"] = Field(
        default="standard", description="the tier of the rate: how the GPUs were bought; standard is on demand"
    )
    target_utilization: Decimal = Field(
        default=Decimal("0.7"), gt=0, le=1, decimal_places=4, description="share of a GPU's time that work may take when a pool is sized"
    )
    spare: int = Field(default=1, ge=0, le=100_000, description="GPUs that stay free beyond what is needed")
    unit: int = Field(default=1, ge=1, le=100_000, description="GPUs that can only be had and released together, such as a node's")
    lead_days: int = Field(default=30, ge=0, le=3650, description="days from an order of more GPUs to their use")


class Settings(Limits):
    """meterbook.yaml."""

    name: str
    currency: Literal["USD"] = "USD"
    time_zone: Zone = Field(
        default="UTC", description="finance time zone: its days, weeks and months are those of every page and statement"
    )
    mode: Literal["showback", "chargeback"] = Field(default="showback", description="of every team without an entry in team_modes")
    team_modes: TeamModes = Field(default_factory=dict)
    readiness: Readiness = Readiness()
    starts_on: date | None = None
    ends_on: date | None = None
    coverage_target: Decimal = Field(
        default=Decimal("0.98"),
        ge=0,
        le=1,
        decimal_places=6,
        description="least share with a price that is published: of tokens, requests, reported dollars",
    )
    owner_target: Decimal = Field(
        default=Decimal("0.95"),
        ge=0,
        le=1,
        decimal_places=6,
        description="least share of cost with a team: a figure to be held against, which stops nothing",
    )
    gate: GateSettings = Field(default=GateSettings(), description="bounds of the publication gate: docs/publication-gate.md")
    sources: tuple[Source, ...] = ()
    prompt_hash_key: SecretStr | None = Field(default=None, min_length=16)
    gpu_pools: Mapping[str, GpuPool] = {}
    self_hosted: tuple[SelfHosted, ...] = ()
    brand: BrandSettings | None = Field(default=None, description="name, logo and accent colour of pages")
    queues: Queues = Field(default=(), description="of GPU jobs: where they run, their target, what waiting costs; the first that fits")


class _Pools(Strict):
    pools: tuple[Pool, ...] = ()


_File = TypeVar("_File", bound=BaseModel)


_WRONG = (
    CloseError, PoolError, FxError, CorrectionError, CommitmentError, DisputeError, JournalError, RateCardError, BaselineError,
    EventError, AlarmError, BrandError,
)  # fmt: skip


def _known_keys() -> list[str]:
    """Every key of the files of a book, for what a misspelt one may have meant."""
    shapes = (Settings, _Pools, Units, BudgetsFile, RateCardFile, Levers, SavingsFile, NotifyFile)
    schemas = [schema for shape in shapes for whole in [shape.model_json_schema()] for schema in (whole, *whole.get("$defs", {}).values())]
    return sorted({key for schema in schemas for key in schema.get("properties", ())})


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
        self.owners = _owners(folder)
        self.units = _read(folder / UNITS, Units).units
        self.budgets_file = _read(folder / BUDGETS, BudgetsFile)
        self.budgets = self.budgets_file.budgets
        self.levers = _read(folder / "levers.yaml", Levers)
        self.savings = _read(folder / SAVINGS, SavingsFile).savings
        self.rate_card = _read(folder / RATE_CARD, RateCardFile)
        self.notify = _read(folder / NOTIFY, NotifyFile)
        try:
            brand_of(folder, self.settings.brand)
            self.closed = load_closed(folder)
            self.weights = load_weights(folder / "weights.csv")
            pools = _read(folder / "allocation.yaml", _Pools).pools
            self.pools = check_pools(folder / "allocation.yaml", pools, {weight.weights for weight in self.weights})
            self.fx_rates = load_fx(folder / "fx_rates.csv")
            self.corrections = load_corrections(folder / CORRECTIONS)
            self.commitments = load_commitments(folder / "commitments.yaml", self.fx_rates)
            self.disputes = load_disputes(folder / DISPUTES)
            self.published_cards = load_published(folder)
            self.baselines = load_baselines(folder)
            self.events = load_events(folder)
            self.alarms = load_alarms(folder)
            self.journal = load_journal(folder, (pair for rule in self.owners for pair in _codes(rule)))
        except _WRONG as error:
            raise BookError(str(error)) from error
        _refuse_twice(folder / UNITS, "unit", (unit.unit for unit in self.units))
        _refuse_twice(folder / SAVINGS, "saving", (one.name for one in self.savings))
        _refuse_twice(folder / BUDGETS, "budget", (budget.budget for budget in self.budgets))
        _refuse_twice(folder / BUDGETS, "rate limit", (one.limit for one in self.budgets_file.rate_limits))
        _refuse_twice(folder / "meterbook.yaml", "source", (source.name for source in self.settings.sources))

    @property
    def open_from(self) -> date:
        """The first day of the book that is not closed."""
        return self.closed[-1].days[1] if self.closed else date.min

    @cached_property
    def current_cards(self) -> Cards:
        """The shipped rate cards and the book's own, which win, with its contracts' layers and self-hosted models, as they are now.

        Raises:
            BookError: a card is wrong, or a self-hosted model.
        """
        try:
            return self.with_self_hosted(cards_of_book(self.folder, self.fx_rates))
        except (CardError, StrictYamlError) as error:
            raise BookError(str(error)) from error

    def with_self_hosted(self, cards: Cards) -> Cards:
        """Some cards, and the models that the book's own pools serve.

        Raises:
            CardError: an entry of self_hosted is wrong.
        """
        return with_self_hosted(cards, self.settings.self_hosted, self.folder / "meterbook.yaml")

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
        raise BookError(explain(path, error, _known_keys())) from error


def _owners(folder: Path) -> tuple[Rule, ...]:
    try:
        rules = load_owners(folder)
        refuse_overlaps(rules)
        centres(rules)
    except OwnerError as error:
        raise BookError(str(error)) from error
    return rules


def _codes(rule: Rule) -> Iterator[tuple[str, str]]:
    """The codes of a rule that may come to stand in the journal, each with its place."""
    teams = [team for team, _ in rule.owner.team.shares] if rule.owner.team else []
    for text in (*teams, rule.owner.cost_centre, rule.owner.gl_account):
        if text is not None:
            yield rule.place, text


def _refuse_twice(path: Path, what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BookError(f"{path}: {what} {name!r} is given twice")
        seen.add(name)
