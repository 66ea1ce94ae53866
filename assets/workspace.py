"""A book opened for work: its settings, its inbox, its lake and the engine over them. No Dagster here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.clock import side_of
from meterbook.assets.closed import RAW, CloseError, refuse_missing
from meterbook.assets.column_keys import with_columns
from meterbook.assets.guard import UnitGuard
from meterbook.assets.inbox import Inbox, Ingested, Progress
from meterbook.assets.limits import in_force
from meterbook.assets.pools import PoolError
from meterbook.assets.prices import PRICED_TABLES, PriceHistory
from meterbook.assets.shipped import columns, project
from meterbook.assets.unit_sql import UnitError, with_units
from meterbook.assets.units import FILE as UNITS
from meterbook.sql.catalog import Catalog, Settings
from meterbook.sql.digests import digest
from meterbook.sql.engine import Built, Engine
from meterbook.sql.lake import Lake
from meterbook.sql.models import Model, Project

__all__ = ["Plan", "Workspace", "columns", "project", "project_of"]


@dataclass(frozen=True)
class Plan:
    """The days that need work: a half-open range that holds every stale partition."""

    from_day: date
    to_day: date
    partitions: int
    key: str
    """Hash of what is stale: the same plan is asked for once."""

    @property
    def last_day(self) -> date:
        """The last day that needs work."""
        return self.to_day - timedelta(days=1)


class Workspace:
    """Everything one run needs of a book.

    Args:
        folder: the book.
        settings: memory, threads and window size of the engine; else what the book and the machine say.

    Raises:
        BookError: the book is wrong.
        LimitError: the environment says of memory, threads or disk what cannot be, or a folder for temporary files is not there.
    """

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.folder = folder
        self.book = Book(folder)
        self.settings = replace(settings or in_force(folder, self.book.settings), side=side_of(self.book.settings.time_zone))
        self.lake = Lake(folder / "lake")
        key = self.book.settings.prompt_hash_key
        guard = UnitGuard(lambda: self.book.current_cards, project)
        self.inbox = Inbox(folder, self.book.settings.sources, key.get_secret_value().encode() if key else None, guard)
        if _has_own_text(self.book):
            # Which tables and columns there are is known only with the models; a wrong one is told before anything is done.
            self.project  # noqa: B018

    @cached_property
    def project(self) -> Project:
        """All models, in order, as this book has them."""
        return project_of(self.book)

    @cached_property
    def engine(self) -> Engine:
        """The engine over what has been ingested so far."""
        raw = {**self.inbox.raw_files(), RAW: [one.raw_file for one in self.book.closed]}
        return Engine(Catalog(self.lake, self.project, raw, self.settings, columns()))

    @property
    def catalog(self) -> Catalog:
        """The tables of the lake."""
        return self.engine.catalog

    def ingest(self, progress: Progress | None = None) -> Ingested:
        """Take in what lies in the inbox and publish the tables of the book beside it."""
        self.lake.clean()
        ingested = self.inbox.ingest(progress)
        try:
            refuse_missing(self.book.closed, {entry.sha256 for entry in self.inbox.entries.values()})
        except CloseError as error:
            raise BookError(str(error)) from error
        self.__dict__.pop("engine", None)
        self.prices.take_up()
        for name, frame in tables_of(self.book).items():
            self.engine.put(name, frame)
        self.engine.put("raw.input_file", self.inbox.input_files())
        self.engine.put("raw.file_flag", self.inbox.file_flags())
        self.engine.put("raw.quarantine", self.inbox.quarantine())
        return ingested

    @property
    def prices(self) -> PriceHistory:
        """Which version of the cards prices which days."""
        return PriceHistory(self.book, self.catalog)

    def build(self, model: Model, within: tuple[date, date] | None = None, progress: Callable[[int], None] | None = None) -> Built:
        """Make what is missing or stale of one table, as `Engine.build`; days that get their prices by it are noted as priced."""
        built = self.engine.build(model, within, progress)
        if model.name in PRICED_TABLES:
            self.prices.note_priced()
        return built

    def plan(self, from_day: date | None = None, to_day: date | None = None) -> Plan | None:
        """What is missing or stale, as a range of days; None where nothing is.

        Models after a stale one are stale too, also on later days if they look back; so a range ends with the data.
        """
        if not self.catalog.days:
            return None
        regular = self.project.regular.values()
        stale = [(model, key) for model in regular for key in (*self.engine.stale(model), *self.engine.orphans(model))]
        if not stale:
            return None
        # A day of the book may end in the UTC day after it, and what is made from it in the one after that.
        around = timedelta(days=abs(self.settings.side) * self.project.book_day_reach)
        first = min(self._first_day(model, key) for model, key in stale) - around
        first = max(first, date.fromisoformat(self.catalog.days[0]))
        last = date.fromisoformat(self.catalog.days[-1]) + timedelta(days=1)
        first, last = max(first, from_day or first), min(last, to_day or last)
        key = digest([(model.name, partition) for model, partition in stale])
        return Plan(first, last, len(stale), key) if first < last else None

    def _first_day(self, model: Model, key: str) -> date:
        first, last = date.fromisoformat(self.catalog.days[0]), date.fromisoformat(self.catalog.days[-1])
        day = {"day": key, "month": f"{key}-01", "all": str(last)}[model.clock]
        return min(max(date.fromisoformat(day), first), last)

    def days_of(self, names: Sequence[str]) -> list[str]:
        """Days for which any of some daily tables has a file."""
        return sorted({key for name in names for key, _ in self.lake.table(name).tokens()})


def project_of(book: Book) -> Project:
    """The models as a book has them: those that ship, what its pools are shared by, and what its queries count as units.

    Raises:
        BookError: a pool of allocation.yaml is shared by a column that there is not, or that is none to share by; or a query of units.yaml
            is wrong.
    """
    if not _has_own_text(book):
        return project()
    try:
        found = with_columns(book.folder / "allocation.yaml", book.pools, project(), columns())
        return with_units(book.folder / UNITS, book.units, found, columns())
    except (PoolError, UnitError) as error:
        raise BookError(str(error)) from error


def _has_own_text(book: Book) -> bool:
    return any(pool.column for pool in book.pools) or any(unit.sql for unit in book.units)
