"""Notices after runs of Dagster: a job that sends them, asked for by a sensor once days, pages or statements are done.

Both are there only where the book has a notify.yaml. What cannot be sent is a warning in the job's log; neither the job nor the run before
it fails by it.
"""

from pathlib import Path

import dagster as dg

from meterbook.assets.resources import BookResource
from meterbook.assets.telling import tell_after_run
from meterbook.pipelines.jobs import Jobs


@dg.op(description="Send what is to be told, each notice at most once.", out=dg.Out(dg.Nothing))
def send_notices(context: dg.OpExecutionContext, book: BookResource) -> None:
    """Send what the book has to tell; trouble is logged, without addresses."""
    told = tell_after_run(Path(book.folder))
    for line in told.lines:
        context.log.info(line)
    for line in told.trouble:
        context.log.warning(line)


@dg.job(name="notify", description="Send levels of budgets, anomalies, requests and the digest to the channels of notify.yaml.")
def notify_job() -> None:
    """The one step."""
    send_notices()


def telling_sensor(jobs: Jobs) -> dg.SensorDefinition:
    """Asks for the job after each run that went well; it stands still until somebody turns it on, as all sensors do."""

    @dg.run_status_sensor(
        name="after_runs_notify",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[jobs.models, jobs.weekly, jobs.chargeback],
        request_job=notify_job,
        description="Notices are sent when days, pages or statements are done.",
    )
    def after_runs_notify(context: dg.RunStatusSensorContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=f"notify-{context.dagster_run.run_id}")

    return after_runs_notify
