"""The tracker of units: what is an improvement, what is not yet one, and what is none because quality fell."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.reports.unit_figures import UnitDay
from meterbook.reports.unit_tracking import Goal, Standing, baseline_span, track

FIRST = date(2026, 10, 1)
TARGET = Goal(target_usd=Decimal("0.10"), margin=Decimal("0.01"))


def _days(cost: str, quality: str | None = "0.92", *, swing: int = 0, days: int = 14) -> list[UnitDay]:
    """A hundred units a day, so dear on average, every other day `swing` percent more and less."""
    return [
        UnitDay(
            FIRST + timedelta(day),
            100,
            100,
            Decimal(cost) * (100 + (swing if day % 2 else -swing)),
            Decimal(quality or 0) * 100,
            100 if quality else 0,
        )
        for day in range(days)
    ]


def test_a_unit_below_its_target_with_the_same_quality_improved() -> None:
    found = track("ticket", _days("0.08", swing=5), _days("0.12"), TARGET)
    assert (found.standing, found.verdict, found.cost_usd) == (Standing.IMPROVED, "improved", Decimal("0.08"))
    assert found.distance is not None
    assert found.distance.low < found.distance.point < found.distance.high < 0
    assert found.distance.point == pytest.approx(-0.2)


def test_a_unit_that_got_worse_while_it_got_cheaper_did_not_improve() -> None:
    found = track("ticket", _days("0.08", "0.88", swing=5), _days("0.12", "0.921"), TARGET)
    assert found.standing is Standing.REFUSED
    assert found.verdict.replace("\N{NO-BREAK SPACE}", " ") == (
        "not an improvement: quality fell from 92.1 % to 88.0 %, beyond its margin of 1.0 pts"
    )


def test_quality_that_fell_within_its_margin_is_no_reason_to_refuse() -> None:
    assert track("ticket", _days("0.08", "0.915"), _days("0.12", "0.92"), TARGET).standing is Standing.IMPROVED


def test_quality_that_may_have_fallen_too_far_is_not_told_to_be_an_improvement() -> None:
    now = [UnitDay(day.day, 100, 100, day.cost_usd, Decimal(96 if place % 2 else 87), 100) for place, day in enumerate(_days("0.08"))]
    found = track("ticket", now, _days("0.12", "0.92"), TARGET)
    assert found.standing is Standing.UNKNOWN
    assert "may have fallen" in found.why


@pytest.mark.parametrize(
    ("now", "before", "goal", "verdict"),
    [
        (_days("0.12", swing=5), _days("0.15"), TARGET, "not yet"),
        (_days("0.10", swing=50), _days("0.15"), TARGET, "cannot tell: its interval holds the target"),
        (_days("0.08", swing=5), [], TARGET, "cannot tell: no baseline to hold its quality against"),
        (_days("0.08", None, swing=5), _days("0.12", None), TARGET, "cannot tell: its quality is not measured"),
        (_days("0.08"), [], Goal(), "cannot tell: no target and no baseline"),
        (_days("0.08", days=1), _days("0.12"), TARGET, "cannot tell: too few days"),
        (_days("0.08"), _days("0.12"), Goal(target_usd=Decimal(0)), "cannot tell: its target is nothing"),
        ([], _days("0.12"), TARGET, "cannot tell: too few days"),
    ],
)
def test_what_is_not_shown_is_not_claimed(now: list[UnitDay], before: list[UnitDay], goal: Goal, verdict: str) -> None:
    assert track("ticket", now, before, goal).verdict == verdict


def test_a_target_may_be_so_much_less_than_in_the_baseline() -> None:
    found = track("ticket", _days("0.08", swing=5), _days("0.12"), Goal(improve=Decimal("0.25")))
    assert (found.baseline_usd, found.target_usd) == (Decimal("0.12"), Decimal("0.09"))
    assert track("ticket", _days("0.08"), _days("0.12"), Goal()).target_usd == Decimal("0.12")


def test_inferences_are_priced_by_the_thousand() -> None:
    found = track("inference", _days("0.08"), _days("0.12"), Goal(target_usd=Decimal(100), per_units=1000))
    assert found.cost_usd == Decimal(80)
    assert found.distance is not None
    assert found.distance.point == pytest.approx(-0.2)


def test_failures_cost_and_are_no_units() -> None:
    days = [UnitDay(day.day, 100, 50, day.cost_usd, day.quality_sum, day.quality_count) for day in _days("0.08")]
    assert track("ticket", days, _days("0.12"), TARGET).cost_usd == Decimal("0.16")


@examples(20)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 99), st.integers(0, 100)), min_size=2, max_size=10), st.integers(0, 100))
def test_whatever_the_figures_an_improvement_has_not_lost_more_quality_than_its_margin(
    figures: list[tuple[int, int, int]], before: int
) -> None:
    now = [
        UnitDay(FIRST + timedelta(place), 100, successes, Decimal(cost).scaleb(-4), Decimal(quality), 100)
        for place, (cost, successes, quality) in enumerate(figures)
    ]
    found = track("ticket", now, _days("0.12", str(Decimal(before) / 100)), TARGET)
    if found.standing is Standing.IMPROVED:
        assert found.quality is not None
        assert found.baseline_quality is not None
        assert found.quality >= found.baseline_quality - TARGET.margin
        assert found.cost_usd is not None
        assert found.cost_usd <= Decimal("0.10")


def test_a_baseline_is_what_is_said_or_the_first_two_weeks_there_is_data_of() -> None:
    said = (date(2026, 9, 1), date(2026, 9, 8))
    assert baseline_span(FIRST, FIRST + timedelta(60), said) == said
    assert baseline_span(FIRST, FIRST + timedelta(60), None) == (FIRST, FIRST + timedelta(14))
    assert baseline_span(FIRST, FIRST + timedelta(2), None) == (FIRST, FIRST + timedelta(3))
