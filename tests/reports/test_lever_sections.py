"""The sections of routing and of all levers: what they say, and that it adds up."""

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.page import PageFacts
from meterbook.reports.sections.levers import SECTION as LEVERS
from meterbook.reports.sections.routing import SECTION as ROUTING

Con = duckdb.DuckDBPyConnection
MONTH, DAY = "2026-10", date(2026, 10, 5)


def _put(con: Con, table: str, **row: object) -> None:
    con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _lever(con: Con, place: int, lever: str, before: int, *savings: int, **more: Any) -> None:
    group = {"team": "a", "tenant": "(none)", "feature": "chat", "provider": "openai", "model": "large", "requests": 12, **more}
    for scenario, saving in zip(("low", "point", "high"), savings, strict=True):
        money = {"before_usd": Decimal(before), "after_usd": Decimal(before - saving), "saving_usd": Decimal(saving)}
        _put(con, "marts.lever", day=DAY, place=place, lever=lever, scenario=scenario, **group, **money)


def _routed(con: Con, **more: object) -> None:
    row: dict[str, object] = {
        "feature": "chat",
        "provider": "openai",
        "model": "large",
        "served_tier": "standard",
        "price_class": "$5 and more",
    }
    row |= {"requests": 300, "feature_requests": 400, "cost_usd": Decimal(3), "tried_operations": 200, "escalated_operations": 5}
    row |= {"escalated_cost_usd": Decimal(4), "p95_latency_ms": 1900, "ratings": 10, "rating_sum": Decimal(9)}
    _put(con, "marts.routing", day=DAY, **(row | more))


def test_levers_are_told_in_their_order_and_what_remains_is_the_cost_less_all_of_them(empty: Con, facts: PageFacts) -> None:
    _lever(empty, 3, "caps", 100, -10, 0, 5)
    _lever(empty, 4, "routing", 100, 10, 20, 30)
    it = LEVERS.build(MonthFrame(empty, MONTH, facts))
    assert it is not None
    assert it["baseline"] == {"low": "$100", "point": "$100", "high": "$100"}
    assert [(row["lever"], row["low"], row["point"]) for row in it["rows"]] == [
        ("Caps on output", "\N{MINUS SIGN}$10", "$0"),
        ("Smaller models first", "$10", "$20"),
    ]
    assert it["spread"] == "$20 ($0 to $35)"


def test_a_month_in_which_no_lever_touches_a_call_says_so(empty: Con, facts: PageFacts) -> None:
    _lever(empty, 1, "duplicates", 100, 0, 0, 0, requests=0, team="(no lever)")
    assert LEVERS.build(MonthFrame(empty, MONTH, facts)) is None


def test_a_mix_tells_shares_of_the_feature_and_what_was_passed_on(empty: Con, facts: PageFacts) -> None:
    _routed(empty)
    _routed(empty, model="small", price_class="under $1", requests=100, cost_usd=Decimal("0.1"), ratings=0, rating_sum=None)
    it = ROUTING.build(MonthFrame(empty, MONTH, facts))
    assert it is not None
    large, small = it["mix"]
    assert (large["share"], large["thousand"], large["passed_on"], large["latency"]) == (
        "75.0\N{NO-BREAK SPACE}%",
        "$10.00",
        "2.5\N{NO-BREAK SPACE}%",
        "1.9 s",
    )
    assert (small["share"], small["rating"]) == ("25.0\N{NO-BREAK SPACE}%", "\N{EN DASH}")
    assert it["offers"] == []


def test_a_route_tells_from_which_share_it_pays_and_its_range(empty: Con, facts: PageFacts) -> None:
    _routed(empty)
    offer: dict[str, object] = {
        "feature": "chat",
        "provider": "openai",
        "model": "large",
        "served_tier": "standard",
        "to_provider": "openai",
    }
    offer |= {"to_model": "small", "is_not_worse": False, "requests": 10, "point_accept_ppm": 750_000}
    money = {"large": 60, "small": 12, "guard": 1, "low": 73, "point": 28, "high": 13}
    _put(empty, "marts.cascade", day=DAY, **offer, **{f"{name}_cost_usd": Decimal(usd) for name, usd in money.items()})
    it = ROUTING.build(MonthFrame(empty, MONTH, facts))
    assert it is not None
    [row] = it["offers"]
    assert (row["route"], row["quality"], row["saving"]) == ("small, then large", "not shown", "$32 (\N{MINUS SIGN}$13 to $47)")
    assert (row["even"], row["margin"]) == ("21.7\N{NO-BREAK SPACE}%", "+53.3\N{NO-BREAK SPACE}pts")


def test_a_budget_near_its_end_is_told_what_the_routes_of_its_scope_would_spare(empty: Con, facts: PageFacts) -> None:
    _routed(empty)
    _lever(empty, 4, "routing", 100, 10, 20, 30)
    for budget, scope, lands in (("chat", "chat", 85), ("other", "mail", 99), ("calm", "everything", 10)):
        _put(
            empty,
            "marts.budget_use",
            budget=budget,
            day=DAY,
            scope=scope,
            measure="dollars",
            amount=Decimal(100),
            used=Decimal(1),
        )
        _put(empty, "marts.budget_outlook", series=budget, day=DAY, point=float(lands))
    it = ROUTING.build(MonthFrame(empty, MONTH, facts))
    assert it is not None
    assert it["relief"] == [{"budget": "chat", "lands": "85.0\N{NO-BREAK SPACE}%", "saving": "$20"}]
