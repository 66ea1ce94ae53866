"""LiteLLM standard logging payloads."""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from meterbook.assets.content import Content
from meterbook.assets.ingest import formats
from meterbook.assets.sources import Reading

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples"
BUCKETS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")
HERON = "the heron waits beneath the third bridge"
NAME = "litellm_standard_logging"
LOG: dict[str, Any] = {
    "id": "c1",
    "litellm_call_id": "call",
    "status": "success",
    "custom_llm_provider": "openai",
    "model": "gpt-5-mini",
    "startTime": 1793750400.0,
    "endTime": 1793750401.0,
    "prompt_tokens": 10,
    "completion_tokens": 2,
    "response_cost": 0.001,
    "metadata": {},
}
INSIDE = {"prompt_tokens": 1300, "completion_tokens": 200}
LIFETIMES = {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}


def lines(*logs: dict[str, Any]) -> str:
    return "".join(json.dumps({**LOG, **log}) + "\n" for log in logs)


def usage(**given: Any) -> dict[str, Any]:
    return {**INSIDE, "metadata": {"usage_object": {**INSIDE, **given}}}


def one(desk: Any, log: dict[str, Any]) -> dict[str, Any]:
    assert desk.take({"a.jsonl": lines(log)}).quarantined == 0
    [row] = desk.staged(NAME).iter_rows(named=True)
    return row


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    assert desk.take({"batch.ndjson": sample("sample.jsonl")}).rows_typed == 6
    return {row["request_id"]: row for row in desk.staged(NAME).iter_rows(named=True)}


