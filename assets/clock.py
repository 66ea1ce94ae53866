"""The calendar, the hours, and which parts of a UTC day are which day of the book's time zone.

Instants are UTC everywhere; a local day is only ever a column, worked out here once. A day on which clocks change has 23 or 25 hours, and
the parts of all days sum to the range, whatever the zone. The quarter of an hour is exact: no zone has had a finer offset since 1972.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl


def side_of(zone: str) -> int:
    """1 for a zone ahead of UTC, -1 for one behind, 0 for UTC itself; no zone has been both since 2015."""
    years = range(2015, 2036)
    offsets = [datetime(year, month, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() for year in years for month in (1, 7)]
    [farthest] = sorted((offset for offset in offsets if offset is not None), key=abs)[-1:]
    return (farthest > timedelta(0)) - (farthest < timedelta(0))


def calendar(first: date, last: date) -> pl.DataFrame:
    """book.day: every day, with its month, week and quarter."""
    day = pl.col("day")
    return pl.DataFrame({"day": pl.date_range(first, last, eager=True)}).select(
        day,
        day.dt.truncate("1mo").alias("month_start"),
        day.dt.truncate("1w").alias("week_start"),
        day.dt.truncate("1q").alias("quarter_start"),
        day.dt.strftime("%Y-%m").alias("period"),
        day.dt.month_end().dt.day().cast(pl.Int32).alias("days_in_month"),
        day.dt.day().cast(pl.Int32).alias("day_of_month"),
        day.dt.weekday().cast(pl.Int32).alias("weekday"),
        day.cast(pl.Int32).cast(pl.Int64).alias("day_number"),
    )


def hours(first: date, last: date, zone: str) -> pl.DataFrame:
    """book.hour: every UTC hour, with the day of a zone in which it begins."""
    at = pl.col("started_at")
    return pl.DataFrame({"started_at": _every(first, last, "1h")}).select(
        at.dt.date().alias("day"),
        _local(zone).alias("book_day"),
        "started_at",
        at.dt.epoch("s").alias("hour_second"),
        _clock(zone).dt.hour().cast(pl.Int32).alias("hour_of_day"),
    )


def local_days(first: date, last: date, zone: str) -> pl.DataFrame:
    """book.local_day: every UTC day in the parts that lie in one day of a zone, as half-open spans of UTC instants."""
    at = pl.col("started_at")
    quarter = timedelta(minutes=15)
    return (
        pl.DataFrame({"started_at": _every(first, last, "15m" if zone != "UTC" else "1d")})
        .select(at, at.dt.date().alias("day"), _local(zone).alias("book_day"))
        .group_by("day", "book_day")
        .agg(at.min().alias("starts_at"), (at.max() + (quarter if zone != "UTC" else timedelta(days=1))).alias("ends_at"))
        .sort("starts_at")
    )


def _local(zone: str) -> pl.Expr:
    return _clock(zone).dt.date()


def _clock(zone: str) -> pl.Expr:
    return pl.col("started_at").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


def _every(first: date, last: date, step: str) -> pl.Series:
    midnight, after = (datetime.combine(day, datetime.min.time()) for day in (first, last + timedelta(days=1)))
    return pl.datetime_range(midnight, after, step, closed="left", eager=True)
