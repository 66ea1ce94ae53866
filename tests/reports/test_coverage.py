"""How much has a price: exact at the threshold, never said to be better than it is, and with what to do about the rest."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.reports.coverage import Coverage, Measure, shown
from meterbook.reports.page import PageFacts, QualityFacts, render
from meterbook.sql.models import Columns
from meterbook.sql.schemas import empty_table

Con = duckdb.DuckDBPyConnection
DAY = date(2026, 10, 5)
USED: dict[str, Any] = {
    "day": DAY, "source": "gw", "provider": "openai", "model": "gpt-5", "served_tier": "standard", "reason": "priced", "requests": 98,
    "tokens": 9800, "reported_cost_usd": 1, "cost_usd": 1, "estimated_requests": 0, "estimated_tokens": 0, "estimated_cost_usd": 0,
}  # fmt: skip
LACKING: dict[str, Any] = {
    **USED,
    "provider": "acme",
    "model": "x",
    "reason": "no model",
    "requests": 2,
    "tokens": 200,
    "cost_usd": None,
    "reported_cost_usd": None,
}
TRIED: dict[str, Any] = {
    "day": DAY, "provider": "openai", "model": "gpt-5", "feature": "chat", "operations": 8, "retried_operations": 1, "attempts": 10,
    "failed_attempts": 2, "cost_usd": 10, "repeated_attempt_cost_usd": 3, "failed_attempt_cost_usd": 4, "uncertain_cost_usd": 1,
    "cache_hits": 1, "cache_hit_value_usd": 2,
}  # fmt: skip


@pytest.fixture
def con(shapes: dict[str, Columns]) -> Iterator[Con]:
    with duckdb.connect() as con:
        for name, shape in shapes.items():
            empty_table(con, name, shape)
        yield con


def _put(con: Con, table: str, *rows: dict[str, Any]) -> None:
    for row in rows:
        con.execute(f"insert into marts.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _section(con: Con, target: str = "0.98") -> str:
    facts = QualityFacts(company="Acme", data_through=DAY, refused=[], rules=[], coverage_target=Decimal(target))
    return render("quality", "index", con, facts).split('<section id="coverage">')[1].split("</section>")[0]


def _short_of(found: Coverage, target: Decimal) -> Measure | None:
    return found.lowest if found.lowest and found.lowest.misses(target) else None


def test_what_meets_the_target_exactly_is_enough_and_a_token_less_is_not(con: Con) -> None:
    _put(con, "priced_use", USED, LACKING)
    assert _short_of(Coverage(con), Decimal("0.98")) is None
    con.execute("update marts.priced_use set tokens = tokens + 1 where model = 'x'")
    assert _short_of(Coverage(con), Decimal("0.98")) == Measure("tokens", Decimal(9800), Decimal(10001))


def test_the_lowest_of_tokens_requests_and_reported_dollars_counts(con: Con) -> None:
    _put(con, "priced_use", USED, {**LACKING, "requests": 50, "tokens": 0})
    assert _short_of(Coverage(con), Decimal("0.98")) == Measure("requests", Decimal(98), Decimal(148))
    con.execute("update marts.priced_use set reported_cost_usd = 9 where model = 'x'")
    assert _short_of(Coverage(con), Decimal("0.98")) == Measure("reported dollars", Decimal(1), Decimal(10))


def test_what_there_is_none_of_is_no_measure(con: Con) -> None:
    assert Coverage(con).measures == []
    assert _short_of(Coverage(con), Decimal(1)) is None
    _put(con, "priced_use", {**USED, "tokens": 0, "reported_cost_usd": None})
    assert [one.name for one in Coverage(con).measures] == ["requests"]


def test_only_days_of_the_period_count(con: Con) -> None:
    _put(con, "priced_use", USED, {**LACKING, "day": date(2026, 10, 6)})
    assert _short_of(Coverage(con, DAY, date(2026, 10, 6)), Decimal(1)) is None
    assert _short_of(Coverage(con, DAY, date(2026, 10, 7)), Decimal(1)) is not None


def test_what_lacks_a_price_is_ranked_by_its_share_of_anything_and_told_what_to_do(con: Con) -> None:
    _put(
        con,
        "priced_use",
        {**USED, "requests": 90, "tokens": 900},
        {**LACKING, "requests": 1, "tokens": 60},
        {**LACKING, "reason": "no tier", "provider": "openai", "model": "gpt-5", "served_tier": "flex", "requests": 9, "tokens": 10},
        {**LACKING, "reason": "no tokens", "provider": "(none)", "model": "(none)", "requests": 0, "tokens": 0, "reported_cost_usd": 3},
        {**LACKING, "reason": "no date", "model": "old", "requests": 0, "tokens": 30},
    )
    told = [line.split(": ", 2) for line in Coverage(con).lines()]
    assert [(reason, what) for reason, what, _ in told] == [
        ("no tokens", "a call without a model, 75.00 % of reported dollars"),
        ("no tier", "gpt-5 of openai, 9.00 % of requests"),
        ("no model", "x of acme, 6.00 % of tokens"),
        ("no date", "old of acme, 3.00 % of tokens"),
    ]
    assert [advice for _, _, advice in told] == [
        "its log counts no tokens: log usage with every answer, or map what the provider reports",
        "its card needs a rate of tier flex",
        "a rate card for it in rate_cards/ prices it; `meterbook prices seed --provider acme` writes those that are known",
        "its card needs a rate that holds on 2026-10-05",
    ]


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_share_is_never_said_to_be_better_than_it_is(part: int, whole: int) -> None:
    share = Decimal(min(part, whole)) / whole
    assert Decimal(shown(share).removesuffix(" %")) <= share * 100
    assert Decimal(shown(share, up=True).removesuffix(" %")) >= share * 100


@pytest.mark.parametrize(("share", "text"), [("0.97999999", "97.99 %"), ("1", "100.00 %"), ("0", "0.00 %"), ("0.999999", "99.99 %")])
def test_shares_are_cut(share: str, text: str) -> None:
    assert shown(Decimal(share)) == text


def test_the_quality_page_shows_measures_reasons_estimates_and_failed_calls_as_a_range(con: Con) -> None:
    _put(
        con,
        "priced_use",
        {**USED, "estimated_requests": 3, "estimated_tokens": 490, "estimated_cost_usd": "0.1"},
        {**LACKING, "tokens": 4200},
    )
    _put(con, "attempt_use", TRIED)
    made = _section(con)
    assert '<td class="over">70.00 %</td><td>14,000</td>' in made
    assert "<td>98.00 %</td><td>100</td>" in made
    assert "less than 98.00 % of any of these has a price is not published" in made
    assert "x of acme" in made
    assert "Estimated, not measured: 3 requests whose logs count no tokens: 3.50 % of tokens and 10.00 % of model cost." in made
    assert "2 failed calls cost $3.00 to $4.00, for of some it is not known whether they are billed." in made
    assert "1 operation took more than one attempt: $3.00 beyond the first." in made
    assert "The gateway answered 1 call from its own cache, worth $2.00." in made


def test_the_page_is_quiet_where_nothing_was_used_and_short_where_all_has_a_price(con: Con) -> None:
    assert "Nothing that was used needs a price." in _section(con)
    _put(con, "priced_use", USED)
    made = _section(con)
    assert "Without a price" not in made
    assert 'class="over"' not in made


def test_the_weekly_page_says_what_is_priced_and_what_is_estimated(lake: Con, facts: PageFacts, weekly: str) -> None:
    closing = weekly.split('<section id="closing">')[1]
    assert "98.8\N{NO-BREAK SPACE}% of requests, 88.6\N{NO-BREAK SPACE}% of tokens" in closing
    assert "Estimated" not in closing
    lake.execute("update marts.coverage set estimated_requests = 7, estimated_tokens = 4900 where reason = 'priced'")
    closing = render("weekly", "2026-W43", lake, facts).split('<section id="closing">')[1]
    shares = "0.1\N{NO-BREAK SPACE}% of requests and under 0.1\N{NO-BREAK SPACE}% of tokens"
    assert f"{shares}: the usual of the day, where a log counts none" in closing


def test_calls_without_tokens_are_no_matter_of_a_rate_card(lake: Con, facts: PageFacts) -> None:
    assert "Add a rate card (no model): 420 requests" in render("weekly", "2026-W43", lake, facts)
    lake.execute("update marts.coverage set reason = 'no tokens' where reason = 'no model'")
    assert "Have logs count tokens: 420 requests" in render("weekly", "2026-W43", lake, facts)


def test_a_hostile_name_of_a_model_is_text(con: Con) -> None:
    _put(con, "priced_use", USED, {**LACKING, "model": "<script>alert(1)</script>\nx", "provider": '"><img src=x>'})
    made = _section(con)
    assert "<script>" not in made
    assert "<img" not in made
    assert "\nx of" not in next(iter(Coverage(con).lines()))


def test_of_many_things_without_a_price_the_largest_are_shown_and_the_rest_counted(con: Con) -> None:
    _put(con, "priced_use", USED, *({**LACKING, "model": f"m{n:02d}", "requests": 0, "tokens": 100 + n} for n in range(20)))
    made = _section(con)
    assert "m19 of acme" in made
    assert "m04 of acme" not in made
    assert "And 5 more" in made
