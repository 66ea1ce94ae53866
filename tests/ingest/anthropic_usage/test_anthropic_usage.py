"""Anthropic usage reports."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/anthropic_usage_report_messages"


def page(*results: dict[str, Any], at: str = "2026-10-01T00:00:00Z", to: str = "2026-10-02T00:00:00Z") -> str:
    shape = {"uncached_input_tokens": 10, "output_tokens": 1, "model": "claude-sonnet-4-5"}
    return json.dumps({"data": [{"starting_at": at, "ending_at": to, "results": [{**shape, **result} for result in results]}]})


def test_counters_are_exclusive_already_and_a_write_without_a_lifetime_is_of_five_minutes(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"usage.json": sample("sample.json")})
    found = desk.staged("anthropic_usage").sort("input_tokens")
    columns = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "served_tier")
    assert found.select(columns).rows() == [(50, 0, 30, 0, 9, "priority"), (210, 3600, 400, 20, 88, "standard")]
    assert found["project_id"].to_list() == [None, "wrk_1"]


def test_rows_by_region_and_account_are_not_copies_of_each_other(desk: Any) -> None:
    desk.take({"usage.json": page({"inference_geo": "us"}, {"inference_geo": "global"}, {"account_id": "a"}, {"speed": "fast"})})
    assert desk.staged("anthropic_usage")["copies"].to_list() == [1, 1, 1, 1]


def test_a_report_fetched_again_counts_once_at_its_fullest(desk: Any) -> None:
    desk.take({"a.json": page({}), "b.json": page({"output_tokens": 5}), "c.json": page({"output_tokens": 3})})
    assert desk.staged("anthropic_usage").select("output_tokens", "copies").rows() == [(5, 3)]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"uncached_input_tokens": None}, "uncached_input_tokens or output_tokens is missing"),
        ({"output_tokens": -1}, "output_tokens is negative (-1)"),
        ({"cache_creation": {"ephemeral_1h_input_tokens": "4"}}, "not a result: ephemeral_1h_input_tokens 4 is not a whole number"),
    ],
)
def test_a_wrong_result_is_set_aside(desk: Any, result: dict[str, Any], reason: str) -> None:
    done = desk.take({"usage.json": page({}, result)})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


def test_a_bucket_that_ends_before_it_starts_is_set_aside(desk: Any) -> None:
    desk.take({"usage.json": page({}, to="2026-10-01T00:00:00Z")})
    assert desk.reasons() == ["not a result: the bucket ends at 2026-10-01 00:00:00, not after its start 2026-10-01 00:00:00"]


def test_a_report_without_usage_is_taken_in_as_nothing(desk: Any) -> None:
    done = desk.take({"usage.json": page()})
    assert (done.new_files, done.rows_in, done.refused) == (1, 0, [])


@pytest.mark.parametrize(
    "save",
    [
        lambda one, two: json.dumps([json.loads(one), json.loads(two)], indent=1),
        lambda one, two: f"{one}\n{two}\n",
        lambda one, two: json.dumps(json.loads(one)["data"] + json.loads(two)["data"]),
    ],
    ids=["list of pages", "JSON lines", "bare buckets"],
)
def test_every_way_to_save_pages_gives_the_same_usage(desk: Any, save: Callable[[str, str], str]) -> None:
    desk.take({"saved.json": save(page({}), page({}, at="2026-10-02T00:00:00Z", to="2026-10-03T00:00:00Z"))})
    assert desk.staged("anthropic_usage")["input_tokens"].to_list() == [10, 10]


def test_the_same_day_grouped_in_two_ways_counts_once(desk: Any) -> None:
    whole = page({"model": None, "uncached_input_tokens": 20, "output_tokens": 2})
    desk.take({"whole.json": whole, "models.json": page({"model": "a"}, {"model": "b"})})
    found = desk.staged("anthropic_usage")
    assert sorted(found.select("model", "input_tokens").rows()) == [("a", 10), ("b", 10)]
    assert found["copies"].sum() == 3


def test_workspaces_exported_apart_all_count(desk: Any) -> None:
    desk.take({"a.json": page({"workspace_id": "w1"}), "b.json": page({"workspace_id": "w2", "service_tier": "batch"})})
    assert desk.staged("anthropic_usage")["input_tokens"].to_list() == [10, 10]


def test_web_searches_stand_beside_the_tokens(desk: Any) -> None:
    desk.take({"a.json": page({"server_tool_use": {"web_search_requests": 12}})})
    assert desk.staged("anthropic_usage").select("searches", "input_tokens").rows() == [(12, 10)]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"service_tier": "standard", "inference_geo": "global"}, ("standard", None)),
        ({"service_tier": "standard", "inference_geo": "not_available", "speed": "standard"}, ("standard", None)),
        ({"service_tier": "standard", "inference_geo": "US", "speed": "fast"}, ("fast", "us")),
        ({"service_tier": "flex_discount", "inference_geo": "us"}, ("flex", "us")),
        ({"service_tier": "batch"}, ("batch", None)),
    ],
)
def test_fast_mode_is_a_tier_and_the_geography_a_region(desk: Any, result: dict[str, Any], expected: tuple[str, str | None]) -> None:
    desk.take({"a.json": page(result)})
    assert desk.staged("anthropic_usage").select("served_tier", "region").rows() == [expected]


def test_a_page_without_its_successor_is_flagged(desk: Any) -> None:
    done = desk.take({"a.json": json.dumps({**json.loads(page({})), "has_more": True})})
    assert [flag for _, flag in done.flagged] == ["has more pages, and none of them is in the inbox"]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_recorded_report_is_read_whole(desk: Any) -> None:
    desk.take({"page.json": (EXAMPLES / "page_1d.json").read_bytes()})
    found = desk.staged("anthropic_usage").sort("input_tokens")
    columns = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "served_tier")
    assert found.select(columns).rows() == [(50_000, 0, 0, 20_000, 9_000, "batch"), (210_000, 3_600_000, 400_000, 0, 88_000, "standard")]
