"""Sums of OpenRouter's activity API."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/openrouter_activity_api"


def one(**given: Any) -> dict[str, Any]:
    shape = {
        "date": "2026-10-01",
        "model": "m",
        "model_permaslug": "m-1",
        "endpoint_id": "ep-1",
        "provider_name": "Host",
        "usage": 0.5,
        "byok_usage_inference": 0,
        "requests": 2,
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "reasoning_tokens": 4,
        "cached_tokens": 40,
    }
    return {**shape, **given}


def answer(*rows: dict[str, Any]) -> str:
    return json.dumps({"data": rows})


def staged(desk: Any, *columns: str) -> list[Any]:
    return desk.staged("openrouter_activity").select(columns).rows()


def test_cached_tokens_are_taken_out_of_the_prompt_and_dollars_are_what_was_charged(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"activity.json": sample("sample.json")})
    assert (done.rows_in, done.rows_typed, done.flagged) == (2, 2, [])
    found = desk.staged("openrouter_activity").sort("input_tokens")
    columns = ("day", "model", "requests", "input_tokens", "cache_read_tokens", "output_tokens", "reported_cost_usd")
    day = found["day"][0]
    assert str(day) == "2026-10-01"
    assert found.select(columns).rows() == [
        (day, "deepseek/deepseek-chat-v3.1", 1, 410, None, 120, Decimal(0)),
        (day, "anthropic/claude-4.5-haiku-20251001", 4, 2000, 10_000, 800, Decimal("0.012345678901")),
    ]


@pytest.mark.parametrize(
    "save",
    [
        lambda a, b: answer(b, a),
        lambda a, b: json.dumps([a, b], indent=1),
        lambda a, b: f"{answer(a)}\n{answer(b)}\n",
        lambda a, b: f"{json.dumps(a)}\n{json.dumps(b)}\n",
    ],
    ids=["one answer", "bare rows", "answers as JSON lines", "rows as JSON lines"],
)
def test_every_way_to_save_answers_gives_the_same_sums(desk: Any, save: Callable[..., str]) -> None:
    desk.take({"saved.json": save(one(), one(date="2026-10-02 00:00:00"))})
    assert [(str(day), tokens, copies) for day, tokens, copies in sorted(staged(desk, "day", "input_tokens", "copies"))] == [
        ("2026-10-01", 60, 1),
        ("2026-10-02", 60, 1),
    ]


def test_days_in_two_answers_count_once_and_rows_of_one_name_add_up(desk: Any) -> None:
    both = answer(one(), one(usage=0.25))
    desk.take({"daily.jsonl": f"{both}\n{both}\n", "later.json": answer(one(usage=0.25), one(), one(date="2026-10-02"))})
    assert sum(desk.staged("openrouter_activity")["reported_cost_usd"].to_list()) == Decimal("1.25")
    assert sum(desk.staged("openrouter_activity")["copies"].to_list()) == 7


def test_hosts_and_endpoints_of_a_model_are_rows_of_their_own(desk: Any) -> None:
    desk.take({"a.json": answer(one(), one(endpoint_id="ep-2"), one(provider_name="Other"))})
    assert staged(desk, "copies") == [(1,)] * 3


def test_workspaces_asked_for_apart_all_count(desk: Any) -> None:
    desk.take({"a.json": answer(one(workspace_id="w1")), "b.json": answer(one(workspace_id="w2"))})
    assert staged(desk, "reported_cost_usd") == [(Decimal("0.5"),)] * 2


def test_what_keys_of_ones_own_cost_is_flagged_and_not_added(desk: Any) -> None:
    done = desk.take({"a.json": answer(one(usage=0, byok_usage_inference=0.2))})
    assert [flag for _, flag in done.flagged] == [
        "holds calls over keys of your own: 0.2 USD, which their providers bill, is not counted with it"
    ]
    assert staged(desk, "reported_cost_usd") == [(Decimal(0),)]


def test_a_zero_without_a_reason_is_an_unknown_price(desk: Any) -> None:
    desk.take({"a.json": answer(one(usage=0))})
    assert staged(desk, "reported_cost_usd") == [(None,)]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"cached_tokens": 101}, "cached tokens (101) exceed prompt tokens (100)"),
        ({"prompt_tokens": None}, "prompt_tokens or completion_tokens is missing"),
        ({"prompt_tokens": 9.7}, "not a result: prompt_tokens 9.7 is not a whole number"),
        ({"requests": -1}, "requests is negative (-1)"),
        ({"usage": -1}, "reported_cost_usd is negative (-1.000000000000)"),
        ({"usage": "much"}, "not a result: usage much is not an amount"),
        ({"date": None}, "not a result: the time of the bucket is missing"),
        ({"date": "yesterday"}, "not a result: Invalid isoformat string: 'yesterday'"),
        ({"date": "1999-01-01"}, "day 1999-01-01 is outside 2015 to 2099"),
    ],
)
def test_a_wrong_row_is_set_aside(desk: Any, given: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.json": answer(one(), one(**given))})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])
    assert desk.inbox.quarantine()["line"].to_list() == [2]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_recorded_answer_is_read(desk: Any) -> None:
    desk.take({"a.json": (EXAMPLES / "activity.json").read_bytes()})
    columns = ("requests", "input_tokens", "cache_read_tokens", "output_tokens", "reported_cost_usd")
    assert staged(desk, *columns) == [(1, 2000, 10_000, 800, Decimal("0.007"))]
