"""Budgets as a gateway's own configuration: whatever they are, the file is one it takes, the same every time, and nothing is dropped."""

import json
from decimal import Decimal
from typing import Any

import pytest
from examples import examples
from gateway_reading import BLOCK, DAY, checked, exported, file_of
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.gateway_export import RENDERS, Gateway, export
from meterbook.assets.gateways import Asked


@pytest.mark.parametrize("gateway", RENDERS)
def test_amounts_are_those_in_force_on_the_day_and_their_end_is_said(gateway: Gateway) -> None:
    raised = {"amount": 150, "starts_on": "2026-11-03", "ends_on": "2026-12-01"}
    budget = {"team": "a", "measure": "tokens", "amount": 100, "period": "day", "raises": [raised], **BLOCK}
    if gateway == "litellm":
        budget = {"team": "a", "amount_usd": 100, "period": "day", "raises": [raised], **BLOCK}
    found, made = exported(gateway, budget)
    assert "150" in json.dumps(found).replace("150.0", "150")
    assert "budget b0: 150 holds until 2026-12-01, then 100; export again on that day" in made.to_know


@pytest.mark.parametrize("gateway", RENDERS)
def test_what_does_not_hold_on_the_day_is_said_and_what_is_said_is_in_thefile_of(gateway: Gateway) -> None:
    _, made = exported(gateway, {"team": "a", "amount_usd": 1, "ends_on": "2026-11-28"}, {"measure": "gpu_hours", "amount": 1})
    assert made.left_out[0] == "budget b0: does not hold on 2026-11-28"
    assert all(line in made.text for line in (*made.left_out, *made.to_know))


SCOPES = st.fixed_dictionaries(
    {},
    optional={
        "team": st.sampled_from(["a", "b: #x"]),
        "tenant": st.just("harbor"),
        "feature": st.just("chat"),
        "model": st.sampled_from(["gpt-5", "gpt-5*"]),
        "model_class": st.sampled_from(["small", "large"]),
    },
)
AT_LIMIT = st.sampled_from([{}, BLOCK, {"at_limit": {"do": "fall back", "model": "gpt-5-mini"}}])
PERIOD = st.sampled_from(["day", "week", "month", "quarter"]).map(lambda name: {"period": name})
AMOUNT = st.one_of(
    st.decimals(0, 10**6, places=2).map(lambda value: {"amount_usd": value}),
    st.tuples(st.sampled_from(["tokens", "requests"]), st.integers(0, 2**33)).map(lambda one: {"measure": one[0], "amount": one[1]}),
)
MODELS = st.sampled_from([{}, {"allowed_models": ["gpt-5"]}, {"allowed_models": ["gpt*", "claude"]}])
BUDGETS = st.tuples(SCOPES, AT_LIMIT, PERIOD, AMOUNT, MODELS).map(lambda parts: {key: value for one in parts for key, value in one.items()})
RATES = st.tuples(SCOPES, st.sampled_from([{"requests_per_minute": 5}, {"tokens_per_minute": 6, "requests_per_minute": 7}])).map(
    lambda parts: {**parts[0], **parts[1]}
)


@examples(30)
@given(st.lists(BUDGETS, max_size=4), st.lists(RATES, max_size=2), st.booleans(), st.sampled_from(sorted(RENDERS)))
def test_whatever_the_budgets_are_the_file_is_what_the_gateway_takes_and_the_same_each_time(
    budgets: list[dict[str, Any]], rates: list[dict[str, Any]], enforce: bool, gateway: Gateway
) -> None:
    asked = Asked(file_of(*budgets, rates=tuple(rates)), DAY, "Europe/Berlin", enforce=enforce)
    made = export(gateway, asked)
    checked(gateway, made)
    assert export(gateway, asked).text == made.text


@examples(60)
@given(BUDGETS, RATES, st.booleans(), st.sampled_from(sorted(RENDERS)))
def test_each_limit_and_each_list_of_models_is_in_the_file_or_said_not_to_be(
    budget: dict[str, Any], rate: dict[str, Any], enforce: bool, gateway: Gateway
) -> None:
    made = export(gateway, Asked(file_of(budget), DAY, enforce=enforce))
    assert made.count + len(made.left_out) == 1 + bool(budget.get("allowed_models"))
    made = export(gateway, Asked(file_of(rates=(rate,)), DAY))
    assert made.count + len(made.left_out) >= 1


def test_an_amount_is_written_exactly() -> None:
    found, _ = exported("kong", {"team": "a", "amount_usd": Decimal("0.1"), **BLOCK})
    assert found["plugins"][0]["config"]["policies"][0]["limits"][0]["limit"] == pytest.approx(0.1, abs=0)
