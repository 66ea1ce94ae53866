"""OpenTelemetry GenAI spans."""

import base64
import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from meterbook.assets.content import Content
from meterbook.assets.ingest.otlp_spans import FORMAT
from meterbook.assets.sources import Reading

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/otlp_json_file"
BUCKETS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens")
HERON = "the heron waits beneath the third bridge"
TRACE, SPAN, START = "0123456789abcdef0123456789abcdef", "0123456789abcdef", 1793664000000000000
CALL: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 2,
}


def value(given: Any) -> dict[str, Any]:
    match given:
        case bool():
            return {"boolValue": given}
        case int():
            return {"intValue": str(given)}
        case float():
            return {"doubleValue": given}
        case list():
            return {"arrayValue": {"values": [value(one) for one in given]}}
        case dict():
            return {"kvlistValue": {"values": [{"key": key, "value": value(one)} for key, one in given.items()]}}
    return {"stringValue": given}


def span(attributes: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    found = {name: given for name, given in {**CALL, **(attributes or {})}.items() if given is not None}
    pairs = [{"key": key, "value": value(one)} for key, one in found.items()]
    times = {"startTimeUnixNano": str(START), "endTimeUnixNano": str(START + 1_500_000_000)}
    return {"traceId": TRACE, "spanId": SPAN, "name": "chat", "kind": 3, **times, "attributes": pairs, "status": {}, **fields}


def request(*spans: dict[str, Any], **resource: Any) -> dict[str, Any]:
    attributes = [{"key": key, "value": value(one)} for key, one in resource.items()]
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"scope": {}, "spans": list(spans)}]}]}


def line(*spans: dict[str, Any], **resource: Any) -> str:
    return json.dumps(request(*spans, **resource)) + "\n"


def one(desk: Any, attributes: dict[str, Any], **options: Any) -> dict[str, Any]:
    source = [{"name": "tel", "path": "*", "format": "otlp_spans", "options": options}] if options else []
    desk.take({"a.jsonl": line(span(attributes))}, source)
    [row] = desk.staged("otlp_spans").iter_rows(named=True)
    return dict(row)


def buckets(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in BUCKETS)


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    done = desk.take({"traces.jsonl": sample("sample.jsonl")})
    assert (done.rows_in, done.rows_typed, done.filtered, done.quarantined) == (7, 5, 2, 0)
    return {row["request_id"][0] + row["request_id"][-2:]: row for row in desk.staged("otlp_spans").iter_rows(named=True)}


