"""One run of a book from the command line: the same definitions as Dagster's, in this process, with a bar and a summary."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import groupby
from pathlib import Path

import dagster as dg
from rich.console import Console

from meterbook.assets.book import Book
from meterbook.assets.gate import Gate
from meterbook.assets.inbox import Ingested
from meterbook.assets.models import asset_key
from meterbook.assets.publications import (
    INDEX_PAGE,
    JUDGED,
    MONTH_REVIEW,
    QUALITY_PAGE,
    QUARTERLY,
    SAVINGS,
    TEAM,
    WEEKLY,
    Publication,
    bounds_of,
)
from meterbook.assets.publishing import Publisher
from meterbook.assets.reports import INDEX_KEY, MONTH_KEY, QUALITY_KEY, QUARTER_KEY, SAVINGS_KEY, STATEMENT_KEY, TEAM_KEY, WEEKLY_KEY
from meterbook.assets.resources import BookResource, lending, listening
from meterbook.assets.telling import tell_after_run
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.definitions import build_definitions
from meterbook.pipelines.forgetful import forgetful_instance
from meterbook.pipelines.jobs import range_tags
from meterbook.pipelines.locked import locked
from meterbook.pipelines.progress import Steps
from meterbook.pipelines.telling_job import tells
from meterbook.pipelines.words import (
    QUALITY_FILE,
    cost_line,
    coverage_lines,
    differing_line,
    door_lines,
    gate_lines,
    unmade_lines,
    written_lines,
)
from meterbook.reports.coverage import Coverage
from meterbook.reports.quality import Quality

DONE, FAILED = 0, 1
SHOWN = 5
"""Notes of one kind printed at most."""
MOST = 20
"""Refused files printed at most."""
OBJECTS = 100_000
"""Made before Python looks for cycles among them; some 20 MB."""
PUBLISHED = (
    (STATEMENT_KEY, "chargeback", "chargeback"),
    (SAVINGS_KEY, "chargeback", SAVINGS),
    (TEAM_KEY, "weekly", TEAM),
    (WEEKLY_KEY, "weekly", WEEKLY),
    (MONTH_KEY, "chargeback", MONTH_REVIEW),
    (QUARTER_KEY, "quarterly", QUARTERLY),
)
"""Assets that are published by period, each with its job and the kind of its publications."""


@dataclass
class Outcome:
    """What a run did."""

    ingested: Ingested = field(default_factory=Ingested)
    built_days: tuple[date, date] | None = None
    published: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    """Why publications were held back, by key."""
    drafts: dict[str, str] = field(default_factory=dict)
    """Why pages are drafts, by key of all that are."""

    @property
    def is_short(self) -> bool:
        """Whether the gate held back a publication, or made a draft of a page that was published now."""
        return bool(self.held) or not self.drafts.keys().isdisjoint(self.published)


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
    with locked(folder), _seldom_collected(), forgetful_instance() as instance, Steps(console) as steps:
        outcome = _Run(folder, steps, instance, debug=debug).go(from_day, to_day)
    _summary(folder, console, outcome)
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
    def __init__(self, folder: Path, steps: Steps, instance: dg.DagsterInstance, *, debug: bool) -> None:
        self.folder, self.steps, self.debug = folder, steps, debug
        self.outcome = Outcome()
        self.workspace = Workspace(folder)
        self._instance = instance

    @cached_property
    def _definitions(self) -> dg.Definitions:
        """Dagster's view of the book, once for all jobs of a run: its clocks follow from what the inbox held."""
        return build_definitions(BookResource(folder=str(self.folder)), self._active)

    def go(self, from_day: date | None, to_day: date | None) -> Outcome:
        # A wrong card or policy stops a run before it begins.
        self.workspace.book.cards  # noqa: B018
        self.workspace.book.policies  # noqa: B018
        self._ingest()
        if not self.outcome.failures and self._compute(from_day, to_day):
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
        return self._execute("models", range_tags(str(plan.from_day), str(plan.last_day)), list(map(asset_key, self._active)))

    def _publish(self) -> None:
        # Opened anew: the models have just been written by the run's own workspace.
        self.workspace = Workspace(self.folder)
        publisher = Publisher(self.workspace)
        stale = publisher.stale()
        if stale and not publisher.gate.is_known:
            # Loading Great Expectations takes seconds.
            self.steps.begin("gate", 1)
        held = self.outcome.held = publisher.held_back(stale)
        self.steps.begin("publish", len(stale) - len(held))
        for key, job, kind in PUBLISHED:
            # A range of what passes the gate; what is held back parts it.
            for is_held, group in groupby((item for item in stale if item.kind == kind), key=lambda item: item.key in held):
                items = list(group)
                if not is_held and self._execute(job, range_tags(_partition(items[0]), _partition(items[-1])), [key]):
                    self.outcome.published += [item.key for item in items]
        if QUALITY_PAGE in stale and self._execute("models", {}, [QUALITY_KEY]):
            self.outcome.published.append(QUALITY_PAGE.key)
        # Last, for it says what the others say.
        if INDEX_PAGE in stale and self._execute("weekly", {}, [INDEX_KEY]):
            self.outcome.published.append(INDEX_PAGE.key)
        self.outcome.drafts = Publisher(self.workspace).drafts()

    @cached_property
    def _active(self) -> list[str]:
        """Every model that has anything to read, or had and is to be emptied."""
        catalog, engine = self.workspace.catalog, self.workspace.engine
        regular = self.workspace.project.regular.items()
        return [name for name, model in regular if catalog.is_active(name) or engine.orphans(model)]

    def _execute(self, job: str, tags: Mapping[str, str], selection: Sequence[dg.AssetKey] | None = None) -> bool:
        found = self._definitions.resolve_job_def(job)
        # Cut here and once: execute_in_process would do it a second time when it records the run.
        chosen = found.get_subset(asset_selection=frozenset(selection)) if selection else found
        with listening(self.steps.advance), lending(self.workspace):
            result = chosen.execute_in_process(
                instance=self._instance,
                tags=dict(tags),
                raise_on_error=self.debug,
                run_config={"loggers": {"quiet": {}}},
            )
        self.outcome.failures += [_reason(event) for event in result.all_events if event.is_step_failure]
        return result.success


