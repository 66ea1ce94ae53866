"""Bedrock model invocation logs."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from meterbook.assets.content import Content
from meterbook.assets.ingest import formats
from meterbook.assets.ingest.format import sample_of
from meterbook.assets.sources import Reading

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/bedrock_invocation_logs"
BUCKETS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")
HERON = "the heron waits beneath the third bridge"
RECORD: dict[str, Any] = {
    "schemaType": "ModelInvocationLog",
    "timestamp": "2026-11-04T00:00:00Z",
    "accountId": "222233334444",
    "requestId": "r1",
    "operation": "Converse",
    "modelId": "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "input": {"inputTokenCount": 10},
    "output": {"outputTokenCount": 2},
}
NAME = "bedrock_invocation_logs"


def lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps({**RECORD, **record}) + "\n" for record in records)


def one(desk: Any, record: dict[str, Any]) -> dict[str, Any]:
    assert desk.take({"a.jsonl": lines(record)}).quarantined == 0
    [row] = desk.staged(NAME).iter_rows(named=True)
    return row


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    assert desk.take({"log.json.gz": gzip.compress(sample("sample.jsonl").encode())}).rows_typed == 6
    return {row["request_id"]: row for row in desk.staged(NAME).iter_rows(named=True)}


def test_cached_tokens_lie_beside_the_input_and_a_logged_response_knows_their_lifetime(staged: dict[str, dict[str, Any]]) -> None:
    assert tuple(staged["br-1"][name] for name in BUCKETS) == (400, 600, 100, 200, 200)


def test_a_cache_write_without_a_lifetime_is_of_five_minutes(staged: dict[str, dict[str, Any]]) -> None:
    assert tuple(staged["br-2"][name] for name in BUCKETS) == (35, 0, 50, 0, 9)


def test_anthropic_s_own_response_names_the_lifetime_too(desk: Any) -> None:
    body = {"usage": {"cache_creation": {"ephemeral_1h_input_tokens": 40}}}
    given = {"input": {"inputTokenCount": 10, "cacheWriteInputTokenCount": 50}, "output": {"outputTokenCount": 2, "outputBodyJson": body}}
    assert tuple(one(desk, given)[name] for name in BUCKETS) == (10, 0, 10, 40, 2)


def test_a_call_knows_its_caller_owners_tier_and_times(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["br-1"]
    assert (row["started_at"], row["latency_ms"], row["served_tier"]) == (datetime(2026, 11, 4, 8, 0, 1), 1840, "priority")
    assert (row["key_id"], row["key_alias"]) == ("arn:aws:sts::222233334444:assumed-role/answers-api", "answers-api")
    assert (row["user_id"], row["project_id"], row["finish_reason"]) == ("task-7", "222233334444", "end_turn")
    assert (row["team"], row["feature"], row["environment"]) == ("Search", "answers", "production")
    assert (staged["br-2"]["key_id"], staged["br-2"]["key_alias"]) == ("arn:aws:iam::222233334444:user/ops/dana", "dana")


@pytest.mark.parametrize(
    ("model_id", "model", "asked"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-3-haiku-20240307-v1:0"),
        ("us.amazon.nova-pro-v1:0", "us.amazon.nova-pro-v1:0", "us.amazon.nova-pro-v1:0"),
        ("global.amazon.nova-2-lite-v1:0", "global.amazon.nova-2-lite-v1:0", "global.amazon.nova-2-lite-v1:0"),
        ("arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-70b-instruct-v1:0", "meta.llama3-70b-instruct-v1:0", None),
        ("arn:aws-us-gov:bedrock:us-gov-west-1:1:inference-profile/us-gov.amazon.nova-pro-v1:0", "us-gov.amazon.nova-pro-v1:0", None),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc1", "application-inference-profile/abc1", None),
        ("arn:aws:bedrock:us-east-1:1:provisioned-model/xyz9", "provisioned-model/xyz9", None),
    ],
)
def test_a_model_is_spelled_as_price_lists_spell_it(desk: Any, model_id: str, model: str, asked: str | None) -> None:
    row = one(desk, {"modelId": model_id})
    assert (row["provider"], row["model"]) == ("aws.bedrock", model)
    assert asked in {None, row["requested_model"]}


@pytest.mark.parametrize(
    ("record", "body", "tier"),
    [
        ({}, {"serviceTier": {"type": "reserved"}}, "provisioned"),
        ({}, {"serviceTier": {"type": "default"}}, "standard"),
        ({"performanceConfig": {"latency": "optimized"}}, {"performanceConfig": {"latency": "standard"}}, None),
        ({}, {"performanceConfig": {"latency": "optimized"}, "serviceTier": {"type": "default"}}, "fast"),
        ({"modelId": "arn:aws:bedrock:us-east-1:1:provisioned-model/xyz9"}, {}, "provisioned"),
    ],
    ids=["reserved", "default", "asked for and not served", "optimised", "provisioned model"],
)
def test_the_tier_is_the_one_that_served(desk: Any, record: dict[str, Any], body: dict[str, Any], tier: str | None) -> None:
    assert one(desk, {**record, "output": {"outputTokenCount": 2, "outputBodyJson": body}})["served_tier"] == tier


def test_the_region_is_the_one_that_was_called_by_whose_prices_aws_bills(desk: Any) -> None:
    row = one(desk, {"region": "EU-West-1", "inferenceRegion": "eu-north-1"})
    assert (row["region"], desk.raw(NAME)["inference_region"].to_list()) == ("eu-west-1", ["eu-north-1"])


def test_images_are_counted_where_the_response_was_logged_and_no_tokens_were(desk: Any) -> None:
    made = {"input": {}, "output": {"outputBodyJson": {"images": ["aGVyb24=", "aGVyb24="]}}}
    row = one(desk, made)
    assert (row["quantity"], row["quantity_unit"], row["input_tokens"]) == (2, "images", None)


def test_a_profile_of_one_s_own_is_named_by_its_response(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["br-6"]
    assert (row["model"], row["requested_model"]) == ("anthropic.claude-sonnet-4-5-20250929", "application-inference-profile/a1b2c3d4e5f6")


def test_tokens_nobody_counted_are_unknown_and_those_of_a_declined_call_are_none(staged: dict[str, dict[str, Any]]) -> None:
    assert [staged["br-5"][name] for name in ("input_tokens", "output_tokens")] == [None, None]
    row = staged["br-3"]
    assert (row["status"], row["error_class"], row["input_tokens"], row["output_tokens"]) == ("failure", "ThrottlingException", 0, 0)


def test_an_embedding_has_no_output(staged: dict[str, dict[str, Any]]) -> None:
    assert (staged["br-4"]["input_tokens"], staged["br-4"]["output_tokens"]) == (12, 0)


def test_a_call_that_failed_after_a_model_began_has_unknown_tokens(desk: Any) -> None:
    row = one(desk, {"errorCode": "ModelTimeoutException", "input": {}, "output": None})
    assert (row["status"], row["input_tokens"], row["output_tokens"]) == ("failure", None, None)


def events(logs: Sequence[dict[str, Any]]) -> dict[str, str]:
    texts = [json.dumps(log) for log in logs]
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(
        [["@timestamp", "@message"], *([log["timestamp"], text] for log, text in zip(logs, texts, strict=True))]
    )
    return {
        "array": json.dumps(logs),
        "one after the other": "\n".join(texts),
        "filter-log-events": json.dumps({"events": [{"timestamp": 1, "message": text} for text in texts], "nextToken": "n"}, indent=1),
        "insights": json.dumps([{"@timestamp": "x", "@message": log} for log in logs]),
        "insights as text": json.dumps([{"@timestamp": "x", "@message": text} for text in texts]),
        "insights as csv": table.getvalue(),
        "subscription": "".join(
            json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "timestamp": 1, "message": text}]}) + "\n"
            for text in texts
        ),
        "exported log group": "".join(f"2026-11-04T08:00:00.000Z {text}\n" for text in texts),
    }


@pytest.mark.parametrize("shape", list(events([])))
def test_every_container_gives_the_same_rows(desk: Any, sample: Callable[[str], str], shape: str, tmp_path: Path) -> None:
    logs = [json.loads(line) for line in sample("sample.jsonl").splitlines()]
    desk.take({"a": events(logs)[shape], "b.jsonl": sample("sample.jsonl")})
    rows = desk.staged(NAME)
    assert (rows.height, rows["copies"].to_list()) == (6, [2] * 6)
    (tmp_path / "alone").write_text(events(logs)[shape], "utf-8")
    found = sample_of(Content(tmp_path / "alone"))
    assert [name for name, other in formats().items() if other.recognises(found)] == [NAME]
    whole = formats()[NAME].read(Content(tmp_path / "alone"), Reading())
    assert (whole.rows_in, whole.quarantined) == (6, 0)


def test_a_single_object_is_a_file(desk: Any) -> None:
    assert desk.take({"a.json": json.dumps(RECORD, indent=2)}).rows_typed == 1


def test_a_record_delivered_twice_counts_once_with_the_most_tokens(desk: Any) -> None:
    desk.take({"a.jsonl": lines({}), "b.jsonl": lines({"output": {"outputTokenCount": 5}})})
    assert desk.staged(NAME).select("output_tokens", "copies").rows() == [(5, 2)]


def test_a_call_at_midnight_is_of_the_utc_day_it_happened_on(desk: Any) -> None:
    desk.take({"a.jsonl": lines({"timestamp": "2026-11-04T23:59:59.999Z"}, {"requestId": "r2", "timestamp": "2026-11-04T23:30:00-01:00"})})
    assert desk.staged(NAME)["day"].to_list() == [date(2026, 11, 4), date(2026, 11, 5)]


def test_one_absurd_call_is_data(desk: Any) -> None:
    assert one(desk, {"input": {"inputTokenCount": 10**12}})["input_tokens"] == 10**12


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"requestId": None}, "requestId is missing"),
        ({"modelId": ""}, "modelId is missing"),
        ({"timestamp": None}, "timestamp is missing"),
        ({"timestamp": "noon"}, "timestamp 'noon' is not an instant"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "day 1970-01-01 is outside 2015 to 2099"),
        ({"input": {"inputTokenCount": -1}}, "inputTokenCount is negative (-1)"),
        ({"input": {"inputTokenCount": 1, "cacheReadInputTokenCount": -3}}, "cacheReadInputTokenCount is negative (-3)"),
        ({"output": {"outputTokenCount": 9.7}}, "not a record: Expected `int | null`, got `float` - at `$.output.outputTokenCount`"),
        ({"output": {"outputTokenCount": 10**16}}, "not a record: Expected `int` <= 1000000000000000 - at `$.output.outputTokenCount`"),
        (
            {"output": {"outputTokenCount": 1, "outputBodyJson": {"usage": {"cacheDetails": [{"ttl": "1h", "inputTokens": 2}]}}}},
            "cache writes of 1 hour (2) exceed their total (0)",
        ),
    ],
)
def test_a_wrong_record_is_set_aside_and_its_neighbours_stay(desk: Any, record: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.jsonl": lines({"requestId": "before"}, record, {"requestId": "after"})})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]
    assert desk.raw(NAME)["request_id"].to_list() == ["before", "after"]


def test_no_body_reaches_the_lake_not_even_with_a_record_that_is_set_aside(desk: Any) -> None:
    body = {"messages": [{"content": HERON}]}
    secret = {
        "input": {"inputTokenCount": 1, "inputBodyJson": body},
        "output": {"outputTokenCount": 1, "outputBodyJson": {"output": HERON, "stopReason": "end_turn"}},
    }
    broken = [{**secret, "requestId": None}, {**secret, "timestamp": "x"}, {**secret, "modelId": 5}]
    cut_short = lines(secret).strip()[:-2]
    wrapped = json.dumps({"events": [{"message": json.dumps({**RECORD, **one})} for one in broken]})
    desk.take({"a.jsonl": lines(secret, *broken) + cut_short, "b.json": wrapped})
    kept = desk.inbox.quarantine()
    assert kept.height == 7
    assert not [path for path in desk.folder.rglob("*.parquet") if HERON.encode() in path.read_bytes()]
    assert HERON not in "".join([*kept["raw_text"], *kept["reason"]])


def test_equal_prompts_have_one_hash_where_the_book_has_a_key(tmp_path: Path) -> None:
    body = {"input": {"inputTokenCount": 1, "inputBodyJson": {"messages": [HERON]}}}
    (tmp_path / "a").write_text(lines({**body, "requestId": "1"}, {**body, "requestId": "2"}, {"requestId": "3"}), "utf-8")
    hashes = [
        one["prompt_hash"].to_list()
        for key in (b"key", None)
        for one in formats()[NAME].read(Content(tmp_path / "a"), Reading(prompt_key=key)).frames()
    ]
    assert hashes[0][0] == hashes[0][1] is not None
    assert (hashes[0][2], hashes[1]) == (None, [None] * 3)


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_documented_examples_give_their_figures(desk: Any) -> None:
    for path in EXAMPLES.glob("*.json*"):
        desk.take({path.name: path.read_bytes()})
    assert desk.inbox.quarantine().height == 0
    rows = desk.staged(NAME)
    assert rows.select(*BUCKETS).rows() == [(35, 0, 0, 0, 446), (50, 10000, 2000, 0, 420), (0, 0, 0, 0, 0)]
    assert rows["model"].to_list() == [
        "application-inference-profile/a1b2c3d4e5f6",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "anthropic.claude-haiku-4-5-20251001-v1:0",
    ]
    assert rows["started_at"][0] == datetime(2026, 10, 5, 13, 2, 11, tzinfo=UTC).replace(tzinfo=None)
