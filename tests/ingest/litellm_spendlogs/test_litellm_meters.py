"""What only few calls of LiteLLM use: other media, searches, long caches, tiers, regions; read as fast lines and one by one alike."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.long

INPUT = (
    *(
        "input_tokens",
        "cache_read_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "cache_write_12h_tokens",
        "audio_input_tokens",
    ),
    *("audio_cache_read_tokens", "image_input_tokens", "image_cache_read_tokens", "video_input_tokens"),
)
OUTPUT = ("output_tokens", "audio_output_tokens", "image_output_tokens")
SAME = (*INPUT, *OUTPUT, "reasoning_tokens", "searches", "quantity", "quantity_unit", "region", "served_tier")
STARTED = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
PLAIN: dict[str, Any] = {
    "request_id": "plain",
    "spend": 0.001,
    "prompt_tokens": 10,
    "completion_tokens": 2,
    "startTime": "2026-11-02T09:15:00.000",
    "model": "gpt-5-mini",
    "custom_llm_provider": "openai",
    "status": "success",
}


def spend_log(call: dict[str, Any]) -> dict[str, Any]:
    counts = {name: call[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens", "call_type") if name in call}
    usage, breakdown = call.get("usage", {}), call.get("cost_breakdown")
    return {**PLAIN, "request_id": call.get("id", "r1"), **counts, "metadata": {"usage_object": usage, "cost_breakdown": breakdown}}


def payload(call: dict[str, Any]) -> dict[str, Any]:
    log = spend_log(call)
    at = STARTED.timestamp()
    shared = ("prompt_tokens", "completion_tokens", "total_tokens", "call_type", "model", "custom_llm_provider", "status")
    times = {"startTime": at, "endTime": at + 1, "completionStartTime": at + 1}
    rest = {"response_cost": 0.001, "metadata": {"usage_object": call.get("usage", {})}, "cost_breakdown": call.get("cost_breakdown")}
    return {"id": log["request_id"], **times, **{name: log[name] for name in shared if name in log}, **rest}


def lines(*logs: dict[str, Any]) -> str:
    return "".join(json.dumps(log) + "\n" for log in logs)


def both(desk: Any, *calls: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls as spend logs, between ordinary ones; sure to be the same as standard logging payloads."""
    desk.take({"spend.jsonl": lines(PLAIN, *map(spend_log, calls)), "payloads.jsonl": lines(*map(payload, calls))})
    assert desk.reasons() == []
    found = {name: desk.staged(name).rows(named=True) for name in ("litellm_spendlogs", "litellm_standard_logging")}
    rows, others = ([row for row in some if row["request_id"] != "plain"] for some in found.values())
    assert [{name: row[name] or None for name in SAME} for row in rows] == [{name: row[name] or None for name in SAME} for row in others]
    return [dict(row) for row in rows]


def usage(prompt: dict[str, Any] | None = None, completion: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
    """A call of 1,000 tokens in and 100 out."""
    details = {"prompt_tokens_details": prompt or {}, "completion_tokens_details": completion or {}}
    return {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "usage": {**details, **rest}}


def one(desk: Any, call: dict[str, Any]) -> dict[str, Any]:
    [row] = both(desk, call)
    return row


def test_every_medium_has_a_bucket_of_its_own_and_no_token_stands_in_two(desk: Any) -> None:
    prompt = {
        "cached_tokens": 300,
        "audio_tokens": 200,
        "image_tokens": 100,
        "video_tokens": 50,
        "cached_tokens_details": {"audio_tokens": 80, "image_tokens": 20},
        "web_search_requests": 2,
    }
    row = one(desk, usage(prompt, {"audio_tokens": 30, "image_tokens": 20, "reasoning_tokens": 10}))
    assert tuple(row[name] or 0 for name in INPUT) == (450, 200, 0, 0, 0, 120, 80, 80, 20, 50)
    assert tuple(row[name] for name in (*OUTPUT, "reasoning_tokens", "searches")) == (50, 30, 20, 10, 2)


def test_a_call_without_media_says_nothing_of_them(desk: Any) -> None:
    zeros = {"audio_tokens": 0, "image_tokens": None}
    row = one(desk, usage({**zeros, "cached_tokens": 10}, zeros, server_tool_use={"web_search_requests": 0}))
    assert tuple(row[name] or 0 for name in INPUT[:3]) == (990, 10, 0)
    assert {row[name] or None for name in (*INPUT[4:], *OUTPUT[1:], "searches", "quantity")} == {None}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"cache_creation_token_details": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 400}}, (600, 400, None)),
        ({"cache_creation_token_details": {"ephemeral_1h_input_tokens": 1000}}, (0, 1000, None)),
        ({"cache_creation_token_details": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 0}}, (1000, 0, None)),
        ({"cache_creation_token_details": {"ephemeral_30m_input_tokens": 700, "ephemeral_12h_input_tokens": 300}}, (700, 0, 300)),
        ({}, (1000, 0, None)),
    ],
    ids=["both", "1 hour", "5 minutes", "30 minutes and 12 hours", "no lifetime"],
)
def test_writes_of_5_minutes_and_1_hour_are_two_buckets_and_without_a_lifetime_all_are_of_5_minutes(
    desk: Any, written: dict[str, Any], expected: tuple[int, ...]
) -> None:
    call = usage({"cached_tokens": 0, "cache_creation_tokens": 1000, **written}, cache_creation_input_tokens=1000)
    row = one(desk, {**call, "prompt_tokens": 1200, "total_tokens": 1300})
    assert tuple(row[name] for name in INPUT[2:5]) == expected
    assert row["input_tokens"] == 200


