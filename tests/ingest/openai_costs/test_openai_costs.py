"""OpenAI cost pages."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest


def page(*results: dict[str, Any]) -> str:
    shape = {"object": "organization.costs.result", "amount": {"value": 1, "currency": "usd"}, "line_item": "gpt-5, input"}
    one = {"object": "bucket", "start_time": 1_790_812_800, "end_time": 1_790_899_200, "results": [{**shape, **r} for r in results]}
    return json.dumps({"object": "page", "data": [one]})


def test_dollars_as_number_or_text_are_kept_exactly(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"costs.json": sample("sample.json")})
    found = desk.staged("openai_costs").sort("billed_cost_usd")
    assert found["billed_cost_usd"].to_list() == [Decimal("-0.25"), Decimal("0.064398"), Decimal("0.18432")]
    assert found["charge_category"].to_list() == ["Credit", "Usage", "Usage"]
    assert found["model"].to_list() == [None, None, "gpt-5-mini-2025-08-07"]
    assert found["quantity"].to_list() == [None, None, Decimal(737_280)]


def test_a_line_exported_again_is_billed_once_at_its_later_figure(desk: Any) -> None:
    later = page({"amount": {"value": 1.5, "currency": "usd"}})
    desk.take({"a.json": page({}), "b.json": later, "c/b.json": later})
    assert desk.staged("openai_costs").select("billed_cost_usd", "copies").rows() == [(Decimal("1.5"), 2)]


def test_two_lines_that_only_look_alike_are_both_billed(desk: Any) -> None:
    desk.take({"a.json": page({}, {}, {"user_id": "u-1"})})
    assert sum(desk.staged("openai_costs")["billed_cost_usd"].to_list()) == 3


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ({"value": 1, "currency": "eur"}, "currency EUR is not USD"),
        ({"value": "Infinity", "currency": "usd"}, "not a result: amount Infinity is not a number"),
        ({"value": 1e30, "currency": "usd"}, "not a result: amount 1E+30 is too large"),
        ({"value": None, "currency": "usd"}, "not a result: amount None is not an amount"),
    ],
)
def test_an_amount_that_is_none_is_set_aside(desk: Any, amount: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.json": page({}, {"amount": amount})})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])