def test_cached_tokens_are_taken_out_of_the_input(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["4b7"]
    assert buckets(row) == (50, 10000, 2000, 420)
    assert (row["provider"], row["model"], row["requested_model"]) == ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5")
    assert (row["response_id"], row["finish_reason"], row["latency_ms"]) == ("msg_h1", "tool_use", 2744)
    assert (row["started_at"], row["operation_id"]) == (datetime(2026, 11, 2, 8, 0, 0, 250000), "4bf92f3577b34da6a3ce929d0e0e4736")
    assert (row["session_id"], row["user_id"]) == ("conv-9", "u-7")


def test_owners_come_from_the_resource_and_the_span(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["4b8"]
    assert (row["team"], row["environment"], row["project_id"], row["feature"]) == ("Search", "production", "support-agent", "answers")
    assert (staged["5b8"]["team"], staged["5b8"]["project_id"]) == (None, "batch")


def test_a_resource_speaks_for_its_spans_and_a_span_for_itself(desk: Any) -> None:
    first = span({"feature": "chat"}, spanId="01" * 8)
    desk.take({"a.jsonl": line(first, span({"feature": None, "team": "Own"}), team="Search", feature="shared")})
    assert desk.staged("otlp_spans").select("team", "feature").rows() == [("Search", "chat"), ("Own", "shared")]


def test_the_tier_is_the_one_of_the_response(desk: Any) -> None:
    row = one(desk, {"openai.request.service_tier": "auto", "openai.response.service_tier": "flex"})
    assert row["served_tier"] == "flex"


def test_deprecated_names_and_ids_of_any_case_are_read(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["5b7"]
    assert row["request_id"] == "5af7651916cd43dd8448eb211c80319c-11f067aa0ba902b7"
    assert (row["provider"], *buckets(row), row["served_tier"]) == ("azure.ai.openai", 1200, 0, 0, 250, "standard")


def test_a_refused_call_had_no_tokens_and_another_failure_has_unknown_ones(desk: Any) -> None:
    none = {"gen_ai.usage.input_tokens": None, "gen_ai.usage.output_tokens": None}
    refused, other = span({**none, "error.type": "429"}), span({**none, "error.type": "timeout"}, spanId="f" * 16)
    desk.take({"a.jsonl": line(refused, other)})
    rows = desk.staged("otlp_spans").select("status", "error_class", "input_tokens", "output_tokens").rows()
    assert rows == [("failure", "429", 0, 0), ("failure", "timeout", None, None)]


@pytest.mark.parametrize("status", [{"code": 2}, {"code": "STATUS_CODE_ERROR", "message": HERON}])
def test_a_status_of_error_is_a_failure(desk: Any, status: dict[str, Any]) -> None:
    desk.take({"a.jsonl": line(span({"http.response.status_code": 503}, status=status))})
    assert desk.staged("otlp_spans").select("status", "error_class").rows() == [("failure", "503")]


@pytest.mark.parametrize("operation", ["invoke_agent", "execute_tool", "invoke_workflow", "retrieval", "create_agent", "plan"])
def test_what_may_sum_up_calls_is_none(desk: Any, operation: str) -> None:
    done = desk.take({"a.jsonl": line(span({"gen_ai.operation.name": operation}))})
    assert (done.rows_typed, done.filtered, done.flagged) == (0, 1, [])


@pytest.mark.parametrize("operation", ["chat", "generate_content", "text_completion", "embeddings"])
def test_leaf_operations_are_calls(desk: Any, operation: str) -> None:
    assert one(desk, {"gen_ai.operation.name": operation})["input_tokens"] == 10


def test_an_operation_nobody_knows_is_said_to_be_left_out(desk: Any) -> None:
    done = desk.take({"a.jsonl": line(span({"gen_ai.operation.name": "rerank"}))})
    assert done.flagged == [("a.jsonl", "holds 1 spans of operation 'rerank' with tokens, which are not counted")]


def test_a_span_without_an_operation_is_a_call_unless_it_is_of_an_agent(desk: Any) -> None:
    agent = span({"gen_ai.operation.name": None, "gen_ai.agent.name": "triage"}, spanId="f" * 16)
    assert desk.take({"a.jsonl": line(span({"gen_ai.operation.name": None}), agent)}).filtered == 1
    assert desk.staged("otlp_spans").height == 1


def test_spans_of_openinference_are_said_to_be_left_out(desk: Any) -> None:
    foreign = {**dict.fromkeys(CALL), "llm.token_count.prompt": 5, "openinference.span.kind": "LLM"}
    assert desk.take({"a.jsonl": line(span(foreign))}).flagged[0][1].startswith("holds 1 spans of OpenInference")


READ, WRITTEN = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"
INPUT, OUTPUT, TOTAL = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.total_tokens"


@pytest.mark.parametrize(
    "usage",
    [
        {INPUT: 1300, READ: 1000, WRITTEN: 200, OUTPUT: 20},
        {INPUT: 100, READ: 1000, WRITTEN: 200, OUTPUT: 20},
        {INPUT: 1300, READ: 1000, WRITTEN: 200, OUTPUT: 20, TOTAL: 1320},
        {INPUT: 100, READ: 1000, WRITTEN: 200, OUTPUT: 20, TOTAL: 1320},
        {INPUT: 1300, "gen_ai.usage.cache_read_input_tokens": 1000, "gen_ai.usage.cache_creation_input_tokens": 200, OUTPUT: 20},
        {INPUT: None, OUTPUT: None, "gen_ai.usage.prompt_tokens": 1300, "gen_ai.usage.completion_tokens": 20, READ: 1000, WRITTEN: 200},
    ],
    ids=["inclusive", "exclusive", "inclusive with total", "exclusive with total", "older names", "oldest names"],
)
def test_one_call_has_the_same_buckets_in_every_encoding(desk: Any, usage: dict[str, Any]) -> None:
    assert buckets(one(desk, usage)) == (100, 1000, 200, 20)


def test_a_total_tells_that_cached_tokens_lie_beside_a_larger_input(desk: Any) -> None:
    assert buckets(one(desk, {INPUT: 1300, READ: 1000, OUTPUT: 20, TOTAL: 2320})) == (1300, 1000, 0, 20)


def test_the_book_decides_where_an_instrumentation_counts_beside_the_input(desk: Any) -> None:
    assert buckets(one(desk, {INPUT: 1300, READ: 1000, OUTPUT: 20}, tokens="exclusive")) == (1300, 1000, 0, 20)


def test_a_file_of_both_kinds_says_so(desk: Any) -> None:
    beside, inside = span({INPUT: 5, READ: 9}), span({INPUT: 9, READ: 5}, spanId="f" * 16)
    [(_, flag)] = desk.take({"a.jsonl": line(beside, inside)}).flagged
    assert flag.startswith("holds cached tokens that lie beside the input in 1 spans, and are taken as part of it in 1")


def test_where_the_book_says_inside_more_cached_than_there_was_is_set_aside(desk: Any) -> None:
    source = [{"name": "tel", "path": "*", "format": "otlp_spans", "options": {"tokens": "inclusive"}}]
    desk.take({"a.jsonl": line(span({INPUT: 5, READ: 6}))}, source)
    assert desk.reasons() == ["cached tokens (6) exceed input tokens (5)"]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({OUTPUT: 900, "gen_ai.usage.reasoning.output_tokens": 640}, 900),
        ({OUTPUT: 260, "gen_ai.usage.reasoning.output_tokens": 640}, 900),
        ({INPUT: 10, OUTPUT: 500, "gen_ai.usage.reasoning.output_tokens": 400, TOTAL: 910}, 900),
        ({INPUT: 10, OUTPUT: 900, "gen_ai.usage.reasoning.output_tokens": 400, TOTAL: 910}, 900),
    ],
    ids=["inside", "more than the output", "beside by the total", "inside by the total"],
)
def test_reasoning_is_counted_once(desk: Any, usage: dict[str, int], expected: int) -> None:
    assert one(desk, usage)["output_tokens"] == expected


def test_a_success_that_counted_nothing_has_unknown_tokens(desk: Any) -> None:
    row = one(desk, {INPUT: 0, OUTPUT: 0})
    assert (row["input_tokens"], row["output_tokens"]) == (None, None)


def test_delivered_twice_is_counted_once(desk: Any) -> None:
    desk.take({"a.jsonl": line(span()) * 2, "b.jsonl": line(span({OUTPUT: 1}))})
    assert desk.staged("otlp_spans").select("output_tokens", "attempt", "copies").rows() == [(2, 1, 3)]


def test_a_late_file_touches_only_its_days(desk: Any) -> None:
    desk.take({"a.jsonl": line(span())})
    before = desk.raw("otlp_spans")
    desk.take({"b.jsonl": line(span(spanId="f" * 16, startTimeUnixNano=str(START + 2 * 86_400 * 10**9), endTimeUnixNano="0"))})
    assert desk.raw("otlp_spans").filter(pl.col("day") == date(2026, 11, 3)).equals(before)


def test_the_book_names_attributes_of_its_own_for_owners(desk: Any) -> None:
    row = one(desk, {"app.squad": "Search", "app.customer": 42}, fields={"team": "app.squad", "tenant": "app.customer"})
    assert (row["team"], row["tenant"]) == ("Search", "42")


def test_an_owner_the_book_invents_is_refused(desk: Any) -> None:
    source = [{"name": "tel", "path": "*", "format": "otlp_spans", "options": {"fields": {"squad": "x"}}}]
    [(_, reason)] = desk.take({"a.jsonl": line(span())}, source).refused
    assert reason.startswith("has `fields:` for squad in `sources:`; known are session_id")


def printed(text: str) -> str:
    """As protobuf's own JSON printer writes it: ids in base64, snake_case, enums by name."""
    found = json.loads(text.splitlines()[0])
    for group in found["resourceSpans"]:
        for scope in group["scopeSpans"]:
            for one in scope["spans"]:
                for name in ("traceId", "spanId"):
                    one[name] = base64.b64encode(bytes.fromhex(one[name])).decode()
                one["start_time_unix_nano"] = int(one.pop("startTimeUnixNano"))
            scope["spans"] = scope.pop("spans")
        group["scope_spans"] = group.pop("scopeSpans")
    return json.dumps({"resource_spans": found["resourceSpans"]})


CONTAINERS: dict[str, Callable[[str], str]] = {
    "array": lambda text: json.dumps([json.loads(text.splitlines()[0])]),
    "one request over many lines": lambda text: json.dumps(json.loads(text.splitlines()[0]), indent=1),
    "printed by protobuf": printed,
    "array in a line": lambda text: f"[{text.splitlines()[0]}]\n",
    "plain numbers": lambda text: json.dumps(json.loads(text.splitlines()[0])).replace('"intValue": "12050"', '"intValue": 12050'),
    "with metrics between": lambda text: text.splitlines()[0] + '\n{"resourceMetrics": []}\n',
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_calls(desk: Any, sample: Callable[[str], str], container: str) -> None:
    first = sample("sample.jsonl").splitlines()[0] + "\n"
    done = desk.take({"a.json": CONTAINERS[container](first), "b.jsonl": first})
    assert (done.refused, done.quarantined) == ([], 0)
    assert desk.staged("otlp_spans")["copies"].to_list() == [2, 2]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (span({INPUT: -1}), "input tokens is negative (-1)"),
        (span({INPUT: 9.7}), "input tokens 9.7 is not a whole number"),
        (span({INPUT: "many"}), "input tokens many is not a whole number"),
        (span({OUTPUT: 10**16}), "output tokens 10000000000000000 is too large"),
        (span(traceId="0" * 32), "traceId is not an id of 16 bytes"),
        (span(traceId=None), "traceId is not an id of 16 bytes"),
        (span(spanId="abc"), "spanId is not an id of 8 bytes"),
        (span(startTimeUnixNano="0"), "startTimeUnixNano is missing"),
        (span(startTimeUnixNano="soon"), "startTimeUnixNano 'soon' is not an instant"),
        (span(startTimeUnixNano=str(946684800 * 10**9)), "day 2000-01-01 is outside 2015 to 2099"),
        (span(startTimeUnixNano=[1]), "not a record: Expected `int | str | null`, got `array`"),
        ({**span(), "attributes": "none"}, "not a record: Expected `array | null`, got `str`"),
        (span(status=5), "not a record: Expected `object | null`, got `int`"),
    ],
)
def test_a_wrong_span_is_set_aside_and_its_neighbours_stay(desk: Any, wrong: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.jsonl": line(span(spanId="1" * 16), wrong, span(spanId="2" * 16))})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(1, reason)]


def test_a_broken_line_and_a_broken_group_are_set_aside(desk: Any) -> None:
    desk.take({"a.jsonl": line(span()) + line(span())[:-9] + "\n" + '{"resourceSpans": [5]}\n'})
    reasons = ["not JSON: Input data was truncated", "not a record: Expected `object | null`, got `int`"]
    assert desk.inbox.quarantine().select("line", "reason").rows() == list(zip((2, 3), reasons, strict=True))


def test_one_absurd_span_is_data(desk: Any) -> None:
    assert one(desk, {INPUT: 10**15})["input_tokens"] == 10**15


def test_a_prompt_is_hashed_where_the_book_has_a_key_whatever_its_shape(desk: Any) -> None:
    asked = [{"role": "user", "parts": [{"type": "text", "content": HERON}]}]
    path = desk.folder / "a.jsonl"
    path.write_text(line(span({"gen_ai.input.messages": json.dumps(asked)}), span({"gen_ai.prompt": HERON}), span()), "utf-8")
    [frame] = FORMAT.read(Content(path), Reading(prompt_key=b"key")).frames()
    first, second, third = frame["prompt_hash"]
    assert first
    assert second
    assert first != second
    assert third is None


def test_no_message_reaches_the_lake_not_even_with_a_span_that_is_set_aside(desk: Any) -> None:
    texts = {"gen_ai.input.messages": HERON, "gen_ai.output.messages": HERON, "gen_ai.prompt": HERON, "gen_ai.system_instructions": HERON}
    event = {"name": HERON, "attributes": [{"key": "content", "value": {"stringValue": HERON}}]}
    spans = [span(texts, events=[event]), span({**texts, INPUT: -1}, events=[event]), span(texts, status=HERON)]
    desk.take({"a.jsonl": line(*spans) + line(span(texts))[:-3]})
    kept = desk.inbox.quarantine()
    assert kept.height == 3
    assert '"gen_ai.usage.input_tokens":"-1"' in "".join(kept["raw_text"])
    assert not [path for path in desk.folder.rglob("*.parquet") if HERON.encode() in path.read_bytes()]
    assert HERON not in "".join([*kept["raw_text"], *kept["reason"]])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_recorded_example_gives_its_figures(desk: Any) -> None:
    done = desk.take({"traces.jsonl": (EXAMPLES / "traces.jsonl").read_bytes()})
    assert (done.rows_typed, done.filtered, done.quarantined) == (4, 2, 0)
    names = ("model", *BUCKETS, "served_tier", "error_class", "team")
    assert sorted(desk.staged("otlp_spans").select(names).rows()) == [
        ("claude-sonnet-4-5-20250929", 50, 10000, 2000, 420, None, None, "agents"),
        ("gpt-4o-mini-2024-07-18", 1200, 0, 0, 250, "standard", None, "agents"),
        ("gpt-5-mini", 0, 0, 0, 0, None, "429", "agents"),
        ("gpt-5-mini-2025-08-07", 3000, 0, 0, 900, "standard", None, "agents"),
    ]
