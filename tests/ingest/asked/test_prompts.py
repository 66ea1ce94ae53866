"""What is known of a request by its body: parameters, and keyed hashes of the prompt and of its beginning."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from bodies import BODIES, LAST, OPENAI, SYSTEM
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.ingest._prompts import ASKED, PARAMETERS, PROMPT, asked_of, parameters_of, prompt_of
from meterbook.assets.sources import Reading

KEYED, KEYLESS = Reading(prompt_key=b"a key of the book"), Reading()
TOLD = {"max_output_tokens": 500, "temperature": Decimal("0.2000"), "has_tools": True}
NAMES = (
    *("body", "messages", "input", "prompt", "contents", "system", "instructions", "tools", "stream", "temperature", "role", "other"),
    *("max_tokens", "max_completion_tokens", "generationConfig", "inferenceConfig", "maxTokens"),
)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "tool"]), "content": st.text(max_size=30)}), min_size=1, max_size=5
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
)


def asked(body: Any, reading: Reading = KEYED) -> dict[str, Any]:
    return asked_of(json.dumps(body), reading)


@pytest.mark.parametrize("reading", [KEYED, KEYLESS], ids=["with a key", "without a key"])
@pytest.mark.parametrize("name", list(BODIES))
def test_parameters_are_the_same_in_the_words_of_every_provider(name: str, reading: Reading) -> None:
    found = asked(BODIES[name], reading)
    assert {key: found[key] for key in TOLD} == TOLD
    # Google and Bedrock say by the address whether an answer is streamed.
    assert found["is_streaming"] is (name not in {"Google", "Bedrock"})


@pytest.mark.parametrize("name", list(BODIES))
def test_a_prompt_falls_into_beginning_context_and_last_message_for_every_provider(name: str) -> None:
    found = asked(BODIES[name])
    assert all(found[key] for key in PROMPT)
    assert found["prefix_ratio"] + found["context_ratio"] < 1


def test_nothing_of_a_prompt_is_known_without_a_key() -> None:
    assert [asked(OPENAI, KEYLESS)[key] for key in PROMPT] == [None] * 4


def test_prompts_that_begin_alike_share_a_prefix_and_no_prompt() -> None:
    one, other = OPENAI, {**OPENAI, "messages": [*OPENAI["messages"][:-1], {"role": "user", "content": "And now?"}]}
    assert asked(one)["prefix_hash"] == asked(other)["prefix_hash"]
    assert asked(one)["prompt_hash"] != asked(other)["prompt_hash"]


@pytest.mark.parametrize("change", [{"tools": []}, {"messages": [{"role": "system", "content": "Else."}, *OPENAI["messages"][1:]]}])
def test_other_tools_or_another_system_prompt_are_another_prefix(change: Mapping[str, Any]) -> None:
    assert asked({**OPENAI, **change})["prefix_hash"] != asked(OPENAI)["prefix_hash"]


def test_the_hash_of_messages_is_the_same_beside_a_body_and_inside_it() -> None:
    inside = asked(OPENAI)
    beside = asked_of(b'{"temperature": 0.2}', KEYED, json.dumps(OPENAI["messages"]))
    alone = prompt_of(json.dumps(OPENAI["messages"]), KEYED)
    assert inside["prompt_hash"] == beside["prompt_hash"] == alone["prompt_hash"]
    assert beside["temperature"] == Decimal("0.2")


def test_instructions_of_a_body_belong_to_the_messages_beside_it() -> None:
    body, messages = json.dumps({"instructions": SYSTEM}), json.dumps([{"role": "user", "content": LAST}])
    found = asked_of(body, KEYED, messages)
    assert found["prefix_hash"]
    assert found["prompt_hash"] != asked_of(body, KEYED, json.dumps([{"role": "user", "content": "Else?"}]))["prompt_hash"]


def test_instructions_of_google_are_part_of_what_is_asked() -> None:
    other = {**BODIES["Google"], "systemInstruction": {"parts": [{"text": "Else."}]}}
    assert asked(other)["prompt_hash"] != asked(BODIES["Google"])["prompt_hash"]


def test_a_prompt_of_one_message_has_neither_beginning_nor_context() -> None:
    found = asked({"messages": [{"role": "user", "content": LAST}]})
    assert (found["prefix_hash"], found["prefix_ratio"], found["context_ratio"]) == (None, 0, 0)


def test_a_system_prompt_alone_is_the_last_message() -> None:
    found = asked({"messages": [{"role": "system", "content": SYSTEM}]})
    assert (found["prefix_hash"], found["prefix_ratio"]) == (None, 0)


@pytest.mark.parametrize("prompt", ["just text", ["a", "b"], {"question": "x"}])
def test_a_prompt_without_messages_has_a_hash_and_no_parts(prompt: Any) -> None:
    found = prompt_of(json.dumps(prompt), KEYED)
    assert found["prompt_hash"]
    assert found["prefix_ratio"] is found["context_ratio"] is None


@pytest.mark.parametrize(
    "body", [{"temperature": 0}, {"model": "gpt-5", "max_tokens": 5}, {"messages": [], "stream": True}, {"tools": [1]}]
)
@pytest.mark.parametrize("prompt", [None, "{}", "[]", '""', "null"])
def test_parameters_without_a_prompt_have_no_hash_as_calls_that_share_them_are_no_repeats(body: Any, prompt: str | None) -> None:
    found = asked_of(json.dumps(body), KEYED, prompt)
    assert [found[key] for key in PROMPT] == [None] * 4
    assert found["has_tools"] is ("tools" in body)


@pytest.mark.parametrize(
    "body",
    [
        {"inputText": "a", "dimensions": 256},
        {"texts": ["a"], "input_type": "search_query"},
        {"query": "a", "documents": ["b"], "top_n": 1},
        {"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 256},
    ],
)
def test_what_is_embedded_or_ranked_is_hashed_without_its_parameters(body: Mapping[str, Any]) -> None:
    found = asked(body)
    assert found["prompt_hash"] == asked({**body, "user": "else"})["prompt_hash"] is not None
    assert found["prompt_hash"] != asked({**body, next(iter(body)): "else"})["prompt_hash"]


@pytest.mark.parametrize(("before", "after"), [('{"messages":[{"role":"user","content":', "}]}"), ("", ""), ('{"prompt":', "}")])
def test_a_prompt_nested_however_deeply_breaks_nothing(before: str, after: str) -> None:
    # What can just be read has to be written again.
    for depth in range(900, 1_020):
        assert set(asked_of(before + "[" * depth + "]" * depth + after, KEYED)) == set(ASKED)


def test_a_prompt_that_litellm_cut_is_not_hashed_and_its_parameters_stay() -> None:
    cut = {**OPENAI, "messages": [{"role": "user", "content": "begin... (litellm_truncated 5000 chars) ...end"}]}
    found = asked(cut)
    assert [found[key] for key in PROMPT] == [None] * 4
    assert found["max_output_tokens"] == 500


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'""', b'"{}"', b"[]", b"{broken", b"\xff\xfe", None])
@pytest.mark.parametrize("reading", [KEYED, KEYLESS], ids=["with a key", "without a key"])
def test_no_body_tells_no_parameters(body: bytes | None, reading: Reading) -> None:
    found = asked_of(body, reading)
    assert [found[key] for key in PARAMETERS] == [None] * 4


@pytest.mark.parametrize(
    ("given", "cap", "temperature"),
    [
        ({"max_tokens": "500", "temperature": "0.2"}, 500, Decimal("0.2")),
        ({"max_tokens": 500.0, "temperature": 1}, 500, Decimal(1)),
        ({"max_tokens": 0, "temperature": 0}, None, Decimal(0)),
        ({"max_tokens": -1, "temperature": -1}, None, None),
        ({"max_tokens": 9.7, "temperature": "warm"}, None, None),
        ({"max_tokens": True, "temperature": True}, None, None),
        ({"max_tokens": 10**30, "temperature": 1e300}, None, None),
        ({"max_tokens": "NaN", "temperature": "NaN"}, None, None),
        ({"max_tokens": None, "max_completion_tokens": 7}, 7, None),
    ],
)
def test_what_is_no_cap_or_temperature_is_not_known(given: Mapping[str, Any], cap: int | None, temperature: Decimal | None) -> None:
    found = parameters_of(given)
    assert (found["max_output_tokens"], found["temperature"]) == (cap, temperature)


def test_a_whole_body_without_a_parameter_did_without_it_and_a_part_of_one_need_not() -> None:
    whole, part = parameters_of({"model": "gpt-5"}), parameters_of({"model": "gpt-5"}, is_whole=False)
    assert (whole["is_streaming"], whole["has_tools"]) == (False, False)
    assert (part["is_streaming"], part["has_tools"]) == (None, None)


@examples(60)
@given(body=JSON)
def test_parameters_are_the_same_with_a_key_and_without(body: Any) -> None:
    with_key, without = asked(body), asked(body, KEYLESS)
    assert {key: with_key[key] for key in PARAMETERS} == {key: without[key] for key in PARAMETERS}


@examples(60)
@given(body=JSON)
def test_any_json_gives_each_column_once_and_shares_of_one_whole(body: Any) -> None:
    found = asked(body)
    assert set(found) == set(ASKED)
    shares = [share for share in (found["prefix_ratio"], found["context_ratio"]) if share is not None]
    assert all(0 <= share <= 1 for share in shares)
    assert sum(shares) <= 1 + Decimal("0.000001")


@examples(40)
@given(messages=MESSAGES, more=st.text(max_size=20))
def test_a_conversation_that_goes_on_keeps_its_beginning_and_changes_its_prompt(messages: list[dict[str, str]], more: str) -> None:
    begin = [{"role": "system", "content": SYSTEM}]
    one = asked({"messages": [*begin, *messages]})
    other = asked({"messages": [*begin, *messages, {"role": "user", "content": more}]})
    assert one["prefix_hash"] == other["prefix_hash"]
    assert one["prompt_hash"] != other["prompt_hash"]
    assert one["prefix_ratio"] > other["prefix_ratio"]
