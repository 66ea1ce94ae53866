"""Portkey logs."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/portkey_logs_export"
BUCKETS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")
HERON = "the heron waits beneath the third bridge"
LOG: dict[str, Any] = {
    "id": "p1",
    "created_at": "2026-11-03T00:00:00Z",
    "ai_org": "openai",
    "ai_model": "gpt-5-mini",
    "req_units": 10,
    "res_units": 2,
    "cost": 0.1,
    "response_status_code": 200,
}

WRITTEN = {"cache_creation_input_tokens": 1}


def lines(*logs: dict[str, Any]) -> str:
    return "".join(json.dumps({**LOG, **log}) + "\n" for log in logs)


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    assert desk.take({"logs.jsonl": sample("sample.jsonl")}).rows_typed == 6
    return {row["request_id"]: row for row in desk.staged("portkey_logs").iter_rows(named=True)}


def one(desk: Any, log: dict[str, Any], **options: Any) -> dict[str, Any]:
    desk.take({"a.jsonl": lines(log)}, [{"name": "pk", "path": "*", "format": "portkey_logs", "options": options}] if options else [])
    [row] = desk.staged("portkey_logs").iter_rows(named=True)
    return row


def test_cost_is_in_cents_unless_the_book_says_dollars(desk: Any, tmp_path_factory: Any) -> None:
    assert one(desk, {"cost": 0.255})["reported_cost_usd"] == Decimal("0.00255")
    other = type(desk)(tmp_path_factory.mktemp("usd"))
    assert one(other, {"cost": 0.255}, money_unit="usd")["reported_cost_usd"] == Decimal("0.255")


def test_cached_tokens_of_a_response_are_taken_out_of_its_prompt(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["pk-1"]
    assert tuple(row[name] for name in BUCKETS) == (400, 600, 0, 0, 200)
    assert (row["reasoning_tokens"], row["reported_cost_usd"], row["latency_ms"]) == (128, Decimal("0.000515"), 2150)
    assert (row["team"], row["feature"], row["environment"], row["user_id"]) == ("Search", "answers", "production", "u-4")
    assert (row["operation_id"], row["started_at"]) == ("trace-a", datetime(2026, 11, 3, 9, 15, 0, 250000))


def test_what_anthropic_counts_beside_the_input_stays_beside_it(staged: dict[str, dict[str, Any]]) -> None:
    assert tuple(staged["pk-2"][name] for name in BUCKETS) == (400, 600, 100, 200, 200)


INCLUSIVE = {"prompt_tokens": 1300, "completion_tokens": 200, "prompt_tokens_details": {"cached_tokens": 600}}
EXCLUSIVE = {"prompt_tokens": 700, "completion_tokens": 200, "cache_read_input_tokens": 600}


@pytest.mark.parametrize(
    "usage",
    [
        INCLUSIVE,
        {"input_tokens": 1300, "output_tokens": 200, "input_tokens_details": {"cached_tokens": 600}},
        EXCLUSIVE,
        {**EXCLUSIVE, "total_tokens": 1500},
        {**EXCLUSIVE, "prompt_tokens": 1300, "total_tokens": 1500},
    ],
    ids=["openai", "responses", "anthropic", "anthropic with total", "anthropic folded into openai"],
)
def test_one_call_has_the_same_buckets_in_every_encoding(desk: Any, usage: dict[str, Any]) -> None:
    row = one(desk, {"response": {"usage": usage}})
    assert tuple(row[name] for name in BUCKETS) == (700, 600, 0, 0, 200)


def test_the_book_decides_where_a_shape_does_not(desk: Any) -> None:
    row = one(desk, {"response": {"usage": {**EXCLUSIVE, "prompt_tokens": 1300}}}, tokens="inclusive")
    assert (row["input_tokens"], row["cache_read_tokens"]) == (700, 600)


def test_a_response_may_be_the_text_of_json(desk: Any) -> None:
    assert one(desk, {"response": json.dumps({"usage": INCLUSIVE})})["cache_read_tokens"] == 600


def test_a_price_nobody_knows_is_no_cost_and_a_cache_hit_costs_nothing(staged: dict[str, dict[str, Any]]) -> None:
    assert staged["pk-3"]["reported_cost_usd"] is None
    assert (staged["pk-6"]["is_cache_hit"], staged["pk-6"]["reported_cost_usd"], staged["pk-6"]["input_tokens"]) == (True, 0, 150)


def test_a_success_that_counted_nothing_has_unknown_tokens(desk: Any) -> None:
    row = one(desk, {"req_units": 0, "res_units": 0, "cost": 0})
    assert (row["input_tokens"], row["output_tokens"], row["reported_cost_usd"]) == (None, None, None)


def test_a_refused_attempt_is_a_failure_that_shares_its_trace_with_the_next(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["pk-4"]
    assert (row["status"], row["error_class"], row["input_tokens"], row["output_tokens"]) == ("failure", "429", 0, 0)
    assert row["operation_id"] == staged["pk-5"]["operation_id"] == "trace-d"


def test_the_metric_store_writes_whole_fractions_and_parallel_lists(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["pk-5"]
    assert (row["input_tokens"], row["output_tokens"], row["reported_cost_usd"]) == (150, 40, Decimal("0.000105"))
    assert (row["team"], row["tenant"], row["environment"], row["user_id"]) == ("Search", "acme", "staging", "u-9")
    assert (row["key_alias"], row["key_id"], row["project_id"], row["latency_ms"]) == ("openai-main", "key-77", "ws-core", 812)


def test_both_sets_of_names_are_read(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["pk-3"]
    assert (row["provider"], row["input_tokens"], row["output_tokens"], row["status"]) == ("google", 50, 10, "success")


@pytest.mark.parametrize("wrap", [json.dumps, lambda logs: json.dumps({"data": logs}, indent=1)], ids=["array", "page"])
def test_json_gives_the_same_rows_as_json_lines(desk: Any, sample: Callable[[str], str], wrap: Any) -> None:
    logs = [json.loads(line) for line in sample("sample.jsonl").splitlines()]
    desk.take({"a.json": wrap(logs), "b.jsonl": sample("sample.jsonl")})
    rows = desk.staged("portkey_logs")
    assert (rows.height, rows["copies"].to_list()) == (6, [2] * 6)


def test_a_log_exported_twice_counts_once_with_the_most_tokens(desk: Any) -> None:
    desk.take({"a.jsonl": lines({"res_units": 5}), "b.jsonl": lines({})})
    assert desk.staged("portkey_logs").select("output_tokens", "copies").rows() == [(5, 2)]


def test_rows_without_an_id_are_known_by_content_and_place(desk: Any) -> None:
    desk.take({"a.jsonl": lines({"id": None}, {"id": None}), "b.jsonl": lines({"id": None})})
    assert sorted(desk.staged("portkey_logs")["copies"].to_list()) == [1, 2]


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ({"req_units": 9.7}, "req_units 9.7 is not a whole number"),
        ({"req_units": -1}, "req_units is negative (-1)"),
        ({"res_units": 10**16}, "res_units 10000000000000000 is too large"),
        ({"res_units": "many"}, "not a record: Invalid decimal string - at `$.res_units`"),
        ({"cost": -0.5}, "cost is negative (-0.5)"),
        ({"cost": "NaN"}, "cost NaN is not a number"),
        ({"cost": 1e20}, "cost 1E+18 is too large"),
        ({"cost_currency": "EUR"}, "billed in EUR; only USD is read"),
        ({"created_at": None}, "created_at is missing"),
        ({"created_at": "yesterday"}, "created_at 'yesterday' is not an instant"),
        ({"created_at": "1970-01-01T00:00:00Z"}, "day 1970-01-01 is outside 2015 to 2099"),
        ({"metadata": {"key": ["team"], "value": []}}, "metadata has 1 keys and 0 values"),
        ({"metadata": "{"}, "metadata is not JSON: Input data was truncated"),
        (
            {"response": {"usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}}}},
            "cached tokens (6) exceed input tokens (5)",
        ),
        (
            {"response": {"usage": {"prompt_tokens": 9.7}}},
            "response.usage: Expected `int | null`, got `float` - at `$.usage.prompt_tokens`",
        ),
        (
            {"response": {"usage": {"input_tokens": 5, "cache_creation": {"ephemeral_1h_input_tokens": 2}, **WRITTEN}}},
            "cache writes of 1 hour (2) exceed their total (1)",
        ),
    ],
)
def test_a_wrong_record_is_set_aside_and_its_neighbours_stay(desk: Any, log: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.jsonl": lines({"id": "before"}, log, {"id": "after"})})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]
    assert desk.raw("portkey_logs")["request_id"].to_list() == ["before", "after"]


def test_no_message_reaches_the_lake_not_even_with_a_record_that_is_set_aside(desk: Any) -> None:
    secret = {"request": {"messages": [HERON]}, "response": {"choices": [HERON], "usage": {"prompt_tokens": 3}}}
    cut_short = lines({**secret, "id": "cut"}).strip()[:-2]
    desk.take({"a.jsonl": lines(secret, {**secret, "req_units": -1, "cost": -1}, {**secret, "trace_id": 5}) + cut_short})
    kept = desk.inbox.quarantine()
    assert kept.height == 3
    assert '"id":"p1"' in kept["raw_text"][0]
    assert not [path for path in desk.folder.rglob("*.parquet") if HERON.encode() in path.read_bytes()]
    assert HERON not in "".join([*kept["raw_text"], *kept["reason"]])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_documented_example_gives_its_figures(desk: Any) -> None:
    assert desk.take({"export.jsonl": (EXAMPLES / "export.jsonl").read_bytes()}).quarantined == 0
    names = ("request_id", "input_tokens", "output_tokens", "reported_cost_usd", "status", "team", "user_id")
    assert desk.staged("portkey_logs").select(names).rows() == [
        ("req-001", 3000, 900, Decimal("0.00255"), "success", "agents", "u-17"),
        ("req-002", 0, 0, Decimal(0), "failure", None, None),
    ]
