"""The scorecard of a quarter, its forecasts and its savings: only what there is evidence for, with a verdict in words."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from quarter_given import BEFORE, FIRST, LAST, OPEN, Con, budget, cost, forecast, frame_of, plain, put, unit

from meterbook.reports.figures import PageFacts
from meterbook.reports.numbers import MINUS, NONE
from meterbook.reports.scorecard import Score, scores
from meterbook.reports.sections import quarter_forecasts, quarter_savings


@pytest.fixture
def whole(facts: PageFacts) -> PageFacts:
    """The quarter is over."""
    return replace(facts, data_through=LAST, coverage_target=Decimal("0.98"))


def _scores(con: Con, facts: PageFacts) -> dict[str, Score]:
    texts = ((one, (one.name, one.now, one.before, one.target, one.verdict)) for one in scores(frame_of(con, facts)))
    return {one.name: Score(*map(plain, words), one.mood) for one, words in texts}


def test_a_quarter_without_data_has_no_line(empty: Con, whole: PageFacts) -> None:
    assert _scores(empty, whole) == {}


def test_cost_stands_beside_the_quarter_before_and_its_plan(empty: Con, whole: PageFacts) -> None:
    cost(empty, BEFORE, "1000")
    cost(empty, FIRST, "900")
    budget(empty, "1000", "900")
    found = _scores(empty, whole)
    assert found["Cost of the quarter"] == Score("Cost of the quarter", "$900", "$1,000", "no target", "10.0 % less", "under")
    plan = found["Cost against plan"]
    assert (plan.now, plan.target, plan.verdict) == ("$900", "$1,000, the budget of October", "$100 under plan, 10.0 %")


@pytest.mark.parametrize(
    ("table", "name", "share"),
    [
        ("coverage", "Calls with a price", ("99.0 %", "90.0 %", "meets its target, +9.0 pts, better", "under")),
        ("gpu_use", "GPU time without work", ("40.0 %", "30.0 %", "+10.0 pts, worse", "over")),
        ("token_use", "Input tokens from a cache", ("50.0 %", "50.0 %", "level", "")),
        ("commitment", "Commitments used", ("80.0 %", "100.0 %", f"{MINUS}20.0 pts, worse", "over")),
        ("reconciliation", "Billed beside priced, difference", ("2.0 %", "1.0 %", "+1.0 pts, worse", "over")),
    ],
)
def test_a_share_is_told_with_what_to_think_of_its_way(
    empty: Con, whole: PageFacts, table: str, name: str, share: tuple[str, str, str, str]
) -> None:
    rows: dict[str, Any] = {
        "coverage": [{"reason": "priced", "requests": 90}, {"reason": "no model", "requests": 10}],
        "gpu_use": [{"pool": "a", "capacity_seconds": 10, "warm_idle_seconds": 1, "free_idle_seconds": 2}],
        "token_use": [{"input_tokens": 50, "cache_read_tokens": 50, "cache_write_tokens": 0}],
        "commitment": [{"commitment": "c", "cost_usd": Decimal(10), "used_cost_usd": Decimal(10)}],
        "reconciliation": [{"provider": "p", "billed_usd": Decimal(100), "difference_usd": Decimal(1)}, {"provider": "q"}],
    }
    now: dict[str, Any] = {
        "coverage": [{"reason": "priced", "requests": 99}, {"reason": "no model", "requests": 1}],
        "gpu_use": [{"pool": "a", "capacity_seconds": 10, "warm_idle_seconds": 2, "free_idle_seconds": 2}],
        "token_use": [{"input_tokens": 30, "cache_read_tokens": 50, "cache_write_tokens": 20}],
        "commitment": [{"commitment": "c", "cost_usd": Decimal(10), "used_cost_usd": Decimal(8)}],
        "reconciliation": [{"provider": "p", "billed_usd": Decimal(100), "difference_usd": Decimal(-2)}],
    }
    for day, given in ((BEFORE, rows), (FIRST, now)):
        for row in given[table]:
            put(empty, f"marts.{table}", day=day, **row)
    one = _scores(empty, whole)[name]
    assert (one.now, one.before, one.verdict, one.mood) == share


def test_a_share_without_a_quarter_before_says_that_there_is_nothing_to_compare_with(empty: Con, whole: PageFacts) -> None:
    put(empty, "marts.coverage", day=FIRST, reason="priced", requests=5)
    one = _scores(empty, whole)["Calls with a price"]
    assert (one.before, one.verdict) == (NONE, "meets its target, nothing to compare with")


def test_a_unit_is_judged_by_its_target_with_its_quality(empty: Con, whole: PageFacts) -> None:
    unit(empty, FIRST, "4", target="0.5")
    one = _scores(empty, whole)["Cost per resolved ticket"]
    assert (one.now, one.target, one.verdict, one.mood) == ("$0.400", "$0.500", "20.0 % under target, with a quality of 90.0 %", "under")


def test_alarms_count_only_where_somebody_looked(empty: Con, whole: PageFacts) -> None:
    counts = {"kind": "spike", "measure": "cost", "cards": 9, "open_cards": 9, "muted_cards": 0}
    put(empty, "marts.alarm_quality", period="2026-10", real_cards=0, false_cards=0, **counts)
    assert "Alarms that were real, of those looked at" not in _scores(empty, whole)
    put(empty, "marts.alarm_quality", period="2026-11", real_cards=3, false_cards=1, **counts)
    assert _scores(empty, whole)["Alarms that were real, of those looked at"].verdict == "3 of 4; nothing to compare with"


def test_forecasts_of_days_3_and_10_are_held_against_what_the_month_cost(empty: Con, facts: PageFacts) -> None:
    forecast(empty, "2026-09", 20, "120", "100")
    known = replace(facts, data_through=date(2026, 11, 20))
    forecast(empty, "2026-10", 28, "80", "100")
    forecast(empty, "2026-10", 21, "105", "100")
    forecast(empty, "2026-11", 27, "90")
    found = quarter_forecasts.SECTION.build(frame_of(empty, known))
    assert found is not None
    rows = [tuple(map(plain, row)) for row in found["chart"].rows]
    assert rows == [
        ("October, day 3", "$80", f"{MINUS}20.0 %"),
        ("its 80 % band", "$70 to $90", "missed"),
        ("October, day 10", "$105", "+5.0 %"),
        ("its 80 % band", "$95 to $115", "held"),
        ("October cost", "$100", ""),
        ("November, day 3", "$90", NONE),
        ("its 80 % band", "$80 to $100", "not over"),
    ]
    said = [plain(one) for one in found["sentences"]]
    assert said[0] == "Forecasts of day 3 were off by 20.0 % on average; 0 of 1 band held."
    assert said[-1] == "November is not over: nothing to hold a forecast against yet."
    one = _scores(empty, known)["Forecast of day 10, off by"]
    assert (one.now, one.before, one.verdict) == ("5.0 %", "20.0 %", f"{MINUS}15.0 pts, better, of 1 month")


def test_a_quarter_that_nothing_was_forecast_of_says_so(empty: Con, whole: PageFacts) -> None:
    forecast(empty, "2026-09", 20, "120", "100")
    assert quarter_forecasts.SECTION.build(frame_of(empty, whole)) is None


def _idea(con: Con, name: str, **more: Any) -> None:
    idea = {"place": 1, "step": 1, "saving": name, "lever": "caps", "owner": "sales", "status": "idea", "idea_on": BEFORE, "ends_on": OPEN}
    put(con, "book.saving", **{**idea, **more})


def _saved(con: Con, day: date, usd: str | None, name: str = "caps") -> None:
    row = {"saving": name, "lever": "caps", "owner": "sales", "basis": "measured", "requests": 5, "unknown_requests": 0}
    put(con, "marts.savings", day=day, saving_usd=Decimal(usd) if usd else None, **row)


def test_savings_are_told_by_month_and_never_added_to_what_is_identified(empty: Con, whole: PageFacts) -> None:
    live = {"committed_on": BEFORE, "live_since": BEFORE, "status": "live"}
    _idea(empty, "caps", **live)
    _idea(empty, "night", place=2, low_usd=Decimal(10), point_usd=Decimal(20), high_usd=Decimal(30))
    _saved(empty, FIRST, "40")
    _saved(empty, date(2026, 12, 5), "-5")
    found = quarter_savings.SECTION.build(frame_of(empty, whole))
    assert found is not None
    assert found["rows"][0]["months"] == ["$40", NONE, f"{MINUS}$5"]
    assert found["total"] == ["$40", NONE, f"{MINUS}$5"]
    assert found["whole"] == "$35"
    assert found["sentences"] == ["1 of 2 ideas is live and saved $35.", "$20 a month is identified and not live."]
    assert ("Realised in November", "unknown") in found["chart"].rows
    one = _scores(empty, whole)["Savings realised"]
    assert (one.now, one.before, one.verdict) == ("$35", NONE, "1 live; $20 a month identified and not live")


def test_a_ledger_of_which_nothing_is_known_draws_nothing(empty: Con, whole: PageFacts) -> None:
    assert quarter_savings.SECTION.build(frame_of(empty, whole)) is None
    _idea(empty, "caps", committed_on=BEFORE, live_since=BEFORE, status="live")
    found = quarter_savings.SECTION.build(frame_of(empty, whole))
    assert found is not None
    assert (found["chart"], found["total"], found["whole"]) == (None, [NONE, NONE, NONE], NONE)
    assert _scores(empty, whole)["Savings realised"].now == NONE
    assert found["sentences"] == ["What the 1 live idea saved in this quarter is not known."]
