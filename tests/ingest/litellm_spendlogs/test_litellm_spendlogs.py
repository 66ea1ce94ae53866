"""LiteLLM spend logs."""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl
import pytest

from meterbook.assets.inbox import Inbox

LOG: dict[str, Any] = {
    "request_id": "r1",
    "spend": 0.001,
    "prompt_tokens": 10,
    "completion_tokens": 2,
    "startTime": "2026-10-01T00:00:00Z",
    "model": "gpt-5-mini",
    "custom_llm_provider": "openai",
    "status": "success",
}


def lines(*logs: dict[str, Any]) -> str:
    return "".join(json.dumps({**LOG, **log}) + "\n" for log in logs)


@pytest.fixture
def requests(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    assert desk.take({"logs.jsonl": sample("sample.jsonl")}).rows_typed == 5
    return {row["request_id"]: row for row in desk.staged("litellm_spendlogs").iter_rows(named=True)}


def test_a_cached_token_is_taken_out_of_the_prompt(requests: dict[str, dict[str, Any]]) -> None:
    row = requests["req-openai"]
    assert (row["input_tokens"], row["cache_read_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (600, 400, 300, 250)


def test_a_prompt_holds_what_was_written_to_both_caches(requests: dict[str, dict[str, Any]]) -> None:
    row = requests["req-anthropic"]
    assert (row["input_tokens"], row["cache_read_tokens"]) == (50, 10_000)
    assert (row["cache_write_5m_tokens"], row["cache_write_1h_tokens"]) == (500, 1500)


def test_a_cache_write_without_a_lifetime_is_of_five_minutes(requests: dict[str, dict[str, Any]]) -> None:
    row = requests["req-gemini"]
    assert (row["input_tokens"], row["cache_write_5m_tokens"], row["cache_write_1h_tokens"]) == (50, 20, 0)


def test_no_price_known_is_no_cost_and_not_a_cost_of_zero(requests: dict[str, dict[str, Any]]) -> None:
    assert requests["req-gemini"]["reported_cost_usd"] is None


def test_a_hit_of_the_gateways_cache_costs_nothing_and_keeps_its_tokens(requests: dict[str, dict[str, Any]]) -> None:
    row = requests["req-openai_cache_hit1"]
    assert (row["is_cache_hit"], row["reported_cost_usd"], row["input_tokens"]) == (True, Decimal(0), 1000)


def test_a_failure_keeps_its_class_and_its_cost_of_nothing(requests: dict[str, dict[str, Any]]) -> None:
    row = requests["req-failed"]
    assert (row["status"], row["error_class"], row["reported_cost_usd"]) == ("failure", "RateLimitError", Decimal(0))


def test_providers_get_the_names_of_gen_ai(requests: dict[str, dict[str, Any]]) -> None:
    assert {row["provider"] for row in requests.values()} == {"openai", "anthropic", "google"}


def test_the_day_is_the_utc_day_of_the_start(requests: dict[str, dict[str, Any]]) -> None:
    assert (requests["req-openai"]["day"], requests["req-openai"]["latency_ms"]) == (date(2026, 10, 1), 2000)
    assert requests["req-openai_cache_hit1"]["started_at"] == datetime(2026, 10, 1, 8)


def test_what_the_caller_says_of_itself_goes_before_the_key(requests: dict[str, dict[str, Any]]) -> None:
    owners = ("team", "tenant", "feature", "environment", "experiment_arm")
    assert tuple(requests["req-openai"][name] for name in owners) == ("Support", "acme", "chat", "production", None)
    assert tuple(requests["req-anthropic"][name] for name in owners) == ("agents", "globex", "agent", None, "b")


def test_the_served_tier_default_is_the_standard_one(requests: dict[str, dict[str, Any]]) -> None:
    assert requests["req-openai"]["served_tier"] == "standard"


def test_the_float_that_a_gateway_writes_becomes_exact_to_the_picodollar(desk: Any) -> None:
    desk.take({"a.jsonl": lines({"spend": 4.2499999999999996e-05})})
    assert desk.raw("litellm_spendlogs")["spend_usd"].to_list() == [Decimal("0.0000425")]


def test_a_csv_dump_gives_the_same_rows_as_json_lines(desk: Any, sample: Callable[[str], str], tmp_path_factory: Any) -> None:
    logs = [json.loads(line) for line in sample("sample.jsonl").splitlines()]
    names = list(logs[0])
    quoted = [[_cell(log.get(name)) for name in names] for log in logs]
    text = "\n".join([",".join(names), *(",".join(row) for row in quoted)])
    desk.take({"dump.csv": text})
    from_csv = desk.raw("litellm_spendlogs").drop("file_id", "line")
    other = type(desk)(tmp_path_factory.mktemp("json"))
    other.take({"logs.jsonl": sample("sample.jsonl")})
    assert from_csv.equals(other.raw("litellm_spendlogs").drop("file_id", "line"))


def _cell(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return '"' + text.replace('"', '""') + '"'


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ({"metadata": {"usage_object": {"cache_read_input_tokens": 11}}}, "cached tokens (11) exceed prompt tokens (10)"),
        ({"prompt_tokens": 9.7}, "not a record: Expected `int | null`, got `float` - at `$.prompt_tokens`"),
        ({"prompt_tokens": -1}, "prompt_tokens is negative (-1)"),
        ({"prompt_tokens": 2**63}, "not a record: Expected `int` <= 1000000000000000 - at `$.prompt_tokens`"),
        ({"completion_tokens": None}, "a success without prompt_tokens or completion_tokens"),
        ({"startTime": None}, "startTime is missing"),
        ({"startTime": "yesterday"}, "startTime 'yesterday' is not an instant"),
        ({"startTime": "1970-01-01T00:00:00Z"}, "day 1970-01-01 is outside 2015 to 2099"),
        ({"request_id": ""}, "request_id is missing"),
        ({"spend": 1e20}, "spend 1e+20 is too large"),
        ({"spend": "NaN"}, "spend NaN is not a number"),
        ({"spend": -0.5}, "spend_usd is negative (-0.500000000000)"),
        (
            {"metadata": {"usage_object": {"cache_creation_input_tokens": 5, "cache_creation": {"ephemeral_5m_input_tokens": 1}}}},
            "cache writes of 5 minutes (1) and 1 hour (0) are not their total (5)",
        ),
    ],
)
def test_a_wrong_record_is_set_aside_and_its_neighbours_stay(desk: Any, log: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.jsonl": lines({"request_id": "before"}, log, {"request_id": "after"})})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]
    assert desk.raw("litellm_spendlogs")["request_id"].to_list() == ["before", "after"]


def test_no_message_reaches_the_lake_not_even_with_a_record_that_is_set_aside(desk: Any) -> None:
    secret = {"messages": [{"content": "SECRET"}], "response": {"text": "SECRET"}}
    cut_short = lines({**secret, "request_id": "cut"}).strip()[:-2]
    desk.take({"a.jsonl": lines(secret, {**secret, "prompt_tokens": -1}, {**secret, "prompt_tokens": 9.7}) + cut_short})
    kept = desk.inbox.quarantine()
    assert kept.height == 3
    assert all(name in text for name, text in zip(("r1", "r1", "cut"), kept["raw_text"], strict=True))
    assert not [path for path in desk.folder.rglob("*.parquet") if b"SECRET" in path.read_bytes()]
    assert "SECRET" not in "".join(kept["raw_text"])


def test_a_csv_row_that_is_set_aside_keeps_no_message(desk: Any) -> None:
    header = "request_id,startTime,spend,custom_llm_provider,prompt_tokens,completion_tokens,messages"
    desk.take({"a.csv": f"{header}\nr1,2026-10-01,0.1,openai,-5,1,SECRET\nr2,2026-10-01,0.1,openai,5,1,SECRET\n"})
    assert desk.inbox.quarantine()["raw_text"].to_list() == ["r1,2026-10-01,0.1,openai,-5,1,"]


def test_a_request_logged_twice_counts_once_and_both_rows_are_accounted_for(desk: Any) -> None:
    desk.take({"a.jsonl": lines({"completion_tokens": 1}), "b.jsonl": lines({"completion_tokens": 2})})
    assert desk.staged("litellm_spendlogs").select("output_tokens", "copies").rows() == [(2, 2)]


def test_tags_may_come_as_the_text_of_a_json_array(desk: Any) -> None:
    desk.take({"a.jsonl": lines({"request_tags": msgspec.json.encode(["feature:chat"]).decode()})})
    assert desk.raw("litellm_spendlogs")["feature"].to_list() == ["chat"]


def test_a_hit_of_the_cache_is_known_by_its_call_whatever_is_behind_its_id(desk: Any) -> None:
    desk.take({"a.jsonl": lines({"request_id": "r1_cache_hit17.5", "litellm_call_id": "call-1", "cache_hit": "True", "spend": 0})})
    [row] = desk.staged("litellm_spendlogs").iter_rows(named=True)
    assert (row["response_id"], row["is_cache_hit"]) == ("call-1", True)


@pytest.mark.parametrize(("given", "expected"), [("azure", "azure.ai.openai"), ("bedrock", "aws.bedrock"), ("vertex_ai", "google")])
def test_a_provider_has_one_spelling(desk: Any, given: str, expected: str) -> None:
    desk.take({"a.jsonl": lines({"custom_llm_provider": given})})
    assert desk.staged("litellm_spendlogs")["provider"].to_list() == [expected]


def test_a_prompt_is_hashed_with_the_books_key_and_not_without_one(desk: Any, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("hashed")
    logs = [
        {"messages": [{"content": "one"}]},
        {"request_id": "r2", "messages": '[{"content":"one"}]'},
        {"request_id": "r3", "messages": {}},
    ]
    (folder / "inbox").mkdir()
    (folder / "inbox" / "a.jsonl").write_text(lines(*logs), "utf-8")
    inbox = Inbox(folder, (), b"a key of the book")
    inbox.ingest()
    [file] = inbox.raw_files()["litellm_spendlogs"]
    first, second, third = pl.read_parquet(file.path)["prompt_hash"]
    assert first == second
    assert len(first) == 32
    assert third is None
    desk.take({"a.jsonl": lines(*logs)})
    assert desk.raw("litellm_spendlogs")["prompt_hash"].to_list() == [None] * 3
