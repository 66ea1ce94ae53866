"""OpenAI usage pages."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

DAY = 1_790_812_800
EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples"
KINDS = (
    "audio_speeches",
    "audio_transcriptions",
    "code_interpreter_sessions",
    "completions",
    "embeddings",
    "file_search_calls",
    "images",
    "moderations",
    "vector_stores",
    "web_search_calls",
)
TRACE = Path(__file__).resolve().parents[3] / "../shared/traces/openai_completions_usage_1d.json"


def bucket(*results: dict[str, Any], start: int = DAY, end: int = DAY + 86_400) -> dict[str, Any]:
    shape = {"object": "organization.usage.completions.result", "input_tokens": 10, "output_tokens": 1, "num_model_requests": 1}
    return {"object": "bucket", "start_time": start, "end_time": end, "results": [{**shape, **result} for result in results]}


def page(*buckets: dict[str, Any]) -> str:
    return json.dumps({"object": "page", "data": buckets})


def test_cached_and_written_tokens_are_taken_out_of_the_input(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"page.json": sample("sample.json")})
    assert (done.rows_in, done.rows_typed, done.filtered, done.quarantined) == (12, 12, 0, 0)
    found = desk.staged("openai_usage").filter(pl.col("input_tokens") > 0).sort("input_tokens", descending=True)
    columns = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens", "requests", "served_tier")
    assert found.select(columns).rows() == [
        (500, 0, 0, 40, 5, "batch"),
        (300, 600, 100, 90, 12, "standard"),
        (70, 0, 0, 0, 7, None),
        (20, 0, 0, 0, 2, None),
    ]


def test_what_is_not_tokens_is_a_quantity_with_a_unit_and_no_tokens(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"page.json": sample("sample.json")})
    found = desk.staged("openai_usage").filter(pl.col("quantity") > 0)
    assert found["input_tokens"].null_count() == found.height
    assert sorted(found.select("quantity_unit", "quantity", "requests").rows()) == [
        ("bytes", 1024, None),
        ("calls", 8, None),
        ("calls", 11, None),
        ("characters", 400, 1),
        ("images", 3, 3),
        ("searches", 6, None),
        ("seconds", 95, 2),
        ("sessions", 4, None),
    ]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"input_cache_write_tokens": 3}, (7, 3, None)),
        ({"input_cache_write_30m_tokens": 1, "input_cache_write_12h_tokens": 2}, (7, 1, 2)),
        ({"input_cache_write_tokens": 3, "input_cache_write_30m_tokens": 1, "input_cache_write_12h_tokens": 2}, (7, 1, 2)),
    ],
)
def test_cache_writes_are_counted_once_whether_split_by_lifetime_or_not(
    desk: Any, written: dict[str, int], expected: tuple[int, int, int | None]
) -> None:
    desk.take({"page.json": page(bucket(written))})
    assert desk.staged("openai_usage").select("input_tokens", "cache_write_5m_tokens", "cache_write_12h_tokens").rows() == [expected]


MEDIA = {
    "input_tokens": 1000,
    "output_tokens": 200,
    "input_cached_tokens": 300,
    "input_text_tokens": 250,
    "input_cached_text_tokens": 180,
    "input_audio_tokens": 400,
    "input_cached_audio_tokens": 100,
    "input_image_tokens": 40,
    "input_cached_image_tokens": 20,
    "input_cache_write_tokens": 10,
    "output_text_tokens": 120,
    "output_audio_tokens": 50,
    "output_image_tokens": 30,
}
INPUT = (
    *("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "audio_input_tokens", "audio_cache_read_tokens", "image_input_tokens"),
    "image_cache_read_tokens",
)


@pytest.mark.parametrize(
    "media", [{}, {"input_audio_tokens": 500, "input_image_tokens": 60}], ids=["cached audio apart", "cached audio inside, as before"]
)
def test_audio_and_images_stand_in_no_other_bucket_cached_or_not(desk: Any, media: dict[str, int]) -> None:
    desk.take({"page.json": page(bucket({**MEDIA, **media}))})
    found = desk.staged("openai_usage")
    assert found.select(INPUT).rows() == [(250, 180, 10, 400, 100, 40, 20)]
    assert found.select("output_tokens", "audio_output_tokens", "image_output_tokens").rows() == [(120, 50, 30)]


def test_audio_lies_beside_counts_that_are_of_text_only(desk: Any) -> None:
    # Of an ungrouped page of 2025: 822 output tokens, and 3,103 of audio.
    desk.take({"page.json": page(bucket({"output_tokens": 822, "output_audio_tokens": 3103, "input_audio_tokens": 25}))})
    columns = ("input_tokens", "audio_input_tokens", "output_tokens", "audio_output_tokens")
    assert desk.staged("openai_usage").select(columns).rows() == [(10, 25, 822, 3103)]


@pytest.mark.parametrize(
    ("batch", "tier", "expected"),
    [(False, "priority", "priority"), (True, "default", "batch"), (False, "scale", "provisioned"), (False, "flex", "flex")],
)
def test_the_tier_that_served_is_spelt_in_one_way(desk: Any, batch: bool, tier: str, expected: str) -> None:
    desk.take({"page.json": page(bucket({"batch": batch, "service_tier": tier}))})
    assert desk.staged("openai_usage")["served_tier"].to_list() == [expected]


def test_the_same_time_exported_by_other_dimensions_counts_once(desk: Any) -> None:
    whole = page(bucket({"input_tokens": 30}))
    by_model = page(bucket({"model": "a", "input_tokens": 10}, {"model": "b", "input_tokens": 20}))
    by_key = page(bucket({"api_key_id": "k", "model": "a", "input_tokens": 10}, {"api_key_id": "k", "model": "b", "input_tokens": 20}))
    desk.take({"whole.json": whole, "model.json": by_model, "key.json": by_key})
    found = desk.staged("openai_usage")
    assert sorted(found.select("key_id", "model", "input_tokens").rows()) == [("k", "a", 10), ("k", "b", 20)]
    assert found["copies"].sum() == 5


def test_hours_and_the_day_they_make_up_count_once(desk: Any) -> None:
    hours = [bucket({"model": "a", "input_tokens": 5}, start=DAY + hour * 3_600, end=DAY + (hour + 1) * 3_600) for hour in range(2)]
    desk.take({"day.json": page(bucket({"model": "a", "input_tokens": 12})), "hours.json": page(*hours)})
    assert desk.staged("openai_usage").select("input_tokens", "copies").rows() == [(12, 3)]


def test_projects_exported_apart_all_count(desk: Any) -> None:
    one, two = page(bucket({"project_id": "a", "model": "m"})), page(bucket({"project_id": "b", "user_id": "u"}))
    desk.take({"a.json": one, "b.json": two})
    assert desk.staged("openai_usage")["input_tokens"].to_list() == [10, 10]


def test_kinds_do_not_replace_each_other(desk: Any) -> None:
    searches = {"object": "organization.usage.web_searches.result", "num_requests": 40}
    desk.take({"a.json": page(bucket({})), "b.json": page(bucket(searches))})
    assert desk.staged("openai_usage")["copies"].to_list() == [1, 1]


def test_decisions_with_tokens_are_tokens(desk: Any) -> None:
    desk.take({"a.json": page(bucket({"object": "organization.usage.decisions.result", "input_cached_tokens": 4}))})
    assert desk.staged("openai_usage").select("input_tokens", "cache_read_tokens", "quantity").rows() == [(6, 4, None)]


def test_counts_that_a_tool_wrote_as_fractions_are_counts(desk: Any) -> None:
    desk.take({"a.json": page(bucket({"input_tokens": 59200.0}))})
    assert desk.staged("openai_usage")["input_tokens"].to_list() == [59_200]


@pytest.mark.parametrize(("kept", "flags"), [((0, 1, 2), 0), ((0, 2), 1), ((2, 0, 1), 0)])
def test_a_page_that_is_missing_among_those_of_a_file_is_flagged(desk: Any, kept: tuple[int, ...], flags: int) -> None:
    days = [bucket({}, start=DAY + n * 86_400, end=DAY + (n + 1) * 86_400) for n in range(3)]
    pages = [{**json.loads(page(days[n])), "has_more": n < 2} for n in kept]
    assert len(desk.take({"pages.json": json.dumps(pages)}).flagged) == flags


def test_rows_that_look_alike_keep_their_sizes_in_whatever_order_they_come(desk: Any) -> None:
    small, large = {"input_tokens": 3}, {"input_tokens": 5}
    desk.take({"a.json": page(bucket(small, large)), "b.json": page(bucket(large, small), bucket(start=DAY + 86_400, end=DAY + 172_800))})
    assert sorted(desk.staged("openai_usage").select("input_tokens", "copies").rows()) == [(3, 2), (5, 2)]


@pytest.mark.parametrize(("has_more", "flags"), [(True, ["has more pages, and none of them is in the inbox"]), (False, [])])
def test_a_page_that_says_more_follow_is_flagged_until_the_next_is_there(desk: Any, has_more: bool, flags: list[str]) -> None:
    first = json.dumps({**json.loads(page(bucket({}))), "has_more": has_more})
    done = desk.take({"a.json": first})
    assert [flag for _, flag in done.flagged] == flags
    done = desk.take({"b.json": page(bucket({}, start=DAY + 86_400, end=DAY + 172_800))})
    assert done.flagged == []


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
        ({"input_cached_tokens": 11}, "not a result: cached tokens (11) exceed input tokens (10)"),
        (
            {"input_audio_tokens": 11, "input_text_tokens": 0},
            "not a result: cached, audio, image and video tokens (11) exceed input tokens (10)",
        ),
        (
            {"input_cached_tokens": 2, "input_cached_audio_tokens": 3},
            "not a result: cached audio and image tokens (3) exceed cached tokens (2)",
        ),
        (
            {"output_audio_tokens": 2, "output_text_tokens": 0},
            "not a result: reasoning, audio and image tokens (2) exceed output tokens (1)",
        ),
        ({"input_tokens": None}, "input_tokens is missing"),
        ({"output_tokens": 1.5}, "not a result: output_tokens 1.5 is not a whole number"),
        ({"output_tokens": 2**63}, f"not a result: output_tokens {2**63} is too large"),
        ({"output_tokens": -1}, "output_tokens is negative (-1)"),
        ({"project_id": 7}, "not a result: project_id 7 is not text"),
        ({"object": "organization.usage.dreams.result"}, "not a result: organization.usage.dreams.result is of no known kind"),
        (
            {"object": "organization.usage.decisions.result", "input_tokens": None},
            "not a result: organization.usage.decisions.result has none of the known quantities",
        ),
        (
            {"object": "organization.usage.decisions.result", "input_tokens": None, "images": 1, "seconds": 2},
            "not a result: organization.usage.decisions.result has several of the known quantities",
        ),
        ({"object": "organization.usage.images.result"}, "not a result: images is missing"),
        (
            {"input_cache_write_tokens": 1, "input_cache_write_30m_tokens": 2},
            "not a result: cache writes by lifetime (2) exceed cache writes (1)",
        ),
    ],
)
def test_a_wrong_result_is_set_aside(desk: Any, result: dict[str, Any], reason: str) -> None:
    done = desk.take({"page.json": page(bucket({}, result))})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


def test_a_number_beyond_all_numbers_sets_only_its_own_result_aside(desk: Any) -> None:
    pages = f"[{page(bucket({}, {'model': 'a', 'output_tokens': 77}))}]"
    done = desk.take({"pages.json": pages.replace("77", "1e9999999999999999999999")})
    assert (done.rows_typed, desk.reasons()) == (1, ["not a result: output_tokens 1e9999999999999999999999 is not a whole number"])


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
    # The page is older than counts of text: its audio lies beside.
    assert sum(found[name].sum() for name in INPUT) == sum(result["input_tokens"] + result["input_audio_tokens"] for result in given)


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
@pytest.mark.parametrize("folder", KINDS)
def test_recorded_pages_of_every_kind_are_read_whole(desk: Any, folder: str) -> None:
    pages = sorted((EXAMPLES / f"openai_usage_{folder}").glob("*.json"))
    done = desk.take({path.name: path.read_bytes() for path in pages})
    assert (done.refused, done.quarantined, done.rows_typed) == ([], 0, done.rows_in)
    assert desk.staged("openai_usage")["copies"].sum() == done.rows_in > 0


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_a_recorded_page_and_its_day_ungrouped_count_once(desk: Any) -> None:
    given = json.loads((EXAMPLES / "openai_usage_completions/page_1d_grouped.json").read_text("utf-8"))
    results = given["data"][0]["results"]
    whole = {key: sum(result[key] for result in results) for key in ("input_tokens", "output_tokens", "input_cached_tokens")}
    desk.take({"a.json": json.dumps(given), "b.json": page(bucket(whole))})
    found = desk.staged("openai_usage")
    assert found["copies"].sum() == len(results) + 1
    assert sum(found[name].sum() for name in INPUT) == whole["input_tokens"]