@pytest.mark.parametrize(
    ("total", "reasoning", "output"),
    [(1100, 60, 100), (1160, 60, 160), (1100 + 250, 250, 350), (None, 250, 350)],
    ids=["inside", "beside", "beside and more than the completion", "no total"],
)
def test_thoughts_are_inside_the_completion_unless_the_total_says_that_they_lie_beside(
    desk: Any, total: int | None, reasoning: int, output: int
) -> None:
    row = one(desk, {**usage(completion={"reasoning_tokens": reasoning}), "total_tokens": total})
    assert (row["output_tokens"], row["reasoning_tokens"]) == (output, reasoning)


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ({"service_tier": "default"}, ("standard", None)),
        ({"service_tier": "flex"}, ("flex", None)),
        ({"service_tier": "priority", "inference_geo": "global"}, ("priority", None)),
        ({"service_tier": "standard", "speed": "fast", "inference_geo": "us"}, ("fast", "us")),
        ({"service_tier": "scale"}, ("provisioned", None)),
    ],
)
def test_the_tier_that_served_is_the_answers_and_fast_mode_is_one(
    desk: Any, rest: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    # What the cost was computed on is asked only where the answer says nothing.
    row = one(desk, {**usage(**rest), "cost_breakdown": {"service_tier": "priority"}})
    assert (row["served_tier"], row["region"]) == expected


@pytest.mark.parametrize(
    ("breakdown", "region"),
    [({"data_residency": "EU"}, "eu"), ({"vertex_location": "europe-west4"}, "europe-west4"), ({"vertex_location": "global"}, None)],
)
def test_data_residency_and_the_location_of_vertex_are_regions(desk: Any, breakdown: dict[str, str], region: str | None) -> None:
    assert one(desk, {**usage(), "cost_breakdown": breakdown})["region"] == region


def test_the_tier_a_call_was_priced_at_counts_where_the_answer_says_nothing(desk: Any) -> None:
    assert one(desk, {**usage(), "cost_breakdown": {"service_tier": "flex"}})["served_tier"] == "flex"


def test_a_batch_is_booked_at_the_tier_batch(desk: Any) -> None:
    assert one(desk, {**usage(), "call_type": "aretrieve_batch"})["served_tier"] == "batch"


@pytest.mark.parametrize(
    ("call_type", "given", "expected"),
    [
        ("atranscription", {"seconds": 9.5}, (Decimal("9.5"), "seconds")),
        ("aocr", {"pages_processed": 3}, (Decimal(3), "pages")),
        ("aembedding", {"prompt_tokens_details": {"character_count": 40}}, (Decimal(40), "characters")),
        ("aembedding", {"prompt_tokens_details": {"image_count": 2}}, (Decimal(2), "images")),
        ("aembedding", {"prompt_tokens_details": {"character_count": 40, "image_count": 2}}, (None, None)),
        ("aspeech", {}, (None, None)),
    ],
)
def test_a_call_without_tokens_has_a_quantity_where_one_is_told(
    desk: Any, call_type: str, given: dict[str, Any], expected: tuple[Decimal | None, str | None]
) -> None:
    row = one(desk, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "call_type": call_type, "usage": given})
    assert (row["quantity"], row["quantity_unit"]) == expected


