"""Answers of OpenRouter's generation API."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest


def one(**given: Any) -> dict[str, Any]:
    shape = {
        "id": "gen-1",
        "created_at": "2026-10-01T00:00:00Z",
        "model": "m",
        "total_cost": 0.5,
        "native_tokens_prompt": 100,
        "native_tokens_completion": 10,
        "native_tokens_cached": 40,
    }
    return {**shape, **given}


def staged(desk: Any, *columns: str) -> list[Any]:
    return desk.staged("openrouter_generation").select(columns).rows()


def test_native_tokens_are_what_is_billed_and_cached_ones_are_taken_out_of_the_prompt(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"calls.json": sample("sample.json")})
    assert (done.rows_in, done.rows_typed, done.flagged) == (2, 2, [])
    columns = ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens", "reported_cost_usd", "is_cache_hit", "served_tier")
    assert staged(desk, *columns) == [
        (2000, 10_000, 800, 0, Decimal("0.012345678901"), False, None),
        (3000, 0, 900, 640, Decimal(0), True, "flex"),
    ]
    assert staged(desk, "started_at", "latency_ms", "time_to_first_token_ms", "is_estimated")[0] == (
        datetime(2026, 10, 1, 0, 0, 5, 250_000), 5210, 812, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "save",
    [
        lambda a, b: "\n".join(json.dumps({"data": answer}) for answer in (a, b)),
        lambda a, b: "\n".join(json.dumps(answer) for answer in (a, b)),
        lambda a, b: json.dumps([a, {"data": b}], indent=1),
        lambda a, b: json.dumps({"data": [a, b]}),
    ],
    ids=["answers as JSON lines", "generations as JSON lines", "a list", "a page"],
)
def test_every_way_to_save_answers_gives_the_same_calls(desk: Any, save: Callable[..., str]) -> None:
    desk.take({"saved.json": save(one(), one(id="gen-2"))})
    assert staged(desk, "request_id", "input_tokens") == [("gen-1", 60), ("gen-2", 60)]


def test_a_single_answer_is_read(desk: Any) -> None:
    desk.take({"one.json": json.dumps({"data": one()}, indent=2)})
    assert staged(desk, "request_id") == [("gen-1",)]


def test_counts_of_the_common_tokenizer_are_estimates(desk: Any) -> None:
    given = one(native_tokens_prompt=None, native_tokens_completion=None, native_tokens_cached=None, tokens_prompt=90, tokens_completion=9)
    desk.take({"a.json": json.dumps(given)})
    assert staged(desk, "input_tokens", "output_tokens", "is_estimated") == [(90, 9, True)]


def test_images_searches_tier_and_region_have_columns_of_their_own(desk: Any) -> None:
    given = one(native_tokens_completion_images=4, num_search_results=5, service_tier="priority", data_region="Europe", num_media_prompt=1)
    desk.take({"a.json": json.dumps(given)})
    columns = ("output_tokens", "image_output_tokens", "searches", "served_tier", "region")
    assert staged(desk, *columns) == [(6, 4, 5, "priority", "europe")]


@pytest.mark.parametrize(
    ("given", "cost"),
    [
        ({"total_cost": 0}, None),
        ({"total_cost": None}, None),
        ({"total_cost": None, "usage": 0.25}, Decimal("0.25")),
        ({"total_cost": 0, "response_cache_source_id": "gen-0"}, 0),
        ({"total_cost": 0, "is_byok": True}, 0),
        ({"total_cost": 0, "model": "m:free"}, 0),
        ({"total_cost": 0, "cancelled": True}, 0),
        ({"total_cost": 0, "native_tokens_completion": 0}, 0),
    ],
)
def test_a_zero_counts_as_free_only_where_it_has_a_reason(desk: Any, given: dict[str, Any], cost: Decimal | None) -> None:
    desk.take({"a.json": json.dumps(one(**given))})
    assert staged(desk, "reported_cost_usd") == [(cost,)]


def test_what_keys_of_ones_own_cost_is_flagged_and_not_added(desk: Any) -> None:
    done = desk.take({"a.json": json.dumps([one(is_byok=True, total_cost=0.01, upstream_inference_cost=0.2)])})
    assert [flag for _, flag in done.flagged] == [
        "holds calls over keys of your own: 0.2 USD, which their providers bill, is not counted with it"
    ]
    assert staged(desk, "reported_cost_usd") == [(Decimal("0.01"),)]


def test_a_call_asked_for_twice_is_one_call(desk: Any) -> None:
    desk.take({"a.json": json.dumps([one(), one(total_cost=0.75)])})
    assert staged(desk, "reported_cost_usd", "copies") == [(Decimal("0.75"), 2)]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"native_tokens_cached": 101}, "cached tokens (101) exceed prompt tokens (100)"),
        ({"native_tokens_completion_images": 11}, "reasoning, audio and image tokens (11) exceed completion tokens (10)"),
        ({"native_tokens_reasoning": 11}, "reasoning tokens (11) exceed completion tokens (10)"),
        ({"native_tokens_prompt": 9.7}, "native_tokens_prompt 9.7 is not a whole number"),
        ({"native_tokens_completion": -1}, "native_tokens_completion is negative (-1)"),
        ({"total_cost": -1}, "total_cost is negative (-1)"),
        ({"id": None}, "id is missing"),
        ({"created_at": None}, "created_at is missing"),
        ({"created_at": "2101-01-01T00:00:00Z"}, "day 2101-01-01 is outside 2015 to 2099"),
    ],
)
def test_a_wrong_answer_is_set_aside_without_what_was_said(desk: Any, given: dict[str, Any], reason: str) -> None:
    said = "the heron waits beneath the third bridge"
    done = desk.take({"a.json": json.dumps([{"data": one()}, {"data": one(**given, input=said, output={"completion": said})}])})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])
    assert "heron" not in desk.inbox.quarantine().write_csv()
