"""When what runs: days again while late data may come, pages after their week, statements after their month."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from meterbook.pipelines.jobs import Jobs, range_tags

LATE_DAYS = 3
MORNING = "0 6 * * *"
MONDAY = "0 7 * * 1"
SECOND_OF_MONTH = "0 8 2 * *"


def schedules_of(jobs: Jobs) -> list[dg.ScheduleDefinition]:
    """The schedules of a book; all stand still until somebody turns them on."""
    return [
        _schedule("every_morning_inbox", jobs.inbox, "45 5 * * *", lambda _: None),
        _schedule("every_morning", jobs.models, MORNING, _last_days),
        _schedule("every_monday", jobs.weekly, MONDAY, lambda tick: _one(tick, 7)),
        _schedule("every_month", jobs.chargeback, SECOND_OF_MONTH, _last_month),
    ]


Tags = dict[str, str] | str | None


def _schedule(name: str, job: object, cron: str, request: object) -> dg.ScheduleDefinition:
    @dg.schedule(name=name, job=job, cron_schedule=cron, execution_timezone="UTC")  # type: ignore[call-overload, untyped-decorator] # dagster has no public type for asset jobs
    def tick(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        asked: Tags = request(context)  # type: ignore[operator] # given above
        if isinstance(asked, str):
            yield dg.RunRequest(partition_key=asked)
        else:
            yield dg.RunRequest(tags=asked or {})

    return tick  # type: ignore[no-any-return] # the decorator is untyped


def _last_days(context: dg.ScheduleEvaluationContext) -> Tags:
    """D-1 to D-3: providers correct their usage for days."""
    today = context.scheduled_execution_time.date()
    return range_tags(str(today - timedelta(days=LATE_DAYS)), str(today - timedelta(days=1)))


def _one(context: dg.ScheduleEvaluationContext, days_back: int) -> Tags:
    return str(context.scheduled_execution_time.date() - timedelta(days=days_back))


def _last_month(context: dg.ScheduleEvaluationContext) -> Tags:
    last = context.scheduled_execution_time.date().replace(day=1) - timedelta(days=1)
    return str(last.replace(day=1))
