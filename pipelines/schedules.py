"""When what runs: days again while late data may come, pages after their week, month and quarter, statements after their month."""

from collections.abc import Callable
from datetime import timedelta

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from meterbook.pipelines.jobs import Jobs, range_tags
from meterbook.reports.periods import days_of_quarter, quarter_of

LATE_DAYS = 3
MORNING = "0 6 * * *"
MONDAY = "0 7 * * 1"
SECOND_OF_MONTH = "0 8 2 * *"
SECOND_OF_QUARTER = "0 9 2 1,4,7,10 *"


def schedules_of(jobs: Jobs) -> list[dg.ScheduleDefinition]:
    """The schedules of a book; all stand still until somebody turns them on."""
    return [
        _schedule("every_morning_inbox", jobs.inbox, "45 5 * * *", lambda _tick: {}),
        _schedule("every_morning", jobs.models, MORNING, _last_days),
        _schedule("every_monday", jobs.weekly, MONDAY, _last_week),
        _schedule("every_month", jobs.chargeback, SECOND_OF_MONTH, _last_month),
        _schedule("every_quarter", jobs.quarterly, SECOND_OF_QUARTER, _last_quarter),
    ]


Asked = dict[str, str] | str
"""Tags of a run, or its partition."""
Request = Callable[[dg.ScheduleEvaluationContext], Asked]


def _schedule(name: str, job: UnresolvedAssetJobDefinition, cron: str, request: Request) -> dg.ScheduleDefinition:
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        asked = request(context)
        return dg.RunRequest(partition_key=asked) if isinstance(asked, str) else dg.RunRequest(tags=asked)

    return dg.ScheduleDefinition(name=name, job=job, cron_schedule=cron, execution_timezone="UTC", execution_fn=tick)


def _last_days(context: dg.ScheduleEvaluationContext) -> Asked:
    """D-1 to D-3: providers correct their usage for days."""
    today = context.scheduled_execution_time.date()
    return range_tags(str(today - timedelta(days=LATE_DAYS)), str(today - timedelta(days=1)))


def _last_week(context: dg.ScheduleEvaluationContext) -> Asked:
    return str(context.scheduled_execution_time.date() - timedelta(days=7))


def _last_month(context: dg.ScheduleEvaluationContext) -> Asked:
    last = context.scheduled_execution_time.date().replace(day=1) - timedelta(days=1)
    return str(last.replace(day=1))


def _last_quarter(context: dg.ScheduleEvaluationContext) -> Asked:
    last = context.scheduled_execution_time.date().replace(day=1) - timedelta(days=1)
    return str(days_of_quarter(quarter_of(last))[0])
