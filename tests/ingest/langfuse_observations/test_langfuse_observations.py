"""Langfuse observations."""

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from meterbook.assets.content import Content
from meterbook.assets.ingest.langfuse_observations import FORMAT
from meterbook.assets.sources import Reading

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples"
BUCKETS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens")
HERON = "the heron waits beneath the third bridge"
CALL: dict[str, Any] = {
    "id": "g1",
    "trace_id": "t1",
    "type": "GENERATION",
    "start_time": "2026-11-03 00:00:00.000",
    "end_time": "2026-11-03 00:00:01.000",
    "provided_model_name": "gpt-5-mini",
    "usage_details": {"input": 10, "output": 2, "total": 12},
    "cost_details": {"input": 0.001, "output": 0.002, "total": 0.003},
    "total_cost": 0.003,
}
CAMEL = {
    "trace_id": "traceId",
    "start_time": "startTime",
    "end_time": "endTime",
    "provided_model_name": "providedModelName",
    "usage_details": "usageDetails",
    "cost_details": "costDetails",
    "total_cost": "totalCost",
    "completion_start_time": "completionStartTime",
    "updated_at": "updatedAt",
    "project_id": "projectId",
}


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps({**CALL, **row}) + "\n" for row in rows)


def one(desk: Any, row: dict[str, Any], **options: Any) -> dict[str, Any]:
    source = [{"name": "lf", "path": "*", "format": "langfuse_observations", "options": options}] if options else []
    desk.take({"a.jsonl": lines(row)}, source)
    [found] = desk.staged("langfuse_observations").iter_rows(named=True)
    return dict(found)


def buckets(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in BUCKETS)


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    done = desk.take({"observations.jsonl": sample("sample.jsonl")})
    assert (done.rows_in, done.rows_typed, done.filtered, done.quarantined) == (8, 6, 2, 0)
    return {row["request_id"]: row for row in desk.staged("langfuse_observations").iter_rows(named=True)}


