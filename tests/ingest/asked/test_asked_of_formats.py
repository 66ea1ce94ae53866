"""How calls were asked, of every format that tells it; whether they may wait; and why their route was taken."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from bodies import AT, OPENAI, WRITERS, span, spend_log

from meterbook.assets.content import Content
from meterbook.assets.ingest import formats
from meterbook.assets.ingest._prompts import ASKED, PARAMETERS
from meterbook.assets.sources import Options, Reading

pytestmark = pytest.mark.long

KEY = b"a key of the book"
TOLD = {"max_output_tokens": 500, "temperature": Decimal("0.2"), "is_streaming": True, "has_tools": True}
WAITING = sorted(name for name, one in formats().items() if re.search(r"\bdeferrable\b", one.about.options))


def read(name: str, text: str, folder: Path, reading: Reading) -> dict[str, Any]:
    """The one row of a file."""
    path = folder / "file"
    path.write_text(text, "utf-8")
    rows = formats()[name].read(Content(path), reading)
    frame = pl.read_parquet(rows.typed) if rows.typed else next(iter(rows.frames()))
    [row] = frame.iter_rows(named=True)
    return row


@pytest.mark.parametrize("key", [KEY, None], ids=["with a key", "without a key"])
@pytest.mark.parametrize("name", list(WRITERS))
def test_a_call_is_asked_the_same_in_every_format(name: str, key: bytes | None, tmp_path: Path) -> None:
    row = read(name, WRITERS[name](OPENAI), tmp_path, Reading(prompt_key=key))
    assert {column: row[column] for column in PARAMETERS} == TOLD
    assert (row["prefix_hash"] is not None, row["context_ratio"] is not None) == (key is not None, key is not None)


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "bedrock_invocation_logs"])
def test_the_hashes_of_a_call_are_the_same_in_every_format(name: str, tmp_path: Path) -> None:
    row = read(name, WRITERS[name](OPENAI), tmp_path, Reading(prompt_key=KEY))
    known = read("helicone", WRITERS["helicone"](OPENAI), tmp_path, Reading(prompt_key=KEY))
    assert [row[column] for column in ("prefix_hash", "prefix_ratio", "context_ratio", "prompt_hash")] == [
        known[column] for column in ("prefix_hash", "prefix_ratio", "context_ratio", "prompt_hash")
    ]


@pytest.mark.parametrize("name", list(WRITERS))
def test_how_a_call_was_asked_reaches_the_common_shape(desk: Any, name: str) -> None:
    desk.take({"a": WRITERS[name](OPENAI)}, [{"name": "s", "path": "*", "format": name}])
    [row] = desk.staged(name).iter_rows(named=True)
    assert {column: row[column] for column in PARAMETERS} == TOLD
    assert set(ASKED) <= set(row)


def waits(name: str, key: str, value: Any) -> str:
    """A call that says under a name whether it may wait."""
    writers: dict[str, Any] = {
        "litellm_spendlogs": lambda: spend_log({}, metadata={"spend_logs_metadata": {key: value}}),
        "litellm_standard_logging": lambda: WRITERS[name](OPENAI).replace("}\n", f', "metadata": {json.dumps(_said(key, value))}}}\n'),
        "langfuse_observations": lambda: WRITERS[name](OPENAI).replace('"metadata": {}', f'"metadata": {json.dumps({key: value})}'),
        "helicone": lambda: WRITERS[name](OPENAI).replace("}\n", f', "properties": {json.dumps({key: value})}}}\n'),
        "portkey_logs": lambda: WRITERS[name](OPENAI).replace('"metadata": {}', f'"metadata": {json.dumps({key: value})}'),
        "bedrock_invocation_logs": lambda: WRITERS[name](OPENAI).replace("}\n", f', "requestMetadata": {json.dumps({key: value})}}}\n'),
        "otlp_spans": lambda: span({key: {"boolValue": value} if isinstance(value, bool) else {"stringValue": value}}),
        "envoy_ai_gateway": lambda: json.dumps({"start_time": AT, "response_code": 200, "gen_ai.request.model": "m", key: value}) + "\n",
        "cloudflare_logs": lambda: json.dumps({"result": [_cloudflare(key, value)]}),
        "cloudflare_logpush": lambda: (
            json.dumps({"Gateway": "g", "Provider": "p", "Model": "m", "Timestamp": AT, "Metadata": {key: value}}) + "\n"
        ),
    }
    text: str = writers[name]()
    return text


def _said(key: str, value: Any) -> dict[str, Any]:
    return {"spend_logs_metadata": {key: value}}


def _cloudflare(key: str, value: Any) -> dict[str, Any]:
    known = {"id": "r1", "created_at": AT, "provider": "openai", "model": "m", "tokens_in": 1, "tokens_out": 1, "success": True}
    return {**known, "cost": 0.1, "metadata": json.dumps({key: value})}


@pytest.mark.parametrize(("value", "expected"), [(True, True), ("yes", True), ("FALSE", False), (False, False), ("perhaps", None)])
@pytest.mark.parametrize("name", WAITING)
def test_a_call_says_whether_it_may_wait(name: str, value: Any, expected: bool | None, tmp_path: Path) -> None:
    assert read(name, waits(name, "deferrable", value), tmp_path, Reading())["is_deferrable"] is expected


@pytest.mark.parametrize("name", WAITING)
def test_a_book_may_have_its_own_name_for_it(name: str, tmp_path: Path) -> None:
    text = waits(name, "offline", "true")
    assert read(name, text, tmp_path, Reading(options=Options(deferrable="offline")))["is_deferrable"] is True
    assert read(name, text, tmp_path, Reading())["is_deferrable"] is None


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["deferrable"], True),
        (["feature:chat", "deferrable:true"], True),
        (["deferrable=no"], False),
        (["deferrable:no", "deferrable:yes"], True),
        (["deferrable_later"], None),
        (["feature:chat"], None),
    ],
)
@pytest.mark.parametrize("reading", [Reading(), Reading(prompt_key=KEY)], ids=["as it lies", "settled"])
def test_request_tags_of_litellm_say_it_however_the_line_is_read(
    tags: list[str],
    expected: bool | None,
    reading: Reading,
    tmp_path: Path,
) -> None:
    assert read("litellm_spendlogs", spend_log({}, request_tags=tags), tmp_path, reading)["is_deferrable"] is expected


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"attempted_fallbacks": 1, "attempted_retries": 2}, "fallback"),
        ({"attempted_fallbacks": 0, "attempted_retries": 2}, "retry"),
        ({"attempted_fallbacks": 0, "attempted_retries": None}, "primary"),
        ({"attempted_fallbacks": None}, None),
        ({"attempted_fallbacks": 0, "routing_decision": "cheapest that fits"}, "cheapest that fits"),
        ({"routing_decision": {"why": "nobody knows its shape"}}, None),
        ({"routing_decision": "what is so long is no label " * 20}, None),
    ],
)
@pytest.mark.parametrize("reading", [Reading(), Reading(prompt_key=KEY)], ids=["as it lies", "settled"])
def test_litellm_says_why_a_route_was_taken(metadata: dict[str, Any], reason: str | None, reading: Reading, tmp_path: Path) -> None:
    assert read("litellm_spendlogs", spend_log({}, metadata=metadata), tmp_path, reading)["routing_reason"] == reason


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"choices": [{"finish_reason": "length"}]}, "length"),
        (json.dumps({"choices": [{"finish_reason": "stop"}]}), "stop"),
        ({"stop_reason": "max_tokens"}, "max_tokens"),
        ({"status": "incomplete"}, "incomplete"),
        ({}, None),
        ({"choices": "odd"}, None),
        ("no json", None),
    ],
)
@pytest.mark.parametrize("key", [KEY, None], ids=["with a key", "without a key"])
def test_a_stored_response_says_why_the_answer_ended(response: Any, reason: str | None, key: bytes | None, tmp_path: Path) -> None:
    row = read("litellm_spendlogs", spend_log({}, response=response), tmp_path, Reading(prompt_key=key))
    assert row["finish_reason"] == reason


def test_a_csv_dump_of_spend_logs_tells_what_its_lines_tell(tmp_path: Path) -> None:
    line = json.loads(spend_log(OPENAI, messages={}, response={"choices": [{"finish_reason": "stop"}]}))
    cells = [value if isinstance(value, str) else json.dumps(value) for value in line.values()]
    table = ",".join(line) + "\n" + ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"
    names = (*ASKED, "finish_reason")
    by_line, by_row = (read("litellm_spendlogs", text, tmp_path, Reading(prompt_key=KEY)) for text in (json.dumps(line) + "\n", table))
    assert {name: by_row[name] for name in names} == {name: by_line[name] for name in names}
    assert by_row["prompt_hash"]


def test_lines_without_bodies_are_read_as_they_lie(tmp_path: Path) -> None:
    row = read("litellm_spendlogs", spend_log({}, response={}, messages={}), tmp_path, Reading())
    assert [row[name] for name in ASKED] == [None] * len(ASKED)


def test_operators_of_envoy_write_it_under_keys_of_their_own(tmp_path: Path) -> None:
    entry = {
        "start_time": AT,
        "response_code": 200,
        "gen_ai.request.model": "m",
        "cap": "500",
        "gen_ai.request.temperature": "0.2",
        "why": "x",
    }
    reading = Reading(options=Options(fields={"max_output_tokens": "cap", "routing_reason": "why"}))
    row = read("envoy_ai_gateway", json.dumps(entry) + "\n", tmp_path, reading)
    assert (row["max_output_tokens"], row["temperature"], row["routing_reason"]) == (500, Decimal("0.2"), "x")


def test_the_first_chunk_of_a_span_is_in_seconds(tmp_path: Path) -> None:
    row = read("otlp_spans", span({"gen_ai.response.time_to_first_chunk": {"doubleValue": 0.25}}), tmp_path, Reading())
    assert row["time_to_first_token_ms"] == 250