def _partition(item: Publication) -> str:
    return str(bounds_of(item)[0])


def _reason(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    error = failure.error
    if failure.user_failure_data:
        return f"{event.step_key}: {failure.user_failure_data.description}"
    while error and error.cause:
        error = error.cause
    return f"{event.step_key}: {error.message.strip().splitlines()[0] if error else 'failed'}"


def _summary(folder: Path, console: Console, outcome: Outcome) -> None:
    """What came in and went out, what it cost, what was written."""
    workspace = Workspace(folder)
    found = outcome.ingested
    lines = [_input_line(found)]
    with workspace.catalog.reading((*JUDGED, "marts.conservation")) as con:
        door = door_lines(Quality(con, Publisher(workspace).quality))
        [(rows_out, duplicates)] = con.execute(
            "select coalesce(sum(rows_out), 0), coalesce(sum(duplicates), 0) from marts.input_file"
        ).fetchall()
        [(days, first, last, cost)] = con.execute("select count(*), min(day), max(day), sum(cost_usd) from marts.conservation").fetchall()
        coverage = Coverage(con)
        lines += [f"kept {rows_out:,} rows, {duplicates:,} duplicates", *door]
        if days:
            lines.append(cost_line(coverage, cost, f"over {days} days, {first} to {last}"))
        lines += coverage_lines(coverage)
    built = outcome.built_days
    lines.append(f"computed {built[0]} to {built[1]}" if built else "nothing to compute: every day is up to date")
    if differing := workspace.prices.differing():
        lines.append(differing_line(differing))
    lines += written_lines(folder, outcome.published)
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)
    _notes(folder, console, found)
    for failure in outcome.failures:
        console.print(f"failed {failure}", style="red", soft_wrap=True, markup=False)
    for line in unmade_lines(Publisher(workspace).unmade()):
        console.print(line, style="yellow", soft_wrap=True, markup=False)
    for why in outcome.held.values():
        console.print(f"not published {why}", style="red", soft_wrap=True, markup=False)
    gate = Gate(workspace)
    # Nothing is judged for the sake of the summary: a run that failed has published nothing.
    for line in gate_lines(gate.verdicts if gate.is_known else []):
        console.print(line, style="yellow", soft_wrap=True, markup=False)
    for why in outcome.drafts.values():
        console.print(f"draft {why}", style="yellow", soft_wrap=True, markup=False)


def _tell(folder: Path, console: Console) -> None:
    """Send notices; what goes wrong is said, and is no failure of the run."""
    told = tell_after_run(folder)
    for line in told.lines:
        console.print(line, soft_wrap=True, markup=False)
    for line in told.trouble:
        console.print(f"notify: {line}", style="yellow", soft_wrap=True, markup=False)


def _notes(folder: Path, console: Console, found: Ingested) -> None:
    """What is to be said of single files; of many only the first, for the quality page names them all."""
    inbox = folder / "inbox"
    for name, flag in found.flagged[:SHOWN]:
        console.print(f"note {inbox / name}: it {flag}", style="yellow", soft_wrap=True, markup=False)
    if len(found.flagged) > SHOWN:
        console.print(
            f"and {len(found.flagged) - SHOWN} more notes: meterbook query 'from raw.file_flag'",
            style="yellow",
            soft_wrap=True,
            markup=False,
        )
    for name, why in found.skipped[:SHOWN]:
        console.print(f"skipped {inbox / name}: {why}", soft_wrap=True, markup=False)
    for name, reason in found.refused[:MOST]:
        console.print(f"refused {inbox / name}: it {reason}", style="red", soft_wrap=True, markup=False)
    if len(found.refused) > MOST:
        console.print(
            f"and {len(found.refused) - MOST} more refused: {folder / QUALITY_FILE} names them", style="red", soft_wrap=True, markup=False
        )


def _input_line(found: Ingested) -> str:
    files = f"{found.new_files} new and {found.known_files} known files"
    copies = f", {found.copies} delivered twice" if found.copies else ""
    if not found.new_files and not found.known_files:
        return "the inbox is empty: drop usage exports, gateway logs, GPU samples or outcomes into it"
    replaced = f", {found.superseded:,} replaced by later exports" if found.superseded else ""
    return f"read {files}{copies}: {found.rows_in:,} rows in, {found.quarantined:,} set aside, {found.filtered:,} filtered{replaced}"
