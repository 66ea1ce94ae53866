"""OpenAI usage pages."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

DAY = 1_790_812_800
TRACE = Path(__file__).resolve().parents[3] / "../shared/traces/openai_completions_usage_1d.json"


def bucket(*results: dict[str, Any], start: int = DAY, end: int = DAY + 86_400) -> dict[str, Any]:
    shape = {"object": "organization.usage.completions.result", "input_tokens": 10, "output_tokens": 1, "num_model_requests": 1}
    return {"object": "bucket", "start_time": start, "end_time": end, "results": [{**shape, **result} for result in results]}


def page(*buckets: dict[str, Any]) -> str:
    return json.dumps({"object": "page", "data": buckets})


def test_cached_and_written_tokens_are_taken_out_of_the_input(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"page.json": sample("sample.json")})
    assert (done.rows_in, done.rows_typed, done.filtered, done.quarantined) == (4, 3, 1, 0)
    found = desk.staged("openai_usage").sort("output_tokens", descending=True)
    columns = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens", "requests", "served_tier")
    assert found.select(columns).rows() == [(300, 600, 100, 90, 12, "standard"), (500, 0, 0, 40, 5, "batch"), (70, 0, 0, 0, 7, None)]


@pytest.mark.parametrize(
    "save",
    [
        lambda one, two: json.dumps([json.loads(one), json.loads(two)], indent=1),
        lambda one, two: f"{one}\n{two}\n",
        lambda one, two: json.dumps(json.loads(one)["data"] + json.loads(two)["data"]),
        lambda one, two: json.dumps({"object": "page", "data": json.loads(one)["data"] + json.loads(two)["data"]}, indent=4),
    ],
    ids=["list of pages", "JSON lines", "bare buckets", "one page"],
)
def test_every_way_to_save_pages_gives_the_same_usage(desk: Any, save: Callable[[str, str], str]) -> None:
    one, two = page(bucket({"model": "a"})), page(bucket({"model": "b"}, start=DAY + 86_400, end=DAY + 172_800))
    desk.take({"saved.json": save(one, two)})
    assert sorted(desk.staged("openai_usage").select("model", "starts_at").rows()) == [
        ("a", datetime(2026, 10, 1)),
        ("b", datetime(2026, 10, 2)),
    ]


def test_a_bucket_exported_again_replaces_the_emptier_one(desk: Any) -> None:
    early, late = page(bucket({"model": "a"})), page(bucket({"model": "a", "input_tokens": 25}))
    desk.take({"early.json": early, "late.json": late})
    assert desk.staged("openai_usage").select("input_tokens", "copies").rows() == [(25, 2)]


def test_a_bucket_cut_by_the_time_of_the_export_is_the_bucket_of_its_day(desk: Any) -> None:
    cut = page(bucket({"model": "a"}, start=DAY + 7_200, end=DAY + 40_000))
    desk.take({"cut.json": cut, "whole.json": page(bucket({"model": "a", "input_tokens": 25}))})
    assert desk.staged("openai_usage").select("input_tokens", "copies").rows() == [(25, 2)]


def test_hours_of_a_day_are_buckets_of_their_own(desk: Any) -> None:
    hours = [bucket({"model": "a"}, start=DAY + hour * 3_600, end=DAY + (hour + 1) * 3_600) for hour in range(3)]
    desk.take({"hours.json": page(*hours)})
    assert desk.staged("openai_usage")["input_tokens"].to_list() == [10, 10, 10]


def test_rows_grouped_by_what_we_do_not_keep_all_count(desk: Any) -> None:
    desk.take({"page.json": page(bucket({"api_source": "agents_api"}, {"api_source": "unlabeled"}, {}, {}))})
    assert desk.staged("openai_usage").select("input_tokens", "copies").rows() == [(10, 1)] * 4


def test_a_page_without_usage_is_taken_in_as_nothing(desk: Any) -> None:
    done = desk.take({"empty.json": page(bucket())})
    assert (done.new_files, done.rows_in, done.refused) == (1, 0, [])


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"input_cached_tokens": 11}, "cached tokens (11) exceed input tokens (10)"),
        ({"input_tokens": None}, "input_tokens is missing"),
        ({"output_tokens": 1.5}, "not a result: output_tokens 1.5 is not a whole number"),
        ({"output_tokens": 2**63}, f"not a result: output_tokens {2**63} is too large"),
        ({"output_tokens": -1}, "output_tokens is negative (-1)"),
        ({"project_id": 7}, "not a result: project_id 7 is not text"),
        ({"object": "organization.usage.decisions.result"}, "not a result: organization.usage.decisions.result is of no known kind"),
    ],
)
def test_a_wrong_result_is_set_aside(desk: Any, result: dict[str, Any], reason: str) -> None:
    done = desk.take({"page.json": page(bucket({}, result))})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


@pytest.mark.parametrize("text", ['{"object": "organization.usage.x", "data": [', '{"organization.usage.": 1, "data": [{"a": 1}]}'])
def test_what_is_no_page_is_refused_whole(desk: Any, text: str) -> None:
    done = desk.take({"page.json": text})
    assert (done.new_files, len(done.refused)) == (0, 1)


@pytest.mark.skipif(not TRACE.is_file(), reason="the recorded page lies beside the repository only")
def test_a_recorded_page_with_partial_days_is_read_whole(desk: Any) -> None:
    given = [result for one in json.loads(TRACE.read_text("utf-8")) for result in one["results"]]
    done = desk.take({"page.json": TRACE.read_bytes()})
    assert (done.rows_typed, done.quarantined) == (len(given), 0)
    found = desk.staged("openai_usage")
    assert found["input_tokens"].sum() + found["cache_read_tokens"].sum() == sum(result["input_tokens"] for result in given)
