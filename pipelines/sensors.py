"""Files that arrive start work: first they are taken in, then the days they touch are computed."""

from pathlib import Path

import dagster as dg

from meterbook.assets.book import BookError
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.jobs import Jobs, range_tags
from meterbook.sql.digests import digest_of

EVERY_SECONDS = 60


def sensors_of(folder: Path, jobs: Jobs) -> list[dg.SensorDefinition]:
    """The sensors of a book; they stand still until somebody turns them on."""

    @dg.sensor(name="inbox_files", job=jobs.inbox, minimum_interval_seconds=EVERY_SECONDS, description="Something new lies in the inbox.")
    def inbox_files(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        seen = fingerprint_of(folder / "inbox")
        if seen == context.cursor:
            return dg.SkipReason("nothing new in the inbox")
        context.update_cursor(seen)
        return dg.RunRequest(run_key=f"inbox-{seen}")

    @dg.sensor(name="stale_days", job=jobs.models, minimum_interval_seconds=EVERY_SECONDS, description="Some days are missing or stale.")
    def stale_days(_context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _request(folder)

    return [inbox_files, stale_days]


def _request(folder: Path) -> dg.RunRequest | dg.SkipReason:
    try:
        workspace = Workspace(folder)
    except BookError as error:
        return dg.SkipReason(str(error))
    plan = workspace.plan()
    if plan is None:
        return dg.SkipReason("every day is up to date")
    return dg.RunRequest(run_key=f"models-{plan.key}", tags=range_tags(str(plan.from_day), str(plan.last_day)))


def fingerprint_of(inbox: Path) -> str:
    """Hash of names, sizes and times of what lies in an inbox."""
    files = sorted(path for path in inbox.rglob("*") if path.is_file())
    lines = [f"{path.relative_to(inbox)} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return digest_of("\n".join(lines))
