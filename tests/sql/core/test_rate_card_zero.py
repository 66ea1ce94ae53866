"""Whatever is used and whatever it is charged at, a rate card moves cost between teams and makes none."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.clock import calendar

pytestmark = pytest.mark.long

Chain = Callable[..., dict[str, list[dict[str, Any]]]]
FIRST, AFTER = date(2026, 10, 1), date(2026, 11, 1)
CHAIN = ("core.rate_card_use", "core.rate_card_charge", "core.cost_line")
METERS = ("input", "cache_read", "output")
USD = st.decimals(min_value=0, max_value=1000, places=12)
PRICE = st.integers(0, 10**9)
"""Pico-dollars of a token."""
TEAMS = st.sampled_from(["red", "blue", "platform", None])
CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "day": st.integers(0, 2),
            "team": TEAMS,
            "model": st.sampled_from(["big-1", "big-2", "small", None]),
            "tokens": st.tuples(*(st.integers(0, 10**7) for _ in METERS)),
            "costs": st.tuples(*(USD for _ in METERS)),
            "other": USD,
            "billing": st.sampled_from(["billed", "unknown", "not billed"]),
            "known": st.booleans(),
        }
    ),
    max_size=8,
)
HOURS = st.lists(st.tuples(st.sampled_from(["red", "blue", "unassigned"]), st.integers(1, 3600), USD), max_size=4)
PRICES = st.fixed_dictionaries({}, optional={(name, meter): PRICE for name in ("premium", "standard") for meter in METERS})
CARD = {"period": "2026-10", "card": "rate card 2026-10, edition 1", "starts_on": FIRST, "ends_on": AFTER}
CLASSES = [("premium", "big-%"), ("standard", "small")]


def _call(number: int, call: dict[str, Any]) -> dict[str, object]:
    day, whole = FIRST + timedelta(days=call["day"]), sum((*call["costs"], call["other"]))
    return {
        "request_id": f"r{number}",
        "day": day,
        "book_day": day,
        **{name: call[name] for name in ("team", "model", "billing")},
        **{f"{meter}_tokens": tokens for meter, tokens in zip(METERS, call["tokens"], strict=True)},
        **{f"{meter}_cost_usd": cost for meter, cost in zip(METERS, call["costs"], strict=True)},
        "cache_write_cost_usd": 0,
        "effective_cost_usd": whole if call["known"] else None,
        "cost_usd": whole,
    }


def _hour(number: int, team: str, seconds: int, usd: Decimal) -> dict[str, object]:
    held = 0 if team == "unassigned" else usd
    return {
        "device_id": f"g{number}",
        "day": FIRST,
        "book_day": FIRST,
        "pool": "training",
        "team": team,
        "used_seconds": seconds,
        "warm_idle_seconds": 3600 - seconds,
        "cost_usd": usd,
        "used_cost_usd": held,
        "warm_idle_cost_usd": 0,
        "free_idle_cost_usd": usd - held,
        "unknown_cost_usd": 0,
    }


@given(calls=CALLS, hours=HOURS, prices=PRICES, hourly=PRICE, bearer=st.sampled_from(["platform", "red", "unallocated"]))
@examples(25)
def test_what_a_card_charges_comes_to_what_is_charged_and_all_its_lines_to_nothing(
    chain: Chain, *, calls: list[dict[str, Any]], hours: list[Any], prices: dict[tuple[str, str], int], hourly: int, bearer: str
) -> None:
    of_tokens = [
        {"period": "2026-10", "class": name, "meter": meter, "usd": Decimal(pico).scaleb(-12)} for (name, meter), pico in prices.items()
    ]
    made = chain(
        {
            "book.day": calendar(FIRST, AFTER),
            "core.request_cost": [_call(number, call) for number, call in enumerate(calls)],
            "core.gpu_hour": [_hour(number, *hour) for number, hour in enumerate(hours)],
            "rate_cards.internal_card": [{**CARD, "difference_to": bearer}],
            "rate_cards.internal_class": [
                {"period": "2026-10", "place": place, "class": name, "pattern": pattern} for place, (name, pattern) in enumerate(CLASSES)
            ],
            "rate_cards.internal": [
                *of_tokens,
                {"period": "2026-10", "gpu_pool": "training", "meter": "gpu_hour", "usd": Decimal(hourly).scaleb(-12)},
            ],
        },
        CHAIN,
        FIRST,
        AFTER,
    )
    lines = [row for row in made["core.cost_line"] if row["line"] == "Rate card"]
    by_day: dict[object, Decimal] = defaultdict(Decimal)
    for row in lines:
        by_day[row["day"]] += row["cost_usd"]
    assert set(by_day.values()) <= {Decimal(0)}
    charges = made["core.rate_card_charge"]
    assert sum(row["charge_usd"] for row in charges if row["item"] in {"premium", "standard"}) == _charged(calls, prices)
    others = sum(row["difference_usd"] for row in charges if row["team"] != bearer)
    assert sum(row["cost_usd"] for row in lines if row["team"] == bearer) == -others


def _charged(calls: list[dict[str, Any]], prices: dict[tuple[str, str], int]) -> Decimal:
    """The same charge counted call by call: a model of a day and owner that used a meter without a price is not charged."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(lambda: [0] * len(METERS))
    for call in calls:
        if call["known"] and call["billing"] != "not billed" and call["model"]:
            key = (call["day"], call["team"], call["model"])
            groups[key] = [before + tokens for before, tokens in zip(groups[key], call["tokens"], strict=True)]
    pico = 0
    for (_, _, model), tokens in groups.items():
        name = "premium" if str(model).startswith("big") else "standard"
        used = [(meter, count) for meter, count in zip(METERS, tokens, strict=True) if count]
        if all((name, meter) in prices for meter, _ in used):
            pico += sum(count * prices[name, meter] for meter, count in used)
    return Decimal(pico).scaleb(-12)
