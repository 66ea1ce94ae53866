"""Cloudflare AI Gateway events of Logpush."""

import gzip
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/cloudflare_logpush"
UNKNOWN = "holds events whose tokens and cost are not in clear: they count as calls of unknown cost"
SEALED = {"type": "encrypted", "data": "the heron waits beneath the third bridge"}
EVENT: dict[str, Any] = {
    "Gateway": "prod",
    "Provider": "openai",
    "Model": "gpt-5-mini",
    "StatusCode": 200,
    "Timestamp": "2026-11-04T00:00:00Z",
}


def lines(*events: dict[str, Any]) -> str:
    return "".join(json.dumps({**EVENT, **one}) + "\n" for one in events)


def rows(desk: Any, *events: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    sources = [{"name": "push", "path": "*", "format": "cloudflare_logpush", "options": options}] if options else []
    desk.take({"a.log": lines(*events)}, sources)
    return list(desk.staged("cloudflare_logpush").iter_rows(named=True))


def one(desk: Any, event: dict[str, Any], **options: Any) -> dict[str, Any]:
    [row] = rows(desk, event, **options)
    return row


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> list[dict[str, Any]]:
    done = desk.take({"20261104T073000Z_20261104T073500Z_a3cf.log.gz": gzip.compress(sample("sample.jsonl").encode())})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (4, 4, 0)
    return list(desk.staged("cloudflare_logpush").sort("started_at").iter_rows(named=True))


def test_an_event_counts_a_call_whose_tokens_and_cost_are_unknown(desk: Any, staged: list[dict[str, Any]]) -> None:
    row = staged[0]
    assert (row["input_tokens"], row["output_tokens"], row["reported_cost_usd"]) == (None, None, None)
    assert (row["provider"], row["model"], row["project_id"], row["status"]) == ("openai", "gpt-5-mini", "prod", "success")
    assert row["started_at"] == datetime(2026, 11, 4, 7, 30)
    assert desk.inbox.file_flags()["flag"].to_list() == [UNKNOWN]


def test_a_hit_of_the_gateways_cache_is_known_as_one(staged: list[dict[str, Any]]) -> None:
    assert (staged[1]["is_cache_hit"], staged[1]["started_at"]) == (True, datetime(2026, 11, 4, 7, 31))


def test_metrics_and_metadata_in_clear_are_read(staged: list[dict[str, Any]]) -> None:
    row = staged[2]
    assert (row["reported_cost_usd"], row["latency_ms"], row["started_at"]) == (Decimal("0.0042"), 1234, datetime(2026, 11, 4, 7, 32))
    assert (row["provider"], row["requested_model"]) == ("google", "cloudflare/auto")
    assert (row["team"], row["feature"], row["user_id"]) == ("Search", "answers", "u-3")


def test_a_refused_call_had_no_tokens(staged: list[dict[str, Any]]) -> None:
    row = staged[3]
    assert (row["status"], row["error_class"], row["input_tokens"], row["output_tokens"]) == ("failure", "429", 0, 0)


def test_a_rate_limit_is_a_refusal_even_without_its_code(desk: Any) -> None:
    assert one(desk, {"StatusCode": None, "RateLimited": True})["error_class"] == "429"
    assert desk.inbox.file_flags().height == 0


@pytest.mark.parametrize("names", [("tokensIn", "tokensOut"), ("inputTokens", "outputTokens")])
def test_counts_in_clear_are_read_under_their_usual_names(desk: Any, names: tuple[str, str]) -> None:
    row = one(desk, {"Metrics": {names[0]: 30, names[1]: 4}})
    assert (row["input_tokens"], row["output_tokens"]) == (30, 4)
    assert desk.inbox.file_flags().height == 0


@pytest.mark.parametrize(("cached", "expected"), [(False, None), (True, Decimal(0))])
def test_a_zero_is_unknown_unless_the_cache_answered(desk: Any, cached: bool, expected: Decimal | None) -> None:
    row = one(desk, {"Cached": cached, "Metrics": {"cost": 0, "tokensIn": 5, "tokensOut": 1}})
    assert row["reported_cost_usd"] == expected


def test_a_success_that_counted_nothing_has_unknown_tokens(desk: Any) -> None:
    assert one(desk, {"Metrics": {"tokensIn": 0, "tokensOut": 0}})["input_tokens"] is None


@pytest.mark.parametrize(
    "given",
    [
        {"Timestamp": "2026-11-04T00:00:00Z"},
        {"Timestamp": 1793750400},
        {"Timestamp": 1793750400000},
        {"Timestamp": 1793750400000000000},
        {"Timestamp": None, "Datetime": "2026-11-04T00:00:00Z"},
        {"Timestamp": None, "CreatedAt": "2026-11-04T01:00:00+01:00"},
    ],
)
def test_a_time_is_read_as_the_job_wrote_it(desk: Any, given: dict[str, Any]) -> None:
    assert one(desk, given)["started_at"] == datetime(2026, 11, 4)


def test_the_book_names_the_key_of_the_time_or_gives_the_instant_of_the_file(desk: Any, tmp_path_factory: Any) -> None:
    assert one(desk, {"When": "2026-11-05T00:00:00Z"}, fields={"started_at": "When"})["day"] == date(2026, 11, 5)
    other = type(desk)(tmp_path_factory.mktemp("start"))
    assert one(other, {"Timestamp": None}, starts_at="2026-11-06T12:00:00+02:00")["started_at"] == datetime(2026, 11, 6, 10)


def test_a_map_with_another_column_refuses_the_file(desk: Any) -> None:
    source = {"name": "push", "path": "*", "format": "cloudflare_logpush", "options": {"fields": {"cost": "Cost"}}}
    done = desk.take({"a.log": lines({})}, [source])
    assert "has `fields:` for cost; only started_at can be named" in str(done.refused)


def test_an_event_with_sealed_bodies_that_came_twice_counts_once(desk: Any) -> None:
    sealed, other = {"RequestBody": {"type": "encrypted", "data": "Zk1a"}}, {"RequestBody": {"type": "encrypted", "data": "c2Vq"}}
    found = rows(desk, sealed, sealed, other)
    assert sorted(row["copies"] for row in found) == [1, 2]


def test_events_without_bodies_are_known_by_content_and_place(desk: Any) -> None:
    desk.take({"a.log": lines({}, {}), "b.log": lines({})})
    assert sorted(desk.staged("cloudflare_logpush")["copies"].to_list()) == [1, 2]


@pytest.mark.parametrize("wrap", [json.dumps, lambda events: json.dumps(events, indent=1)], ids=["array", "pretty array"])
def test_json_gives_as_many_events_as_json_lines(desk: Any, sample: Callable[[str], str], wrap: Any) -> None:
    desk.take({"a.json": wrap([json.loads(line) for line in sample("sample.jsonl").splitlines()])})
    assert desk.staged("cloudflare_logpush").height == 4


def test_a_late_event_touches_its_own_day_only(desk: Any) -> None:
    rows(desk, {}, {"Timestamp": "2026-10-31T23:59:59Z"})
    assert sorted(desk.staged("cloudflare_logpush")["day"].to_list()) == [date(2026, 10, 31), date(2026, 11, 4)]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"Timestamp": None}, "Timestamp is missing"),
        ({"Timestamp": "yesterday"}, "Timestamp 'yesterday' is not an instant"),
        ({"Timestamp": 0}, "day 1970-01-01 is outside 2015 to 2099"),
        ({"StatusCode": "200"}, "not a record: Expected `int | null`, got `str` - at `$.StatusCode`"),
        ({"Metrics": {"cost": -1}}, "Metrics.cost is negative (-1)"),
        ({"Metrics": {"tokensIn": -1}}, "Metrics: input_tokens is negative (-1)"),
        ({"Metrics": {"tokensIn": 9.7}}, "not a record: Expected `int | null`, got `float` - at `$.Metrics.tokensIn`"),
        ({"Metrics": {"durationMs": -1}}, "Metrics.durationMs is negative (-1)"),
    ],
)
def test_a_wrong_event_is_set_aside_and_its_neighbours_stay(desk: Any, wrong: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.log": lines({"Model": "before"}, wrong, {"Model": "after"})})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]
    assert desk.raw("cloudflare_logpush")["model"].to_list() == ["before", "after"]


def test_nothing_sealed_is_kept_of_a_wrong_event(desk: Any) -> None:
    sealed = dict.fromkeys(("Metadata", "RequestBody", "ResponseBody"), SEALED)
    desk.take({"a.log": lines({}, {**sealed, "Timestamp": None}, {**sealed, "StatusCode": []}) + lines(sealed)[:-9]})
    kept = desk.inbox.quarantine()["raw_text"].to_list()
    assert len(kept) == 3
    assert '"Model":"gpt-5-mini"' in kept[0]
    assert "heron" not in "".join(kept)


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_documented_example_without_times_is_read_with_the_instant_of_its_file(desk: Any) -> None:
    [path] = EXAMPLES.glob("*.log.gz")
    source = {"name": "push", "path": "*", "format": "cloudflare_logpush", "options": {"starts_at": "2026-10-05T13:00:00Z"}}
    assert desk.take({path.name: path.read_bytes()}, [source]).quarantined == 0
    assert sorted(desk.staged("cloudflare_logpush")["is_cache_hit"].to_list()) == [False, True]
