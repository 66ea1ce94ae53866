"""What of a run Dagster does, in this process, by the definitions it always has: a job for the models and one for each kind of publication.

To load Dagster takes seconds: this module is imported where there is something to do.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property

import dagster as dg

from meterbook.assets.models import asset_key
from meterbook.assets.publications import INDEX, MONTH_REVIEW, QUALITY, QUARTERLY, SAVINGS, TEAM, WEEKLY, Publication, bounds_of
from meterbook.assets.reports import INDEX_KEY, MONTH_KEY, QUALITY_KEY, QUARTER_KEY, SAVINGS_KEY, STATEMENT_KEY, TEAM_KEY, WEEKLY_KEY
from meterbook.assets.resources import BookResource, Reporter, lending, listening
from meterbook.assets.workspace import Plan, Workspace
from meterbook.pipelines.definitions import build_definitions
from meterbook.pipelines.forgetful import forgetful_instance
from meterbook.pipelines.jobs import range_tags

ASSETS = {
    "chargeback": ("chargeback", STATEMENT_KEY),
    SAVINGS: ("chargeback", SAVINGS_KEY),
    TEAM: ("weekly", TEAM_KEY),
    WEEKLY: ("weekly", WEEKLY_KEY),
    MONTH_REVIEW: ("chargeback", MONTH_KEY),
    QUARTERLY: ("quarterly", QUARTER_KEY),
    QUALITY: ("models", QUALITY_KEY),
    INDEX: ("weekly", INDEX_KEY),
}
"""Job and asset of each kind of publication."""
WHOLE = frozenset({QUALITY, INDEX})
"""Kinds of which there is one, of no period."""


class Executor:
    """Runs jobs over a book that is open already.

    Args:
        workspace: the opened book.
        instance: Dagster's.
        active: names of the models that a run has to do with.
        report: told about the progress.
        debug: let errors of steps through.
    """

    def __init__(
        self, workspace: Workspace, instance: dg.DagsterInstance, active: Sequence[str], report: Reporter, *, debug: bool = False
    ) -> None:
        self._workspace, self._instance, self._active, self._report, self._debug = workspace, instance, active, report, debug
        self.failures: list[str] = []
        """Steps that failed, each in a line."""

    def compute(self, plan: Plan) -> bool:
        """Make what a plan says is missing or stale; whether all of it could be made."""
        return self._execute("models", range_tags(str(plan.from_day), str(plan.last_day)), list(map(asset_key, self._active)))

    def publish(self, items: Sequence[Publication]) -> bool:
        """Publish a range of one kind, in the order of its periods; whether it could be."""
        job, key = ASSETS[items[0].kind]
        first, last = items[0], items[-1]
        return self._execute(job, {} if first.kind in WHOLE else range_tags(_partition(first), _partition(last)), [key])

    @cached_property
    def _definitions(self) -> dg.Definitions:
        """Dagster's view of the book, once for all jobs of a run: its clocks follow from what the inbox held."""
        return build_definitions(BookResource(folder=str(self._workspace.folder)), self._active)

    def _execute(self, job: str, tags: Mapping[str, str], selection: Sequence[dg.AssetKey]) -> bool:
        # Cut here and once: execute_in_process would do it a second time when it records the run.
        chosen = self._definitions.resolve_job_def(job).get_subset(asset_selection=frozenset(selection))
        with listening(self._report), lending(self._workspace):
            result = chosen.execute_in_process(
                instance=self._instance,
                tags=dict(tags),
                raise_on_error=self._debug,
                run_config={"loggers": {"quiet": {}}},
            )
        self.failures += [_reason(event) for event in result.all_events if event.is_step_failure]
        return result.success


@contextmanager
def executing(workspace: Workspace, active: Sequence[str], report: Reporter, *, debug: bool = False) -> Iterator[Executor]:
    """An executor with an instance of its own, which nobody asks about its past; as `Executor`."""
    with forgetful_instance() as instance:
        yield Executor(workspace, instance, active, report, debug=debug)


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
