"""One run of a book from the command line: what the inbox holds is taken in, what is stale is made, and a summary says what was done.

Whether anything is to be done is told without Dagster, by the same functions that its assets ask; it is loaded where something is.
"""

import gc
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from meterbook.assets.book import Book
from meterbook.assets.notify import tells
from meterbook.assets.publications import INDEX_PAGE, MONTH_REVIEW, QUALITY_PAGE, QUARTERLY, SAVINGS, TEAM, WEEKLY, Publication
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.locked import locked
from meterbook.pipelines.progress import Steps
from meterbook.pipelines.summary import Outcome, summarise

if TYPE_CHECKING:
    from meterbook.pipelines.executing import Executor

DONE, FAILED = 0, 1
OBJECTS = 100_000
"""Made before Python looks for cycles among them; some 20 MB."""
PUBLISHED = ("chargeback", SAVINGS, TEAM, WEEKLY, MONTH_REVIEW, QUARTERLY)
"""Kinds that are published by period, in their order."""


def run_book(folder: Path, console: Console, from_day: date | None = None, to_day: date | None = None, *, debug: bool = False) -> int:
    """Run a book: take in, compute, publish, and say what was done.

    Args:
        folder: the book.
        console: for the bar and the summary.
        from_day: first day to compute; the first stale one where not given.
        to_day: last day to compute, included; the last one with data where not given.
        debug: let errors of steps through.

    Returns:
        The exit code: 0, or 1 where a blocking check failed, a period fails the publication gate, or a file was refused.

    Raises:
        BookError: the book is wrong, or another run is at work on it.
    """
    Book(folder)
    with locked(folder), _seldom_collected(), ExitStack() as ending, Steps(console) as steps:
        run = _Run(folder, steps, ending, debug=debug)
        outcome = run.go(from_day, to_day)
    summarise(run.publisher, console, outcome)
    if tells(folder) and not outcome.failures:
        _tell(folder, console)
    return FAILED if outcome.failures or outcome.is_short or outcome.ingested.refused else DONE


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Python set to look for cycles seldom: what a run makes stays to its end or is no cycle, and the looks take a tenth of its time."""
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Run:
    def __init__(self, folder: Path, steps: Steps, ending: ExitStack, *, debug: bool) -> None:
        self.steps, self.debug = steps, debug
        self.outcome = Outcome()
        self.workspace = Workspace(folder)
        self._ending = ending

    def go(self, from_day: date | None, to_day: date | None) -> Outcome:
        # A wrong card or policy stops a run before it begins.
        self.workspace.book.cards  # noqa: B018
        self.workspace.book.policies  # noqa: B018
        self._ingest()
        if self._compute(from_day, to_day):
            self._publish()
        return self.outcome

    def _ingest(self) -> None:
        paths = self.workspace.inbox.scan()
        self.steps.begin("inbox", len(paths))
        self.outcome.ingested = self.workspace.ingest(lambda file, _number, _total: self.steps.advance(file))

    def _compute(self, from_day: date | None, to_day: date | None) -> bool:
        plan = self.workspace.plan(from_day, to_day)
        if plan is None:
            return True
        self.outcome.built_days = (plan.from_day, plan.last_day)
        self.steps.begin("models", plan.partitions)
        return self._executor.compute(plan)

    def _publish(self) -> None:
        stale = self.publisher.stale()
        if stale and not self.publisher.gate.is_known:
            # Loading Great Expectations takes seconds.
            self.steps.begin("gate", 1)
        held = self.outcome.held = self.publisher.held_back(stale)
        self.steps.begin("publish", len(stale) - len(held))
        if stale:
            with self.workspace.catalog.sharing():
                self._publish_kinds(stale, held)
            # What it knows of verdicts and pages is of before.
            self.publisher = Publisher(self.workspace)
        self.outcome.drafts = self.publisher.drafts()

    def _publish_kinds(self, stale: Sequence[Publication], held: Collection[str]) -> None:
        for kind in PUBLISHED:
            # A range of what passes the gate; what is held back parts it.
            for is_held, group in groupby((item for item in stale if item.kind == kind), key=lambda item: item.key in held):
                items = list(group)
                if not is_held and self._executor.publish(items):
                    self.outcome.published += [item.key for item in items]
        # Last, for the index says what the others say.
        for page in (QUALITY_PAGE, INDEX_PAGE):
            if page in stale and self._executor.publish([page]):
                self.outcome.published.append(page.key)

    @cached_property
    def publisher(self) -> Publisher:
        """What is published of the book; asked first when everything is computed."""
        return Publisher(self.workspace)

    @cached_property
    def _executor(self) -> "Executor":
        from meterbook.pipelines.executing import executing  # noqa: PLC0415 -- Dagster takes seconds to load

        executor = self._ending.enter_context(executing(self.workspace, self._active, self.steps.advance, debug=self.debug))
        self.outcome.failures = executor.failures
        return executor

    @cached_property
    def _active(self) -> list[str]:
        """Every model that has anything to read, or had and is to be emptied."""
        catalog, engine = self.workspace.catalog, self.workspace.engine
        regular = self.workspace.project.regular.items()
        return [name for name, model in regular if catalog.is_active(name) or engine.orphans(model)]


def _tell(folder: Path, console: Console) -> None:
    """Send notices; what goes wrong is said, and is no failure of the run."""
    from meterbook.assets.telling import tell_after_run  # noqa: PLC0415 -- most books tell nobody

    told = tell_after_run(folder)
    for line in told.lines:
        console.print(line, soft_wrap=True, markup=False)
    for line in told.trouble:
        console.print(f"notify: {line}", style="yellow", soft_wrap=True, markup=False)
