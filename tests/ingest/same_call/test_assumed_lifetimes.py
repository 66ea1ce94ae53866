"""Tokens written to a cache without a lifetime count as of five minutes, the provider's default, and the file is flagged for it."""

from collections.abc import Callable
from typing import Any

import pytest
import writers

FLAG = "holds 1 calls whose cache writes have no lifetime: taken as of 5 minutes"
UNSPLIT = {name: value for name, value in writers.ANTHROPIC.items() if name != "cache_creation"}
KEPT = {"input": 9, "output": 7, "input_cache_creation_5m": 1_000}
ASSUMED: dict[str, Callable[[str], str | bytes]] = {
    "litellm_standard_logging": writers.litellm_standard_logging,
    "portkey_logs": writers.portkey(UNSPLIT),
    "kong_ai_logs": writers.kong(**UNSPLIT),
    "helicone": writers.helicone(status=200, reasoning_tokens=1, cost=0),
    "langfuse_observations": writers.langfuse({"input": 9, "output": 7, "cache_creation_input_tokens": 1_000}),
    "bedrock_invocation_logs": writers.bedrock,
    "otlp_spans": writers.otlp(**{"gen_ai.usage.input_tokens": writers.INPUT, **writers.CREATED}),
    "envoy_ai_gateway": writers.envoy(writers.GEN_AI),
}
TOLD: dict[str, Callable[[str], str | bytes]] = {
    "portkey_logs": writers.portkey(writers.ANTHROPIC),
    "kong_ai_logs": writers.kong(**writers.ANTHROPIC),
    "langfuse_observations": writers.langfuse(KEPT),
    "portkey_logs, nothing written": writers.portkey({"input_tokens": 9, "output_tokens": 7}),
}


@pytest.mark.parametrize("name", ASSUMED)
def test_a_write_without_a_lifetime_is_of_five_minutes_and_flagged(desk: Any, name: str) -> None:
    desk.take({"call": ASSUMED[name]("call-1")})
    assert desk.staged(name)["cache_write_5m_tokens"].to_list() == [1_000]
    assert FLAG in desk.inbox.file_flags()["flag"].to_list()


@pytest.mark.parametrize("case", TOLD)
def test_a_write_with_a_lifetime_is_not_flagged(desk: Any, case: str) -> None:
    desk.take({"call": TOLD[case]("call-1")})
    assert desk.staged(case.partition(",")[0]).height == 1
    assert FLAG not in desk.inbox.file_flags()["flag"].to_list()
