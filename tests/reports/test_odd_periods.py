"""Headlines, figures and pictures of odd periods: rises, falls, nothing, credits, cents, one team, and rises beyond any percentage."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import duckdb
import pages
import pytest
from mart_rows import put

from meterbook.reports.change_text import amount, delta, difference, relative, verdict
from meterbook.reports.charts import HEIGHT, bars, spread
from meterbook.reports.frame import Frame
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.page import PageFacts
from meterbook.reports.periods import week
from meterbook.reports.sections import kpis, month_kpis, month_opening, opening, team_kpis, team_opening
from meterbook.reports.sections.month import SECTION as MONTH
from meterbook.reports.svg import bullet, sparkline
from meterbook.reports.team_frame import TeamFacts, TeamFrame, TeamWeeks

D = Decimal
Con = duckdb.DuckDBPyConnection
SUNDAY, WEEK = date(2026, 10, 25), "2026-W43"
MINUS, SPACE = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"
NOT_A_NUMBER = re.compile(rf"-\$|\$-|{MINUS}\$0(?![\d.,])|{MINUS}0(?![\d.,])|-0(?![\d.,])|\bNaN\b|\d,\d\d\d\.\d\s?%")
"""What no sentence and no figure may hold: another minus, a minus before nothing, and percentages of a thousand and more."""
ODD: Mapping[str, tuple[str, str, str]] = {
    "rises": ("100", "150", f"AI cost rose 50.0{SPACE}% to $150."),
    "falls": ("100", "60", f"AI cost fell 40.0{SPACE}% to $60."),
    "flat": ("100", "101", "AI cost held at $101."),
    "cents": ("0.2", "0.4", "AI cost held at under $1."),
    "a huge outlier": ("100", "3400000", "AI cost rose from $100 to $3.40M."),
    "tenfold": ("100", "1000", "AI cost rose from $100 to $1,000."),
    "the first": ("", "70", "AI cost was $70, against nothing last week."),
    "a credit": ("100", "-20", "AI cost was a credit of $20, against $100 last week."),
    "after a credit": ("-20", "100", "AI cost was $100, against a credit of $20 last week."),
    "two credits": ("-13", "-47", "AI cost was a credit of $47, against a credit of $13 last week."),
    "a credit of cents": ("100", "-0.2", "AI cost was a credit of under $1, against $100 last week."),
    "nothing now": ("100", "", "No cost was recorded in this week, against $100 last week."),
    "no data": ("", "", "No cost was recorded in this week."),
}
STRIP = {
    "rises": ("$150", f"+50.0{SPACE}%", "vs last week, $100", "over"),
    "falls": ("$60", f"{MINUS}40.0{SPACE}%", "vs last week, $100", "under"),
    "a huge outlier": ("$3.40M", "+$3,399,900", "vs last week, $100", "over"),
    "the first": ("$70", "", "nothing was recorded last week", ""),
    "a credit": (f"{MINUS}$20", f"{MINUS}$120", "vs last week, $100", "under"),
    "two credits": (f"{MINUS}$47", f"{MINUS}$34", f"vs last week, {MINUS}$13", "under"),
    "nothing now": ("\N{EN DASH}", "", "nothing was recorded in this week; $100 last week", ""),
    "no data": ("\N{EN DASH}", "", "nothing was recorded in this week", ""),
}


def _cost(con: Con, day: date, usd: str, line: str = "Model usage", team: str = "sales") -> None:
    if usd:
        put(con, "cost", [{"day": day, "line": line, "team": team, "tenant": "t", "feature": "drafts", "cost_usd": D(usd)}])


def _budget(con: Con, day: date, used: str) -> None:
    """Of everything in October, and the team's own."""
    month = {"period": "month", "period_start": date(2026, 10, 1), "period_end": date(2026, 11, 1), "days_in_period": 31}
    said = {"measure": "dollars", "amount": D(900), "used": D(used), "peak": D(used), "level_percent": 0, "unpriced_requests": 0}
    for scope, team in (("everything", None), ("sales", "sales")):
        row = {"budget": scope, "scope": scope, "team": team, "owner": "sales", "at_limit": "nothing", "day": day, "day_of_period": day.day}
        put(con, "budget_use", [row | month | said])


@pytest.fixture
def weeks(request: pytest.FixtureRequest, empty: Con) -> Con:
    """Two weeks of one team, as an odd one is."""
    before, now, _ = ODD[request.param]
    _cost(empty, SUNDAY - timedelta(7), before)
    _cost(empty, SUNDAY, now)
    return empty


def _team(con: Con, facts: PageFacts) -> TeamFrame:
    return TeamFrame(TeamFacts(facts, "sales", TeamWeeks(con, week(WEEK, facts.data_through), facts)))


@pytest.mark.parametrize(("weeks", "case"), [(case, case) for case in ODD], indirect=["weeks"], ids=list(ODD))
def test_the_verdicts_of_the_week_and_of_its_only_team_say_the_same(weeks: Con, case: str, facts: PageFacts) -> None:
    said = ODD[case][2]
    assert opening.headline(Frame(weeks, week(WEEK, SUNDAY), facts)) == said
    own = said.replace("AI cost", "cost").replace("No cost", "no cost")
    assert team_opening.headline(_team(weeks, facts)) == f"sales: {own}"


