"""The page of a quarter: its figures are those of the marts, and it stands for one team, for hostile names and without data."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import duckdb
import pytest
from quarter_given import BEFORE, FIRST, LAST, OPEN, QUARTER, Con, cost, frame_of, plain, put, unit

from meterbook.reports.figures import PageFacts
from meterbook.reports.kinds import KINDS
from meterbook.reports.numbers import head
from meterbook.reports.page import render
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.sections import quarter_decisions, quarter_experiments, quarter_outlook

BAD = ("<script>alert(1)</script>", "</script><b>x", "'\"quoted\"'", "\N{RIGHT-TO-LEFT OVERRIDE}evil", "n" * 200, "\N{RECEIPT}")


@pytest.fixture
def whole(facts: PageFacts) -> PageFacts:
    """The quarter is over."""
    return replace(facts, data_through=LAST)


def test_the_figures_of_the_page_are_those_of_the_marts(lake: Con, facts: PageFacts) -> None:
    made = render("quarterly", QUARTER, lake, facts)
    [(now,)] = lake.execute("select sum(cost_usd) from marts.cost where day >= '2026-10-01'").fetchall()
    [(before,)] = lake.execute("select sum(cost_usd) from marts.cost where day < '2026-10-01'").fetchall()
    assert f"Q4 2026 has cost {head(now)} in 25 days" in made
    scaled = before * 25 / (date(2026, 10, 1) - date(2026, 7, 27)).days
    assert f'<td>{head(now)}</td><td class="wide">{head(scaled)}</td>' in made
    assert made.count('<section id="') == len(KINDS["quarterly"].sections)


def test_a_quarter_without_any_data_has_a_page_that_draws_nothing(empty: Con, whole: PageFacts) -> None:
    made = render("quarterly", QUARTER, empty, whole)
    assert "<h1>No cost was recorded in Q4 2026.</h1>" in made
    assert "data-figure=" not in made.split("<script>")[0]


@pytest.mark.parametrize("name", ["2026-Q5", "2026-Q0", "2026-10", "Q4", "2026-q4"])
def test_what_is_no_quarter_is_an_error(empty: Con, whole: PageFacts, name: str) -> None:
    with pytest.raises(ValueError, match="is not a quarter such as 2026-Q4"):
        QuarterFrame(empty, name, whole)


def test_no_name_of_the_book_becomes_markup(empty: Con, whole: PageFacts) -> None:
    for place, name in enumerate(BAD):
        cost(empty, BEFORE, "10", team=name)
        cost(empty, FIRST, "20", team=name)
        unit(empty, FIRST, "4", name=name)
        unit(empty, date(2026, 11, 1), "4", name=name)
        idea = {"step": 1, "lever": "caps", "owner": name, "idea_on": FIRST, "committed_on": FIRST, "status": "committed"}
        put(empty, "book.saving", place=place, saving=name, ends_on=OPEN, **idea)
    made = render("quarterly", QUARTER, empty, whole).split("<main>")[1].split("</main>")[0]
    assert "<script" not in made
    assert "<b>" not in made


def test_a_page_links_to_the_months_that_are_there(empty: Con, whole: PageFacts) -> None:
    cost(empty, FIRST, "5")
    made = render("quarterly", QUARTER, empty, replace(whole, beside={"2026-11": "../monthly/2026-11.html"}))
    assert '<a href="../monthly/2026-11.html">November</a>' in made
    assert "monthly/2026-10.html" not in made


def _arm(con: Con, day: int, arm: str, usd: str) -> None:
    counts = {"units": 1000, "successes": 900, "escalations": 0, "quality_count": 0, "requests": 1000, "unpriced_requests": 0}
    scored = {"quality_sum": Decimal(0), "quality_sum_of_squares": Decimal(0), "cost_usd": Decimal(usd) + Decimal(day % 3) / 100}
    place = {"unit": "ticket", "feature": "assistant", "tenant": "acme", "experiment_arm": f"short:{arm}"}
    put(con, "marts.experiment", day=date(2026, 10, day), **place, **counts, **scored)


def test_an_arm_that_graduates_is_proposed_with_its_worth_of_a_year(empty: Con, whole: PageFacts) -> None:
    for day in range(1, 29):
        _arm(empty, day, "control", "10")
        _arm(empty, day, "cheap", "5")
    found = quarter_experiments.SECTION.build(frame_of(empty, whole))
    assert found is not None
    assert found["sentences"][0] == "1 experiment ran: 1 of 1 arm can graduate."
    [row] = found["ready"]
    assert row["text"] == "Graduate arm cheap of experiment short on assistant"
    assert row["year"] == "$1,825", "five dollars a day of 365"
    assert plain(found["how"]).startswith("marts.experiment, 56 rows; book.saving, 0 rows.")


def test_what_became_a_default_in_the_quarter_is_named(empty: Con, whole: PageFacts) -> None:
    idea = {"step": 1, "lever": "caps", "owner": "sales", "idea_on": BEFORE, "ends_on": OPEN, "status": "promoted"}
    dates = dict.fromkeys(("committed_on", "live_since", "verified_on"), BEFORE)
    put(empty, "book.saving", place=1, saving="caps", promoted_on=date(2026, 11, 2), **idea, **dates)
    found = quarter_experiments.SECTION.build(frame_of(empty, whole))
    assert found is not None
    assert found["sentences"] == ["Became a default of the platform in the quarter: caps (sales)."]


def test_decisions_hold_what_ends_and_review_what_the_quarter_before_decided(empty: Con, whole: PageFacts) -> None:
    idea = {"step": 1, "lever": "caps", "owner": "sales", "idea_on": BEFORE, "ends_on": OPEN, "status": "live"}
    put(empty, "book.saving", place=1, saving="caps", committed_on=date(2026, 8, 1), live_since=FIRST, **idea)
    order = {"commitment": "ptu", "kind": "provisioned_throughput", "provider": "azure", "owner": "platform", "capacity": Decimal(9)}
    put(empty, "book.commitment", is_billed=True, starts_on=BEFORE, ends_on=date(2027, 2, 1), **order)
    found = quarter_decisions.SECTION.build(frame_of(empty, whole))
    assert found is not None
    assert found["review"] == "Decided in Q3 2026: 1 of 1 done."
    [row] = found["rows"]
    assert row["action"].startswith("Decide on ptu before it ends on 31 January 2027: ")
    assert (row["amount"], row["owner"], row["href"]) == ("unknown", "platform", "#quarter_commitments")


def test_the_outlook_tells_the_rate_the_budgets_the_plan_and_what_ends(empty: Con, whole: PageFacts) -> None:
    for day in range(4, 32):
        cost(empty, date(2026, 12, day), "10")
    cost(empty, FIRST, "5")
    unit(empty, FIRST, "4")
    put(empty, "book.unit_plan", unit="ticket", feature="assistant", starts_on=date(2027, 2, 1), ends_on=OPEN, per_month=1000)
    put(empty, "book.budget", budget="all", period="month", measure="dollars", scope="everything", amount=Decimal(500))
    put(empty, "book.budget_amount", budget="all", starts_on=BEFORE, ends_on=date(2027, 3, 1), amount=Decimal(500))
    found = quarter_outlook.SECTION.build(frame_of(empty, whole))
    assert found is not None
    assert dict(found["facts"]) == {
        "At today's rate": "$900: 90 days like the last 28; no forecast",
        "Budget": "$1,000 in 2 monthly budgets; 1 of its months have none",
        "Planned: resolved ticket": "2,000, $800 at $0.400 each",
    }


def test_nothing_is_said_of_a_rate_before_there_are_four_weeks(empty: Con, whole: PageFacts) -> None:
    cost(empty, date(2026, 12, 20), "10")
    assert quarter_outlook.SECTION.build(frame_of(empty, whole)) is None


def test_the_days_of_a_quarter_are_compared_whole_where_it_is_over(lake: duckdb.DuckDBPyConnection, facts: PageFacts) -> None:
    frame = QuarterFrame(lake, "2026-Q3", facts)
    assert (frame.is_whole, frame.is_late, frame.rival) == (True, True, "Q2 2026")
    assert frame.months == ["2026-07", "2026-08", "2026-09"]