def test_what_remains_beside_details_is_the_uncached_input_and_reasoning_is_output(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["lf-1"]
    assert buckets(row) == (4904, 4096, 0, 0, 1500)
    assert (row["reasoning_tokens"], row["reported_cost_usd"]) == (1200, Decimal("0.0043284"))
    assert (row["latency_ms"], row["time_to_first_token_ms"], row["started_at"]) == (2750, 650, datetime(2026, 11, 3, 8, 0, 1, 250000))
    assert (row["team"], row["feature"], row["environment"], row["operation_id"]) == ("Search", "answers", "production", "lt-1")


def test_numbers_may_be_quoted_and_money_stays_exact(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["lf-2"]
    assert buckets(row) == (50, 10000, 2000, 0, 420)
    assert (row["reported_cost_usd"], row["tenant"], row["user_id"], row["session_id"]) == (Decimal("0.01695"), "acme", "u-7", "s-3")


def test_a_model_without_a_price_has_no_cost_and_an_explicit_zero_is_kept(staged: dict[str, dict[str, Any]]) -> None:
    assert (staged["lf-3"]["input_tokens"], staged["lf-3"]["reported_cost_usd"]) == (900, None)
    assert (staged["lf-6"]["input_tokens"], staged["lf-6"]["reported_cost_usd"]) == (100, 0)


def test_a_zero_without_details_of_a_cost_is_unknown(desk: Any) -> None:
    assert one(desk, {"cost_details": {}, "total_cost": 0})["reported_cost_usd"] is None


def test_an_embedding_has_no_output_and_a_failure_without_usage_has_unknown_tokens(staged: dict[str, dict[str, Any]]) -> None:
    assert buckets(staged["lf-4"]) == (1200, 0, 0, 0, 0)
    assert (staged["lf-5"]["status"], staged["lf-5"]["input_tokens"], staged["lf-5"]["output_tokens"]) == ("failure", None, None)


def test_the_calls_of_a_trace_are_no_repeated_attempts(staged: dict[str, dict[str, Any]]) -> None:
    assert {row["attempt"] for row in staged.values()} == {1}


def test_agents_are_no_calls_and_are_said_to_have_tokens(desk: Any, staged: dict[str, dict[str, Any]]) -> None:
    assert "lf-7" not in staged
    flags = desk.inbox.file_flags()["flag"].to_list()
    assert "holds 1 agents, chains or spans with tokens, taken as sums of the calls inside them and not counted" in flags


@pytest.mark.parametrize("kind", ["SPAN", "EVENT", "AGENT", "CHAIN", "TOOL"])
def test_a_step_without_usage_of_its_own_is_left_out(desk: Any, kind: str) -> None:
    done = desk.take({"a.jsonl": lines({}, {"id": "s", "type": kind, "usage_details": {}, "cost_details": {}, "total_cost": None})})
    assert (done.rows_typed, done.filtered) == (1, 1)


EXCLUSIVE = {"input": 700, "input_cached_tokens": 600, "output": 50, "output_reasoning_tokens": 150}


@pytest.mark.parametrize(
    "usage",
    [
        EXCLUSIVE,
        {**EXCLUSIVE, "total": 1500},
        {"input": 1300, "input_cached_tokens": 600, "output": 200, "output_reasoning_tokens": 150, "total": 1500},
        {"input": 700, "cache_read_input_tokens": 600, "output": 200},
        {"input": 700, "input_cache_read": 600, "output": 200, "total": 1500},
    ],
    ids=["openai", "openai with total", "details inside", "anthropic", "langchain"],
)
def test_one_call_has_the_same_buckets_in_every_encoding(desk: Any, usage: dict[str, int]) -> None:
    assert buckets(one(desk, {"usage_details": usage})) == (700, 600, 0, 0, 200)


MEDIA = (
    *("input_tokens", "cache_read_tokens", "audio_input_tokens", "audio_cache_read_tokens", "image_input_tokens", "video_input_tokens"),
    *("output_tokens", "audio_output_tokens", "image_output_tokens", "searches"),
)
DETAILS = {
    "input_cached_tokens": 300,
    "input_audio_tokens": 200,
    "input_image_tokens": 100,
    "input_video_tokens": 50,
    "output_audio_tokens": 30,
    "output_image_tokens": 20,
    "web_search_requests": 2,
}


@pytest.mark.parametrize(
    "usage",
    [
        {"input": 350, "output": 50, **DETAILS},
        {"input": 1000, "output": 100, "total": 1100, **DETAILS},
        {"input": 0, "input_modality_text": 350, "output": 50, **DETAILS},
    ],
    ids=["beside", "inside", "modalities"],
)
def test_media_and_searches_have_columns_of_their_own(desk: Any, usage: dict[str, int]) -> None:
    row = one(desk, {"usage_details": usage})
    assert tuple(row[name] for name in MEDIA) == (350, 300, 200, None, 100, 50, 50, 30, 20, 2)


def test_more_media_than_a_whole_that_holds_them_is_set_aside(desk: Any) -> None:
    source = [{"name": "lf", "path": "*", "format": "langfuse_observations", "options": {"tokens": "inclusive"}}]
    usage = {"input": 10, "input_audio_tokens": 6, "input_cached_tokens": 5, "output": 1}
    desk.take({"a.jsonl": lines({"usage_details": usage})}, source)
    assert desk.reasons() == ["cached, audio, image and video tokens (11) exceed input tokens (10)"]


@pytest.mark.parametrize(
    "writes",
    [
        {"cache_creation_input_tokens": 300, "input_cache_creation_5m": 100, "input_cache_creation_1h": 200},
        {"input_cache_creation": 0, "input_ephemeral_5m_input_tokens": 100, "input_ephemeral_1h_input_tokens": 200},
        {"cache_write_5m": 100, "cache_write_1h": 200},
    ],
    ids=["anthropic", "langchain", "own"],
)
def test_a_total_of_cache_writes_is_not_added_to_its_parts(desk: Any, writes: dict[str, int]) -> None:
    assert buckets(one(desk, {"usage_details": {"input": 50, "output": 7, **writes}})) == (50, 0, 100, 200, 7)


def test_writes_of_12_hours_and_of_30_minutes_are_told_apart(desk: Any) -> None:
    row = one(desk, {"usage_details": {"input": 50, "output": 7, "input_cache_write_30m": 100, "input_cache_write_12h": 200}})
    assert (*buckets(row), row["cache_write_12h_tokens"]) == (50, 0, 100, 0, 7, 200)


def test_the_book_decides_where_an_sdk_sends_cached_tokens_inside(desk: Any) -> None:
    usage = {"input": 1300, "input_cached_tokens": 600, "output": 200}
    assert buckets(one(desk, {"usage_details": usage}, tokens="inclusive")) == (700, 600, 0, 0, 200)


def test_a_total_by_itself_says_nothing_of_the_parts(desk: Any) -> None:
    row = one(desk, {"usage_details": {"total": 1110}})
    assert (row["input_tokens"], row["output_tokens"]) == (None, None)


def test_a_success_that_counted_nothing_has_unknown_tokens_and_cost(desk: Any) -> None:
    row = one(desk, {"usage_details": {"input": 0, "output": 0, "total": 0}, "cost_details": {"total": 0}, "total_cost": 0})
    assert (row["input_tokens"], row["output_tokens"], row["reported_cost_usd"]) == (None, None, None)


def test_cost_details_stand_in_for_a_total_that_is_not_exported(desk: Any) -> None:
    row = one(desk, {"total_cost": None, "cost_details": {"input": "0.000000000001", "output": 0.2}})
    assert row["reported_cost_usd"] == Decimal("0.200000000001")


def as_csv(rows: list[dict[str, Any]]) -> str:
    handle = io.StringIO()
    writer = csv.DictWriter(handle, list(rows[0]))
    writer.writeheader()
    for row in rows:
        texts = {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in row.items()}
        writer.writerow(texts)
    return handle.getvalue()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    maps = pa.map_(pa.string(), pa.string())
    columns: dict[str, Any] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name in {"usage_details", "cost_details", "metadata", "model_parameters", "tool_definitions"}:
            columns[name] = pa.array([[(key, str(value)) for key, value in row.items()] for row in values], maps)
        elif name.endswith(("_time", "_at")):
            found = [None if value is None else datetime.fromisoformat(value) for value in values]
            columns[name] = pa.array(found, pa.timestamp("ms", "UTC"))
        elif not any(isinstance(value, dict | list) for value in values):
            columns[name] = pa.array([None if value is None else str(value) for value in values], pa.string())
    handle = io.BytesIO()
    pq.write_table(pa.table(columns), handle)
    return handle.getvalue()


def camel(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{CAMEL.get(name, name): value for name, value in row.items()} for row in rows]


CONTAINERS: dict[str, Callable[[list[dict[str, Any]]], str | bytes]] = {
    "array": json.dumps,
    "page": lambda rows: json.dumps({"data": camel(rows), "meta": {"page": 1, "totalPages": 1}}),
    "pages": lambda rows: "".join(json.dumps({"data": [row], "meta": {"page": n}}) + "\n" for n, row in enumerate(camel(rows))),
    "camel case lines": lambda rows: "".join(json.dumps(row) + "\n" for row in camel(rows)),
    "csv": as_csv,
    "camel case csv": lambda rows: as_csv(camel(rows)),
    "parquet": as_parquet,
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_calls(desk: Any, sample: Callable[[str], str], container: str) -> None:
    rows = [json.loads(line) for line in sample("sample.jsonl").splitlines()]
    desk.take({"b.jsonl": sample("sample.jsonl"), "a": CONTAINERS[container](rows)})
    first, second = (
        desk.raw("langfuse_observations").filter(pl.col("file_id") == file)
        for file in desk.raw("langfuse_observations")["file_id"].unique()
    )
    own = [name for name in first.columns if name not in {"file_id", "line"}]
    assert first.select(own).rows() == second.select(own).rows()
    assert desk.staged("langfuse_observations")["copies"].to_list() == [2] * 6


def test_a_row_on_the_boundary_of_two_windows_counts_once_as_updated_last(desk: Any) -> None:
    early = {"updated_at": "2026-11-03 00:00:02.000", "usage_details": {"input": 99, "output": 99}}
    late = {"updated_at": "2026-11-03 00:00:03.000", "usage_details": {"input": 10, "output": 5}}
    desk.take({"observations/2026-11-03T00-00-00.jsonl": lines(late), "observations_v2/2026-11-03T00-00-00.jsonl": lines(early)})
    assert desk.staged("langfuse_observations").select("output_tokens", "copies").rows() == [(5, 2)]


def test_a_later_export_touches_only_its_days(desk: Any) -> None:
    desk.take({"a.jsonl": lines({})})
    before = desk.raw("langfuse_observations")
    desk.take({"b.jsonl": lines({"id": "g2", "start_time": "2026-11-05 00:00:00", "end_time": None})})
    assert desk.raw("langfuse_observations").filter(pl.col("day") == datetime(2026, 11, 3).date()).equals(before)
    assert "holds 1 calls that had not ended when they were exported" in desk.inbox.file_flags()["flag"].to_list()


def test_an_export_without_the_field_group_of_usage_says_so(desk: Any) -> None:
    slim = {name: value for name, value in CALL.items() if name not in {"usage_details", "cost_details", "total_cost"}}
    desk.take({"a.jsonl": json.dumps(slim) + "\n"})
    [flag] = desk.inbox.file_flags()["flag"].to_list()
    assert flag == "holds neither usage nor cost of its calls: select the field group `usage` in the export"
    assert desk.staged("langfuse_observations")["input_tokens"].to_list() == [None]


def test_a_prompt_is_hashed_where_the_book_has_a_key_the_same_in_every_container(tmp_path: Path) -> None:
    asked = {"input": [{"role": "user", "content": HERON}]}
    hashes = []
    for name, text in (("a", lines(asked, {"input": json.dumps(asked["input"])}, {})), ("b", as_csv([{**CALL, **asked}]))):
        (tmp_path / name).write_text(text, "utf-8")
        [frame] = FORMAT.read(Content(tmp_path / name), Reading(prompt_key=b"key")).frames()
        hashes += frame["prompt_hash"].to_list()
    first, second, none, fourth = hashes
    assert first == second == fourth is not None
    assert none is None


def test_one_absurd_row_is_data(desk: Any) -> None:
    assert one(desk, {"usage_details": {"input": 10**15, "output": 2}})["input_tokens"] == 10**15


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"id": None}, "id is missing"),
        ({"type": None}, "type is missing"),
        ({"start_time": None}, "start_time is missing"),
        ({"start_time": "yesterday"}, "start_time 'yesterday' is not an instant"),
        ({"start_time": "2014-12-31 00:00:00.000"}, "day 2014-12-31 is outside 2015 to 2099"),
        ({"usage_details": {"input": 9.7}}, "usage_details.input 9.7 is not a whole number"),
        ({"usage_details": {"input": -1}}, "usage_details.input is negative (-1)"),
        ({"usage_details": {"output": 10**16}}, "usage_details.output 10000000000000000 is too large"),
        ({"usage_details": {"input": "many"}}, "not a record: Invalid decimal string - at `$.usage_details[...]`"),
        ({"usage_details": "none"}, "not a record: Expected `object | null`, got `str` - at `$.usage_details`"),
        ({"total_cost": -1}, "total_cost is negative (-1)"),
        ({"total_cost": "NaN"}, "total_cost NaN is not a number"),
        ({"cost_details": {"input": -1}}, "cost_details.input is negative (-1)"),
    ],
)
def test_a_wrong_record_is_set_aside_and_its_neighbours_stay(desk: Any, row: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.jsonl": lines({"id": "before"}, row, {"id": "after"})})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]


def test_more_cached_than_there_was_is_set_aside_and_not_clamped(desk: Any) -> None:
    usage = {"usage_details": {"input": 5, "input_cached_tokens": 6, "output": 1}}
    thought = {"usage_details": {"input": 5, "output": 1, "output_reasoning_tokens": 2}}
    source = [{"name": "lf", "path": "*", "format": "langfuse_observations", "options": {"tokens": "inclusive"}}]
    desk.take({"a.jsonl": lines(usage, thought)}, source)
    assert desk.reasons() == ["cached tokens (6) exceed input tokens (5)", "usage_details: parts of the output (2) exceed it (1)"]


def test_a_broken_line_and_a_short_csv_row_are_set_aside_with_their_line(desk: Any) -> None:
    desk.take({"a.jsonl": lines({}) + '{"id": "cut\n', "b.csv": as_csv([CALL]) + "g9,t9,GENERATION\n"})
    assert sorted(desk.reasons()) == ["not JSON: Input data was truncated", "the row has another number of fields than the header"]


def test_no_message_reaches_the_lake_not_even_with_a_record_that_is_set_aside(desk: Any) -> None:
    secret = {"input": HERON, "output": HERON, "status_message": HERON, "metadata": {"note": HERON, "attributes": {"prompt": HERON}}}
    cut = lines({**secret, "id": "cut"}).strip()[:-2]
    text = as_csv([{**CALL, **secret, "type": None}]) + f"g9,{HERON}\n"
    desk.take({"a.jsonl": lines(secret, {**secret, "total_cost": -1}, {**secret, "trace_id": [HERON]}) + cut, "b.csv": text})
    kept = desk.inbox.quarantine()
    assert kept.height == 5
    assert '"total_cost":"-1"' in "".join(kept["raw_text"])
    assert not [path for path in desk.folder.rglob("*.parquet") if HERON.encode() in path.read_bytes()]
    assert HERON not in "".join([*kept["raw_text"], *kept["reason"]])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_the_documented_example_gives_its_figures(desk: Any, kind: str) -> None:
    stem = "clx1proj__observations__2026-10-05T14-00-00"
    done = desk.take({f"a.{kind}": (EXAMPLES / "langfuse_blob_observations" / f"{stem}.{kind}").read_bytes()})
    assert (done.rows_typed, done.filtered, done.quarantined) == (3, 1, 0)
    names = ("request_id", *BUCKETS, "reported_cost_usd", "team")
    assert desk.staged("langfuse_observations").select(names).rows() == [
        ("obs-2", 50, 10000, 2000, 0, 420, Decimal("0.01695"), "agents"),
        ("obs-3", 4904, 4096, 0, 0, 1500, Decimal("0.0043284"), None),
        ("obs-4", 900, 0, 0, 0, 210, None, None),
    ]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_manifest_of_an_export_counts_its_rows(desk: Any) -> None:
    rows = (EXAMPLES / "langfuse_blob_observations/clx1proj__observations__2026-10-05T14-00-00.jsonl").read_bytes()
    manifest = (EXAMPLES / "langfuse_blob_manifest/clx1proj__manifests__2026-10-05T14-00-00.json").read_bytes()
    folder = "clx1proj/observations/2026-10-05T14-00-00.jsonl"
    traces = (EXAMPLES / "langfuse_blob_traces/clx1proj__traces__2026-10-05T14-00-00.jsonl").read_bytes()
    files = {folder: rows, "clx1proj/traces/2026-10-05T14-00-00.jsonl": traces, "clx1proj/manifests/2026-10-05T14-00-00.json": manifest}
    assert desk.take(files).refused == []
    cut = {**files, folder: b"".join(rows.splitlines(keepends=True)[:3])}
    assert [file for file, _ in desk.take(cut).refused] == [folder]


def test_a_trace_says_whose_a_call_is_where_the_call_does_not_and_also_after_midnight(desk: Any) -> None:
    call = {"trace_id": "t1", "type": "GENERATION", "provided_model_name": "gpt-5-mini", "usage_details": {"input": 1, "output": 1}}
    calls = [
        {**call, "id": "same", "start_time": "2026-10-05 10:00:00.000"},
        {**call, "id": "after", "start_time": "2026-10-06 00:00:01.000"},
        {**call, "id": "late", "start_time": "2026-10-07 00:00:01.000"},
    ]
    trace = {
        "id": "t1",
        "timestamp": "2026-10-05 10:00:00.000",
        "name": "x",
        "user_id": "u-7",
        "session_id": "s-1",
        "release": None,
        "bookmarked": False,
        "tags": [],
    }
    desk.take({"observations.jsonl": "".join(json.dumps(one) + "\n" for one in calls), "traces.jsonl": json.dumps(trace) + "\n"})
    found = {row["request_id"]: (row["user_id"], row["session_id"]) for row in desk.staged("langfuse_observations").iter_rows(named=True)}
    assert found == {"same": ("u-7", "s-1"), "after": ("u-7", "s-1"), "late": (None, None)}
