"""The headline and the causes of a quarter's page, whatever the quarter was like; and what it is compared with."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from quarter_given import BEFORE, FIRST, LAST, Con, budget, cost, frame_of, plain, unit

from meterbook.reports.figures import PageFacts
from meterbook.reports.numbers import MINUS
from meterbook.reports.sections import quarter_months, quarter_moved, quarter_opening


@pytest.fixture
def whole(facts: PageFacts) -> PageFacts:
    """The quarter is over."""
    return replace(facts, data_through=LAST)


@pytest.mark.parametrize(
    ("money", "headline", "cause"),
    [
        (("1000", "1250"), "Q4 2026 cost $1,250, 25.0 % more than Q3 2026.", "$250, 25.0 %, more than Q3 2026, mainly model usage +$250."),
        (
            ("1000", "800"),
            "Q4 2026 cost $800, 20.0 % less than Q3 2026.",
            f"$200, 20.0 %, less than Q3 2026, mainly model usage {MINUS}$200.",
        ),
        (("1000", "1001"), "Q4 2026 cost $1,001, level with Q3 2026.", "Level with Q3 2026 (+$1)."),
        (("1000", "1000"), "Q4 2026 cost $1,000, level with Q3 2026.", "Level with Q3 2026."),
        (("1000", "0"), "No cost was recorded in Q4 2026, against $1,000 in Q3 2026.", "$1,000, 100.0 %, less than Q3 2026"),
        (
            ("1000", "-80"),
            "Q4 2026 came to a credit of $80, against $1,000 in Q3 2026.",
            f"$1,080 less than Q3 2026, mainly model usage {MINUS}$1,080.",
        ),
        (
            ("-50", "1000"),
            "Q4 2026 cost $1,000, against a credit of $50 in Q3 2026.",
            "$1,050 more than Q3 2026, mainly model usage +$1,050.",
        ),
        (
            ("1", "5000000"),
            "Q4 2026 cost $5.00M, against $1 in Q3 2026.",
            "$4,999,999 more than Q3 2026, mainly model usage +$4,999,999.",
        ),
    ],
    ids=["rises", "falls", "flat", "the same", "nothing", "a credit", "after a credit", "huge outlier"],
)
def test_the_headline_and_its_cause_hold_in_any_quarter(
    empty: Con, whole: PageFacts, money: tuple[str, str], headline: str, cause: str
) -> None:
    for day, usd in zip((BEFORE, FIRST), money, strict=True):
        cost(empty, day, usd)
    frame = frame_of(empty, whole)
    assert plain(quarter_opening.headline(frame)) == headline
    assert plain(next(quarter_opening.causes(frame))).startswith(cause)


def test_a_quarter_without_any_cost_says_so_and_no_more(empty: Con, whole: PageFacts) -> None:
    frame = frame_of(empty, whole)
    assert quarter_opening.headline(frame) == "No cost was recorded in Q4 2026."
    assert list(quarter_opening.causes(frame)) == []
    assert quarter_months.SECTION.build(frame) is None


def test_the_first_quarter_is_compared_with_none(empty: Con, whole: PageFacts) -> None:
    cost(empty, date(2026, 11, 5), "100")
    frame = frame_of(empty, whole)
    assert quarter_opening.headline(frame) == "Q4 2026 cost $100."
    said = "Nothing was recorded in Q3 2026 to compare it with; its own data begins on 5 November."
    assert list(quarter_opening.causes(frame)) == [said]
    found = quarter_months.SECTION.build(frame)
    assert found is not None
    assert found["sentences"][0] == "No cost is known of October, December: it is unknown, and not nothing."
    assert quarter_moved.SECTION.build(frame) is None, "a quarter without data is not drawn as one of no cost"


def test_an_open_quarter_is_held_against_as_many_days_and_says_how_many_are_gone(empty: Con, facts: PageFacts) -> None:
    cost(empty, BEFORE, "100")
    cost(empty, date(2026, 7, 26), "999")
    cost(empty, FIRST, "110")
    frame = frame_of(empty, facts)
    assert plain(quarter_opening.headline(frame)) == "Q4 2026 has cost $110 in 25 days, 10.0 % more than the first 25 days of Q3 2026."
    built = quarter_opening.SECTION.build(frame)
    assert built is not None
    assert built["state"] == "open, 25 of 92 days"


def test_a_quarter_whose_data_begins_in_its_middle_is_compared_in_proportion_to_its_days(empty: Con, facts: PageFacts) -> None:
    cost(empty, date(2026, 8, 12), "500")
    cost(empty, date(2026, 9, 30), "500")
    cost(empty, FIRST, "600")
    frame = frame_of(empty, facts)
    assert frame.before == Decimal(500), "50 days cost 1,000 dollars, and 25 of them 500"
    assert plain(quarter_opening.headline(frame)) == "Q4 2026 has cost $600 in 25 days, 20.0 % more than as many days of Q3 2026."
    found = quarter_months.SECTION.build(frame)
    assert found is not None
    assert "Of Q3 2026 there is data from 12 August on: its 50 days are compared in proportion." in found["sentences"]


def test_causes_name_lines_and_then_teams_and_one_team_alone_is_not_named(empty: Con, whole: PageFacts) -> None:
    cost(empty, BEFORE, "100", team="sales")
    cost(empty, FIRST, "150", team="sales")
    assert len(list(quarter_opening.causes(frame_of(empty, whole)))) == 1
    cost(empty, FIRST, "40", team="hr", line="GPU used")
    lines, teams = (plain(one) for one in quarter_opening.causes(frame_of(empty, whole)))
    assert lines == "$90, 90.0 %, more than Q3 2026, mainly model usage +$50, GPU used +$40."
    assert teams == "By team: sales +$50 and hr +$40."


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (("quarter", True, ""), ", $50 over plan"),
        (("quarter", False, "1100"), ", heading for $100 over its budget"),
        (("month", True, ""), ", $50 over the budget of October"),
        (("month", False, "900"), ", heading for $100 under the budget of October"),
        (("month", False, ""), ""),
    ],
)
def test_the_plan_is_the_quarters_own_or_that_of_its_months(
    empty: Con, whole: PageFacts, facts: PageFacts, held: tuple[str, bool, str], said: str
) -> None:
    period, gone, point = held
    cost(empty, FIRST, "1050")
    budget(empty, "1000", "1050", period=period, gone=gone, point=point)
    known = whole if gone else facts
    begins = "Q4 2026 cost $1,050" if gone else "Q4 2026 has cost $1,050 in 25 days"
    assert quarter_opening.headline(frame_of(empty, known)) == f"{begins}{said}."


def test_budgets_of_every_month_together_are_the_plan(empty: Con, whole: PageFacts) -> None:
    for month in (10, 11, 12):
        cost(empty, date(2026, month, 1), "100")
        budget(empty, "100", "90", first=date(2026, month, 1))
    assert quarter_opening.headline(frame_of(empty, whole)) == "Q4 2026 cost $300, $30 under plan."


def test_the_headline_never_tells_a_lower_unit_cost_without_its_quality(empty: Con, whole: PageFacts) -> None:
    cost(empty, FIRST, "100")
    unit(empty, BEFORE, "5", quality="0.9")
    unit(empty, FIRST, "4", quality="0.8")
    said = "Q4 2026 cost $100; a resolved ticket cost $0.400, 20.0 % less than before, with quality down 10.0 pts to 80.0 %."
    assert plain(quarter_opening.headline(frame_of(empty, whole))) == said
