from datetime import date, timedelta

import pytest

from meterbook.reports.periods import week


def test_a_week_is_compared_with_the_seven_days_before_it() -> None:
    found = week("2026-W43", date(2026, 11, 20))
    assert (found.first, found.end) == (date(2026, 10, 19), date(2026, 10, 26))
    assert found.before == (date(2026, 10, 12), date(2026, 10, 19))
    assert found.basis == "vs last week"


def test_a_week_that_is_not_over_is_compared_with_the_same_days() -> None:
    found = week("2026-W43", date(2026, 10, 21))
    assert found.end - found.first == timedelta(days=3)
    assert found.before == (date(2026, 10, 12), date(2026, 10, 15))
    assert found.basis == "vs the same days last week"


def test_the_last_week_of_a_year_may_be_the_fifty_third() -> None:
    assert week("2026-W53", date(2027, 2, 1)).title == "28 December to 3 January 2027"


@pytest.mark.parametrize("name", ["2026-43", "2026-W4", "2026-W54", "W43", "2026-10", "2026-W43 "])
def test_what_is_no_week_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"week|Invalid"):
        week(name, date(2026, 11, 20))
