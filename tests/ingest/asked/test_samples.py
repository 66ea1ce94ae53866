"""How the calls of each format's sample were asked."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

WARM = Decimal("0.2")
SAID: dict[tuple[str, str], dict[str, Any]] = {
    ("litellm_spendlogs", "req-openai"): {
        "max_output_tokens": 500,
        "temperature": WARM,
        "is_streaming": True,
        "has_tools": True,
        "routing_reason": "fallback",
        "is_deferrable": True,
        "finish_reason": "stop",
    },
    ("litellm_spendlogs", "req-gemini"): {"is_streaming": None, "has_tools": None, "routing_reason": None, "finish_reason": None},
    ("litellm_standard_logging", "chatcmpl-1"): {"is_streaming": True, "has_tools": False, "max_output_tokens": None},
    ("otlp_spans", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"): {
        "max_output_tokens": 800,
        "temperature": WARM,
        "is_streaming": True,
        "has_tools": True,
        "time_to_first_token_ms": 250,
    },
    ("otlp_spans", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8"): {"is_streaming": None, "has_tools": None},
    ("langfuse_observations", "lf-1"): {"max_output_tokens": 800, "temperature": WARM, "is_streaming": None, "has_tools": True},
    ("langfuse_observations", "lf-2"): {"max_output_tokens": None, "has_tools": None},
    ("bedrock_invocation_logs", "br-1"): {"is_streaming": False, "has_tools": False},
    ("bedrock_invocation_logs", "br-2"): {"is_streaming": True},
    ("openrouter_generation", "gen-1790812805-aaaa"): {"is_streaming": True, "routing_reason": None},
    ("openrouter_activity_csv", "gen-1790812999-bbbb"): {"is_streaming": False},
    ("cloudflare_logpush", "c4f3004a16f943b471aeba9b47f0f4c2"): {"routing_reason": "cheapest"},
    ("helicone", "rq-1"): {"is_streaming": False, "has_tools": False},
    ("portkey_logs", "pk-1"): {"is_streaming": False, "has_tools": False},
    ("portkey_logs", "pk-2"): {"is_streaming": None, "has_tools": None},
    ("kong_ai_logs", "kg-1"): {"is_streaming": False, "has_tools": False},
    ("kong_ai_logs", "kg-1/rag-inject"): {"is_streaming": None, "has_tools": None},
}


@pytest.mark.parametrize("name", sorted({name for name, _ in SAID}))
def test_a_sample_says_how_its_calls_were_asked(desk: Any, name: str) -> None:
    [path] = (Path(__file__).parents[1] / name).glob("sample.*")
    desk.take({path.name: path.read_bytes()})
    rows = {row["request_id"]: row for row in desk.staged(name).iter_rows(named=True)}
    told = {call: said for (form, call), said in SAID.items() if form == name}
    assert {call: {column: rows[call][column] for column in said} for call, said in told.items()} == told
