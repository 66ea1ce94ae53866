"""The sections of the levers of tokens: caps, prompts, retries, batch and micro-batch."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from meterbook.reports.lever_text import spread
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import NONE
from meterbook.reports.page import PageFacts, render
from meterbook.reports.section import Section
from meterbook.reports.sections import batch_use, micro_batch, output_use, prompt_growth, retry_waste

Con = duckdb.DuckDBPyConnection
FIRST = date(2026, 10, 1)
HOSTILE = "<script>alert(1)</script>"
CELL: Mapping[str, Any] = {"day": FIRST, "feature": "chat", "provider": "openai", "model": "m"}
SAVING: Mapping[str, Any] = {"low_saving_usd": Decimal(-20), "point_saving_usd": Decimal(5), "high_saving_usd": Decimal(30)}
OUTPUT: Mapping[str, Any] = {
    **CELL, **SAVING, "requests": 500, "median_tokens": 90, "p95_tokens": 400, "p995_tokens": 1200, "cap_tokens": 1200, "is_stated": False,
    "asked_cap_tokens": 4096, "truncated_requests": 3, "asked_again_requests": 1, "truncated_cost_usd": Decimal(6),
    "asked_again_cost_usd": Decimal(2), "over_cap_requests": 2, "unpriced_requests": 0,
}  # fmt: skip
FAILED: Mapping[str, Any] = {
    **CELL, **SAVING, "low_saving_usd": Decimal(1), "error_class": "Timeout", "failed_attempts": 40, "repeated_attempts": 9,
    "paid_attempts": 40, "unpriced_attempts": 0, "beyond_attempts": 2, "cost_usd": Decimal(30), "uncertain_cost_usd": Decimal(12),
}  # fmt: skip
TIER: Mapping[str, Any] = {
    **CELL, "low_saving_usd": Decimal(0), "point_saving_usd": Decimal(8), "high_saving_usd": Decimal(10), "served_tier": "standard",
    "requests": 100, "eligible_requests": 40, "compared_requests": 0, "cost_usd": Decimal(80), "eligible_cost_usd": Decimal(20),
}  # fmt: skip
LANE: Mapping[str, Any] = {
    **TIER, "served_tier": "priority", "eligible_requests": 0, "compared_requests": 100, "cost_usd": Decimal(20),
    "point_saving_usd": Decimal(0), "high_saving_usd": Decimal(0), "eligible_cost_usd": Decimal(0), "standard_cost_usd": Decimal(10),
    "difference_usd": Decimal(-10),
}  # fmt: skip
PROMPT: Mapping[str, Any] = {
    **CELL, "requests": 10, "prompt_tokens": 1500, "usual_milli_tokens": 100_000, "excess_tokens": 500, "excess_cost_usd": Decimal(7),
    "context_requests": 0, "context_tokens": 0, "context_known_tokens": 0, "prefix_requests": 0, "repeated_requests": 0,
    "repeated_tokens": 0, "repeated_cost_usd": Decimal(0),
}  # fmt: skip
WINDOW: Mapping[str, Any] = {
    "day": FIRST, "pool": "serve", "model": "llama", "window_ms": 50, "calls": 100, "batches": 40, "calls_saved": 60, "largest_batch": 7,
    "added_p50_ms": 31, "added_p95_ms": 50,
}  # fmt: skip
SECTIONS = (output_use, prompt_growth, retry_waste, batch_use, micro_batch)


def _put(con: Con, table: str, *rows: Mapping[str, Any]) -> None:
    for row in rows:
        con.execute(f"insert into marts.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _built(section: Section[MonthFrame], con: Con, facts: PageFacts) -> Any:
    return section.build(MonthFrame(con, "2026-10", facts))


def _shown(con: Con, facts: PageFacts, name: str) -> str:
    found = render("savings", "2026-10", con, facts).split(f'<section id="{name}">')[1].split("</section>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", found.replace("<wbr>", "").replace("\N{NO-BREAK SPACE}", " ")))


def test_a_month_without_calls_has_five_quiet_lines(empty: Con, facts: PageFacts) -> None:
    assert [_built(module.SECTION, empty, facts) for module in SECTIONS] == [None] * len(SECTIONS)
    page = render("savings", "2026-10", empty, facts)
    assert all(module.SECTION.empty in page for module in SECTIONS)


def test_a_name_of_a_feature_is_text_and_not_markup(empty: Con, facts: PageFacts) -> None:
    hostile = {"feature": HOSTILE, "model": HOSTILE}
    _put(empty, "output_use", {**OUTPUT, **hostile})
    _put(empty, "prompt_growth", {**PROMPT, **hostile, "prefix_requests": 2, "day": date(2026, 10, 9), "rose_on": FIRST})
    _put(empty, "retry_waste", {**FAILED, **hostile, "error_class": HOSTILE})
    _put(empty, "batch_use", {**TIER, **hostile}, {**LANE, **hostile})
    _put(empty, "micro_batch", {**WINDOW, "model": HOSTILE, "pool": HOSTILE})
    assert HOSTILE not in render("savings", "2026-10", empty, facts)


def test_a_cap_that_may_cost_more_than_it_saves_is_shown_with_its_minus(empty: Con, facts: PageFacts) -> None:
    unknown = {**OUTPUT, "feature": "rare", "truncated_requests": 0, **dict.fromkeys((*SAVING, "cap_tokens", "p995_tokens"))}
    _put(empty, "output_use", OUTPUT, {**OUTPUT, "day": date(2026, 10, 2), "cap_tokens": 1300, "is_stated": True}, unknown)
    found = _built(output_use.SECTION, empty, facts)
    assert found["saving"] == "$10 (\N{MINUS SIGN}$40 to $60)"
    assert [(row["feature"], row["cap"], row["saving"]) for row in found["rows"]] == [
        ("chat", "1,300 (stated)", found["saving"]),
        ("rare", NONE, NONE),
    ]
    text = _shown(empty, facts, "output_use")
    assert "6 answers were cut off and cost $18; 3 of them are known to have been asked for again, so that $6 bought nothing." in text
    assert "Of 1 pair of feature and model no cap is told" in text


def test_failed_attempts_have_a_range_and_what_may_not_be_billed(empty: Con, facts: PageFacts) -> None:
    _put(
        empty, "retry_waste", FAILED, {**FAILED, "error_class": "503", "cost_usd": None, "unpriced_attempts": 4, **dict.fromkeys(SAVING, 0)}
    )
    text = _shown(empty, facts, "retry_waste")
    assert "80 attempts failed and cost $30, of which $24 may not be billed. A retry policy would have spared $5 ($1 to $30)." in text
    assert "4 attempts without a price in no figure." in text


def test_what_could_go_by_batch_and_what_lanes_cost_are_apart(empty: Con, facts: PageFacts) -> None:
    _put(empty, "batch_use", TIER, LANE, {**LANE, "served_tier": "batch", "standard_cost_usd": Decimal(50), "difference_usd": Decimal(30)})
    found = _built(batch_use.SECTION, empty, facts)
    assert (found["eligible"], found["saving"]) == ("$20", "$8 ($0 to $10)")
    assert {(row["tier"], row["standard"], row["difference"]) for row in found["lanes"]} == {
        ("priority", "$10", "+$10"),
        ("batch", "$50", "\N{MINUS SIGN}$30"),
    }
    assert "Against the standard tier, cheaper tiers saved $30 and dearer ones cost $10 more." in _shown(empty, facts, "batch_use")


def _grown(days: Sequence[int], rose: int) -> list[dict[str, Any]]:
    return [{**PROMPT, "day": date(2026, 10, day), "rose_on": date(2026, 10, rose)} for day in days]


def test_a_rise_is_shown_once_it_has_held_three_days_with_what_it_cost_since(empty: Con, facts: PageFacts) -> None:
    _put(empty, "prompt_growth", {**PROMPT, "day": date(2026, 10, 4), "excess_cost_usd": Decimal(50)}, *_grown((5, 6), 5))
    assert _built(prompt_growth.SECTION, empty, facts)["rises"] == []
    _put(empty, "prompt_growth", *_grown((7,), 5))
    [row] = _built(prompt_growth.SECTION, empty, facts)["rises"]
    assert (row["usual"], row["now"], row["since"], row["cost"]) == ("100", "150", "5 October", "$21")


def test_instructions_sent_again_and_context_are_shown_where_they_are_logged(empty: Con, facts: PageFacts) -> None:
    _put(empty, "prompt_growth", PROMPT)
    assert _built(prompt_growth.SECTION, empty, facts)["parts"] == []
    told = {"prefix_requests": 9, "repeated_requests": 8, "repeated_tokens": 640, "repeated_cost_usd": Decimal(4)}
    context = {"context_requests": 10, "context_tokens": 300, "context_known_tokens": 1200}
    _put(empty, "prompt_growth", {**PROMPT, "day": FIRST + timedelta(days=1), **told, **context})
    [row] = _built(prompt_growth.SECTION, empty, facts)["parts"]
    assert (row["context"].replace("\N{NO-BREAK SPACE}", " "), row["sent"], row["tokens"], row["cost"]) == ("25.0 %", "8", "640", "$4")


def test_no_throughput_is_claimed_without_a_curve_and_no_batch_without_exact_arrivals(empty: Con, facts: PageFacts) -> None:
    coarse = {name: None for name in WINDOW if name not in {"day", "pool", "model", "window_ms", "calls"}}
    _put(empty, "micro_batch", WINDOW, {**WINDOW, **coarse, "model": "qwen", "unknown_reason": "arrivals are logged in whole seconds"})
    text = _shown(empty, facts, "micro_batch")
    assert "llama serve 50 ms 2.50 7 60.0 % 31 / 50 ms \N{EN DASH}" in text
    assert "Of 100 calls of qwen it is not known: arrivals are logged in whole seconds." in text
    assert "no curve was measured" in text
    _put(empty, "micro_batch", {**WINDOW, "day": FIRST + timedelta(days=1), "gain_ratio": 0.25})
    assert "+25.0 %" in _shown(empty, facts, "micro_batch")


@pytest.mark.parametrize(
    ("estimates", "said"),
    [((1, 2, 3), "$2 ($1 to $3)"), ((2, 2, 2), "$2"), ((None, 2, 3), NONE), ((-3, 0, 0), "$0 (\N{MINUS SIGN}$3 to $0)")],
)
def test_a_range_is_said_only_where_its_ends_differ(estimates: Sequence[int | None], said: str) -> None:
    low, point, high = (None if value is None else Decimal(value) for value in estimates)
    assert spread(low, point, high) == said
