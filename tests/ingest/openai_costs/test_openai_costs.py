"""OpenAI cost pages."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/openai_costs"


def page(*results: dict[str, Any]) -> str:
    shape = {"object": "organization.costs.result", "amount": {"value": 1, "currency": "usd"}, "line_item": "gpt-5, input"}
    one = {"object": "bucket", "start_time": 1_790_812_800, "end_time": 1_790_899_200, "results": [{**shape, **r} for r in results]}
    return json.dumps({"object": "page", "data": [one]})


def test_dollars_as_number_or_text_are_kept_exactly(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"costs.json": sample("sample.json")})
    found = desk.staged("openai_costs").sort("billed_cost")
    assert found["billed_cost"].to_list() == [Decimal("-0.25"), Decimal("0.064398"), Decimal("0.18432")]
    assert found["charge_category"].to_list() == ["Credit", "Usage", "Usage"]
    assert found["model"].to_list() == [None, None, "gpt-5-mini-2025-08-07"]
    assert found.select("meter", "tokens").rows() == [(None, None), (None, None), ("input", 737_280)]
    assert found["quantity"].to_list() == [None, None, Decimal(737_280)]


def test_a_line_exported_again_is_billed_once_at_its_later_figure(desk: Any) -> None:
    later = page({"amount": {"value": 1.5, "currency": "usd"}})
    desk.take({"a.json": page({}), "b.json": later, "c/b.json": later})
    assert desk.staged("openai_costs").select("billed_cost", "copies").rows() == [(Decimal("1.5"), 2)]


def test_two_lines_that_only_look_alike_are_both_billed(desk: Any) -> None:
    desk.take({"a.json": page({}, {}, {"user_id": "u-1"})})
    assert sum(desk.staged("openai_costs")["billed_cost"].to_list()) == 3


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ({"value": 1, "currency": "euros"}, "currency EUROS is no ISO 4217 code"),
        ({"value": 1, "currency": None}, "currency NONE is no ISO 4217 code"),
        ({"value": 1e12, "currency": "usd"}, "amount 1000000000000.000000000000 is too large"),
        ({"value": "Infinity", "currency": "usd"}, "not a result: amount Infinity is not a number"),
        ({"value": 1e30, "currency": "usd"}, "not a result: amount 1E+30 is too large"),
        ({"value": None, "currency": "usd"}, "not a result: amount None is not an amount"),
    ],
)
def test_an_amount_that_is_none_is_set_aside(desk: Any, amount: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.json": page({}, {"amount": amount})})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"line_item": "gpt-5, cached input", "quantity": 1.5, "quantity_unit": "1000_tokens"}, ("gpt-5", "cache_read", 1500, None)),
        ({"line_item": "gpt-5, output_tokens"}, ("gpt-5", "output", None, None)),
        ({"line_item": "gpt-5 batch, input", "quantity": 7, "quantity_unit": "tokens"}, ("gpt-5", "input", 7, "batch")),
        ({"line_item": "gpt-5, batch output"}, ("gpt-5", "output", None, "batch")),
        ({"line_item": "Web search, per call"}, (None, None, None, None)),
        ({"line_item": "dall-e-3, images", "quantity": 2, "quantity_unit": "images"}, ("dall-e-3", None, None, None)),
        ({"line_item": "gpt-5, input", "quantity": 0.0004, "quantity_unit": "1000_tokens"}, ("gpt-5", "input", None, None)),
    ],
)
def test_a_line_item_says_model_meter_and_tokens_where_it_can(desk: Any, result: dict[str, Any], expected: tuple[Any, ...]) -> None:
    desk.take({"a.json": page(result)})
    assert desk.staged("openai_costs").select("model", "meter", "tokens", "served_tier").rows() == [expected]


def test_a_line_in_another_currency_is_kept_in_it_beside_the_line_in_dollars(desk: Any) -> None:
    euros = {"amount": {"value": 2.5, "currency": "eur"}}
    done = desk.take({"a.json": page({}, euros), "b.json": page({"amount": {"value": 3, "currency": "eur"}}, {})})
    assert done.quarantined == 0
    found = desk.staged("openai_costs").sort("currency")
    assert found.select("currency", "billed_cost", "copies").rows() == [("EUR", Decimal(3), 2), ("USD", Decimal(1), 2)]


def test_lines_in_two_currencies_are_not_the_same_day_exported_in_two_ways(desk: Any) -> None:
    euros = page({"amount": {"value": 200, "currency": "eur"}, "user_id": "u-1"})
    desk.take({"dollars.json": page({}, {"line_item": "gpt-5, output"}), "euros.json": euros})
    found = desk.staged("openai_costs").group_by("currency").agg(total=pl.col("billed_cost").sum())
    assert dict(found.rows()) == {"EUR": 200, "USD": 2}


def test_a_credit_stays_one_whether_it_comes_before_or_beside_its_charge(desk: Any) -> None:
    credit = {"amount": {"value": -1, "currency": "usd"}}
    desk.take({"early.json": page(credit), "late.json": page({"amount": {"value": 3, "currency": "usd"}}, credit)})
    found = desk.staged("openai_costs").sort("billed_cost")
    assert found.select("billed_cost", "charge_category", "copies").rows() == [(-1, "Credit", 2), (3, "Usage", 1)]


def test_a_day_exported_by_other_dimensions_is_billed_once(desk: Any) -> None:
    whole = page({"line_item": None, "amount": {"value": 3, "currency": "usd"}})
    lines = page({"amount": {"value": 1, "currency": "usd"}}, {"line_item": "gpt-5, output", "amount": {"value": 2, "currency": "usd"}})
    desk.take({"whole.json": whole, "lines.json": lines})
    found = desk.staged("openai_costs")
    assert (sum(found["billed_cost"].to_list()), found.height, found["copies"].sum()) == (3, 2, 3)


def test_a_page_without_its_successor_is_flagged(desk: Any) -> None:
    done = desk.take({"a.json": json.dumps({**json.loads(page({})), "has_more": True})})
    assert [flag for _, flag in done.flagged] == ["has more pages, and none of them is in the inbox"]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_recorded_pages_are_billed_to_the_last_digit(desk: Any) -> None:
    pages = [json.loads(path.read_text("utf-8"), parse_float=Decimal) for path in sorted(EXAMPLES.glob("*.json"))]
    given = [Decimal(result["amount"]["value"]) for one in pages for bucket in one["data"] for result in bucket["results"]]
    done = desk.take({path.name: path.read_bytes() for path in EXAMPLES.glob("*.json")})
    assert (done.refused, done.quarantined, done.rows_typed) == ([], 0, len(given))
    assert sum(desk.staged("openai_costs")["billed_cost"].to_list()) == sum(given)
