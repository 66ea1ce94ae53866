"""Anthropic cost reports."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/anthropic_cost_report"


def page(*results: dict[str, Any]) -> str:
    shape = {"currency": "USD", "amount": "100", "cost_type": "tokens", "description": "Input"}
    one = {"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-10-02T00:00:00Z", "results": [{**shape, **r} for r in results]}
    return json.dumps({"data": [one]})


def test_cents_become_dollars_to_the_last_digit(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"costs.json": sample("sample.json")})
    found = desk.staged("anthropic_costs").sort("billed_cost")
    assert found["billed_cost"].to_list() == [Decimal("-0.000000000001"), Decimal("1.2345")]
    assert found["charge_category"].to_list() == ["Credit", "Usage"]


def test_a_report_fetched_again_is_billed_once_at_its_larger_amount(desk: Any) -> None:
    desk.take({"a.json": page({}), "b.json": page({"amount": "250"})})
    assert desk.staged("anthropic_costs").select("billed_cost", "copies").rows() == [(Decimal("2.5"), 2)]


@pytest.mark.parametrize(
    ("currency", "amount", "whole"),
    [
        ("USD", "123.45", "1.2345"),
        ("eur", "123.45", "1.2345"),
        ("JPY", "123.45", "123.45"),
        ("KWD", "1234.5", "1.2345"),
        ("KRW", "10000000000000", "10000000000000"),
    ],
)
def test_amounts_are_in_the_lowest_unit_of_their_currency_which_is_not_always_a_hundredth(
    desk: Any, currency: str, amount: str, whole: str
) -> None:
    desk.take({"a.json": page({"currency": currency, "amount": amount})})
    assert desk.staged("anthropic_costs").select("currency", "billed_cost").rows() == [(currency.upper(), Decimal(whole))]


def test_lines_by_region_are_all_billed(desk: Any) -> None:
    desk.take({"a.json": page({"inference_geo": "us"}, {"inference_geo": "global"})})
    assert sum(desk.staged("anthropic_costs")["billed_cost"].to_list()) == 2


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"currency": "$"}, "currency $ is no ISO 4217 code"),
        ({"amount": "much"}, "not a result: amount much is not an amount"),
        ({"amount": True}, "not a result: amount True is not an amount"),
    ],
)
def test_an_amount_that_is_none_is_set_aside(desk: Any, result: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.json": page({}, result)})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


def test_a_day_with_and_without_descriptions_is_billed_once(desk: Any) -> None:
    whole = page({"description": None, "cost_type": None, "amount": "300"})
    desk.take({"whole.json": whole, "lines.json": page({}, {"description": "Output", "amount": "200"})})
    found = desk.staged("anthropic_costs")
    assert sorted(found["billed_cost"].to_list()) == [1, 2]
    assert found["copies"].sum() == 3


def test_workspaces_exported_apart_are_all_billed(desk: Any) -> None:
    desk.take({"a.json": page({"workspace_id": "w1"}), "b.json": page({"workspace_id": "w2", "description": "Output"})})
    assert sum(desk.staged("anthropic_costs")["billed_cost"].to_list()) == 2


def test_a_number_of_cents_is_read_like_its_text(desk: Any) -> None:
    desk.take({"a.json": page({"amount": 0.1}, {"amount": "0.1", "description": "Output"})})
    assert desk.staged("anthropic_costs")["billed_cost"].to_list() == [Decimal("0.001")] * 2


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_recorded_report_is_billed_in_dollars(desk: Any) -> None:
    text = (EXAMPLES / "page_1d.json").read_text("utf-8")
    cents = [Decimal(result["amount"]) for bucket in json.loads(text)["data"] for result in bucket["results"]]
    done = desk.take({"page.json": text})
    assert (done.rows_typed, done.quarantined) == (len(cents), 0)
    assert sum(desk.staged("anthropic_costs")["billed_cost"].to_list()) == sum(cents) / 100
