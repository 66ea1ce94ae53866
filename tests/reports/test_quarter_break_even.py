"""Managed API against self-hosted on the quarterly page: verdict and dollars a year, where both cost the same, what it takes."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from meterbook.reports.figures import PageFacts
from meterbook.reports.numbers import MINUS, NBSP, NONE
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.sections.quarter_break_even import SECTION

Con = duckdb.DuckDBPyConnection
FIRST = date(2026, 10, 1)
HOSTILE = "<script>alert(1)</script>" + "n" * 140
HOURS = 20


def _put(con: Con, table: str, **row: Any) -> None:
    con.execute(f"insert into marts.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _model(
    con: Con, name: str = "llama", tokens: int = 1_000_000, *, pool: str = "serve", cost: str = "20", api: str = "10", **more: Any
) -> None:
    counted = {"tokens": tokens, "costed_tokens": tokens, "priced_tokens": tokens, "uncounted_requests": 0}
    money = {"allocation_cost_usd": Decimal(cost), "usage_cost_usd": Decimal(1), "api_cost_usd": Decimal(api)}
    _put(con, "self_hosted", **{"day": FIRST, "pool": pool, "model": name, "api": "acme/large", **counted, **money, **more})


def _hours(
    con: Con, used: int = 500, api: str | None = "0.5", *, pool: str = "serve", day: date = FIRST, unknown: int = 0, cost: str | None = "1"
) -> None:
    """Twenty hours of a day, each of one GPU."""
    for hour in range(HOURS):
        seconds = {"capacity_seconds": 1000, "used_seconds": used, "unknown_seconds": unknown, "tokens": 50_000}
        money = {"allocation_cost_usd": cost and Decimal(cost), "api_cost_usd": api and Decimal(api)}
        at = datetime(day.year, day.month, day.day, hour)
        _put(con, "self_hosted_load", day=day, started_at=at, pool=pool, **seconds, **money)


def _build(con: Con, facts: PageFacts, quarter: str = "2026-Q4") -> Any:
    return SECTION.build(QuarterFrame(con, quarter, facts))


def _lead(con: Con, facts: PageFacts) -> str:
    return str(_build(con, facts)["lead"])


def _sentence(con: Con, facts: PageFacts) -> str:
    [line] = _build(con, facts)["sentences"]
    return str(line.replace(NBSP, " "))


def test_a_quarter_without_self_hosted_calls_says_so(empty: Con, facts: PageFacts) -> None:
    assert _build(empty, facts) is None
    _hours(empty)
    assert _build(empty, facts) is None


@pytest.mark.parametrize(
    ("api", "year", "said"),
    [
        # Twenty hours at a dollar on one of 25 days; the year has 365 of the days since the first.
        ("0.5", f"{MINUS}$146", "$10 at the API. At this use self-hosting costs $146 more than the API in a year."),
        ("2", "+$292", "$40 at the API. At this use self-hosting costs $292 less than the API in a year."),
        ("1", "$0", "$20 at the API. At this use self-hosting costs as much as the API in a year."),
        ("1000000", "+$291,999,708", "$20.00M at the API. At this use self-hosting costs $292.00M less than the API in a year."),
    ],
)
def test_own_gpus_are_held_against_the_api_in_dollars_a_year(empty: Con, facts: PageFacts, api: str, year: str, said: str) -> None:
    _model(empty)
    _hours(empty, api=api)
    _last_day(empty, api)
    empty.execute("update marts.self_hosted_load set allocation_cost_usd = 0, api_cost_usd = 0, tokens = 0 where day > '2026-10-01'")
    found = _build(empty, facts)
    assert found["lead"] == f"Self-hosting on serve cost $20 in Q4 2026 so far; the same tokens would have cost {said}"
    assert [row["year"] for row in found["pools"]] == [year]


def _last_day(con: Con, api: str | None) -> None:
    """Its GPUs are there still."""
    _hours(con, api=api, day=date(2026, 10, 25))


@pytest.mark.parametrize(
    ("used", "api", "said"),
    [
        (
            500,
            "0.8",
            "The API would have cost less than serve: used 50.0 %, it breaks even at 62.5 %. To get there takes 1.5M tokens a month",
        ),
        (
            500,
            "0.4",
            "serve would cost more than the API even if it were never idle. At today's tokens a GPU-hour would have to cost $1.44, not",
        ),
        (
            500,
            "2",
            "serve is worth it: used 50.0 %, it breaks even at 25.0 %, and nine of ten hours are busier. Its tokens may fall from 1.2M",
        ),
        (500, "0", "serve: used 50.0 %; no price of an API to hold it against."),
    ],
)
def test_a_pool_is_told_with_what_it_would_take(empty: Con, facts: PageFacts, used: int, api: str, said: str) -> None:
    _model(empty)
    _hours(empty, used, api)
    assert _sentence(empty, facts).startswith(said)


def test_quiet_hours_make_it_worth_it_only_on_the_whole(empty: Con, facts: PageFacts) -> None:
    _model(empty)
    _hours(empty, 500, "2")
    empty.execute("update marts.self_hosted_load set used_seconds = 10 where extract(hour from started_at) < 3")
    assert _sentence(empty, facts).startswith(
        "serve is worth it on the whole, but not in its quiet hours: used 42.6 %, it breaks even at 21.3 %."
    )


def test_a_comparable_without_a_price_is_said_and_in_no_sum(empty: Con, facts: PageFacts) -> None:
    _model(empty)
    _model(empty, "qwen", pool="dark", api="0", priced_tokens=0)
    _hours(empty)
    _hours(empty, api=None, pool="dark")
    found = _build(empty, facts)
    assert "1 more pool cannot be held against an API." in found["lead"]
    assert "No price is known of acme/large: name a model of a rate card as `api` in meterbook.yaml." in found["notes"]
    assert "20 hours without a known cost or price left out." in found["notes"]
    assert [(row["model"], row["beside"]) for row in found["models"]] == [("qwen", NONE), ("llama", "$10.00")]
    empty.execute("delete from marts.self_hosted where pool = 'serve'")
    assert _lead(empty, facts) == "What self-hosting cost cannot be held against an API: what its GPU hours did is unknown."
    empty.execute("update marts.self_hosted_load set api_cost_usd = 0")
    assert _lead(empty, facts) == "What self-hosting cost cannot be held against an API: no API has a price for it."


def test_a_pool_without_hours_of_gpus_is_not_taken_as_free(empty: Con, facts: PageFacts) -> None:
    _model(empty)
    found = _build(empty, facts)
    assert found["lead"] == "What self-hosting cost cannot be held against an API: no GPU hours of its pools are known."
    assert (found["chart"], found["pools"]) == (None, [])


def test_unknown_time_that_could_turn_the_verdict_round_leaves_it_open(empty: Con, facts: PageFacts) -> None:
    _model(empty)
    _hours(empty, 300, "0.6", unknown=400)
    assert _sentence(empty, facts) == "serve: whether it is worth it cannot be told, for too much of its time is unknown."
    note = "With its unknown time taken as idle or as work serve was used 30.0 % to 70.0 % and breaks even at 50.0 % to 116.7 %."
    assert note in [line.replace(NBSP, " ") for line in _build(empty, facts)["notes"]]


def test_a_pool_that_serves_no_more_has_no_year_to_come(empty: Con, facts: PageFacts) -> None:
    _model(empty)
    _hours(empty)
    found = _build(empty, facts)
    assert [row["year"] for row in found["pools"]] == [NONE]
    assert found["lead"].endswith("the same tokens would have cost $10 at the API.")


def test_months_are_points_beside_where_it_breaks_even(empty: Con, facts: PageFacts) -> None:
    _model(empty, day=date(2026, 7, 1))
    for month, used in ((7, 200), (8, 400), (9, 900)):
        _hours(empty, used, "2", day=date(2026, month, 1))
    chart = _build(empty, facts, "2026-Q3")["chart"]
    line, mark = chart.figure["data"]
    assert (line["x"], mark["x"]) == ([0.2, 0.4, 0.9], [0.25])
    assert [one["text"].replace(NBSP, " ") for one in chart.figure["layout"]["annotations"]] == ["Sep 90.0 %", "even at 25.0 %"]
    assert [row[0] for row in chart.rows] == ["serve, Jul", "serve, Aug", "serve, Sep", "serve, quarter"]
    empty.execute("delete from marts.self_hosted_load where extract(month from day) = 8")
    assert _build(empty, facts, "2026-Q3")["chart"].rows[1][1:] == (NONE,) * 4, "a month without hours is unknown, not nothing"
    assert chart.rows[3][1:] == (f"50.0{NBSP}%", f"25.0{NBSP}%", "$20.00", "$40.00")
    assert "marts.self_hosted_load, 60 rows" in chart.how


def test_what_breaks_even_beyond_the_axis_stands_at_its_end_with_its_number(empty: Con, facts: PageFacts) -> None:
    _model(empty, HOSTILE, pool=HOSTILE)
    _hours(empty, 500, "0.001", pool=HOSTILE)
    chart = _build(empty, facts)["chart"]
    assert chart.figure["data"][1]["x"] == [1.5]
    assert chart.figure["data"][1]["marker"]["symbol"] == "triangle-right"
    assert chart.how.endswith("An arrow lies beyond the scale.")
    assert chart.figure["layout"]["annotations"][1]["text"] == f"even at 50,000.0{NBSP}%"
    assert "<" not in chart.json


def test_what_breaks_even_within_the_axis_is_a_mark_where_it_does(empty: Con, facts: PageFacts) -> None:
    _model(empty)
    _hours(empty)
    chart = _build(empty, facts)["chart"]
    assert chart.figure["data"][1]["marker"]["symbol"] == "line-ns-open"
    assert "arrow" not in chart.how


def test_the_cost_is_that_of_the_mart(empty: Con, facts: PageFacts) -> None:
    _model(empty)
    _hours(empty)
    _hours(empty, day=FIRST - timedelta(days=1), cost="1000")
    [(cost,)] = empty.execute("select sum(allocation_cost_usd) from marts.self_hosted_load where day >= '2026-10-01'").fetchall()
    assert [row["cost"] for row in _build(empty, facts)["pools"]] == [f"${cost:,.0f}"]
