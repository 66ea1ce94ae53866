"""Helicone requests."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.guard import UnitGuard
from meterbook.assets.inbox import Inbox
from meterbook.assets.ingest import formats
from meterbook.assets.ingest.format import sample_of
from meterbook.assets.sources import Reading
from meterbook.assets.workspace import project
from meterbook.rate_cards.compile import load_cards

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples"
BUCKETS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens")
CARDS = Path(__file__).resolve().parents[3] / "rate_cards"
HERON = "the heron waits beneath the third bridge"
ZERO = "00000000-0000-0000-0000-000000000000"
COLUMNS = (
    "response_id", "response_created_at", "response_status", "request_created_at", "request_body", "request_properties",
    "request_user_id", "model", "prompt_tokens", "completion_tokens", "latency", "cost",
)  # fmt: skip
ROW: dict[str, Any] = {
    "request_id": "q1",
    "response_id": "p1",
    "request_created_at": "2026-11-05 00:00:00.000",
    "updated_at": "2026-11-05 00:00:05",
    "status": 200,
    "provider": "OPENAI",
    "model": "gpt-5-mini",
    "prompt_tokens": 400,
    "prompt_cache_read_tokens": 600,
    "prompt_cache_write_tokens": 0,
    "completion_tokens": 72,
    "reasoning_tokens": 128,
    "cost": 515_000,
}
ANSWER: dict[str, Any] = {
    "request_id": "q1",
    "response_id": "p1",
    "request_created_at": "2026-11-05T00:00:00.000Z",
    "response_status": 200,
    "provider": "OPENAI",
    "request_model": "gpt-5-mini",
    "delay_ms": 812,
    "prompt_tokens": 400,
    "prompt_cache_read_tokens": 600,
    "prompt_cache_write_tokens": 0,
    "completion_tokens": 72,
    "cost": 0.000515,
    "request_user_id": "u-4",
    "request_properties": {"Team": "Search"},
    "properties": {"Team": "Search"},
}


def lines(*rows: dict[str, Any], base: dict[str, Any] = ROW) -> str:
    return "".join(json.dumps({**base, **row}) + "\n" for row in rows)


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str] = COLUMNS) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()} for row in rows)
    return out.getvalue()


def one(desk: Any, text: str, **options: Any) -> dict[str, Any]:
    sources = [{"name": "h", "path": "*", "format": "helicone", "options": options}] if options else []
    assert desk.take({"a": text}, sources).quarantined == 0
    [row] = desk.staged("helicone").iter_rows(named=True)
    return row


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    assert desk.take({"rows.jsonl": sample("sample.jsonl")}).rows_typed == 6
    return {row["request_id"]: row for row in desk.staged("helicone").iter_rows(named=True)}


def test_the_table_has_nano_dollars_and_disjoint_tokens(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["rq-1"]
    assert tuple(row[name] for name in BUCKETS) == (400, 600, 0, 200)
    assert (row["reasoning_tokens"], row["reported_cost_usd"], row["cost_basis"]) == (128, Decimal("0.000515"), "computed")
    assert (row["started_at"], row["latency_ms"], row["time_to_first_token_ms"]) == (datetime(2026, 11, 5, 10, 1, 0, 200000), 2300, 410)


def test_properties_name_owners_and_feedback_is_a_rating(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["rq-1"]
    assert (row["team"], row["environment"], row["session_id"], row["user_id"]) == ("Search", "production", "s-9", "u-4")
    assert (row["quality_score"], staged["rq-2"]["quality_score"]) == (1, None)


def test_audio_tokens_are_no_part_of_input_and_output(staged: dict[str, dict[str, Any]]) -> None:
    assert tuple(staged["rq-5"][name] for name in BUCKETS) == (40, 0, 0, 8)
    assert tuple(staged["rq-5"][f"audio_{name}_tokens"] for name in ("input", "output")) == (10, 30)


def test_the_api_and_the_table_have_one_cost_for_one_call(desk: Any, tmp_path_factory: Any) -> None:
    assert one(desk, lines({}))["reported_cost_usd"] == Decimal("0.000515")
    other = type(desk)(tmp_path_factory.mktemp("api"))
    row = one(other, lines({}, base=ANSWER))
    assert (row["reported_cost_usd"], row["model"], row["latency_ms"], row["team"]) == (Decimal("0.000515"), "gpt-5-mini", 812, "Search")
    # Without reasoning tokens the row's own cost is the better one.
    assert (row["output_tokens"], row["cost_basis"]) == (72, "reported")


def test_the_book_may_name_the_unit(desk: Any, tmp_path_factory: Any) -> None:
    assert one(desk, lines({"cost": 0.25}), money_unit="usd")["reported_cost_usd"] == Decimal("0.25")
    other = type(desk)(tmp_path_factory.mktemp("nano"))
    assert one(other, lines({"cost": 515000}, base=ANSWER), money_unit="nanousd")["reported_cost_usd"] == Decimal("0.000515")


def test_nano_dollars_under_the_names_of_the_api_are_stopped_at_the_door(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    text = lines(*({"request_id": f"q{n}", "response_id": f"p{n}", "cost": 515_000 / 1_000} for n in range(6)), base=ANSWER)
    (tmp_path / "inbox" / "a.jsonl").write_text(text, "utf-8")
    guard = UnitGuard(lambda: load_cards([CARDS]), project)
    [(_, reason)] = Inbox(tmp_path, [], guard=guard).ingest().refused
    assert "reports about 1,000,000 times what its tokens cost at list price" in reason
    assert "money_unit" in reason


def test_a_price_nobody_knows_is_no_cost_and_a_cache_hit_costs_nothing(staged: dict[str, dict[str, Any]]) -> None:
    hit = staged["rq-3"]
    assert (hit["is_cache_hit"], hit["reported_cost_usd"], hit["input_tokens"]) == (True, 0, 400)
    assert (staged["rq-5"]["is_cache_hit"], staged["rq-5"]["reported_cost_usd"]) == (False, None)


def test_a_declined_call_used_nothing_and_of_another_failure_that_is_not_known(staged: dict[str, dict[str, Any]]) -> None:
    names = ("status", "error_class", "input_tokens", "output_tokens", "reported_cost_usd")
    assert [staged["rq-4"][name] for name in names] == ["failure", "429", 0, 0, 0]
    assert [staged["rq-6"][name] for name in names] == ["failure", "-3", None, None, None]


def test_a_success_that_counted_nothing_has_unknown_tokens(desk: Any) -> None:
    none = dict.fromkeys(("prompt_tokens", "prompt_cache_read_tokens", "completion_tokens", "reasoning_tokens"), 0)
    row = one(desk, lines({**none, "cost": 40_000_000}))
    assert (row["input_tokens"], row["output_tokens"], row["reported_cost_usd"]) == (None, None, Decimal("0.04"))


def test_calls_paid_with_helicone_credits_are_flagged(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.jsonl": sample("sample.jsonl")})
    flag = "holds 1 calls paid with Helicone credits: Helicone bills them, not your provider account"
    assert flag in desk.inbox.file_flags()["flag"].to_list()


def test_of_rows_of_one_request_the_one_updated_last_counts(desk: Any) -> None:
    old = {"updated_at": "2026-11-05 00:00:01", "response_id": None, "completion_tokens": 900, "cost": 9}
    desk.take({"a.jsonl": lines({}, old), "b.jsonl": lines(old)})
    assert desk.staged("helicone").select("output_tokens", "reported_cost_usd", "copies").rows() == [(200, Decimal("0.000515"), 3)]


def test_one_call_in_three_shapes_counts_once_as_the_table_has_it(desk: Any) -> None:
    answer = {**ANSWER, "updated_at": ROW["updated_at"], "model": "gpt-5-mini"}
    desk.take({"a.jsonl": lines({}), "b.jsonl": lines({}, base=answer), "c.csv": table([answer])})
    rows = desk.staged("helicone")
    assert rows.select("request_id", *BUCKETS, "cost_basis", "copies").rows() == [("q1", 400, 600, 0, 200, "computed", 3)]


def test_the_csv_of_the_cli_is_read(desk: Any) -> None:
    row = {
        "response_id": "p9",
        "response_status": 200,
        "request_created_at": "2026-11-05T10:00:00.020Z",
        "request_body": {"messages": [HERON]},
        "request_properties": {"team": "Search"},
        "request_user_id": "u-4",
        "model": "gpt-5-mini",
        "prompt_tokens": 50,
        "completion_tokens": 7,
        "cost": "0.01695",
    }
    found = one(desk, table([row]))
    assert (found["request_id"], found["input_tokens"], found["output_tokens"], found["cache_read_tokens"]) == ("p9", 50, 7, None)
    assert (found["reported_cost_usd"], found["cost_basis"], found["latency_ms"]) == (Decimal("0.01695"), "reported", None)
    assert (found["team"], found["user_id"], found["started_at"]) == ("Search", "u-4", datetime(2026, 11, 5, 10, 0, 0, 20000))


def shapes(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    return {
        "array": json.dumps(rows),
        "answer": json.dumps({"data": rows, "error": None}, indent=1),
        "answers": "".join(json.dumps({"data": [row], "error": None}) + "\n" for row in rows),
        "clickhouse json": json.dumps({"meta": [{"name": "request_id", "type": "UUID"}], "data": rows, "rows": len(rows)}),
        "csv": table(rows, list(rows[0]) if rows else ()),
        "quoted integers": "".join(json.dumps({**row, "cost": str(row["cost"])}) + "\n" for row in rows),
    }


@pytest.mark.parametrize("shape", list(shapes([])))
def test_every_container_gives_the_same_rows(desk: Any, sample: Callable[[str], str], shape: str) -> None:
    rows = [json.loads(line) for line in sample("sample.jsonl").splitlines()]
    text = shapes(rows)[shape]
    desk.take({"a": text, "b.jsonl": sample("sample.jsonl")})
    staged = desk.staged("helicone")
    assert (staged.height, staged["copies"].to_list()) == (6, [2] * 6)
    found = sample_of(Content(desk.folder / "inbox" / "a"))
    assert [name for name, other in formats().items() if other.recognises(found)] == ["helicone"]


def test_a_row_at_midnight_is_of_its_utc_day(desk: Any) -> None:
    late = {"request_id": "q2", "response_id": "p2", "request_created_at": "2026-11-04 23:59:59.999"}
    desk.take({"a.jsonl": lines({}, late)})
    assert desk.staged("helicone")["day"].to_list() == [date(2026, 11, 5), date(2026, 11, 4)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"cost": 0.01695}, "cost 0.01695 is not a whole number of nano-dollars"),
        ({"cost": -5}, "cost is negative (-5)"),
        ({"cost": "NaN"}, "cost NaN is not a number"),
        ({"prompt_tokens": -1}, "prompt_tokens is negative (-1)"),
        ({"reasoning_tokens": 9.7}, "reasoning_tokens 9.7 is not a whole number"),
        ({"prompt_cache_read_tokens": 10**16}, "prompt_cache_read_tokens 10000000000000000 is too large"),
        ({"request_created_at": None}, "request_created_at is missing"),
        ({"request_created_at": "today"}, "request_created_at 'today' is not an instant"),
        ({"request_created_at": "2101-01-01 00:00:00"}, "day 2101-01-01 is outside 2015 to 2099"),
        ({"properties": "{'team':'agents'}"}, "properties is not JSON: JSON is malformed: object keys must be strings (byte 1)"),
        ({"properties": 5}, "not a record: Expected `str | object | null`, got `int` - at `$.properties`"),
        ({"status": 200.5}, "status 200.5 is not a whole number"),
    ],
)
def test_a_wrong_row_is_set_aside_and_its_neighbours_stay(desk: Any, row: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.jsonl": lines({"request_id": "before"}, row, {"request_id": "after"})})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]
    assert desk.raw("helicone")["request_id"].to_list() == ["before", "after"]


def test_a_csv_row_of_another_length_is_set_aside(desk: Any) -> None:
    done = desk.take({"a.csv": table([{**ANSWER, "model": "m"}]) + "p2,200\n"})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (2, 1, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(3, "the row has another number of fields than the header")]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n", "utf-8")
    columns = "completion_tokens, prompt_tokens, request_created_at"
    with pytest.raises(FileRefused, match=f"is neither JSON nor a CSV with the columns {columns}"):
        formats()["helicone"].read(Content(tmp_path / "a.csv"), Reading())


def test_no_body_reaches_the_lake_not_even_with_a_row_that_is_set_aside(desk: Any) -> None:
    secret = {"request_body": json.dumps({"messages": [HERON]}), "response_body": HERON}
    broken = [{**secret, "cost": -1}, {**secret, "model": 5}, {**secret, "prompt_tokens": "x"}]
    text = table([{**ANSWER, "model": "m", "cost": -1, "request_body": {"messages": [HERON]}}])
    desk.take({"a.jsonl": lines(secret, *broken) + lines(secret).strip()[:-2], "b.csv": text + f"{HERON},1\n"})
    kept = desk.inbox.quarantine()
    assert kept.height == 6
    assert not [path for path in desk.folder.rglob("*.parquet") if HERON.encode() in path.read_bytes()]
    assert HERON not in "".join([*kept["raw_text"], *kept["reason"]])


def test_equal_prompts_have_one_hash_and_a_placeholder_has_none(tmp_path: Path) -> None:
    bodies = [json.dumps({"messages": [HERON]}), {"messages": [HERON]}, {"helicone_message": "fetching body from signed_url..."}, ""]
    (tmp_path / "a").write_text(lines(*({"request_id": str(n), "request_body": body} for n, body in enumerate(bodies))), "utf-8")
    [frame] = formats()["helicone"].read(Content(tmp_path / "a"), Reading(prompt_key=b"key")).frames()
    first, second, *others = frame["prompt_hash"].to_list()
    assert first == second is not None
    assert others == [None, None]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_documented_examples_give_their_figures(desk: Any) -> None:
    files = ("helicone_clickhouse/request_response_rmt.jsonl", "helicone_export_csv/helicone.csv")
    for name in files:
        assert desk.take({Path(name).name: (EXAMPLES / name).read_bytes()}).quarantined == 0
    rows = desk.staged("helicone")
    assert rows.select("response_id", *BUCKETS, "reported_cost_usd", "is_cache_hit", "copies").sort("response_id").rows() == [
        ("8f1c", 50, 10000, 2000, 420, Decimal("0.01695"), False, 2),
        ("8f1d", 0, None, None, 0, Decimal(0), False, 1),
        ("8f20", 50, 0, 0, 420, Decimal(0), True, 1),
    ]
