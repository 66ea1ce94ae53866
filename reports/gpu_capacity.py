"""When a pool will be full: days until the 95th percentile of its hourly held GPUs reaches 80 % of those it has, and by when to order."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import ceil, floor, log
from statistics import median

from meterbook.reports.gpu_evidence import HOUR, Pool

FULL = Decimal("0.8")
HORIZON = 365
WEEK_HOURS = 168
WEEKS = 4
_MOST = 0.95
_SEEN = 120
"""Hours that a week must have been seen to count."""


@dataclass(frozen=True)
class Outlook:
    """Days until a pool is full; None is not within a year. The first is by the fastest week, the last by the slowest.

    Args:
        peak: GPUs held now, at the 95th percentile of the week's hours.
        soonest: days by the greatest growth of a week.
        point: days by the median growth.
        latest: days by the least growth.
        order_by: the day of `point` less the time it takes to get GPUs; None with it.
    """

    peak: float
    soonest: int | None
    point: int | None
    latest: int | None
    order_by: date | None


def outlook(pool: Pool, end: date) -> Outlook | None:
    """The outlook of a pool from the growth of its last four weeks; None where one of them was hardly seen.

    Args:
        pool: the pool.
        end: the day after the last of the four weeks.
    """
    peaks = _peaks(pool, end)
    if len(peaks) < WEEKS or not min(peaks):
        return None
    growths = [after / before for before, after in pairwise(peaks)]
    limit = float(FULL * pool.gpus)
    soonest, point, latest = (_days(peaks[-1], limit, growth) for growth in (max(growths), median(growths), min(growths)))
    order_by = None if point is None else end + timedelta(days=point - pool.lead_days)
    return Outlook(peaks[-1], soonest, point, latest, order_by)


def _peaks(pool: Pool, end: date) -> list[float]:
    found = []
    for back in range(WEEKS, 0, -1):
        first = end - timedelta(days=7 * back)
        held = sorted(hour.held / HOUR for hour in pool.seen_hours if first <= hour.day < first + timedelta(days=7))
        if len(held) >= _SEEN:
            found.append(held[ceil(_MOST * len(held)) - 1])
    return found


def _days(now: float, limit: float, growth: float) -> int | None:
    if now >= limit:
        return 0
    if growth <= 1:
        return None
    days = floor(7 * log(limit / now) / log(growth))
    return days if days <= HORIZON else None