def test_cached_tokens_are_taken_out_of_the_prompt(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["chatcmpl-1"]
    assert tuple(row[name] for name in BUCKETS) == (400, 600, 0, 0, 200)
    assert (row["reasoning_tokens"], row["reported_cost_usd"]) == (128, Decimal("0.000515"))


def test_unix_seconds_are_read_to_the_microsecond(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["chatcmpl-1"]
    assert (row["started_at"], row["latency_ms"], row["time_to_first_token_ms"]) == (datetime(2026, 11, 4, 8, 0, 0, 123457), 2150, 750)
    assert staged["msg-2"]["time_to_first_token_ms"] is None


@pytest.mark.parametrize(
    "given",
    [
        {"cache_read_input_tokens": 600, "cache_creation_input_tokens": 300, "cache_creation": LIFETIMES},
        {"prompt_tokens_details": {"cached_tokens": 600, "cache_creation_tokens": 300, "cache_creation_token_details": LIFETIMES}},
        {"prompt_tokens_details": {"cached_tokens": 600, "cache_creation_token_details": LIFETIMES}},
        {"prompt_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 300}, "cache_creation": {"ephemeral_1h_input_tokens": 200}},
    ],
    ids=["anthropic", "details", "no total", "no five minutes"],
)
def test_one_call_has_the_same_buckets_in_every_encoding(desk: Any, given: dict[str, Any]) -> None:
    row = one(desk, usage(**given))
    assert tuple(row[name] for name in BUCKETS) == (400, 600, 100, 200, 200)


@pytest.mark.parametrize("split", [None, {}, {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}])
def test_a_cache_write_without_a_lifetime_is_of_five_minutes(desk: Any, split: dict[str, int] | None) -> None:
    details = {"cache_creation_tokens": 300, "cache_creation_token_details": split}
    assert tuple(one(desk, usage(prompt_tokens_details=details))[name] for name in BUCKETS) == (1000, 0, 300, 0, 200)


def test_older_versions_have_the_parts_in_the_response_only(desk: Any) -> None:
    row = one(desk, {**INSIDE, "response": {"usage": {"prompt_tokens_details": {"cached_tokens": 600}}}})
    assert tuple(row[name] for name in BUCKETS) == (700, 600, 0, 0, 200)


def test_the_reported_cost_is_the_proxy_s_price_and_a_file_with_margins_says_so(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.jsonl": sample("sample.jsonl")})
    assert desk.staged(NAME).filter(pl.col("request_id") == "msg-2")["reported_cost_usd"].to_list() == [Decimal("0.0072")]
    assert desk.inbox.file_flags()["flag"].to_list() == [
        "holds 1 calls whose response_cost has a discount or margin of the proxy in it: its charge-back price"
    ]


def test_a_price_nobody_knows_is_no_cost_and_a_cache_hit_costs_nothing(staged: dict[str, dict[str, Any]]) -> None:
    assert staged["chatcmpl-5"]["reported_cost_usd"] is None
    hit = staged["chatcmpl-1_cache_hit1793779260.75"]
    assert (hit["is_cache_hit"], hit["reported_cost_usd"], hit["input_tokens"], hit["response_id"]) == (True, 0, 1000, "call-3")


def test_a_declined_call_used_nothing_and_of_another_failure_that_is_not_known(staged: dict[str, dict[str, Any]]) -> None:
    names = ("status", "error_class", "input_tokens", "output_tokens", "reported_cost_usd")
    assert [staged["call-4"][name] for name in names] == ["failure", "RateLimitError", 0, 0, 0]
    assert [staged["call-6"][name] for name in names] == ["failure", "InternalServerError", None, None, None]


def test_attempts_share_the_call_they_are_of(staged: dict[str, dict[str, Any]]) -> None:
    assert staged["call-4"]["operation_id"] == staged["chatcmpl-5"]["operation_id"] == "call-4"


def test_a_success_that_counted_nothing_has_unknown_tokens(desk: Any) -> None:
    row = one(desk, {"prompt_tokens": 0, "completion_tokens": 0, "response_cost": 0.04})
    assert (row["input_tokens"], row["output_tokens"], row["reported_cost_usd"]) == (None, None, Decimal("0.04"))


def test_images_without_tokens_are_counted_and_those_with_tokens_are_not_counted_twice(desk: Any) -> None:
    none = {"prompt_tokens": 0, "completion_tokens": 0, "call_type": "aimage_generation"}
    pictures = {"created": 1, "data": [{"url": "a"}, {"b64_json": "b"}]}
    tokens = {"prompt_tokens": 50, "completion_tokens": 4160}
    desk.take({"a.jsonl": lines({**none, "id": "c1", "response": pictures}, {**none, **tokens, "id": "c2", "response": pictures})})
    columns = ("input_tokens", "output_tokens", "image_output_tokens", "quantity", "quantity_unit")
    assert desk.staged(NAME).select(columns).rows() == [(0, 0, None, 2, "images"), (50, 0, 4160, None, None)]


def test_owners_come_from_the_caller_first_and_the_key_last(desk: Any, staged: dict[str, dict[str, Any]]) -> None:
    row = staged["chatcmpl-1"]
    assert (row["team"], row["feature"], row["tenant"], row["environment"]) == ("Search", "answers", "acme", "production")
    assert (row["key_id"], row["key_alias"], row["user_id"]) == ("9f86d081884c7d65", "search-prod", "u-4")
    metadata = {
        "user_api_key_team_alias": "proxy",
        "requester_metadata": {"team": "own", "feature": "own"},
        "spend_logs_metadata": {"team": "spend"},
    }
    row = one(
        type(desk)(desk.folder / "b"), {"metadata": metadata, "request_tags": ["feature: tag", "User-Agent: x", 7], "end_user": "acme"}
    )
    assert (row["team"], row["feature"], row["tenant"]) == ("spend", "tag", "acme")


@pytest.mark.parametrize(
    ("log", "tier"),
    [
        ({"metadata": {"usage_object": {"service_tier": "priority"}}}, "priority"),
        ({"cost_breakdown": {"service_tier": "flex"}}, "flex"),
        ({"cost_breakdown": {"service_tier": "default"}}, "standard"),
        ({"call_type": "aretrieve_batch"}, "batch"),
        ({}, None),
    ],
)
def test_the_tier_is_the_one_that_served(desk: Any, log: dict[str, Any], tier: str | None) -> None:
    assert one(desk, log)["served_tier"] == tier


def test_names_of_providers_are_made_one(desk: Any) -> None:
    given = ["vertex_ai_beta", "text-completion-openai", "azure", "bedrock_converse", "anthropic", None]
    desk.take({"a.jsonl": lines(*({"id": str(n), "custom_llm_provider": name} for n, name in enumerate(given)))})
    assert desk.staged(NAME)["provider"].to_list() == ["google", "openai", "azure.ai.openai", "aws.bedrock", "anthropic", None]


@pytest.mark.parametrize(
    "wrap",
    [json.dumps, lambda logs: json.dumps(logs, indent=1), lambda logs: "\n\n".join(map(json.dumps, logs))],
    ids=["array", "pretty", "lines"],
)
def test_every_container_gives_the_same_rows(desk: Any, sample: Callable[[str], str], wrap: Any) -> None:
    logs = [json.loads(line) for line in sample("sample.jsonl").splitlines()]
    desk.take({"a.json": wrap(logs), "b.jsonl": sample("sample.jsonl")})
    assert desk.staged(NAME)["copies"].to_list() == [2] * 6


def test_an_object_of_s3_is_a_file_whatever_its_layout(desk: Any) -> None:
    log = {**LOG, "messages": [{"spend": 1}]}
    done = desk.take({"2026-11-04/a.json": json.dumps(log), "2026-11-04/b.json": json.dumps({**log, "id": "c2"}, indent=2)})
    assert (done.rows_typed, sorted(desk.staged(NAME)["request_id"])) == (2, ["c1", "c2"])


def test_a_payload_written_twice_counts_once_and_payloads_without_an_id_by_content_and_place(desk: Any) -> None:
    desk.take({"a.jsonl": lines({"completion_tokens": 5}, {"id": None}, {"id": None}), "b.jsonl": lines({}, {"id": None})})
    assert sorted(desk.staged(NAME).select("output_tokens", "copies").rows()) == [(2, 1), (2, 2), (5, 2)]


def test_a_call_is_of_the_utc_day_on_which_it_began(desk: Any) -> None:
    desk.take({"a.jsonl": lines({"id": "1", "startTime": 1793750399.999999}, {"id": "2", "startTime": 1793750400.0})})
    assert desk.staged(NAME)["day"].to_list() == [date(2026, 11, 3), date(2026, 11, 4)]


def test_a_call_that_the_spend_logs_have_too_counts_once(desk: Any) -> None:
    spend = {
        "request_id": "c1", "litellm_call_id": "call", "startTime": "2026-11-04T00:00:00.000", "endTime": "2026-11-04T00:00:01.000",
        "spend": 0.001, "prompt_tokens": 10, "completion_tokens": 2, "custom_llm_provider": "openai", "model": "gpt-5-mini",
    }  # fmt: skip
    desk.take({"a.jsonl": lines({}, {"id": "c2"}), "b.jsonl": json.dumps(spend) + "\n"})
    both = [desk.staged(name) for name in (NAME, "litellm_spendlogs")]
    same = [one.filter(pl.col("request_id") == "c1") for one in both]
    # What core.request takes for one call: the same day, and the same id of the answer or of the request.
    known = [(one["day"][0], (one["response_id"] if "response_id" in one.columns else one["request_id"])[0] or "c1") for one in same]
    assert known[0] == known[1]
    assert (
        same[0].select(*BUCKETS, "operation_id", "reported_cost_usd").equals(same[1].select(*BUCKETS, "operation_id", "reported_cost_usd"))
    )


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ({"prompt_tokens": 9.7}, "not a record: Expected `int | null`, got `float` - at `$.prompt_tokens`"),
        ({"prompt_tokens": -1}, "prompt_tokens is negative (-1)"),
        ({"completion_tokens": None}, "a success without prompt_tokens or completion_tokens"),
        ({"startTime": None}, "startTime is missing"),
        ({"startTime": 0}, "day 1970-01-01 is outside 2015 to 2099"),
        ({"startTime": "soon"}, "not a record: Invalid decimal string - at `$.startTime`"),
        ({"response_cost": -0.1}, "response_cost is negative (-0.1)"),
        ({"response_cost": "NaN"}, "response_cost NaN is not a number"),
        ({"response_cost": 1e20}, "response_cost 1E+20 is too large"),
        (usage(cache_read_input_tokens=1301), "cached tokens (1301) exceed prompt tokens (1300)"),
        (usage(cache_read_input_tokens=-1), "cached tokens is negative (-1)"),
        (
            usage(cache_creation_input_tokens=10, cache_creation=LIFETIMES),
            "cache writes of 5 minutes (100) and 1 hour (200) are not their total (10)",
        ),
        (
            {"response": {"usage": {"cache_read_input_tokens": "x"}}},
            "response.usage: Expected `int | null`, got `str` - at `$.usage.cache_read_input_tokens`",
        ),
    ],
)
def test_a_wrong_payload_is_set_aside_and_its_neighbours_stay(desk: Any, log: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.jsonl": lines({"id": "before"}, log, {"id": "after"})})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]
    assert desk.raw(NAME)["request_id"].to_list() == ["before", "after"]


def test_a_clock_that_was_set_back_costs_a_latency_and_no_money(desk: Any) -> None:
    row = one(desk, {"endTime": 1793750399.0})
    assert (row["latency_ms"], row["reported_cost_usd"]) == (None, Decimal("0.001"))


def test_no_message_reaches_the_lake_not_even_with_a_payload_that_is_set_aside(desk: Any) -> None:
    secret = {
        "messages": [HERON],
        "response": {"choices": [HERON], "usage": {}},
        "error_str": HERON,
        "error_information": {"error_message": HERON},
    }
    broken = [{**secret, "prompt_tokens": -1}, {**secret, "model": 5}, {**secret, "startTime": None}]
    desk.take({"a.jsonl": lines(secret, *broken) + lines(secret).strip()[:-2]})
    kept = desk.inbox.quarantine()
    assert kept.height == 4
    assert '"id":"c1"' in kept["raw_text"][0]
    assert not [path for path in desk.folder.rglob("*.parquet") if HERON.encode() in path.read_bytes()]
    assert HERON not in "".join([*kept["raw_text"], *kept["reason"]])


def test_redacted_messages_have_no_hash(tmp_path: Path) -> None:
    redacted = [{"role": "user", "content": "redacted-by-litellm"}]
    (tmp_path / "a").write_text(lines({"messages": [HERON]}, {"messages": [HERON]}, {"messages": redacted}), "utf-8")
    [frame] = formats()[NAME].read(Content(tmp_path / "a"), Reading(prompt_key=b"key")).frames()
    first, second, third = frame["prompt_hash"].to_list()
    assert first == second is not None
    assert third is None


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_recorded_payloads_give_their_figures(desk: Any) -> None:
    for path in (EXAMPLES / "litellm_standard_logging_payload").glob("*.*json"):
        desk.take({path.name: path.read_bytes()})
    assert desk.inbox.quarantine().height == 0
    rows = desk.staged(NAME)
    assert rows.select("model", *BUCKETS, "reported_cost_usd").rows() == [
        ("gpt-4o-mini", None, 0, 0, 0, None, None),
        ("gpt-5-mini", 10, 0, 0, 0, 20, Decimal("0.0000425")),
        ("gpt-5-mini", 10, 0, 0, 0, 20, Decimal(0)),
        ("gpt-5-mini", 4904, 4096, 0, 0, 1500, Decimal("0.0043284")),
        ("claude-sonnet-4-5", 50, 10000, 2000, 0, 420, Decimal("0.01695")),
    ]
