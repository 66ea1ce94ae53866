"""Self-hosted models on the weekly page: both bases beside the API, and whether a pool is busy enough to be worth it."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from meterbook.reports.frame import Frame
from meterbook.reports.page import PageFacts, render
from meterbook.reports.periods import week
from meterbook.reports.sections.self_hosted import SECTION, VERDICTS

Con = duckdb.DuckDBPyConnection
WEEK, DAY = "2026-W43", date(2026, 10, 20)
HOSTILE = "<script>alert(1)</script>"
HOURS = 20


def _put(con: Con, table: str, **row: Any) -> None:
    con.execute(f"insert into marts.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _model(con: Con, name: str, tokens: int, *, allocation: str, usage: str, api: str, **more: Any) -> None:
    counted = {"tokens": tokens, "costed_tokens": tokens, "priced_tokens": tokens, "uncounted_requests": 0}
    money = {"allocation_cost_usd": Decimal(allocation), "usage_cost_usd": Decimal(usage), "api_cost_usd": Decimal(api)}
    _put(con, "self_hosted", **{"day": DAY, "pool": "serve", "model": name, "api": "acme/large", **counted, **money, **more})


def _hour(con: Con, hour: int, used: int, api: str | None, *, unknown: int = 0, cost: str | None = "1") -> None:
    seconds = {"capacity_seconds": 1000, "used_seconds": used, "unknown_seconds": unknown}
    money = {"allocation_cost_usd": cost and Decimal(cost), "api_cost_usd": api and Decimal(api)}
    _put(con, "self_hosted_load", day=DAY, started_at=datetime(2026, 10, 20, hour), pool="serve", **seconds, **money)


def _build(con: Con, facts: PageFacts) -> Any:
    return SECTION.build(Frame(con, week(WEEK, facts.data_through), facts))


def test_a_week_without_calls_of_self_hosted_models_says_so_quietly(empty: Con, facts: PageFacts) -> None:
    assert SECTION.empty in render("weekly", WEEK, empty, facts)
    _model(empty, "(none)", 0, allocation="24", usage="0", api="0")
    assert _build(empty, facts) is None


def test_a_million_tokens_has_a_price_on_both_bases_and_models_bear_the_hours_without_calls(empty: Con, facts: PageFacts) -> None:
    _model(empty, "llama", 3_000_000, allocation="6", usage="1.5", api="30")
    _model(empty, "qwen", 1_000_000, allocation="2", usage="0.5", api="1", priced_tokens=500_000)
    _model(empty, "(none)", 0, allocation="8", usage="1", api="0")
    _model(empty, "lost", 1_000_000, allocation="0", usage="0", api="10", costed_tokens=0, pool="dark", uncounted_requests=3)
    found = _build(empty, facts)
    rows = [(row["model"], row["usage"], row["allocation"], row["beside"]) for row in found["models"]]
    # Of 16 dollars, 8 in hours without calls, six eighths are of three million tokens.
    assert rows == [
        ("lost", "\N{EN DASH}", "\N{EN DASH}", "$10.00"),
        ("llama", "$0.500", "$4.00", "$10.00"),
        ("qwen", "$0.500", "$4.00", "$2.00"),
    ]
    assert found["uncounted"] == "3 calls"


@pytest.mark.parametrize(
    ("quiet", "api", "even", "verdict"),
    [
        # Twenty dollars for 49 % of the time; the API's price says how busy it must be.
        (400, "2", "24.5", "worth it"),
        (100, "2", "23.0", "on the whole"),
        (400, "0.8", "61.2", "api"),
        (400, "0.4", "122.5", "never"),
    ],
)
def test_a_pool_is_worth_it_where_nine_of_ten_hours_are_busier_than_what_breaks_even(
    empty: Con, facts: PageFacts, *, quiet: int, api: str, even: str, verdict: str
) -> None:
    _model(empty, "llama", 10, allocation="20", usage="9.8", api="1")
    for hour in range(HOURS):
        _hour(empty, hour, quiet if hour < HOURS // 10 else 500, api)
    [pool] = _build(empty, facts)["pools"]
    assert pool["even"] == f"{even}\N{NO-BREAK SPACE}%"
    assert pool["quiet"] == f"{quiet / 10:.1f}\N{NO-BREAK SPACE}%"
    assert pool["verdict"] == VERDICTS[verdict]
    assert (pool["left_out"], pool["used_range"], pool["even_range"]) == ("", "", "")


def test_what_unknown_time_could_turn_round_is_not_told(empty: Con, facts: PageFacts) -> None:
    _model(empty, "llama", 10, allocation="20", usage="9.8", api="1")
    for hour in range(HOURS):
        _hour(empty, hour, 300, "2", unknown=400)
    [pool] = _build(empty, facts)["pools"]
    said = [pool[name].replace("\N{NO-BREAK SPACE}", "") for name in ("used", "used_range", "even", "even_range")]
    assert said == ["50.0%", "30.0% to 70.0%", "25.0%", "15.0% to 35.0%"]
    assert pool["verdict"] == VERDICTS["worth it"]
    empty.execute("update marts.self_hosted_load set api_cost_usd = 0.6")
    [pool] = _build(empty, facts)["pools"]
    # The API is cheaper: at 83 % on what is known, at 50 % if all that is unknown was idle, never if all of it was work.
    assert pool["verdict"] == VERDICTS["unknown"]
    empty.execute("update marts.self_hosted_load set used_seconds = 0, unknown_seconds = 1000")
    [pool] = _build(empty, facts)["pools"]
    assert pool["used"] == "\N{EN DASH}"
    assert pool["used_range"].replace("\N{NO-BREAK SPACE}", "") == "0.0% to 100.0%"
    assert pool["verdict"] == VERDICTS["unknown"]


def test_hours_without_a_cost_or_a_price_of_the_api_are_left_out_and_counted(empty: Con, facts: PageFacts) -> None:
    _model(empty, "llama", 10, allocation="20", usage="9.8", api="1")
    _hour(empty, 1, 500, "2")
    _hour(empty, 2, 1000, None)
    _hour(empty, 3, 1000, "2", cost=None)
    [pool] = _build(empty, facts)["pools"]
    assert (pool["left_out"], pool["even"]) == ("2 hours", "25.0\N{NO-BREAK SPACE}%")
    empty.execute("update marts.self_hosted_load set api_cost_usd = 0")
    assert _build(empty, facts)["pools"][0]["verdict"] == VERDICTS["unpriced"]


def test_the_section_shows_names_as_text_and_the_day_as_a_curve(lake: Con, facts: PageFacts) -> None:
    _model(lake, HOSTILE, 1_000_000, allocation="4", usage="1", api="2")
    _hour(lake, 9, 500, "2")
    made = render("weekly", WEEK, lake, facts)
    section = made.split('<section id="self_hosted">')[1].split("</section>")[0]
    assert "<script" not in section
    assert "alert(1)" in section
    assert re.search(r'aria-label="serve: used by hour of day, UTC: (0\.0.%, ){9}50\.0.%', section)
    assert "$1.00" in section
    assert "$4.00" in section
