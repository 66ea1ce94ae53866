"""The amount of a budget in force on a day: the usual one, or that of the raise that began last."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.budget_periods import period_of, periods_before
from meterbook.assets.budgets import Budget, Raise

FIRST = date(2026, 1, 1)
DAYS = st.dates(FIRST, FIRST + timedelta(days=40))


def _raise(first: date, end: date, amount: int) -> Raise:
    return Raise(amount=Decimal(amount), starts_on=first, ends_on=end)


def _budget(*raises: Raise) -> Budget:
    return Budget(budget="support", amount_usd=Decimal(100), raises=raises)


def test_before_and_after_a_raise_the_usual_amount_holds() -> None:
    budget = _budget(_raise(date(2026, 11, 3), date(2026, 12, 1), 120))
    days = (date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 30), date(2026, 12, 1))
    assert [int(budget.limit_on(day)) for day in days] == [100, 120, 120, 100]


def test_of_several_raises_the_one_that_began_last_holds_and_then_the_one_before_it_again() -> None:
    budget = _budget(_raise(date(2026, 11, 10), date(2026, 11, 20), 150), _raise(date(2026, 11, 3), date(9999, 12, 31), 120))
    days = (date(2026, 11, 9), date(2026, 11, 10), date(2026, 11, 20))
    assert [int(budget.limit_on(day)) for day in days] == [120, 150, 120]


def test_of_two_raises_from_the_same_day_the_one_written_last_holds() -> None:
    day = date(2026, 11, 3)
    assert _budget(_raise(day, date(2026, 12, 1), 120), _raise(day, date(2026, 12, 1), 0)).limit_on(day) == 0


@examples(40)
@given(st.lists(st.tuples(DAYS, st.integers(1, 20), st.integers(0, 9)), max_size=4), DAYS)
def test_the_dated_amounts_leave_no_gap_and_say_what_is_in_force_on_each_day(raises: list[tuple[date, int, int]], day: date) -> None:
    budget = _budget(*(_raise(first, first + timedelta(days=length), amount) for first, length, amount in raises))
    amounts = list(budget.amounts)
    assert (amounts[0][0], amounts[-1][1]) == (budget.starts_on, budget.ends_on)
    assert all(before[1] == after[0] for before, after in pairwise(amounts))
    assert [amount for first, end, amount in amounts if first <= day < end] == [budget.limit_on(day)]


def test_periods_are_those_of_the_calendar() -> None:
    day = date(2026, 11, 28)
    found = {period: period_of(day, period) for period in ("day", "week", "month", "quarter")}
    assert found == {
        "day": (day, date(2026, 11, 29)),
        "week": (date(2026, 11, 23), date(2026, 11, 30)),
        "month": (date(2026, 11, 1), date(2026, 12, 1)),
        "quarter": (date(2026, 10, 1), date(2027, 1, 1)),
    }


def test_the_periods_before_a_day_end_where_its_own_begins() -> None:
    months = periods_before(date(2026, 2, 14), "month", 3)
    assert months == [
        (date(2025, 11, 1), date(2025, 12, 1)),
        (date(2025, 12, 1), date(2026, 1, 1)),
        (date(2026, 1, 1), date(2026, 2, 1)),
    ]
    assert periods_before(date(2026, 2, 1), "month", 1) == months[-1:]
