"""Budgets and quotas on the weekly page: those that need a look, in their measure, with the landing, and the others counted."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from meterbook.reports.budget_status import Status, expected, told
from meterbook.reports.frame import Frame, PageFacts
from meterbook.reports.periods import week
from meterbook.reports.sections.budgets import SECTION

Con = duckdb.DuckDBPyConnection
DAY = date(2026, 10, 25)
STATE: dict[str, Any] = {
    "budget": "b", "day": DAY, "period": "month", "period_start": date(2026, 10, 1), "period_end": date(2026, 11, 1), "measure": "dollars",
    "scope": "b", "owner": "finance", "amount": Decimal(1000), "used": Decimal(500), "peak": Decimal(500), "unpriced_requests": 0,
    "day_of_period": 25, "days_in_period": 31, "level_percent": 50, "at_limit": "finance is told, nothing is stopped",
}  # fmt: skip
OUTLOOK: dict[str, Any] = {"series": "b", "day": DAY, "low": 590.0, "point": 600.0, "high": 640.0, "target": 1000.0}
FORECAST = {"reached_low": date(2026, 10, 21), "reached_point": date(2026, 10, 24), "reached_high": date(2026, 10, 29)}


def _put(con: Con, table: str, row: dict[str, Any]) -> None:
    con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' for _ in row)})", list(row.values()))


def _built(con: Con, facts: PageFacts) -> Any:
    return SECTION.build(Frame(con, week("2026-W43", facts.data_through), facts))


def test_a_book_without_budgets_has_a_quiet_line(empty: Con, facts: PageFacts) -> None:
    assert _built(empty, facts) is None


def test_budgets_that_are_where_the_period_is_are_counted_and_not_shown(empty: Con, facts: PageFacts) -> None:
    for name in ("one", "two"):
        _put(empty, "marts.budget_use", {**STATE, "budget": name})
        _put(empty, "marts.budget_outlook", {**OUTLOOK, "series": name})
    it = _built(empty, facts)
    assert it["rows"] == []
    assert it["others"] == "All are where the period is, or below, and expected to stay within."


def test_what_is_used_up_comes_first_then_what_is_expected_to_be(empty: Con, facts: PageFacts) -> None:
    _put(empty, "marts.budget_use", STATE)
    _put(empty, "marts.budget_outlook", OUTLOOK)
    tokens = {"measure": "tokens", "amount": Decimal(2_000_000_000), "used": Decimal(1_500_000_000), "peak": Decimal(1_500_000_000)}
    _put(empty, "marts.budget_use", {**STATE, "budget": "quota", "scope": "red, chat", **tokens, "unpriced_requests": 3})
    _put(empty, "marts.budget_outlook", {**OUTLOOK, "series": "quota", "low": 1.9e9, "point": 2.1e9, "high": 2.2e9, **FORECAST})
    _put(empty, "marts.budget_use", {**STATE, "budget": "nothing", "amount": Decimal(0), "used": Decimal(1), "peak": Decimal(1)})
    it = _built(empty, facts)
    nothing, quota = it["rows"]
    assert (nothing["budget"], nothing["exhaustion"], nothing["used"], nothing["picture"]) == ("nothing", "used up", "$1 of $0", "")
    assert (quota["scope"], quota["used"]) == ("red, chat, a month, finance", "1.5B of 2.0B tokens")
    assert (quota["point"], quota["band"], quota["exhaustion"]) == ("2.1B", "1.9B to 2.2B", "used up on 24 October")
    assert quota["unpriced"] == "3 calls unpriced"
    assert it["others"] == "1 other is where the period is, or below, and expected to stay within."


def test_a_limit_of_rate_is_told_where_minutes_went_over_it(empty: Con, facts: PageFacts) -> None:
    row = {
        "day": DAY, "limit_name": "bursts", "scope": "red", "owner": "red", "requests_per_minute": 10, "minutes": 500, "minutes_over": 0,
        "busiest_requests": 9, "busiest_tokens": 5,
    }  # fmt: skip
    _put(empty, "marts.rate_limit_use", row)
    assert _built(empty, facts)["rates"] == ["No minute went over a limit of rate."]
    _put(empty, "marts.rate_limit_use", {**row, "day": DAY - timedelta(days=1), "minutes_over": 1, "busiest_requests": 12})
    assert _built(empty, facts)["rates"] == [
        "Rate limit bursts (red): 1 minute over it, of 1,000 minutes with calls; at most 12 requests where 10 are agreed. Owner red."
    ]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ((21, 24, 29), "will be reached on 24 October, between 21 and 29 October"),
        ((24, 24, 24), "will be reached on 24 October"),
        ((21, 24, None), "will be reached on 24 October, as early as 21 October, or not in this period"),
        ((24, 24, None), "will be reached on 24 October, or not in this period"),
        ((30, None, None), "may be reached from 30 October on"),
        ((None, None, None), "will not be reached"),
    ],
)
def test_a_forecast_says_its_day_and_its_band(days: tuple[int | None, ...], said: str) -> None:
    found = [day and date(2026, 10, day) for day in days]
    assert expected(dict(zip(("reached_low", "reached_point", "reached_high"), found, strict=True))) == said


def test_an_event_is_a_sentence_with_what_happens_at_the_limit() -> None:
    event = {**STATE, "kind": "actual", "level_percent": 100, "used": Decimal(1042)}
    said = told(event).replace("\N{NO-BREAK SPACE}", " ")
    assert said == "100 % of b ($1,000 a month) is reached: $1,042 used, 104.2 %; at the limit finance is told, nothing is stopped."
    assert "at the limit" not in told({**event, "level_percent": 80})
    assert told({**event, "kind": "forecast", **FORECAST}).endswith("between 21 and 29 October; $1,042 used by 25 October.")


def test_a_day_has_no_forecast_and_a_young_budget_says_why() -> None:
    nothing = dict.fromkeys(("low", "point", "high", "reached_low", "reached_point", "reached_high"))
    assert Status({**STATE, **nothing}).sentence == "has too little history for a forecast"
    assert Status({**STATE, **nothing, "period": "day"}).sentence == "ends with the day"
    assert Status({**STATE, **nothing, "point": Decimal(600)}).sentence == "will not be reached in this month"