def test_all_output_of_an_image_call_is_image_tokens_where_nothing_else_is_said(desk: Any) -> None:
    call = usage({"image_tokens": 300, "text_tokens": 700})
    call["usage"]["completion_tokens_details"] = None
    row = one(desk, {**call, "call_type": "aimage_edit"})
    assert tuple(row[name] for name in ("input_tokens", "image_input_tokens", *OUTPUT)) == (700, 300, 0, None, 100)


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"prompt_tokens_details": {"audio_tokens": 1001}}, "cached, audio, image and video tokens (1001) exceed prompt tokens (1000)"),
        (
            {"prompt_tokens_details": {"audio_tokens": 600, "cached_tokens": 500}},
            "cached, audio, image and video tokens (1100) exceed prompt tokens (1000)",
        ),
        (
            {"prompt_tokens_details": {"cached_tokens": 5, "cached_tokens_details": {"audio_tokens": 6}}},
            "cached audio and image tokens (6) exceed cached tokens (5)",
        ),
        ({"completion_tokens_details": {"image_tokens": 101}}, "reasoning, audio and image tokens (101) exceed completion tokens (100)"),
        ({"completion_tokens_details": {"reasoning_tokens": 101}}, "reasoning tokens (101) exceed completion tokens (100)"),
        ({"server_tool_use": {"web_search_requests": -1}}, "web_search_requests is negative (-1)"),
        ({"seconds": -1, "prompt_tokens_details": {"video_tokens": -1}}, "video_tokens is negative (-1)"),
    ],
)
def test_a_part_larger_than_its_whole_is_set_aside_and_not_clamped(desk: Any, details: dict[str, Any], reason: str) -> None:
    call = {**usage(), "usage": details}
    done = desk.take({"spend.jsonl": lines(PLAIN, spend_log(call)), "payloads.jsonl": lines(payload(call))})
    assert (done.quarantined, desk.reasons()) == (2, [reason, reason])


COUNT = st.none() | st.integers(0, 50)
MEDIA = st.fixed_dictionaries({}, optional=dict.fromkeys(("audio_tokens", "image_tokens", "video_tokens"), COUNT))
LIFETIMES = st.fixed_dictionaries(
    {"ephemeral_5m_input_tokens": st.integers(0, 40)},
    optional={"ephemeral_1h_input_tokens": st.integers(0, 40), "ephemeral_12h_input_tokens": st.integers(0, 40)},
)
CALLS = st.fixed_dictionaries(
    {
        "prompt_tokens": st.integers(400, 2_000),
        "completion_tokens": st.integers(120, 500),
        "call_type": st.sampled_from(["acompletion", "aimage_generation", "aretrieve_batch", "", "_arealtime"]),
        "media": MEDIA,
        "made": MEDIA,
        "reasoning": COUNT,
        "cached": COUNT,
        "lifetimes": st.none() | LIFETIMES,
        "searches": COUNT,
        "tier": st.sampled_from([None, "", "default", "flex", "scale"]),
        "geo": st.sampled_from([None, "", "global", "us"]),
        "speed": st.sampled_from([None, "standard", "fast"]),
    }
)


def drawn(number: int, call: dict[str, Any]) -> dict[str, Any]:
    kept = call["lifetimes"]
    prompt = {**call["media"], "cached_tokens": call["cached"], "cache_creation_token_details": kept}
    if kept:
        prompt["cache_creation_tokens"] = sum(kept.values())
    made = {name: value for name, value in call["made"].items() if name != "video_tokens"}
    found = usage(prompt, {**made, "reasoning_tokens": call["reasoning"]}, service_tier=call["tier"], inference_geo=call["geo"])
    found["usage"] |= {"speed": call["speed"], "server_tool_use": {"web_search_requests": call["searches"]}}
    counts = {name: call[name] for name in ("prompt_tokens", "completion_tokens", "call_type")}
    return {**found, **counts, "total_tokens": call["prompt_tokens"] + call["completion_tokens"], "id": f"r{number:03}"}


def test_fast_lines_and_single_payloads_give_the_same_buckets(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    @settings(max_examples=15, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(CALLS, min_size=1, max_size=40))
    def same(calls: list[dict[str, Any]]) -> None:
        made = [drawn(number, call) for number, call in enumerate(calls)]
        rows = both(type(desk)(tmp_path_factory.mktemp("drawn")), *made)
        for call, row in zip(made, rows, strict=True):
            assert sum(row[name] or 0 for name in INPUT) == call["prompt_tokens"]
            assert sum(row[name] or 0 for name in OUTPUT) == call["completion_tokens"]

    same()
