"""What a response that Portkey exported says beside plain tokens."""

import json
from decimal import Decimal
from typing import Any

import pytest

LOG: dict[str, Any] = {
    "id": "p1",
    "created_at": "2026-11-03T00:00:00Z",
    "ai_org": "openai",
    "ai_model": "m",
    "req_units": 1000,
    "res_units": 100,
    "response_status_code": 200,
}
MEDIA = (
    *("input_tokens", "cache_read_tokens", "audio_input_tokens", "image_input_tokens", "video_input_tokens", "output_tokens"),
    *("audio_output_tokens", "image_output_tokens", "searches"),
)


def one(desk: Any, log: dict[str, Any]) -> dict[str, Any]:
    desk.take({"a.jsonl": json.dumps({**LOG, **log}) + "\n"})
    assert desk.reasons() == []
    [row] = desk.staged("portkey_logs").iter_rows(named=True)
    return dict(row)


def test_audio_images_video_and_searches_have_columns_of_their_own(desk: Any) -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 300, "audio_tokens": 200, "image_tokens": 100, "video_tokens": 50},
        "completion_tokens_details": {"audio_tokens": 30, "image_tokens": 20},
        "server_tool_use": {"web_search_requests": 3},
    }
    assert tuple(one(desk, {"response": {"usage": usage}})[name] for name in MEDIA) == (350, 300, 200, 100, 50, 50, 30, 20, 3)


def test_the_tier_of_the_response_counts_and_not_the_one_that_was_asked_for(desk: Any) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100}
    row = one(desk, {"request": {"service_tier": "priority"}, "response": {"usage": usage, "service_tier": "default"}})
    assert row["served_tier"] == "standard"


def test_anthropic_says_tier_speed_geography_and_lifetimes_in_its_usage(desk: Any) -> None:
    usage = {
        "input_tokens": 100,
        "output_tokens": 20,
        "cache_creation_input_tokens": 1000,
        "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 400},
        "service_tier": "standard",
        "speed": "fast",
        "inference_geo": "US",
    }
    row = one(desk, {"response": {"usage": usage}})
    assert (row["served_tier"], row["region"], row["input_tokens"]) == ("fast", "us", 100)
    assert (row["cache_write_5m_tokens"], row["cache_write_1h_tokens"]) == (600, 400)


def test_writes_of_12_hours_are_told_from_those_of_30_minutes(desk: Any) -> None:
    details = {"cache_write_tokens": 300, "cache_write_tokens_details": {"ttl_30m_tokens": 100, "ttl_12h_tokens": 200}}
    row = one(desk, {"response": {"usage": {"input_tokens": 1000, "output_tokens": 20, "input_tokens_details": details}}})
    assert (row["input_tokens"], row["cache_write_5m_tokens"], row["cache_write_12h_tokens"]) == (700, 100, 200)


@pytest.mark.parametrize(("total", "output"), [(1100, 100), (1160, 160), (None, 100)], ids=["inside", "beside", "no total"])
def test_thoughts_of_google_are_added_unless_prompt_and_candidates_are_the_total(desk: Any, total: int | None, output: int) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": total, "completion_tokens_details": {"reasoning_tokens": 60}}
    row = one(desk, {"ai_org": "google", "response": {"usage": usage}})
    assert (row["output_tokens"], row["reasoning_tokens"]) == (output, 60)


NO_UNITS = {"req_units": 0, "res_units": 0}


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ({"response": {"text": "", "usage": {"type": "duration", "seconds": 9}}}, (Decimal(9), "seconds")),
        (
            {"request_url": "https://api.openai.com/v1/images/generations", "response": {"data": [{"url": "a"}, {"url": "b"}]}},
            (Decimal(2), "images"),
        ),
        ({"request_url": "https://api.openai.com/v1/embeddings", "response": {"data": [{"embedding": []}]}}, (None, None)),
        ({"request_url": "https://api.openai.com/v1/audio/speech"}, (None, None)),
    ],
)
def test_a_call_without_tokens_has_a_quantity_where_its_response_tells_one(
    desk: Any, log: dict[str, Any], expected: tuple[Decimal | None, str | None]
) -> None:
    row = one(desk, {**NO_UNITS, **log})
    assert (row["quantity"], row["quantity_unit"]) == expected
    # Tokens nobody counted are unknown, those of a counted image are none.
    assert row["input_tokens"] == (None if expected[0] is None else 0)


def test_images_that_are_counted_in_tokens_have_no_quantity_beside(desk: Any) -> None:
    usage = {"input_tokens": 50, "output_tokens": 4160, "input_tokens_details": {"text_tokens": 50, "image_tokens": 0}}
    row = one(desk, {"request_url": "https://x/v1/images/edits", "response": {"usage": usage, "data": [{"url": "a"}]}})
    assert tuple(row[name] for name in ("input_tokens", "output_tokens", "image_output_tokens", "quantity")) == (50, 0, 4160, None)


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        (
            {"prompt_tokens": 10, "prompt_tokens_details": {"audio_tokens": 6, "cached_tokens": 5}},
            "cached, audio, image and video tokens (11) exceed input tokens (10)",
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 1, "completion_tokens_details": {"audio_tokens": 2}},
            "reasoning, audio and image tokens (2) exceed output tokens (1)",
        ),
        (
            {"input_tokens": 1, "cache_creation_input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 2}},
            "cache writes of 1 hour (2) exceed their total (1)",
        ),
    ],
)
def test_a_part_larger_than_its_whole_is_set_aside(desk: Any, usage: dict[str, Any], reason: str) -> None:
    desk.take({"a.jsonl": json.dumps({**LOG, "response": {"usage": usage}}) + "\n"})
    assert desk.reasons() == [reason]
