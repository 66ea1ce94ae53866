from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbook.assets.clock import calendar, hours, local_days, side_of

ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("posix", "right", "SystemV")))


def _seconds(parts: pl.DataFrame) -> pl.DataFrame:
    return (
        parts.group_by("book_day").agg((pl.col("ends_at") - pl.col("starts_at")).sum().dt.total_seconds().alias("seconds")).sort("book_day")
    )


@pytest.mark.parametrize(
    ("day", "expected"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 26), 24)], ids=["spring", "autumn", "plain"]
)
def test_a_day_on_which_clocks_change_has_23_or_25_hours(day: date, expected: int) -> None:
    parts = local_days(day - timedelta(days=2), day + timedelta(days=2), "Europe/Berlin")
    assert dict(_seconds(parts).rows())[day] == expected * 3600


@given(st.sampled_from(ZONES), st.dates(date(2016, 1, 1), date(2040, 1, 1)), st.integers(0, 40))
@settings(deadline=None)
def test_the_parts_of_all_days_sum_to_the_range_and_touch_without_overlap_in_any_zone(zone: str, first: date, count: int) -> None:
    last = first + timedelta(days=count)
    parts = local_days(first, last, zone)
    starts, ends = parts["starts_at"].to_list(), parts["ends_at"].to_list()
    assert starts[1:] == ends[:-1]
    assert (starts[0].date(), ends[-1]) == (first, datetime.combine(last + timedelta(days=1), datetime.min.time()))
    assert _seconds(parts)["seconds"].sum() == (count + 1) * 86_400


@given(st.sampled_from(ZONES), st.datetimes(datetime(2020, 6, 1), datetime(2020, 6, 30)))
@settings(deadline=None)
def test_an_instant_lies_in_the_day_its_zone_says(zone: str, at: datetime) -> None:
    parts = local_days(date(2020, 6, 1), date(2020, 6, 30), zone)
    [found] = parts.filter(pl.col("starts_at") <= at, pl.col("ends_at") > at)["book_day"].to_list()
    assert found == at.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone)).date()


def test_in_utc_a_day_is_a_day() -> None:
    parts = local_days(date(2026, 1, 1), date(2026, 12, 31), "UTC")
    assert parts.height == 365
    assert parts.filter(pl.col("day") != pl.col("book_day")).is_empty()


def test_an_hour_belongs_to_the_day_in_which_it_begins() -> None:
    found = hours(date(2026, 10, 1), date(2026, 10, 1), "Asia/Kolkata")
    assert found.filter(hour_second=int(datetime(2026, 10, 1, 18, tzinfo=ZoneInfo("UTC")).timestamp()))["book_day"].to_list() == [
        date(2026, 10, 1)
    ]
    assert found["book_day"].to_list()[-1] == date(2026, 10, 2)


def test_the_calendar_knows_weeks_and_months() -> None:
    [row] = calendar(date(2026, 2, 28), date(2026, 2, 28)).to_dicts()
    assert (row["period"], row["week_start"], row["days_in_month"], row["weekday"]) == ("2026-02", date(2026, 2, 23), 28, 6)


@pytest.mark.parametrize(
    ("zone", "side"), [("UTC", 0), ("Europe/London", 1), ("Atlantic/Azores", -1), ("Asia/Kolkata", 1), ("America/Lima", -1)]
)
def test_a_zone_lies_on_one_side_of_utc(zone: str, side: int) -> None:
    assert side_of(zone) == side


def test_no_zone_changes_sides() -> None:
    months = [datetime(2015 + n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(20 * 12)]
    for zone in ZONES:
        offsets = {at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0) for at in months}
        assert {(offset > timedelta(0)) - (offset < timedelta(0)) for offset in offsets} <= {0, side_of(zone)}, zone
