"""The activity CSV of OpenAI's dashboard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/openai_dashboard_csv"
TIMES = "start_time,end_time,start_time_iso,end_time_iso"
HEADER = f"{TIMES},project_id,num_model_requests,model,batch,input_tokens,output_tokens,input_cached_tokens"
DAY = "1790812800,1790899200,2026-10-01T00:00:00,2026-10-02T00:00:00"
NEXT = "1790899200,1790985600,2026-10-02T00:00:00,2026-10-03T00:00:00"
COLUMNS = ("input_tokens", "cache_read_tokens", "output_tokens", "requests", "served_tier")


def table(*rows: str, header: str = HEADER) -> str:
    return "\n".join((header, *rows)) + "\n"


def test_cached_tokens_are_taken_out_of_the_input_and_days_without_usage_are_left_out(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"activity.csv": sample("sample.csv")})
    assert (done.rows_in, done.rows_typed, done.filtered, done.quarantined) == (3, 2, 1, 0)
    found = desk.staged("openai_activity_csv").sort("output_tokens", descending=True)
    assert found.select(COLUMNS).rows() == [(400, 600, 90, 12, "standard"), (500, 0, 40, 5, "batch")]
    assert found["provider"].to_list() == ["openai", "openai"]


def test_audio_images_and_the_tier_are_read_from_their_columns(desk: Any) -> None:
    text = "input_text_tokens,output_text_tokens,input_tokens,output_tokens,input_cached_tokens"
    media = "input_audio_tokens,input_cached_audio_tokens,input_image_tokens,output_audio_tokens,output_image_tokens"
    header = f"{TIMES},model,service_tier,{text},{media},input_cache_write_12h_tokens"
    desk.take({"a.csv": table(f"{DAY},m,priority,250.0,120.0,1000.0,200.0,300.0,400.0,100.0,40.0,50.0,30.0,10.0", header=header)})
    found = desk.staged("openai_activity_csv")
    columns = ("input_tokens", "cache_read_tokens", "audio_input_tokens", "audio_cache_read_tokens", "image_input_tokens")
    assert found.select(*columns, "cache_write_12h_tokens").rows() == [(250, 200, 400, 100, 40, 10)]
    assert found.select("output_tokens", "audio_output_tokens", "image_output_tokens", "served_tier").rows() == [(120, 50, 30, "priority")]


def test_the_same_group_on_two_rows_adds_up_and_downloaded_again_does_not(desk: Any) -> None:
    rows = [f"{DAY},p,1.0,m,FALSE,10.0,2.0,0.0", f"{DAY},p,3.0,m,FALSE,30.0,4.0,5.0"]
    later = table(rows[1], rows[0], f"{NEXT},p,1,m,FALSE,7,1,0")
    desk.take({"first.csv": table(*rows), "later.csv": later})
    found = desk.staged("openai_activity_csv").sort("starts_at", "input_tokens")
    assert found.select("input_tokens", "cache_read_tokens", "requests", "copies").rows() == [(10, 0, 1, 2), (25, 5, 3, 2), (7, 0, 1, 1)]


def test_a_day_downloaded_with_and_without_groups_counts_once(desk: Any) -> None:
    by_model = table(f"{DAY},,1,a,,10,1,0", f"{DAY},,1,b,,20,1,0")
    desk.take({"all.csv": table(f"{DAY},,2,,,30,2,0"), "models.csv": by_model})
    found = desk.staged("openai_activity_csv")
    assert sorted(found.select("model", "input_tokens").rows()) == [("a", 10), ("b", 20)]
    assert found["copies"].sum() == 3


def test_times_may_be_written_in_iso_only_or_as_fractions(desk: Any) -> None:
    zoned = ",,2026-10-02T00:00:00+00:00,2026-10-03T00:00:00+00:00"
    fractions = "1790985600.0,1791072000.0,,"
    desk.take({"a.csv": table(f"{zoned},p,1,m,FALSE,10,1,0", f"{fractions},p,1,m,FALSE,20,1,0")})
    found = desk.staged("openai_activity_csv").sort("day")
    assert [(str(day), tokens) for day, tokens in found.select("day", "input_tokens").rows()] == [("2026-10-02", 10), ("2026-10-03", 20)]


@pytest.mark.parametrize(
    ("columns", "cells", "expected"),
    [
        ("images,size", "3.0,1024x1024", (3, "images")),
        ("characters", "90", (90, "characters")),
        ("num_requests,context_level", "4,medium", (4, "searches")),
        ("num_requests,vector_store_id", "4,vs_1", (4, "calls")),
    ],
)
def test_downloads_of_other_activities_are_quantities_without_tokens(
    desk: Any, columns: str, cells: str, expected: tuple[int, str]
) -> None:
    text = table(f"{DAY},{cells}", header=f"{TIMES},{columns}")
    desk.take({"a.csv": text})
    assert desk.staged("openai_activity_csv").select("quantity", "quantity_unit", "input_tokens").rows() == [(*expected, None)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"{DAY},p,1,m,FALSE,9.7,1,0", "not a result: input_tokens 9.7 is not a whole number"),
        (f"{DAY},p,1,m,FALSE,-9,1,0", "not a result: input_tokens is negative (-9)"),
        (f"{DAY},p,1,m,FALSE,10,1,11", "not a result: cached tokens (11) exceed input tokens (10)"),
        (f"{DAY},p,1,m,maybe,10,1,0", "not a result: batch maybe is not true or false"),
        (f"{DAY},p,1,m,FALSE,,1,0", "input_tokens is missing"),
        (f"{DAY},p,1,m,FALSE,10,1", "the row has another number of fields than the header"),
        ("soon,later,,,p,1,m,FALSE,10,1,0", "not a result: Invalid isoformat string: 'soon'"),
        ("946684800,946771200,,,p,1,m,FALSE,10,1,0", "day 2000-01-01 is outside 2015 to 2099"),
    ],
)
def test_a_wrong_row_is_set_aside(desk: Any, row: str, reason: str) -> None:
    done = desk.take({"a.csv": table(f"{DAY},p,1,m,FALSE,10,1,0", row)})
    assert (done.rows_typed, done.rows_in, desk.reasons()) == (1, 2, [reason])
    assert desk.inbox.quarantine()["line"].to_list() == [3]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_recorded_download_is_read_whole(desk: Any) -> None:
    done = desk.take({"a.csv": (EXAMPLES / "activity_2025-10_header.csv").read_bytes()})
    assert (done.rows_in, done.rows_typed, done.filtered) == (3, 2, 1)
    found = desk.staged("openai_activity_csv").sort("input_tokens", descending=True)
    assert found.select(COLUMNS).rows() == [(53_440, 5_760, 10_646, 37, "standard"), (8_000, 0, 2_000, 12, "batch")]
