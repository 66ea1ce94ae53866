"""The activity CSV of OpenRouter."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples"
HEADER = (
    "generation_id,created_at,cost_total,byok_usage_inference,"
    "tokens_prompt,tokens_completion,tokens_cached,model_permaslug,variant,cancelled"
)


def row(
    name: str = "gen-1",
    *,
    at: str = "2026-10-01 00:00:00.000",
    cost: str = "0.5",
    own: str = "0",
    tokens: str = "100,10,0",
    rest: str = "m,standard,false",
) -> str:
    return f"{name},{at},{cost},{own},{tokens},{rest}"


def table(*rows: str, header: str = HEADER) -> str:
    return "\n".join((header, *rows)) + "\n"


def test_cached_tokens_are_taken_out_of_the_prompt_and_costs_are_what_was_charged(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"activity.csv": sample("sample.csv")})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (4, 4, 0)
    found = desk.staged("openrouter_activity_csv")
    columns = ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens", "reported_cost_usd")
    assert found.select(columns).rows() == [
        (2000, 10_000, 800, 0, Decimal("0.012345678901")),
        (3000, 0, 900, 640, Decimal("0.00255")),
        (410, 0, 120, 0, Decimal(0)),
        (500, 0, 60, 0, Decimal("0.0001")),
    ]
    assert found["model"][2] == "deepseek/deepseek-chat-v3.1:free"
    assert set(found.select("provider", "cost_basis").rows()) == {("openrouter", "reported")}
    assert found.select("key_alias", "user_id", "feature", "latency_ms", "time_to_first_token_ms").row(0) == (
        "prod-key",
        None,
        "Search",
        5210,
        812,
    )


def test_what_keys_of_ones_own_cost_is_flagged_and_not_added(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"activity.csv": sample("sample.csv")})
    assert [flag for _, flag in done.flagged] == [
        "holds calls over keys of your own: 0.002 USD, which their providers bill, is not counted with it",
    ]
    assert desk.staged("openrouter_activity_csv")["reported_cost_usd"].sum() == Decimal("0.014995678901")


@pytest.mark.parametrize(
    ("given", "cost"),
    [
        ({"cost": "0"}, None),
        ({"cost": ""}, None),
        ({"cost": "0", "rest": "m,free,false"}, 0),
        ({"cost": "0", "rest": "m,standard,TRUE"}, 0),
        ({"cost": "0", "own": "0.01"}, 0),
        ({"cost": "0", "tokens": "100,0,0"}, 0),
        ({"cost": "1e-7"}, Decimal("0.0000001")),
    ],
)
def test_a_zero_counts_as_free_only_where_it_has_a_reason(desk: Any, given: dict[str, str], cost: Decimal | None) -> None:
    desk.take({"a.csv": table(row(**given))})
    assert desk.staged("openrouter_activity_csv")["reported_cost_usd"].to_list() == [cost]


@pytest.mark.parametrize("at", ["2026-10-01 00:00:00.000", "2026-10-01T00:00:00Z", "2026-10-01T02:00:00+02:00", "2026-10-01 00:00:00"])
def test_times_without_a_zone_are_utc(desk: Any, at: str) -> None:
    desk.take({"a.csv": table(row(at=at))})
    assert desk.staged("openrouter_activity_csv")["started_at"].to_list() == [datetime(2026, 10, 1)]


def test_an_export_without_cached_tokens_is_read_by_name(desk: Any) -> None:
    header = HEADER.replace("tokens_cached,", "")
    desk.take({"a.csv": table(row(tokens="100,10"), header=header)})
    assert desk.staged("openrouter_activity_csv").select("input_tokens", "cache_read_tokens").rows() == [(100, None)]


def test_a_generation_exported_twice_is_one_call(desk: Any) -> None:
    desk.take({"a.csv": table(row(), row("gen-2")), "b.csv": table(row(cost="0.75"))})
    assert desk.staged("openrouter_activity_csv").select("reported_cost_usd", "copies").rows() == [
        (Decimal("0.75"), 2),
        (Decimal("0.5"), 1),
    ]


def test_a_grouped_summary_is_refused_with_what_to_export_instead(desk: Any) -> None:
    done = desk.take({"a.csv": 'Model,Spend,Requests\nopenai/gpt-5,"$1.25",7\n'})
    assert [reason for _, reason in done.refused] == [
        "is OpenRouter's grouped summary of models and spend; export the activity itself, one row per generation"
    ]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (row(tokens="100,10,101"), "cached tokens (101) exceed tokens_prompt (100)"),
        (row(tokens="9.7,10,0"), "tokens_prompt 9.7 is not a whole number"),
        (row(tokens="100,-1,0"), "tokens_completion is negative (-1)"),
        (row(cost="-0.5"), "cost_total is negative (-0.5)"),
        (row(cost="NaN"), "cost_total NaN is not a number"),
        (row(at="soon"), "created_at 'soon' is not an instant"),
        (row(at="1999-01-01 00:00:00"), "day 1999-01-01 is outside 2015 to 2099"),
        (row(name=""), "generation_id is missing"),
        (row(rest="m,standard"), "the row has another number of fields than the header"),
    ],
)
def test_a_wrong_row_is_set_aside(desk: Any, given: str, reason: str) -> None:
    done = desk.take({"a.csv": table(row("gen-0"), given)})
    assert (done.rows_in, done.rows_typed, desk.reasons()) == (2, 1, [reason])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_recorded_export_and_the_answer_for_one_of_its_calls_agree(desk: Any) -> None:
    [csv] = (EXAMPLES / "openrouter_activity_csv").glob("*.csv")
    desk.take({"a.csv": csv.read_bytes(), "b.json": (EXAMPLES / "openrouter_generation_api/generation.json").read_bytes()})
    columns = (
        "request_id",
        "response_id",
        "started_at",
        "provider",
        "model",
        "input_tokens",
        "cache_read_tokens",
        "output_tokens",
        "reported_cost_usd",
    )
    listed, asked = desk.staged("openrouter_activity_csv").select(columns), desk.staged("openrouter_generation").select(columns)
    assert listed.height == 3
    assert asked.row(0) in listed.rows()
