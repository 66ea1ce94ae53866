"""Envoy AI Gateway access logs."""

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/envoy_ai_gateway_access_log"
BUCKETS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens")
IN, OUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
READ, WRITTEN = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"
ENTRY: dict[str, Any] = {
    "start_time": "2026-11-02T00:00:00.000Z",
    "response_code": 200,
    "duration": 100,
    "x-request-id": "e1",
    "gen_ai.response.model": "gpt-5-mini",
    IN: 10,
    OUT: 2,
}


def lines(*entries: dict[str, Any]) -> str:
    return "".join(json.dumps({**ENTRY, **one}) + "\n" for one in entries)


def rows(desk: Any, *entries: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    sources = [{"name": "envoy", "path": "*", "format": "envoy_ai_gateway", "options": options}] if options else []
    desk.take({"a.jsonl": lines(*entries)}, sources)
    return list(desk.staged("envoy_ai_gateway").iter_rows(named=True))


def one(desk: Any, entry: dict[str, Any], **options: Any) -> dict[str, Any]:
    [row] = rows(desk, entry, **options)
    return row


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    done = desk.take({"access.log": sample("sample.jsonl")})
    assert (done.rows_in, done.rows_typed, done.filtered, done.quarantined) == (6, 5, 1, 0)
    return {row["operation_id"] or "": row for row in desk.staged("envoy_ai_gateway").iter_rows(named=True)}


def test_cached_tokens_are_taken_out_of_the_input(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["ev-1"]
    assert tuple(row[name] for name in BUCKETS) == (400, 600, 0, 200)
    assert (row["reasoning_tokens"], row["latency_ms"], row["session_id"]) == (128, 2150, "sess-4")
    assert (row["started_at"], row["model"], row["requested_model"]) == (
        datetime(2026, 11, 2, 9, 15, 0, 250000),
        "gpt-5-mini-2025-08-07",
        "gpt-5-mini",
    )


def test_media_have_columns_of_their_own_and_the_book_names_what_else_the_operator_wrote(desk: Any) -> None:
    counts = {READ: 300, "gen_ai.usage.audio.input_tokens": 200, "gen_ai.usage.image.input_tokens": "100"}
    made = {"gen_ai.usage.audio.output_tokens": 30, "gen_ai.usage.image.output_tokens": 20}
    own = {"tier": "scale", "where": "EU", "long": 100, "searched": 2}
    fields = {"served_tier": "tier", "region": "where", "cache_write_1h_tokens": "long", "searches": "searched"}
    row = one(desk, {IN: 1000, OUT: 100, **counts, **made, **own}, fields=fields)
    names = ("input_tokens", "cache_read_tokens", "cache_write_1h_tokens", "audio_input_tokens", "image_input_tokens")
    assert tuple(row[name] for name in names) == (300, 300, 100, 200, 100)
    assert tuple(row[name] for name in ("output_tokens", "audio_output_tokens", "image_output_tokens", "searches")) == (50, 30, 20, 2)
    assert (row["served_tier"], row["region"]) == ("provisioned", "eu")


@pytest.mark.parametrize(("total", "output"), [(1100, 100), (1160, 160)], ids=["inside", "beside"])
def test_thoughts_of_google_are_added_unless_prompt_and_candidates_are_the_total(desk: Any, total: int, output: int) -> None:
    entry = {IN: 1000, OUT: 100, "gen_ai.usage.total_tokens": total, "gen_ai.usage.reasoning.output_tokens": 60}
    assert one(desk, entry)["output_tokens"] == output


def test_the_path_of_a_backend_is_no_provider(staged: dict[str, dict[str, Any]]) -> None:
    assert staged["ev-1"]["provider"] is None


def test_a_refused_call_had_no_tokens_and_a_client_that_left_unknown_ones(staged: dict[str, dict[str, Any]]) -> None:
    refused, left = staged["ev-2"], staged["ev-4"]
    assert (refused["status"], refused["error_class"], refused["input_tokens"], refused["output_tokens"]) == ("failure", "429", 0, 0)
    assert (left["status"], left["error_class"], left["input_tokens"], left["output_tokens"]) == ("failure", "0", None, None)
    assert (refused["session_id"], refused["model"]) == (None, "gpt-5-mini")


def test_the_older_names_with_text_numbers_are_read_and_the_override_is_what_served(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["ev-3"]
    assert (row["input_tokens"], row["output_tokens"], row["latency_ms"]) == (15, 7, 1526)
    assert (row["model"], row["requested_model"]) == ("gpt-4o-mini", "fast")


def test_the_keys_of_the_metadata_are_read(staged: dict[str, dict[str, Any]]) -> None:
    assert tuple(staged[""][name] for name in BUCKETS) == (500, 100, 300, 50)


@pytest.mark.parametrize(
    ("entry", "options"),
    [
        ({IN: 1300, READ: 500, WRITTEN: 100}, {}),
        ({IN: "1300", READ: "500", WRITTEN: "100"}, {}),
        ({IN: 1300, "gen_ai.usage.cached_input_tokens": 500, "gen_ai.usage.cache_creation_input_tokens": 100}, {}),
        ({IN: None, "llm_input_token": 1300, "llm_cached_input_token": 500, "llm_cache_creation_input_token": 100}, {}),
        ({IN: 700, READ: 500, WRITTEN: 100}, {"tokens": "exclusive"}),
        ({IN: 1300, "hit": 500, "put": 100}, {"fields": {"cache_read_tokens": "hit", "cache_write_5m_tokens": "put"}}),
    ],
    ids=["inclusive", "text", "other names", "metadata keys", "exclusive", "own names"],
)
def test_one_call_has_the_same_buckets_in_every_encoding(desk: Any, entry: dict[str, Any], options: dict[str, Any]) -> None:
    assert tuple(one(desk, entry, **options)[name] for name in BUCKETS) == (700, 500, 100, 2)


def test_the_operators_own_keys_are_read_by_the_map_of_the_book(desk: Any) -> None:
    entry = {
        "at": "2026-11-03T10:00:00Z",
        "rid": "r-1",
        "m": "claude-sonnet-4-5",
        "in": 40,
        "out": 9,
        "code": 200,
        "ms": 12,
        "vendor": "Anthropic",
        "ttft": 5,
        "who": "u-1",
        "team_header": "Search",
        "tenant_header": 7,
    }
    own = {
        "started_at": "at",
        "request_id": "rid",
        "model": "m",
        "input_tokens": "in",
        "output_tokens": "out",
        "status_code": "code",
        "latency_ms": "ms",
        "provider": "vendor",
        "time_to_first_token_ms": "ttft",
        "user_id": "who",
        "team": "team_header",
        "tenant": "tenant_header",
    }
    source = {"name": "edge", "path": "*", "format": "envoy_ai_gateway", "options": {"fields": own}}
    assert desk.take({"a.log": json.dumps(entry) + "\n"}, [source]).rows_typed == 1
    [row] = desk.staged("envoy_ai_gateway").iter_rows(named=True)
    assert (row["input_tokens"], row["output_tokens"], row["latency_ms"], row["time_to_first_token_ms"]) == (40, 9, 12, 5)
    assert (row["provider"], row["user_id"], row["team"], row["tenant"]) == ("anthropic", "u-1", "Search", "7")
    assert (row["operation_id"], row["day"], row["model"]) == ("r-1", date(2026, 11, 3), "claude-sonnet-4-5")


def test_a_map_with_a_column_there_is_not_refuses_the_file(desk: Any) -> None:
    source = {"name": "edge", "path": "*", "format": "envoy_ai_gateway", "options": {"fields": {"tokens_in": "in"}}}
    done = desk.take({"a.log": lines({})}, [source])
    assert "has `fields:` for 'tokens_in', no column of this format" in str(done.refused)


def test_a_success_that_counted_nothing_has_unknown_tokens(desk: Any) -> None:
    assert one(desk, {IN: 0, OUT: 0})["input_tokens"] is None


def test_attempts_that_share_an_id_are_calls_of_their_own_and_copies_are_not(desk: Any) -> None:
    found = rows(desk, {}, {OUT: 5}, {"start_time": "2026-11-02T00:00:01.000Z"})
    assert [(row["operation_id"], row["output_tokens"], row["copies"]) for row in found] == [("e1", 5, 2), ("e1", 2, 1)]


def test_entries_without_an_id_are_known_by_content_and_place(desk: Any) -> None:
    nameless = {"x-request-id": "-"}
    desk.take({"a.jsonl": lines(nameless, nameless), "b.jsonl": lines(nameless)})
    assert sorted(desk.staged("envoy_ai_gateway")["copies"].to_list()) == [1, 2]


@pytest.mark.parametrize("wrap", [json.dumps, lambda entries: json.dumps(entries, indent=1)], ids=["array", "pretty array"])
def test_json_gives_the_same_rows_as_json_lines(desk: Any, sample: Callable[[str], str], wrap: Any) -> None:
    entries = [json.loads(line) for line in sample("sample.jsonl").splitlines()]
    desk.take({"a.json": wrap(entries[:5]), "b.jsonl": "".join(json.dumps(one) + "\n" for one in entries[:5])})
    assert desk.staged("envoy_ai_gateway")["copies"].to_list() == [2] * 4


def test_one_entry_is_a_file(desk: Any) -> None:
    desk.take({"a.json": json.dumps(ENTRY, indent=2)})
    assert desk.staged("envoy_ai_gateway").height == 1


def test_a_late_entry_touches_its_own_day_only(desk: Any) -> None:
    rows(desk, {}, {"start_time": "2026-10-31T23:59:59.999Z"})
    assert sorted(desk.staged("envoy_ai_gateway")["day"].to_list()) == [date(2026, 10, 31), date(2026, 11, 2)]


def test_one_absurd_entry_is_data(desk: Any) -> None:
    assert one(desk, {IN: 10**15})["input_tokens"] == 10**15


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({IN: 9.7}, "input_tokens 9.7 is not a whole number"),
        ({IN: "many"}, "input_tokens many is not a whole number"),
        ({IN: True}, "input_tokens True is not a whole number"),
        ({OUT: -1}, "output_tokens is negative (-1)"),
        ({OUT: 10**16}, "output_tokens 10000000000000000 is too large"),
        ({READ: 11}, "cached tokens (11) exceed input tokens (10)"),
        ({"gen_ai.usage.audio.input_tokens": 11}, "cached, audio, image and video tokens (11) exceed input tokens (10)"),
        ({"duration": "1.5"}, "duration 1.5 is not a whole number"),
        ({"start_time": None}, "started_at is missing"),
        ({"start_time": "-"}, "started_at is missing"),
        ({"start_time": True}, "started_at 'True' is not an instant"),
        ({"start_time": "yesterday"}, "started_at 'yesterday' is not an instant"),
        ({"start_time": "1970-01-01T00:00:00Z"}, "day 1970-01-01 is outside 2015 to 2099"),
    ],
)
def test_a_wrong_entry_is_set_aside_and_its_neighbours_stay(desk: Any, wrong: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.jsonl": lines({"x-request-id": "before"}, wrong, {"x-request-id": "after"})})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]
    assert desk.raw("envoy_ai_gateway")["operation_id"].to_list() == ["before", "after"]


def test_a_key_that_holds_an_object_is_no_record(desk: Any) -> None:
    desk.take({"a.jsonl": lines({}, {IN: {"tokens": 5}})})
    [reason] = desk.reasons()
    assert reason.startswith("not a record: Expected ")


def test_only_keys_that_are_read_are_kept_of_a_wrong_entry(desk: Any) -> None:
    desk.take({"a.jsonl": lines({IN: -1, "x-prompt-preview": "the heron"})})
    [kept] = desk.inbox.quarantine()["raw_text"].to_list()
    assert '"gen_ai.usage.input_tokens":-1' in kept
    assert "heron" not in kept


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_documented_examples_give_their_figures(desk: Any) -> None:
    assert desk.take({"access.jsonl": (EXAMPLES / "access.jsonl").read_bytes()}).quarantined == 0
    found = desk.staged("envoy_ai_gateway").sort("output_tokens").select("input_tokens", "output_tokens", "status", "model").rows()
    assert found == [(0, 0, "failure", "gpt-5-mini"), (15, 7, "success", "gpt-4o-mini"), (3000, 900, "success", "gpt-5-mini-2025-08-07")]
