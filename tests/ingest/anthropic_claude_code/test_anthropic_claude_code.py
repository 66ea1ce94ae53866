"""Claude Code analytics."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/anthropic_claude_code"


def record(**given: Any) -> dict[str, Any]:
    shape = {
        "date": "2026-10-01T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": "dev@example.com"},
        "customer_type": "api",
        "core_metrics": {"num_sessions": 5},
        "tool_actions": {},
        "model_breakdown": [],
    }
    return {**shape, **given}


def page(*records: dict[str, Any], **given: Any) -> str:
    return json.dumps({"data": records, **given})


def cost(amount: Any, currency: str = "USD") -> list[dict[str, Any]]:
    return [{"model": "m", "tokens": {"input": 1}, "estimated_cost": {"currency": currency, "amount": amount}}]


def signals(desk: Any) -> dict[tuple[str, str | None], Decimal]:
    return {
        (name, label): value for name, label, value in desk.staged("anthropic_claude_code").select("signal", "label", "value").iter_rows()
    }


def test_every_figure_of_a_day_is_a_signal_and_cents_become_dollars(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"page.json": json.dumps({"data": json.loads(sample("sample.json"))["data"][:1]})})
    assert (done.rows_in, done.quarantined) == (10, 0)
    assert signals(desk) == {
        ("claude_code_sessions", None): 5,
        ("claude_code_commits", None): 3,
        ("claude_code_pull_requests", None): 1,
        ("claude_code_lines_added", None): 150,
        ("claude_code_lines_removed", None): 40,
        ("claude_code_edits_accepted", "edit_tool"): 45,
        ("claude_code_edits_rejected", "edit_tool"): 5,
        ("claude_code_edits_accepted", "write_tool"): 8,
        ("claude_code_edits_rejected", "write_tool"): 0,
        ("claude_code_api_estimate_usd", "claude-sonnet-4-5-20250929"): Decimal("0.85"),
    }


def test_estimates_of_subscriptions_are_told_from_those_of_api_customers(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"page.json": sample("sample.json")})
    estimates = desk.staged("anthropic_claude_code").filter(pl.col("signal").str.ends_with("_usd")).sort("value")
    assert estimates.select("signal", "value").rows() == [
        ("claude_code_subscription_estimate_usd", Decimal("0.0425")),
        ("claude_code_api_estimate_usd", Decimal("0.85")),
    ]


def test_no_token_and_no_money_of_it_is_counted_beside_the_usage_report(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"page.json": sample("sample.json")})
    raw = desk.raw("anthropic_claude_code").columns
    assert not [name for name in raw if "tokens" in name or "cost" in name]
    assert desk.staged("anthropic_claude_code").height == desk.raw("anthropic_claude_code").height


def test_people_with_the_same_figures_are_not_copies_of_each_other(desk: Any) -> None:
    other = {"type": "user_actor", "email_address": "ops@example.com"}
    desk.take({"a.json": page(record(), record(actor=other), record(terminal_type="vscode"), record(customer_type="subscription"))})
    assert desk.staged("anthropic_claude_code").select("value", "copies").rows() == [(5, 1)] * 4


def test_a_day_fetched_again_counts_once_at_its_larger_figure(desk: Any) -> None:
    desk.take({"a.json": page(record()), "b.json": page(record(core_metrics={"num_sessions": 7}))})
    assert desk.staged("anthropic_claude_code").select("value", "copies").rows() == [(7, 2)]


@pytest.mark.parametrize(
    "save",
    [
        lambda one, two: json.dumps([{"data": [one]}, {"data": [two]}]),
        lambda one, two: f"{page(one)}\n{page(two)}\n",
        lambda one, two: json.dumps([one, two]),
        lambda one, two: f"{json.dumps(one)}\n{json.dumps(two)}\n",
    ],
    ids=["list of pages", "JSON lines of pages", "bare records", "JSON lines of records"],
)
def test_every_way_to_save_pages_gives_the_same_signals(desk: Any, save: Callable[..., str]) -> None:
    desk.take({"saved.json": save(record(), record(date="2026-10-02"))})
    found = desk.staged("anthropic_claude_code").sort("day")
    assert [(str(day), value) for day, value in found.select("day", "value").rows()] == [("2026-10-01", 5), ("2026-10-02", 5)]


def test_a_page_without_its_successor_is_flagged(desk: Any) -> None:
    done = desk.take({"a.json": page(record(), has_more=True)})
    assert [flag for _, flag in done.flagged] == ["has more pages, and none of them is in the inbox"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"core_metrics": {}}, "not a result: holds no figure"),
        ({"core_metrics": [1]}, "not a result: 'list' object has no attribute 'get'"),
        ({"core_metrics": {"num_sessions": 1.5}}, "not a result: num_sessions 1.5 is not a whole number"),
        ({"core_metrics": {"num_sessions": -1}}, "claude_code_sessions is negative (-1.000000)"),
        ({"model_breakdown": cost(1, "EUR")}, "not a result: estimated in EUR; only USD is read"),
        ({"model_breakdown": cost(None)}, "not a result: estimated_cost None is not an amount"),
        ({"model_breakdown": cost(1), "customer_type": "trial"}, "not a result: customer_type trial is neither api nor subscription"),
        ({"actor": {"email_address": 4}}, "not a result: email_address 4 is not text"),
        ({"date": "soon"}, "not a result: Invalid isoformat string: 'soon'"),
        ({"date": None}, "not a result: the time of the bucket is missing"),
        ({"date": "1999-01-01"}, "day 1999-01-01 is outside 2015 to 2099"),
    ],
)
def test_a_wrong_record_is_set_aside(desk: Any, given: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.json": page(record(), record(**given))})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_recorded_page_is_read_whole(desk: Any) -> None:
    done = desk.take({"page.json": (EXAMPLES / "page.json").read_bytes()})
    assert (done.refused, done.quarantined, done.rows_typed) == ([], 0, done.rows_in)
    accepted = desk.staged("anthropic_claude_code").filter(pl.col("signal") == "claude_code_edits_accepted")
    assert accepted["value"].sum() == 45 + 12 + 8 + 3 + 1
