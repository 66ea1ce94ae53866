"""Units of value on the quarterly page: cost, target, quality and what customers pay, and the curve of them."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from quarter_given import BEFORE, FIRST, LAST, OPEN, Con, frame_of, paid, plain, put, unit

from meterbook.reports.figures import PageFacts
from meterbook.reports.numbers import MINUS, NONE
from meterbook.reports.sections import quarter_units


@pytest.fixture
def whole(facts: PageFacts) -> PageFacts:
    """The quarter is over."""
    return replace(facts, data_through=LAST)


def _built(con: Con, facts: PageFacts) -> Any:
    return quarter_units.SECTION.build(frame_of(con, facts))


def _price(con: Con, usd: str, first: date = BEFORE, end: date = OPEN, name: str = "ticket") -> None:
    put(con, "book.unit_price", unit=name, starts_on=first, ends_on=end, price_usd=Decimal(usd))


def _row(con: Con, facts: PageFacts) -> dict[str, str]:
    [row] = _built(con, facts)["rows"]
    return {name: plain(str(value)) for name, value in row.items()}


def test_a_quarter_without_outcomes_has_no_units(empty: Con, whole: PageFacts) -> None:
    assert _built(empty, whole) is None


def test_what_is_left_of_a_unit_is_its_price_less_what_it_costs_failures_included(empty: Con, whole: PageFacts) -> None:
    _price(empty, "0.5")
    unit(empty, FIRST, "4", target="0.45")
    paid(empty, FIRST, "4", "0.5")
    row = _row(empty, whole)
    assert (row["cost"], row["target"], row["off"]) == ("$0.400", "$0.450", "11.1 % under")
    assert (row["price"], row["margin"], row["margin_share"]) == ("$0.500", "$0.100", "20.0 %")
    said = plain(_built(empty, whole)["sentences"])
    assert said == "Customers paid $5 for units with a price, which cost $4 to deliver: a gross margin of 20.0 %."


def test_a_unit_that_is_sold_below_its_cost_says_what_it_loses(empty: Con, whole: PageFacts) -> None:
    _price(empty, "0.3")
    unit(empty, FIRST, "4")
    paid(empty, FIRST, "4", "0.3")
    assert (_row(empty, whole)["margin"], _row(empty, whole)["margin_mood"]) == (f"{MINUS}$0.100", "over")
    assert "A resolved ticket loses $0.100 at its price of $0.300." in _built(empty, whole)["sentences"]


def test_a_unit_that_is_given_away_has_no_margin_as_a_share(empty: Con, whole: PageFacts) -> None:
    _price(empty, "0")
    unit(empty, FIRST, "4")
    paid(empty, FIRST, "4", "0")
    assert (_row(empty, whole)["margin"], _row(empty, whole)["margin_share"]) == (f"{MINUS}$0.400", "")
    assert "which cost $4 to deliver: no revenue." in plain(_built(empty, whole)["sentences"])


def test_a_unit_without_a_price_says_that_its_margin_is_not_known(empty: Con, whole: PageFacts) -> None:
    unit(empty, FIRST, "4")
    assert (_row(empty, whole)["price"], _row(empty, whole)["margin"]) == (NONE, NONE)
    assert _built(empty, whole)["sentences"][0].startswith("No unit has a price: price_usd in units.yaml")
    _price(empty, "1", name="page")
    unit(empty, FIRST, "1", name="page")
    paid(empty, FIRST, "1", "1", name="page")
    assert _built(empty, whole)["sentences"][-1] == "1 unit has no price_usd in units.yaml: what it leaves is not known."


def test_a_quarter_in_which_none_was_delivered_has_no_cost_of_one(empty: Con, whole: PageFacts) -> None:
    _price(empty, "1")
    none = {"successes": 0, "escalations": 0, "quality_count": 0, "quality_sum": Decimal(0)}
    tried = {"unit": "ticket", "label": "resolved ticket", "feature": "assistant", "is_part": True, "units": 5, "cost_usd": Decimal(3)}
    put(empty, "marts.unit_cost", day=FIRST, **tried, **none)
    paid(empty, FIRST, "3", "1", done=0)
    row = _row(empty, whole)
    assert (row["cost"], row["price"], row["margin"], row["quality"]) == (NONE, NONE, NONE, NONE)
    assert _built(empty, whole)["charts"] == []


def test_the_curve_has_a_point_for_each_whole_week_with_deliveries_and_its_price_in_steps(empty: Con, whole: PageFacts) -> None:
    _price(empty, "0.5", BEFORE, date(2026, 10, 20))
    _price(empty, "0.6", date(2026, 10, 20))
    monday = date(2026, 10, 5)
    unit(empty, monday - timedelta(days=1), "90")
    for week, usd in enumerate(("4", "5", "6")):
        unit(empty, monday + timedelta(weeks=2 * week), usd, target="0.45")
    unit(empty, date(2026, 11, 10), "90")
    [chart] = _built(empty, whole)["charts"]
    assert chart.question == "What does a resolved ticket cost, and what do customers pay for one?"
    line, target, price = chart.figure["data"]
    assert line["x"] == ["2026-10-05", "2026-10-19", "2026-11-02"], "a Sunday is no week; one without any has no point"
    assert line["y"] == [0.4, 0.5, 0.6]
    assert target["y"] == [0.45, 0.45]
    assert price["x"] == ["2026-10-05", "2026-10-20", "2026-11-02"]
    assert price["y"] == [0.5, 0.6, 0.6]
    assert chart.figure["layout"]["yaxis"]["range"] == [0, pytest.approx(0.69)], "the highest of them, and some room"
    assert [tuple(row) for row in chart.rows] == [
        ("October 2026", "$3.30", "30", "$0.450", "$0.600"),
        ("November 2026", "$4.80", "20", "$0.450", "$0.600"),
    ]
    assert chart.how.startswith("marts.unit_cost, 5 rows; book.unit_price, 2 rows.")


def test_a_cheaper_unit_with_less_quality_is_said_to_be_no_improvement(empty: Con, whole: PageFacts) -> None:
    for number in range(14):
        frozen = {"unit": "ticket", "day": BEFORE + timedelta(days=number), "units": 12, "successes": 10, "cost_usd": Decimal(5)}
        scored = {"quality_sum": Decimal(9), "quality_count": 10, "quality_margin": Decimal("0.01"), "target_usd": Decimal("0.45")}
        put(empty, "marts.unit_baseline", **frozen, **scored)
        unit(empty, FIRST + timedelta(days=number), "4", quality="0.7", target="0.45")
    said = "A resolved ticket is below its target, and that is not an improvement: quality fell from 90.0 % to 70.0 %"
    assert said in plain(_built(empty, whole)["sentences"])


def test_hostile_labels_stay_text_in_the_figure(empty: Con, whole: PageFacts) -> None:
    for week in range(4):
        unit(empty, FIRST + timedelta(weeks=week), "4", name="</script><b>x")
    [chart] = _built(empty, whole)["charts"]
    assert "<" not in chart.json
