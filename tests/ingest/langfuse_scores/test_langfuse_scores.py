"""Langfuse scores."""

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

HERON = "the heron waits beneath the third bridge"
SCORE: dict[str, Any] = {
    "id": "s1",
    "timestamp": "2026-11-03 00:00:00.000",
    "trace_id": "t1",
    "name": "rating",
    "value": 0.5,
    "data_type": "NUMERIC",
    "source": "API",
}


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps({**SCORE, **row}) + "\n" for row in rows)


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    done = desk.take({"scores.jsonl": sample("sample.jsonl")})
    assert (done.rows_in, done.rows_typed, done.filtered) == (6, 4, 2)
    return {row["quality_id"]: row for row in desk.staged("langfuse_scores").iter_rows(named=True)}


def test_a_number_keeps_its_value_and_name(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["sc-1"]
    assert (row["signal"], row["value"], row["label"], row["operation_id"]) == ("helpfulness", Decimal("0.8"), None, "lt-1")
    assert row["occurred_at"] == datetime(2026, 11, 3, 8, 10)


def test_a_boolean_is_one_or_zero_and_names_the_observation(staged: dict[str, dict[str, Any]]) -> None:
    assert (staged["sc-2"]["value"], staged["sc-2"]["request_id"]) == (1, "lf-1")


def test_a_category_is_a_word_whatever_number_stands_beside_it(staged: dict[str, dict[str, Any]]) -> None:
    assert (staged["sc-3"]["value"], staged["sc-3"]["label"]) == (None, "friendly")


def test_a_session_can_be_judged(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["sc-4"]
    assert (row["session_id"], row["operation_id"], row["value"]) == ("s-3", None, Decimal("0.25"))


def as_csv(rows: list[dict[str, Any]]) -> str:
    handle = io.StringIO()
    writer = csv.DictWriter(handle, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return handle.getvalue()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    handle = io.BytesIO()
    pl.DataFrame([{**row, "metadata": None, "value": float(row["value"])} for row in rows], infer_schema_length=None).write_parquet(handle)
    return handle.getvalue()


def camel(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = {"trace_id": "traceId", "observation_id": "observationId", "session_id": "sessionId", "data_type": "dataType"}
    others = {"string_value": "stringValue", "dataset_run_id": "datasetRunId", "updated_at": "updatedAt"}
    return [{{**names, **others}.get(name, name): value for name, value in row.items()} for row in rows]


@pytest.mark.parametrize(
    "write",
    [json.dumps, lambda rows: json.dumps({"data": camel(rows), "meta": {}}), as_csv, lambda rows: as_csv(camel(rows)), as_parquet],
    ids=["array", "page", "csv", "camel case csv", "parquet"],
)
def test_every_container_gives_the_same_scores(desk: Any, sample: Callable[[str], str], write: Any) -> None:
    rows = [json.loads(line) for line in sample("sample.jsonl").splitlines()]
    desk.take({"b.jsonl": sample("sample.jsonl"), "a": write(rows)})
    raw = desk.raw("langfuse_scores")
    first, second = (raw.filter(pl.col("file_id") == one).drop("file_id", "line").rows() for one in raw["file_id"].unique())
    assert first == second
    assert desk.staged("langfuse_scores")["copies"].to_list() == [2] * 4


def test_a_score_changed_later_counts_as_changed(desk: Any) -> None:
    early, late = ({"value": value, "updated_at": f"2026-11-03 00:00:0{second}"} for value, second in ((0.9, 1), (0.1, 2)))
    desk.take({"a.jsonl": lines(late), "b.jsonl": lines(early)})
    assert desk.staged("langfuse_scores").select("value", "copies").rows() == [(Decimal("0.1"), 2)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"id": None}, "id is missing"),
        ({"name": None}, "name is missing"),
        ({"trace_id": None}, "what was judged is missing"),
        ({"timestamp": "soon"}, "timestamp 'soon' is not an instant"),
        ({"timestamp": "2100-01-01 00:00:00"}, "day 2100-01-01 is outside 2015 to 2099"),
        ({"value": None}, "value is no number"),
        ({"value": HERON}, "value is no number"),
        ({"value": "NaN"}, "value NaN is not a number"),
        ({"value": 1e20}, "value 1E+20 is too large"),
        ({"value": 2, "data_type": "BOOLEAN"}, "value is neither yes nor no"),
        ({"value": None, "data_type": "CATEGORICAL"}, "string_value is missing"),
        ({"string_value": HERON * 6, "data_type": "CATEGORICAL"}, "string_value has 240 characters: a label has at most 200"),
        ({"data_type": "VECTOR"}, "data_type is none that is known"),
    ],
)
def test_a_wrong_score_is_set_aside_without_its_text(desk: Any, row: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.jsonl": lines({"id": "before"}, row, {"id": "after"})})
    assert (done.rows_typed, done.quarantined) == (2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]
    assert HERON not in desk.inbox.quarantine()["raw_text"][0]


def test_comments_and_free_texts_do_not_reach_the_lake(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.jsonl": sample("sample.jsonl") + lines({"comment": HERON, "value": [HERON]}) + sample("sample.jsonl").strip()[:-9]})
    assert desk.inbox.quarantine().height == 2
    assert not [path for path in desk.folder.rglob("*.parquet") if HERON.encode() in path.read_bytes()]
    assert HERON not in "".join([*desk.inbox.quarantine()["raw_text"], *desk.reasons()])
