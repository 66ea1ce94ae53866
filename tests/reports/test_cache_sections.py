"""The sections of caches: what was spared, what could be, and what would wrongly be claimed."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any

import duckdb
import pytest

from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import MINUS, NONE
from meterbook.reports.page import PageFacts, render
from meterbook.reports.sections import prompt_cache, response_cache

Con = duckdb.DuckDBPyConnection
HOSTILE = "<script>alert(1)</script>"
CELL: Mapping[str, Any] = {"day": date(2026, 10, 2), "team": "red", "feature": "chat"}
ANSWERS: Mapping[str, Any] = {
    **CELL, "tenant": "acme", "provider": "openai", "model": "m", "requests": 200, "eligible_requests": 100, "low_repeats": 40,
    "point_repeats": 48, "high_repeats": 50, "late_repeats": 20, "foreign_repeats": 23, "claimed_repeats": 93, "unpriced_repeats": 0,
    "cost_usd": Decimal(400), "low_saving_usd": Decimal(80), "point_saving_usd": Decimal(96), "high_saving_usd": Decimal(100),
    "claimed_usd": Decimal(186), "cache_hits": 20, "foreign_hits": 0, "cache_hit_value_usd": Decimal(30),
}  # fmt: skip
ALIKE: Mapping[str, Any] = {
    **CELL, "tenant": "acme", "requests": 200, "cache_hits": 20, "rated_hits": 8, "wrong_hits": 2, "foreign_hits": 1, "unpriced_hits": 0,
    "cache_hit_value_usd": Decimal(30), "lookup_usd": Decimal(10), "embedding_usd": Decimal(5), "saving_usd": Decimal(15),
}  # fmt: skip
PROMPTS: Mapping[str, Any] = {
    **CELL, "provider": "anthropic", "model": "m", "requests": 100, "input_tokens": 500, "cache_read_tokens": 1500,
    "cache_write_tokens": 1000, "unpriced_requests": 0, "read_saving_usd": Decimal(405), "write_premium_usd": Decimal(75),
    "storage_usd": Decimal(0), "saving_usd": Decimal(330), "low_read_tokens": 0, "point_read_tokens": 10, "high_read_tokens": 10,
    "low_write_tokens": 10, "point_write_tokens": 0, "high_write_tokens": 0, "low_saving_usd": Decimal(-4), "point_saving_usd": Decimal(9),
    "high_saving_usd": Decimal(9),
}  # fmt: skip


def _put(con: Con, table: str, *rows: Mapping[str, Any]) -> None:
    for row in rows:
        con.execute(f"insert into marts.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _shown(con: Con, facts: PageFacts, name: str) -> str:
    found = render("savings", "2026-10", con, facts).split(f'<section id="{name}">')[1].split("</section>")[0]
    assert HOSTILE not in found
    plain = unescape(re.sub(r"<[^>]*>", " ", found.replace("<wbr>", "")))
    return re.sub(r"\s+", " ", plain)


def test_the_claim_without_boundary_and_life_stands_beside_the_truth(empty: Con, facts: PageFacts) -> None:
    _put(empty, "response_cache", ANSWERS)
    text = _shown(empty, facts, "response_cache")
    assert "answered 10.0 % of the calls (20) and spared $30" in text
    assert "100 calls (50.0 %) may be answered again; 48.0 % of these repeat" in text
    assert "would have saved $96 ($80 to $100). Counted whoever asked and however long ago, it would be 93.0 %: not a saving" in text
    assert "20 repeats came later" in text
    assert "23 were asked in time by another tenant only" in text
    assert "similarity" in text


def test_hits_across_tenants_and_repeats_without_a_price_are_said(empty: Con, facts: PageFacts) -> None:
    _put(empty, "response_cache", {**ANSWERS, "foreign_hits": 3, "unpriced_repeats": 1, "feature": HOSTILE})
    text = _shown(empty, facts, "response_cache")
    assert "3 hits answered what only another tenant was seen to ask" in text
    assert "1 repeat without a price in no figure" in text


def test_without_hits_the_gateway_answered_no_call_and_without_questions_the_section_is_quiet(empty: Con, facts: PageFacts) -> None:
    _put(empty, "response_cache", {**ANSWERS, "cache_hits": 0})
    assert "The gateway's own cache answered no call." in _shown(empty, facts, "response_cache")
    empty.execute("update marts.response_cache set eligible_requests = 0")
    assert response_cache.SECTION.build(MonthFrame(empty, "2026-10", facts)) is None


def test_a_semantic_cache_is_net_of_looking_up_with_its_wrong_hits_beside_it(empty: Con, facts: PageFacts) -> None:
    _put(empty, "response_cache", ANSWERS)
    _put(empty, "semantic_cache", ALIKE)
    assert "chat 10.0 % $30 $15 $15 25.0 % of 8 rated 1" in _shown(empty, facts, "response_cache")
    empty.execute("update marts.semantic_cache set embedding_usd = null, saving_usd = null, rated_hits = 0, wrong_hits = 0")
    assert f"chat 10.0 % $30 {NONE} {NONE} none rated 1" in _shown(empty, facts, "response_cache")


def test_a_prompt_cache_is_net_of_writing_and_pays_from_a_number_of_reads(empty: Con, facts: PageFacts) -> None:
    _put(empty, "prompt_cache", PROMPTS)
    text = _shown(empty, facts, "prompt_cache")
    assert "saved $330 net: $405 by reading, less $75 for writing." in text
    # Written .25 of input dearer, read .9 cheaper.
    assert f"50.0 % 1.50 0.28 $330 $9 ({MINUS}$4 to $9)" in text
    assert "Written more than it pays" not in text


def test_a_cache_that_costs_more_than_it_saves_is_named_with_its_sign(empty: Con, facts: PageFacts) -> None:
    _put(
        empty,
        "prompt_cache",
        {**PROMPTS, "read_saving_usd": Decimal(5), "storage_usd": Decimal(2), "saving_usd": Decimal(-72), "unpriced_requests": 1},
    )
    text = _shown(empty, facts, "prompt_cache")
    assert f"saved {MINUS}$72 net: $5 by reading, less $75 for writing and $2 for keeping" in text
    assert f"Written more than it pays: chat on m ({MINUS}$72)." in text
    assert "1 call without a known price" in text


@pytest.mark.parametrize(
    "change", [{"cache_write_tokens": 0}, {"cache_read_tokens": 0}, {"write_premium_usd": None}, {"read_saving_usd": Decimal(0)}]
)
def test_where_nothing_is_read_or_written_there_is_no_number_that_pays(change: Mapping[str, Any]) -> None:
    assert prompt_cache.break_even({**PROMPTS, **change}) is None


def test_without_caches_and_repeated_prefixes_the_section_is_quiet(empty: Con, facts: PageFacts) -> None:
    _put(empty, "prompt_cache", {**PROMPTS, "cache_read_tokens": 0, "cache_write_tokens": 0, "point_read_tokens": 0})
    assert prompt_cache.SECTION.build(MonthFrame(empty, "2026-10", facts)) is None
