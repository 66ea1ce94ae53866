"""What spans say of media, reasoning, tier and region."""

import json
from typing import Any

import pytest

START = 1793664000000000000
CALL: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "aws.bedrock",
    "gen_ai.request.model": "m",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
}


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {int: lambda value: {"intValue": str(value)}, str: lambda value: {"stringValue": value}}
    return [{"key": key, "value": kinds[type(value)](value)} for key, value in attributes.items()]


def text(attributes: dict[str, Any], resource: dict[str, Any]) -> str:
    ids = {"traceId": "0123456789abcdef0123456789abcdef", "spanId": "0123456789abcdef"}
    times = {"startTimeUnixNano": str(START), "endTimeUnixNano": str(START + 10**9)}
    span = {**ids, **times, "name": "chat", "kind": 3, "attributes": pairs({**CALL, **attributes}), "status": {}}
    return json.dumps({"resourceSpans": [{"resource": {"attributes": pairs(resource)}, "scopeSpans": [{"spans": [span]}]}]}) + "\n"


def one(desk: Any, attributes: dict[str, Any], resource: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    source = [{"name": "tel", "path": "*", "format": "otlp_spans", "options": options}] if options else []
    desk.take({"a.jsonl": text(attributes, resource or {})}, source)
    assert desk.reasons() == []
    [row] = desk.staged("otlp_spans").iter_rows(named=True)
    return dict(row)


def test_media_have_columns_of_their_own(desk: Any) -> None:
    counts = {"cache_read": 300, "audio": 200, "image": 100, "video": 50}
    attributes = {f"gen_ai.usage.{name}.input_tokens": count for name, count in counts.items()}
    row = one(desk, {**attributes, "gen_ai.usage.audio.output_tokens": 30, "gen_ai.usage.image.output_tokens": 20})
    names = ("input_tokens", "cache_read_tokens", "audio_input_tokens", "image_input_tokens", "video_input_tokens")
    assert tuple(row[name] for name in names) == (350, 300, 200, 100, 50)
    assert tuple(row[name] for name in ("output_tokens", "audio_output_tokens", "image_output_tokens")) == (50, 30, 20)


def test_the_tier_of_the_answer_counts_and_not_the_one_that_was_asked_for(desk: Any) -> None:
    tiers = {"openai.request.service_tier": "priority", "openai.response.service_tier": "default"}
    assert one(desk, tiers)["served_tier"] == "standard"


def test_a_tier_that_was_only_asked_for_is_not_known_to_have_served(desk: Any) -> None:
    assert one(desk, {"openai.request.service_tier": "flex"})["served_tier"] is None


@pytest.mark.parametrize(
    ("attributes", "region"),
    [
        ({"cloud.region": "EU-West-1"}, "eu-west-1"),
        ({"aws.region": "us-east-1"}, "us-east-1"),
        ({"server.address": "bedrock-runtime.us-gov-west-1.amazonaws.com"}, "us-gov-west-1"),
        ({"server.address": "europe-west4-aiplatform.googleapis.com"}, "europe-west4"),
        ({"server.address": "aiplatform.googleapis.com"}, None),
        ({"server.address": "api.openai.com"}, None),
        ({"cloud.region": "global"}, None),
    ],
)
def test_the_region_is_where_the_service_runs_that_was_called(desk: Any, attributes: dict[str, str], region: str | None) -> None:
    assert one(desk, attributes, {"cloud.region": "ap-south-1"})["region"] == region


def test_the_book_may_name_an_attribute_for_the_region(desk: Any) -> None:
    assert one(desk, {}, {"cloud.region": "ap-south-1"}, fields={"region": "cloud.region"})["region"] == "ap-south-1"


@pytest.mark.parametrize(
    ("total", "thoughts", "output"),
    [(1100, 60, 100), (1160, 60, 160), (1400, 300, 400), (None, 300, 400)],
    ids=["inside", "beside", "more than the candidates", "no total"],
)
def test_thoughts_of_google_are_added_unless_prompt_and_candidates_are_the_total(
    desk: Any, total: int | None, thoughts: int, output: int
) -> None:
    said = {} if total is None else {"gen_ai.usage.total_tokens": total}
    row = one(desk, {**said, "gen_ai.provider.name": "gcp.vertex_ai", "gen_ai.usage.reasoning.output_tokens": thoughts})
    assert (row["output_tokens"], row["reasoning_tokens"]) == (output, thoughts)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"gen_ai.usage.audio.input_tokens": 1001}, "cached, audio, image and video tokens (1001) exceed input tokens (1000)"),
        ({"gen_ai.usage.audio.output_tokens": 101}, "reasoning, audio and image tokens (101) exceed output tokens (100)"),
        ({"gen_ai.usage.image.input_tokens": -1}, "image tokens is negative (-1)"),
    ],
)
def test_a_part_larger_than_its_whole_is_set_aside(desk: Any, attributes: dict[str, int], reason: str) -> None:
    desk.take({"a.jsonl": text(attributes, {})})
    assert desk.reasons() == [reason]
