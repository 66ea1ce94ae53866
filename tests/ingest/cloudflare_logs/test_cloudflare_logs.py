"""Cloudflare AI Gateway logs from the REST API."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/cloudflare_ai_gateway_logs_api"
HERON = "the heron waits beneath the third bridge"
LOG: dict[str, Any] = {
    "id": "c1",
    "cached": False,
    "created_at": "2026-11-04T00:00:00Z",
    "provider": "openai",
    "model": "gpt-5-mini",
    "success": True,
    "tokens_in": 10,
    "tokens_out": 2,
    "cost": 0.001,
    "custom_cost": False,
    "status_code": 200,
}


def page(*logs: dict[str, Any], **info: int) -> str:
    return json.dumps({"success": True, "result": [{**LOG, **log} for log in logs], "result_info": info})


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    done = desk.take({"logs.json": sample("sample.json")})
    assert (done.rows_typed, done.flagged) == (5, [])
    return {row["request_id"]: row for row in desk.staged("cloudflare_logs").iter_rows(named=True)}


def test_a_log_keeps_its_figures_and_what_its_metadata_says(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["CF-A1"]
    assert (row["input_tokens"], row["output_tokens"], row["reported_cost_usd"]) == (1200, 340, Decimal("0.00098"))
    assert (row["team"], row["feature"], row["user_id"]) == ("Search", "answers", "u-3")
    assert (row["started_at"], row["latency_ms"], row["provider"]) == (datetime(2026, 11, 4, 7, 30), 1820, "openai")


def test_a_hit_of_the_gateways_cache_costs_nothing_and_keeps_its_tokens(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["CF-A2"]
    assert (row["is_cache_hit"], row["reported_cost_usd"], row["input_tokens"]) == (True, Decimal(0), 1200)


def test_a_zero_is_unknown_unless_it_was_set(staged: dict[str, dict[str, Any]]) -> None:
    assert (staged["CF-A3"]["reported_cost_usd"], staged["CF-A3"]["provider"]) == (None, "google")
    assert staged["CF-A4"]["reported_cost_usd"] == Decimal(0)


def test_a_failure_keeps_its_status(staged: dict[str, dict[str, Any]]) -> None:
    row = staged["CF-A5"]
    assert (row["status"], row["error_class"], row["input_tokens"], row["reported_cost_usd"]) == ("failure", "429", 0, Decimal(0))


def test_a_success_that_counted_nothing_has_unknown_tokens(desk: Any) -> None:
    desk.take({"a.json": page({"tokens_in": 0, "tokens_out": 0, "cost": 0})})
    assert desk.staged("cloudflare_logs").select("input_tokens", "output_tokens", "reported_cost_usd").rows() == [(None, None, None)]


def test_pages_their_result_and_lines_give_the_same_rows(desk: Any) -> None:
    logs = [{**LOG, "id": f"c{n}"} for n in range(3)]
    desk.take(
        {
            "page.json": page(*logs),
            "pages.json": json.dumps([json.loads(page(logs[0])), json.loads(page(*logs[1:]))]),
            "pages.jsonl": page(logs[0]) + "\n" + page(*logs[1:]) + "\n",
            "result.json": json.dumps(logs),
            "logs.jsonl": "".join(json.dumps(log) + "\n" for log in logs),
        }
    )
    assert desk.staged("cloudflare_logs")["copies"].to_list() == [5, 5, 5]


def test_a_page_that_is_not_all_is_flagged(desk: Any) -> None:
    done = desk.take({"a.json": page({}, total_count=1201)})
    assert done.flagged == [("a.json", "holds 1 of 1,201 logs: the other pages are needed too")]


def test_a_log_in_two_pages_counts_once_with_the_most_tokens(desk: Any) -> None:
    desk.take({"a.json": page({"tokens_out": 5}), "b.json": page({})})
    assert desk.staged("cloudflare_logs").select("output_tokens", "copies").rows() == [(5, 2)]


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ({"id": None}, "id is missing"),
        ({"tokens_in": 9.7}, "not a record: Expected `int | null`, got `float` - at `$.tokens_in`"),
        ({"tokens_in": -1}, "tokens_in is negative (-1)"),
        ({"tokens_out": 2**63}, "not a record: Expected `int` <= 1000000000000000 - at `$.tokens_out`"),
        ({"cost": -0.5}, "cost is negative (-0.5)"),
        ({"cost": 1e20}, "cost 1E+20 is too large"),
        ({"created_at": None}, "created_at is missing"),
        ({"created_at": "soon"}, "created_at 'soon' is not an instant"),
        ({"created_at": "2150-01-01T00:00:00Z"}, "day 2150-01-01 is outside 2015 to 2099"),
        ({"metadata": "{"}, "metadata is not JSON: Input data was truncated"),
        ({"duration": -4}, "duration is negative (-4)"),
    ],
)
def test_a_wrong_record_is_set_aside_and_its_neighbours_stay(desk: Any, log: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.json": page({"id": "before"}, log, {"id": "after"})})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]
    assert desk.raw("cloudflare_logs")["request_id"].to_list() == ["before", "after"]


def test_no_message_reaches_the_lake_not_even_with_a_record_that_is_set_aside(desk: Any) -> None:
    secret = {"request_head": HERON, "response_head": HERON}
    desk.take({"a.json": page(secret, {**secret, "cost": -1}, {**secret, "tokens_in": 9.7})})
    kept = desk.inbox.quarantine()
    assert kept.height == 2
    assert HERON not in "".join([*kept["raw_text"], *kept["reason"]])
    assert not [path for path in desk.folder.rglob("*.parquet") if HERON.encode() in path.read_bytes()]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_documented_example_gives_its_figures(desk: Any) -> None:
    assert desk.take({"logs.json": (EXAMPLES / "logs.json").read_bytes()}).quarantined == 0
    names = ("request_id", "input_tokens", "output_tokens", "reported_cost_usd", "is_cache_hit", "team")
    assert desk.staged("cloudflare_logs").select(names).rows() == [
        ("01K6V8", 3000, 900, Decimal("0.00255"), False, "agents"),
        ("01K6V9", 3000, 900, Decimal(0), True, None),
    ]
