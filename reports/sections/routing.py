"""Which models a feature's calls went to, what was passed on, and what asking a smaller model first would cost."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import Row
from meterbook.reports.lever_text import SHOWN, spread
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import NONE, count, dollars, percent, points, price, ratio, share
from meterbook.reports.section import Section

_PPM = 1_000_000
_NEAR = 80
"""Percent of a budget from which a route is named that would relieve it."""
_MIX = """
    with mixed as (
        select feature, model, max(price_class) as price_class, cast(sum(requests) as bigint) as requests, sum(cost_usd) as cost_usd,
            cast(sum(tried_operations) as bigint) as tried, cast(sum(escalated_operations) as bigint) as escalated,
            sum(escalated_cost_usd) as escalated_usd, max(p95_latency_ms) as p95_latency_ms, cast(sum(ratings) as bigint) as ratings,
            sum(rating_sum) as rating_sum
        from marts.routing where day >= ? and day < ? and feature <> '(none)' group by feature, provider, model
    )
    select mixed.*, cast(sum(requests) over (partition by feature) as bigint) as feature_requests,
        count(*) over (partition by feature) as models
    from mixed order by models > 1 desc, cost_usd desc, feature, model
"""
_CASCADE = """
    select feature, model, max(to_model) as to_model, cast(sum(requests) as bigint) as requests, bool_and(is_not_worse) as is_not_worse,
        arg_max(point_accept_ppm, day) as accept_ppm, sum(large_cost_usd) as large_usd, sum(small_cost_usd + guard_cost_usd) as first_usd,
        sum(low_cost_usd) as low_usd, sum(point_cost_usd) as point_usd, sum(high_cost_usd) as high_usd
    from marts.cascade where day >= ? and day < ? group by feature, provider, model, served_tier, to_provider, to_model
    order by sum(large_cost_usd - point_cost_usd) desc, feature, model
"""
_REASONS = """
    select routing_reason, cast(sum(requests) as bigint) as requests from marts.routing_reason where day >= ? and day < ?
    group by routing_reason order by requests desc, routing_reason
"""
_BUDGETS = """
    select use.budget, use.scope, use.amount as amount_usd, coalesce(cast(outlook.point as decimal(38,12)), use.used) as lands_usd
    from marts.budget_use as use
    left join marts.budget_outlook as outlook on outlook.series = use.budget and outlook.day = use.day
    where use.measure = 'dollars' and use.day = (select max(day) from marts.budget_use where day >= ? and day < ?)
    order by use.budget
"""
_RELIEF = """
    select coalesce(sum(saving_usd), 0) as saving_usd from marts.lever
    where day >= ? and day < ? and lever = 'routing' and scenario = 'point' and (? = 'everything' or ? in (team, tenant, feature, model))
"""


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    mix = frame.rows(_MIX, *frame.span)
    if not mix:
        return None
    offers = frame.rows(_CASCADE, *frame.span)
    return {
        "mix": [_mixed(row) for row in mix[:SHOWN]],
        "has_passed": any(row["escalated"] for row in mix),
        "more": max(0, len(mix) - SHOWN),
        "offers": [_offer(row) for row in offers[:SHOWN]],
        "reasons": ", ".join(f"{row['routing_reason']} {count(row['requests'])}" for row in frame.rows(_REASONS, *frame.span)[:SHOWN]),
        "relief": list(_relief(frame)),
    }


def _mixed(row: Row) -> Mapping[str, str]:
    return {
        "feature": row["feature"],
        "model": row["model"],
        "class": row["price_class"],
        "share": share(row["requests"], row["feature_requests"]),
        "thousand": NONE if row["price_class"] == "unknown" else price(ratio(row["cost_usd"] * 1000, row["requests"])),
        "passed_on": share(row["escalated"], row["tried"]),
        "passed_on_cost": dollars(row["escalated_usd"]),
        "latency": NONE if row["p95_latency_ms"] is None else f"{Decimal(row['p95_latency_ms']) / 1000:,.1f} s",
        "rating": percent(ratio(row["rating_sum"], row["ratings"])),
    }


def _offer(row: Row) -> Mapping[str, str]:
    accept, even = Decimal(row["accept_ppm"]) / _PPM, ratio(row["first_usd"], row["large_usd"])
    return {
        "feature": row["feature"],
        "route": f"{row['to_model']}, then {row['model']}",
        "accept": percent(accept),
        "even": percent(even),
        "margin": points(None if even is None else accept - even),
        "quality": "no worse" if row["is_not_worse"] else "not shown",
        "saving": spread(*(row["large_usd"] - row[f"{name}_usd"] for name in ("low", "point", "high"))),
    }


def _relief(frame: MonthFrame) -> Iterator[Mapping[str, str]]:
    """Budgets that end at 80 % or more, and what the routes of their scope would spare."""
    for row in frame.rows(_BUDGETS, *frame.span):
        if row["lands_usd"] * 100 < row["amount_usd"] * _NEAR or not row["amount_usd"]:
            continue
        [found] = frame.rows(_RELIEF, *frame.span, row["scope"], row["scope"])
        if found["saving_usd"] > 0:
            yield {
                "budget": row["budget"],
                "lands": percent(ratio(row["lands_usd"], row["amount_usd"])),
                "saving": dollars(found["saving_usd"]),
            }


SECTION = Section("routing", _build, "No calls of a feature in this month.", "Which model answers")
