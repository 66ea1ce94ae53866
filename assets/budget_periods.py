"""Periods of budgets in days of the book: a day, an ISO week, a month, a quarter."""

from datetime import date, timedelta

from meterbook.assets.budgets import Period

_MONTHS = {"month": 1, "quarter": 3}
_QUARTER = 3


def period_of(day: date, period: Period) -> tuple[date, date]:
    """The first day of the period a day lies in, and the first day after it."""
    if period == "day":
        return day, day + timedelta(days=1)
    if period == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1) if period == "month" else day.replace(month=day.month - (day.month - 1) % _QUARTER, day=1)
    return first, _later(first, _MONTHS[period])


def periods_before(day: date, period: Period, count: int) -> list[tuple[date, date]]:
    """The last periods that end on or before the beginning of a day, in order."""
    found: list[tuple[date, date]] = []
    end = period_of(day, period)[0]
    while len(found) < count:
        found.append(period_of(end - timedelta(days=1), period))
        end = found[-1][0]
    return found[::-1]


def _later(first: date, months: int) -> date:
    whole = first.year * 12 + first.month - 1 + months
    return date(whole // 12, whole % 12 + 1, 1)