@pytest.mark.parametrize(("weeks", "case"), [(case, case) for case in STRIP], indirect=["weeks"], ids=list(STRIP))
def test_the_strip_compares_in_percent_where_a_percentage_says_something(weeks: Con, case: str, facts: PageFacts) -> None:
    for section, frame in ((kpis, Frame(weeks, week(WEEK, SUNDAY), facts)), (team_kpis, _team(weeks, facts))):
        cost = section.SECTION.build(frame)["kpis"][0]
        assert (cost.value, cost.delta, cost.basis, cost.mood) == STRIP[case]


@pytest.mark.parametrize("kind", ["weekly", "team", "monthly"])
@pytest.mark.parametrize("case", [case for case in ODD if case not in {"rises", "falls", "flat", "tenfold"}])
def test_no_page_of_an_odd_period_has_a_wrong_minus_or_an_endless_percentage(kind: str, case: str, empty: Con, facts: PageFacts) -> None:
    before, now, _ = ODD[case]
    for days in (7, 35):
        _cost(empty, SUNDAY - timedelta(days), before)
    for line in ("Model usage", "Commitments"):
        _cost(empty, SUNDAY, now, line)
    _budget(empty, SUNDAY, now or "0")
    money = {"low_usd": D(now or 0) - 5, "point_usd": D(now or 0), "high_usd": D(now or 0) + 5, "days_left": 6, "period": "2026-10"}
    put(empty, "forecast", [{"day": SUNDAY, "dimension": "total", "scope": "all", "method": "own"} | money])
    made = pages.page_of(kind, empty, facts).split("<main>")[1].split("<script")[0]
    text = re.sub(r"<(?!svg|polyline|rect|polygon|/)[^>]*>", " ", made)
    assert [text[max(0, one.start() - 60) : one.end() + 20] for one in NOT_A_NUMBER.finditer(text)] == []
    assert re.findall(r'(?:width|height)="-[^"]*"', made) == []
    assert [y for y in re.findall(r'points="([^"]*)"', made) if "-" in y] == []


@pytest.mark.parametrize(
    ("moves", "headline", "cause"),
    [
        (("800", "1000"), "October cost $1,000", f"$200, 25.0{SPACE}%, more than September."),
        (("1000", "800"), "October cost $800", f"$200, 20.0{SPACE}%, less than September."),
        (("1000", "1001"), "October cost $1,001", "Level with September (+$1)."),
        (("-50", "-80"), "October came to a credit of $80", "$30 less than September."),
        (("100", "-80"), "October came to a credit of $80", "$180 less than September."),
        (("1", "5000000"), "October cost $5.00M", "$4,999,999 more than September."),
        (("800", ""), "No cost was recorded in October, against $800 in September", f"$800, 100.0{SPACE}%, less than September."),
        (("", "70"), "October cost $70", "Nothing was recorded in September to compare it with."),
    ],
    ids=["rises", "falls", "flat", "two credits", "a credit", "a huge outlier", "nothing now", "the first"],
)
def test_the_verdict_of_an_odd_month(moves: tuple[str, str], headline: str, cause: str, empty: Con, facts: PageFacts) -> None:
    before, now = moves
    _cost(empty, date(2026, 9, 3), before)
    _cost(empty, date(2026, 10, 3), now)
    frame = MonthFrame(empty, "2026-10", replace(facts, data_through=date(2026, 10, 31)))
    assert month_opening.headline(frame).split(";")[0].rstrip(".") == headline
    assert next(month_opening.causes(frame)).split(", mainly")[0].rstrip(".") == cause.rstrip(".")
    assert month_kpis.SECTION.build(frame) is not None


def test_a_month_that_just_began_has_no_landing_to_hold_against_its_budget(empty: Con, facts: PageFacts) -> None:
    _cost(empty, date(2026, 10, 1), "30")
    _budget(empty, date(2026, 10, 1), "30")
    frame = MonthFrame(empty, "2026-10", replace(facts, data_through=date(2026, 10, 1)))
    assert month_opening.headline(frame) == "October has cost $30 by the 1st."


def test_a_week_in_which_everything_cancels_out_says_so(empty: Con, facts: PageFacts) -> None:
    for day, line, usd in ((7, "Model usage", "100"), (7, "GPU used", "50"), (0, "Model usage", "50"), (0, "GPU used", "100")):
        _cost(empty, SUNDAY - timedelta(day), usd, line)
    said = opening.causes(Frame(empty, week(WEEK, SUNDAY), facts))
    assert said == [f"Level with last week; what moved cancels out: GPU used +$50, drafts {MINUS}$50."]


