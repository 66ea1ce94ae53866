"""Anthropic cost reports."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest


def page(*results: dict[str, Any]) -> str:
    shape = {"currency": "USD", "amount": "100", "cost_type": "tokens", "description": "Input"}
    one = {"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-10-02T00:00:00Z", "results": [{**shape, **r} for r in results]}
    return json.dumps({"data": [one]})


def test_cents_become_dollars_to_the_last_digit(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"costs.json": sample("sample.json")})
    found = desk.staged("anthropic_costs").sort("billed_cost_usd")
    assert found["billed_cost_usd"].to_list() == [Decimal("-0.000000000001"), Decimal("1.2345")]
    assert found["charge_category"].to_list() == ["Credit", "Usage"]


def test_a_report_fetched_again_is_billed_once_at_its_larger_amount(desk: Any) -> None:
    desk.take({"a.json": page({}), "b.json": page({"amount": "250"})})
    assert desk.staged("anthropic_costs").select("billed_cost_usd", "copies").rows() == [(Decimal("2.5"), 2)]


def test_lines_by_region_are_all_billed(desk: Any) -> None:
    desk.take({"a.json": page({"inference_geo": "us"}, {"inference_geo": "global"})})
    assert sum(desk.staged("anthropic_costs")["billed_cost_usd"].to_list()) == 2


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"currency": "EUR"}, "currency EUR is not USD"),
        ({"amount": "much"}, "not a result: amount much is not an amount"),
        ({"amount": True}, "not a result: amount True is not an amount"),
    ],
)
def test_an_amount_that_is_none_is_set_aside(desk: Any, result: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.json": page({}, result)})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])
