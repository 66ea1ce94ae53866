"""What must always hold when the price of a term is spread over its hours."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.rate_cards.amortise import NoRateError, Span, hourly, in_usd, later, months, spread, whole_months
from meterbook.rate_cards.fx import FxRate

PICO = Decimal("1E-12")
USD = st.decimals(min_value=0, max_value=10**9, places=12)
DAY = st.dates(date(2020, 1, 1), date(2035, 12, 31))


def _hours(span: Span) -> list[Decimal]:
    count = (span.ends_on - span.starts_on).days * 24
    return [span.hour_usd + (PICO if hour < span.extra_hours else 0) for hour in range(count)]


@given(USD, DAY, st.integers(1, 800))
def test_the_hours_of_a_term_sum_to_its_price_exactly_and_differ_by_a_pico_dollar_at_most(usd: Decimal, first: date, days: int) -> None:
    hours = _hours(spread(usd, first, first + timedelta(days)))
    assert sum(hours, Decimal(0)) == usd
    assert max(hours) - min(hours) <= PICO
    assert hours == sorted(hours, reverse=True)


def test_what_does_not_divide_goes_to_the_first_hours() -> None:
    span = spread(Decimal("0.000000000050"), date(2026, 10, 1), date(2026, 10, 2))
    assert span == Span(date(2026, 10, 1), date(2026, 10, 2), Decimal("0.000000000002"), 2)
    assert span.first_second == 1790812800


@given(DAY, st.integers(1, 60))
def test_months_of_a_contract_follow_one_another_without_gap_to_its_end(first: date, count: int) -> None:
    found = list(months(first, later(first, count)))
    assert len(found) == count
    assert found[0][0] == first
    assert found[-1][1] == later(first, count)
    assert all(before[1] == after[0] for before, after in pairwise(found))


def test_a_month_that_lacks_the_day_ends_on_its_last() -> None:
    assert list(months(date(2027, 1, 31), date(2027, 3, 31))) == [
        (date(2027, 1, 31), date(2027, 2, 28)),
        (date(2027, 2, 28), date(2027, 3, 31)),
    ]


@given(DAY, st.integers(1, 900))
def test_the_ends_that_make_whole_months_lie_around_a_date(first: date, days: int) -> None:
    end = first + timedelta(days)
    before, after = whole_months(first, end)
    assert before <= end <= after
    assert (before == end) == (before == after)


def test_an_hourly_price_in_another_currency_changes_with_the_rate_of_exchange() -> None:
    fx = [FxRate("EUR", date(2026, 1, 1), Decimal("1.10")), FxRate("EUR", date(2026, 10, 3), Decimal("1.20"))]
    found = list(hourly(Decimal(2), "EUR", date(2026, 10, 1), date(2026, 10, 5), fx))
    assert found == [
        Span(date(2026, 10, 1), date(2026, 10, 3), Decimal("2.20")),
        Span(date(2026, 10, 3), date(2026, 10, 5), Decimal("2.40")),
    ]


def test_an_amount_is_converted_at_the_rate_of_its_day_and_rounded_half_to_even() -> None:
    fx = [FxRate("EUR", date(2026, 1, 1), Decimal("0.5")), FxRate("EUR", date(2026, 10, 3), Decimal(2))]
    assert in_usd(Decimal("0.000000000005"), "EUR", date(2026, 10, 2), fx) == Decimal("0.000000000002")
    assert in_usd(Decimal(5), "EUR", date(2026, 10, 3), fx) == Decimal(10)
    assert in_usd(Decimal(5), "USD", date(2026, 10, 3), []) == Decimal(5)


def test_a_day_before_the_first_rate_of_exchange_is_an_error_that_says_so() -> None:
    with pytest.raises(NoRateError, match=r"no rate of EUR on 2025-12-31; add one to fx_rates\.csv"):
        in_usd(Decimal(1), "EUR", date(2025, 12, 31), [FxRate("EUR", date(2026, 1, 1), Decimal("1.1"))])
