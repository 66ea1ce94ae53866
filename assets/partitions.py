"""The clocks: days for models, ISO weeks, months and quarters for what is published."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from meterbook.assets.book import Book, BookError
from meterbook.assets.clock import side_of
from meterbook.assets.ledger import ledger_of, load
from meterbook.reports.periods import days_of_quarter, quarter_of

QUARTERS = "0 0 1 1,4,7,10 *"
"""When a quarter begins."""
DEFAULT_START = date(2025, 1, 1)


@dataclass(frozen=True)
class Clocks:
    """The partitions of one book, from its first day on."""

    day: dg.DailyPartitionsDefinition
    week: dg.WeeklyPartitionsDefinition
    month: dg.MonthlyPartitionsDefinition
    quarter: dg.TimeWindowPartitionsDefinition


def clocks_of(folder: Path) -> Clocks:
    """The clocks of a book: from its first day of data, or `starts_on`, to its `ends_on`, or today.

    A folder that is no book yet has clocks too, so that the asset graph can be looked at before there is any data.
    """
    first, last = _bounds(folder)
    end = str(last + timedelta(days=1)) if last else None
    month = first.replace(day=1)
    week = first - timedelta(days=first.weekday())
    quarter, _ = days_of_quarter(quarter_of(first))
    return Clocks(
        dg.DailyPartitionsDefinition(start_date=str(first), end_date=end, end_offset=0 if end else 1),
        dg.WeeklyPartitionsDefinition(start_date=str(week), day_offset=1, end_offset=2),
        dg.MonthlyPartitionsDefinition(start_date=str(month), end_offset=2),
        dg.TimeWindowPartitionsDefinition(start=str(quarter), fmt="%Y-%m-%d", cron_schedule=QUARTERS, end_offset=2),
    )


def _bounds(folder: Path) -> tuple[date, date | None]:
    try:
        settings = Book(folder).settings
    except BookError:
        return DEFAULT_START, None
    days = [date.fromisoformat(day) for day in _ingested_days(folder)]
    starts = [day for day in (settings.starts_on, *days[:1]) if day]
    ends = [day for day in (settings.ends_on, *days[-1:]) if day]
    # With an end stated the partitions end there; without, they follow the calendar, and data ahead of the clock.
    last = max(ends) if settings.ends_on or (days and days[-1] > date.today()) else None  # noqa: DTZ011 -- days are UTC by contract
    # Days of the book that the first and the last UTC day also touch.
    side = side_of(settings.time_zone)
    before, after = timedelta(days=int(side < 0)), timedelta(days=int(side > 0))
    return (min(starts) if starts else DEFAULT_START) - before, last + after if last else None


def _ingested_days(folder: Path) -> list[str]:
    return sorted({day for entry in load(ledger_of(folder)).values() for day in entry.days})
