"""What Kong passes on of media and reasoning."""

import json
from typing import Any

import pytest

ENTRY: dict[str, Any] = {"started_at": 1793610900250, "latencies": {"request": 100}, "request": {"id": "k1"}, "response": {"status": 200}}
TOKENS = (
    *("input_tokens", "cache_read_tokens", "audio_input_tokens", "image_input_tokens", "output_tokens", "audio_output_tokens"),
    "reasoning_tokens",
)


def text(usage: dict[str, Any], provider: str = "openai") -> str:
    meta = {"request_model": "m", "provider_name": provider}
    return json.dumps({**ENTRY, "ai": {"proxy": {"usage": usage, "meta": meta}}}) + "\n"


def one(desk: Any, usage: dict[str, Any], provider: str = "openai") -> dict[str, Any]:
    desk.take({"a.jsonl": text(usage, provider)})
    assert desk.reasons() == []
    [row] = desk.staged("kong_ai_logs").iter_rows(named=True)
    return dict(row)


def test_media_of_chats_and_of_other_calls_have_columns_of_their_own(desk: Any, tmp_path_factory: Any) -> None:
    chat = {
        "prompt_tokens": 1000,
        "prompt_tokens_details": {"cached_tokens": 300, "audio_tokens": 200},
        "completion_tokens": 100,
        "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 30},
        "total_tokens": 1100,
    }
    assert tuple(one(desk, chat)[name] for name in TOKENS) == (500, 300, 200, None, 70, 30, 10)
    other = {
        "input_tokens": 1000,
        "input_tokens_details": {"text_tokens": 500, "image_tokens": 300, "audio_tokens_count": 200},
        "output_tokens": 100,
        "output_tokens_details": {"text_tokens": 70, "audio_tokens": 30},
    }
    row = one(type(desk)(tmp_path_factory.mktemp("other")), other)
    assert tuple(row[name] for name in TOKENS) == (500, 0, 200, 300, 70, 30, None)


@pytest.mark.parametrize(
    ("total", "thoughts", "output"),
    [(1100, 60, 100), (1160, 60, 160), (1400, 300, 400), (None, 300, 400)],
    ids=["inside", "beside", "more than the candidates", "no total"],
)
def test_thoughts_of_google_are_added_unless_prompt_and_candidates_are_the_total(
    desk: Any, total: int | None, thoughts: int, output: int
) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": total}
    row = one(desk, {**usage, "completion_tokens_details": {"reasoning_tokens": thoughts}}, "gemini")
    assert (row["output_tokens"], row["reasoning_tokens"]) == (output, thoughts)


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        (
            {"prompt_tokens": 5, "prompt_tokens_details": {"audio_tokens": 6}},
            "cached, audio, image and video tokens (6) exceed input tokens (5)",
        ),
        (
            {"completion_tokens": 5, "completion_tokens_details": {"audio_tokens": 6}},
            "reasoning, audio and image tokens (6) exceed output tokens (5)",
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14, "completion_tokens_details": {"reasoning_tokens": 6}},
            "reasoning tokens (6) exceed output tokens (5)",
        ),
    ],
)
def test_a_part_larger_than_its_whole_is_set_aside(desk: Any, usage: dict[str, Any], reason: str) -> None:
    desk.take({"a.jsonl": text(usage)})
    assert desk.reasons() == [reason]
