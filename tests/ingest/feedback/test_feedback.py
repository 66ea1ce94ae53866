"""Feedback and quality of calls."""

import io
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

HERON = "the heron waits beneath the third bridge"
HEADER = "occurred_at,request_id,signal,value,label,rating,fallback,score\n"


def test_a_row_gives_a_judgement_for_each_column_it_fills(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"feedback.csv": sample("sample.csv")})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (8, 8, 0)
    staged = desk.staged("feedback")
    first = staged.filter(pl.col("quality_id") == "f-1").select("signal", "value", "request_id", "occurred_at")
    at = datetime(2026, 11, 3, 8)
    expected = [("escalated", 0, "lf-1", at), ("rating", Decimal("0.8"), "lf-1", at), ("task_completed", 1, "lf-1", at)]
    assert sorted(first.rows()) == expected
    second = staged.filter(pl.col("quality_id") == "f-2").select("signal", "value", "operation_id", "occurred_at")
    assert second.rows() == [("rating", 1, "lt-2", datetime(2026, 11, 3, 9))]


def test_equal_rows_of_one_file_without_an_id_all_count(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"feedback.csv": sample("sample.csv")})
    found = desk.staged("feedback").filter(pl.col("session_id") == "s-3")
    assert sorted(found.select("signal", "value", "copies").rows()) == [("escalated", 1, 1)] * 2 + [("task_completed", 0, 1)] * 2


def test_rows_without_an_id_in_an_overlapping_file_are_known_again(desk: Any) -> None:
    row = "2026-11-04,r-1,,,,0.5,,\n"
    desk.take({"a.csv": HEADER + row, "b.csv": HEADER + row + row})
    assert sorted(desk.staged("feedback")["copies"].to_list()) == [1, 2]


ROWS = [
    {"quality_id": "q1", "occurred_at": "2026-11-04T00:00:00Z", "request_id": "r-1", "signal": "relevance", "value": 7.5},
    {"quality_id": "q1", "occurred_at": "2026-11-04T00:00:00Z", "request_id": "r-1", "signal": "tone", "label": "friendly"},
    {"quality_id": "q2", "occurred_at": "2026-11-04T00:00:00Z", "session_id": "s-1", "signal": "fallback", "value": True},
]


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    handle = io.BytesIO()
    flat = [{**row, "value": str(row.get("value", "")), "occurred_at": datetime(2026, 11, 4)} for row in rows]
    pl.DataFrame(flat, infer_schema_length=None).write_parquet(handle)
    return handle.getvalue()


@pytest.mark.parametrize(
    "write",
    [json.dumps, lambda rows: "".join(json.dumps(row) + "\n" for row in rows), as_parquet],
    ids=["array", "lines", "parquet"],
)
def test_signals_of_any_name_with_a_number_or_a_word(desk: Any, write: Any) -> None:
    assert desk.take({"a": write(ROWS)}).rows_typed == 3
    found = desk.staged("feedback").select("quality_id", "signal", "value", "label").sort("quality_id", "signal")
    assert found.rows() == [("q1", "relevance", Decimal("7.5"), None), ("q1", "tone", None, "friendly"), ("q2", "fallback", 1, None)]


def test_names_that_requests_and_outcomes_use_are_understood(desk: Any) -> None:
    desk.take({"a.csv": "occurred_at,request_id,quality_score,is_escalated\n2026-11-04,r-1,0.25,false\n"})
    assert sorted(desk.staged("feedback").select("signal", "value").rows()) == [("escalated", 0), ("rating", Decimal("0.25"))]


def test_a_file_with_a_unit_of_value_is_of_outcomes(desk: Any) -> None:
    text = "occurred_at,unit,session_id,quality_score\n2026-11-04,ticket,s-1,0.5\n"
    desk.take({"a.csv": text})
    assert desk.inbox.input_files()["format"].to_list() == ["outcomes"]


def test_a_judgement_given_again_counts_once_as_given_last(desk: Any) -> None:
    header = "quality_id,occurred_at,request_id,rating\n"
    desk.take({"a.csv": header + "q,2026-11-04T02:00,r,0.1\n", "b.csv": header + "q,2026-11-04T01:00,r,0.9\n"})
    assert desk.staged("feedback").select("value", "copies").rows() == [(Decimal("0.1"), 2)]


def test_the_book_may_name_another_delimiter(desk: Any) -> None:
    source = {"name": "fb", "path": "*", "format": "feedback", "options": {"delimiter": ";"}}
    desk.take({"a.csv": "occurred_at;request_id;rating\n2026-11-04;r-1;1\n"}, [source])
    assert desk.staged("feedback")["value"].to_list() == [1]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-11-04,,rating,1,,,,", "what was judged is missing: give request_id, operation_id, session_id"),
        ("2026-11-04,r,,,,,,", "a judgement is missing: give signal, or one of rating, task_completed, fallback, escalated, score"),
        (",r,,,,1,,", "occurred_at is missing"),
        ("soon,r,,,,1,,", "occurred_at 'soon' is not an instant"),
        ("1999-01-01,r,,,,1,,", "day 1999-01-01 is outside 2015 to 2099"),
        ("2026-11-04,r,,,,4,,", "rating 4 is not within 0 to 1; a scale is written as 4/5"),
        ("2026-11-04,r,,,,6/5,,", "rating 1.2 is not within 0 to 1; a scale is written as 4/5"),
        ("2026-11-04,r,,,,4/0,,", "rating is no number; a word stands in label"),
        ("2026-11-04,r,,,,NaN,,", "rating NaN is not a number"),
        ("2026-11-04,r,,,,-0.5,,", "rating -0.5 is not within 0 to 1; a scale is written as 4/5"),
        ("2026-11-04,r,,,,,2,", "fallback is neither yes nor no"),
        ("2026-11-04,r,,,,,,1e30", "score 1E+30 is too large"),
        (f"2026-11-04,r,tone,{HERON},,,,", "value is no number; a word stands in label"),
        ("2026-11-04,r,tone,,,,,", "value is missing, and so is label"),
        (f"2026-11-04,r,tone,,{HERON * 6},,,", "label has 240 characters: a label has at most 200"),
        ("2026-11-04,r,tone", "the row has another number of fields than the header"),
    ],
)
def test_a_wrong_judgement_is_set_aside_without_its_text(desk: Any, row: str, reason: str) -> None:
    done = desk.take({"a.csv": f"{HEADER}2026-11-04,r,,,,1,,\n{row}\n"})
    assert (done.rows_typed, done.quarantined) == (1, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(3, reason)]
    assert HERON not in desk.inbox.quarantine()["raw_text"][0]


def test_comments_do_not_reach_the_lake(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.csv": sample("sample.csv") + f"f-9,never,r,,,1,,,{HERON}\n"})
    assert desk.inbox.quarantine().height == 1
    assert not [path for path in desk.folder.rglob("*.parquet") if HERON.encode() in path.read_bytes()]
