"""Langfuse traces."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/langfuse_blob_traces"
HERON = "the heron waits beneath the third bridge"
TRACE: dict[str, Any] = {
    "id": "t1",
    "timestamp": "2026-11-03 00:00:00.000",
    "user_id": "u1",
    "session_id": "s1",
    "bookmarked": False,
    "tags": [],
    "metadata": {},
}


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps({**TRACE, **row}) + "\n" for row in rows)


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    assert desk.take({"traces.jsonl": sample("sample.jsonl")}).rows_typed == 3
    return {row["operation_id"]: row for row in desk.staged("langfuse_traces").iter_rows(named=True)}


def test_a_trace_says_whose_its_calls_are(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["lt-1"]
    assert (row["user_id"], row["session_id"], row["team"], row["tenant"]) == ("u-7", "s-3", "Search", "acme")
    assert (row["environment"], row["project_id"]) == ("production", "proj-a")


def test_user_and_session_may_stand_in_the_metadata(staged: dict[str, dict[str, Any]]) -> None:
    assert (staged["lt-2"]["user_id"], staged["lt-2"]["session_id"]) == ("u-8", "s-4")
    assert staged["lt-3"]["user_id"] is None


@pytest.mark.parametrize("metadata", ['{"team": "Search"}', {"team": "Search"}], ids=["text of json", "object"])
def test_metadata_may_be_the_text_of_json(desk: Any, metadata: Any) -> None:
    desk.take({"a.jsonl": lines({"metadata": metadata})})
    assert desk.staged("langfuse_traces")["team"].to_list() == ["Search"]


def test_metadata_that_is_a_text_says_nothing(desk: Any) -> None:
    desk.take({"a.jsonl": lines({"metadata": HERON})})
    assert desk.staged("langfuse_traces")["team"].to_list() == [None]


def test_pages_of_the_api_with_observations_and_scores_inside_are_traces(desk: Any) -> None:
    inside = {"observations": [{"id": "o", "traceId": "t1", "startTime": "x", "type": "GENERATION", "usageDetails": {}}]}
    scores = {"scores": [{"name": "rating", "value": 1, "dataType": "NUMERIC", "source": "API"}]}
    trace = {**TRACE, "userId": "u2", "totalCost": 5, **inside, **scores}
    del trace["user_id"]
    done = desk.take({"a.json": json.dumps({"data": [trace], "meta": {}})})
    assert (done.refused, done.rows_typed) == ([], 1)
    assert desk.staged("langfuse_traces")["user_id"].to_list() == ["u2"]


def test_a_trace_exported_twice_counts_as_updated_last(desk: Any) -> None:
    late, early = ({"user_id": user, "updated_at": f"2026-11-03 00:00:0{second}"} for user, second in (("new", 2), ("old", 1)))
    desk.take({"a.jsonl": lines(late), "b.jsonl": lines(early)})
    assert desk.staged("langfuse_traces").select("user_id", "copies").rows() == [("new", 2)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"id": None}, "id is missing"),
        ({"timestamp": None}, "timestamp is missing"),
        ({"timestamp": "soon"}, "timestamp 'soon' is not an instant"),
        ({"user_id": 5}, "not a record: Expected `str | null`, got `int` - at `$.user_id`"),
    ],
)
def test_a_wrong_trace_is_set_aside(desk: Any, row: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.jsonl": lines({"id": "before"}, {"metadata": {"note": HERON}, **row}, {"id": "after"})})
    assert (done.rows_typed, done.quarantined) == (2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]
    assert HERON not in desk.inbox.quarantine()["raw_text"][0]


def test_no_message_reaches_the_lake(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.jsonl": sample("sample.jsonl") + sample("sample.jsonl").strip()[:-2]})
    assert not [path for path in desk.folder.rglob("*.parquet") if HERON.encode() in path.read_bytes()]
    assert HERON not in "".join(desk.inbox.quarantine()["raw_text"])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_documented_example_gives_its_owner(desk: Any) -> None:
    desk.take({"a.jsonl": (EXAMPLES / "clx1proj__traces__2026-10-05T14-00-00.jsonl").read_bytes()})
    names = ("operation_id", "user_id", "session_id", "team")
    assert desk.staged("langfuse_traces").select(names).rows() == [("tr-1", "u-17", "sess-9", "agents")]