def test_the_causes_of_a_first_week_are_what_it_is_made_of(empty: Con, facts: PageFacts) -> None:
    _cost(empty, SUNDAY, "70")
    assert opening.causes(Frame(empty, week(WEEK, SUNDAY), facts)) == ["Nothing was recorded last week; it is mainly drafts $70."]


@pytest.mark.parametrize(
    ("now", "before", "share", "told"),
    [
        ("110", "100", "0.1", f"+10.0{SPACE}%"),
        ("999", "100", "8.99", f"+899.0{SPACE}%"),
        ("1000", "100", None, "+$900"),
        ("100", "0", None, "+$100"),
        ("0", "100", "-1", f"{MINUS}100.0{SPACE}%"),
        ("-1", "100", None, f"{MINUS}$101"),
        ("100", "-100", None, "+$200"),
        ("100", "100", "0", f"0.0{SPACE}%"),
    ],
)
def test_a_percentage_is_given_where_it_says_something(now: str, before: str, share: str | None, told: str) -> None:
    assert relative(D(now), D(before)) == (None if share is None else D(share))
    assert delta(D(now), D(before)) == told


@pytest.mark.parametrize(("usd", "said"), [("0.5", "under $1"), ("0.51", "$1"), ("-0.1", "a credit of under $1"), ("12000", "$12.0k")])
def test_an_amount_within_a_sentence_is_never_nothing_where_there_is_something(usd: str, said: str) -> None:
    assert amount(D(usd)) == said


def test_one_more_is_one_and_what_has_no_cause_names_none() -> None:
    assert difference(D(100), D(99), "last week", []) == "$1 more than last week."
    assert verdict("cost", D(5), D(0), "in September", "month") == "cost was $5, against nothing in September"


def test_weeks_before_the_first_with_cost_are_not_drawn_as_nothing(empty: Con, facts: PageFacts) -> None:
    for days, usd in ((14, "5"), (0, "7")):
        _cost(empty, SUNDAY - timedelta(days), usd)
    assert Frame(empty, week(WEEK, SUNDAY), facts).weekly == {"sales": [5, None, 7]}
    assert "sales, 3 weeks: $5, no data, $7" in pages.page_of("weekly", empty, facts)


def test_bars_begin_at_zero_and_negative_ones_have_a_line_where_they_begin() -> None:
    drawn: dict[str, Any] = bars([("a", "+$5"), ("b", f"{MINUS}$1,234,567")], [5.0, -1_234_567.0], ["x", "y"])
    assert drawn["layout"]["xaxis"]["range"] == [-1_234_567.0, 5.0]
    assert drawn["layout"]["xaxis"]["zeroline"] is True
    assert [label["x"] for label in drawn["layout"]["annotations"]] == [5.0, 0.0]
    assert drawn["layout"]["margin"]["r"] >= 7 * len(f"{MINUS}$1,234,567")
    assert bars([("a", "$5")], [5.0], ["x"])["layout"]["xaxis"]["zeroline"] is False


@pytest.mark.parametrize(("top", "low"), [(100.0, 0.0), (100.0, -40.0), (0.0, -40.0)])
def test_labels_of_one_place_do_not_touch_on_an_axis_that_goes_below_zero(top: float, low: float) -> None:
    values = [low, low + 1, (low + top) / 2, top]
    lifts = spread(values, top, low)
    places = sorted((value - low) / (top - low) * (HEIGHT - 48) + lift for value, lift in zip(values, lifts, strict=True))
    assert all(above - below >= 15.9 for below, above in pairwise(places))


def test_a_month_of_credits_is_drawn_from_zero_down(empty: Con, facts: PageFacts) -> None:
    for day, usd in ((3, "10"), (4, "-60")):
        _cost(empty, date(2026, 10, day), usd)
    built = MONTH.build(Frame(empty, week(WEEK, SUNDAY), facts))
    assert built is not None
    low, top = built["chart"].figure["layout"]["yaxis"]["range"]
    assert low < -50
    assert top > 10


def test_a_week_without_any_data_is_a_gap_in_a_sparkline(empty: Con, facts: PageFacts) -> None:
    for day, team in ((date(2026, 9, 29), "sales"), (date(2026, 10, 13), "sales"), (date(2026, 10, 20), "support")):
        _cost(empty, day, "70", team=team)
    weekly = Frame(empty, week(WEEK, SUNDAY), facts).weekly
    assert weekly == {"sales": [D(70), None, D(70), D(0)], "support": [D(0), None, D(0), D(70)]}
    drawn = sparkline(weekly["sales"], "sales, 4 weeks")
    assert "sales, 4 weeks: $70, no data, $70, $0" in drawn
    assert [len(line.split()) for line in re.findall(r'points="([^"]*)"', drawn)] == [2, 2]


def test_small_pictures_of_credits_stay_within_their_frame() -> None:
    drawn = sparkline([D(3), D(-7), D(5)], "sales")
    heights = [float(point.split(",")[1]) for point in re.findall(r'points="([^"]*)"', drawn)[0].split()]
    assert all(3 <= height <= 21 for height in heights)
    assert 'width="0.0"' in bullet(D("-0.2"), D("0.5"), "all")
