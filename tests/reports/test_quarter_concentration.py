"""Concentration on the quarterly page: shares, the index, how they moved, credits, and what a price rise costs."""

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.reports.concentration import Concentration
from meterbook.reports.figures import PageFacts
from meterbook.reports.numbers import MINUS, NBSP, NONE
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.sections.quarter_concentration import SECTION

Con = duckdb.DuckDBPyConnection
NOW, BEFORE = date(2026, 10, 20), date(2026, 7, 20)
USAGE = "Model usage"
HOSTILE = "<script>alert(1)</script>\N{RIGHT-TO-LEFT OVERRIDE}" + "n" * 140


def _cost(con: Con, provider: str, usd: str, *, model: str = "gpt-5", line: str = USAGE, day: date = NOW, team: str = "sales") -> None:
    con.execute("insert into marts.vendor_cost values (?, ?, ?, ?, ?)", [day, provider, model, line, Decimal(usd)])
    con.execute("insert into marts.cost values (?, ?, ?, '(none)', '(none)', ?)", [day, line, team, Decimal(usd)])


def _build(con: Con, facts: PageFacts) -> Any:
    return SECTION.build(QuarterFrame(con, "2026-Q4", facts))


def _lead(con: Con, facts: PageFacts) -> str:
    return " ".join(_build(con, facts)["lead"]).replace(NBSP, " ")


def test_a_quarter_without_cost_says_so(empty: Con, facts: PageFacts) -> None:
    assert _build(empty, facts) is None
    _cost(empty, "openai", "5", day=BEFORE)
    assert _build(empty, facts) is None


def test_the_largest_of_each_has_its_share_and_a_first_quarter_is_held_against_nothing(empty: Con, facts: PageFacts) -> None:
    _cost(empty, "openai", "75")
    _cost(empty, "anthropic", "25", model="claude", team="legal")
    found = _build(empty, facts)
    assert _lead(empty, facts).startswith(
        "openai has 75.0 % of what providers of models cost. gpt-5 has 75.0 % of what calls cost. sales has 75.0 % of all cost."
    )
    [provider, model, team] = found["rows"]
    assert (provider["index"], provider["number"], provider["of"], provider["moved"]) == ("6,250", "1.6", "2", NONE)
    assert (provider["change"], provider["level"]) == (NONE, "highly concentrated")
    assert (model["top"], team["top"]) == ("gpt-5", "sales")


@pytest.mark.parametrize(
    ("before", "said", "change"),
    [
        (("50", "50"), "up from 50.0 %", "+25.0 pts"),
        (("90", "10"), "down from 90.0 %", f"{MINUS}15.0 pts"),
        (("75.2", "24.8"), "as before (75.2 %)", f"{MINUS}0.2 pts"),
        (("0", "10"), "from nothing", "+75.0 pts"),
    ],
)
def test_a_share_rises_falls_or_holds_against_the_same_days_of_the_quarter_before(
    empty: Con, facts: PageFacts, before: tuple[str, str], said: str, change: str
) -> None:
    for usd, provider in zip(("75", "25"), ("openai", "anthropic"), strict=True):
        _cost(empty, provider, usd)
    for usd, provider in zip(before, ("openai", "anthropic"), strict=True):
        _cost(empty, provider, usd, day=BEFORE)
    assert f"openai has 75.0 % of what providers of models cost, {said}." in _lead(empty, facts)
    row = _build(empty, facts)["rows"][0]
    assert row["change"].replace(NBSP, " ") == change
    was = Concentration({str(place): Decimal(usd) for place, usd in enumerate(before)}).index or Decimal(0)
    assert row["moved"] == f"{6250 - was:+,.0f}".replace("-", MINUS)


def test_one_provider_alone_is_said_plainly(empty: Con, facts: PageFacts) -> None:
    _cost(empty, "openai", "100")
    assert "openai is the only provider: all of what providers of models cost hangs on it." in _lead(empty, facts)
    row = _build(empty, facts)["rows"][0]
    assert (row["index"], row["number"]) == ("10,000", "1.0")


def test_a_name_whose_credits_outweigh_its_cost_has_no_share_and_the_others_stay_below_all(empty: Con, facts: PageFacts) -> None:
    _cost(empty, "openai", "60")
    _cost(empty, "google", "40", model="gemini")
    _cost(empty, "azure", "10", model="gpt-4")
    _cost(empty, "azure", "-500", model="(none)", line="Credit")
    found = _build(empty, facts)
    assert _lead(empty, facts).startswith("openai has 60.0 % of what providers of models cost")
    assert f"Credits outweigh the cost of provider azure ({MINUS}$490): no share." in found["notes"]
    assert (
        f"Commitments, allowances and what bills say beyond prices, {MINUS}$500, are of their provider and of no model." in found["notes"]
    )
    [chart, *_] = found["charts"]
    assert [row[0] for row in chart.rows] == ["openai", "google", "All that have a share"]


def test_nothing_but_credits_is_no_concentration(empty: Con, facts: PageFacts) -> None:
    _cost(empty, "openai", "-5", line="Credit", model="(none)")
    assert _build(empty, facts) is None


def test_a_price_rise_costs_a_tenth_of_what_is_billed_by_use_and_commitments_keep_their_price(empty: Con, facts: PageFacts) -> None:
    # Through 25 October the quarter has 25 days; data from its first on.
    _cost(empty, "openai", "1000", day=date(2026, 10, 1))
    assert "If openai raised its prices by 10 %, today's use would cost $1,460 a year more." in _lead(empty, facts)
    _cost(empty, "openai", "400", model="(none)", line="Commitment used")
    _cost(empty, "openai", "100", model="(none)", line="Commitment unused")
    said = "would cost $1,460 a year more; $500 of commitments in these days keep their price to their end."
    assert said in _lead(empty, facts)
    empty.execute("delete from marts.vendor_cost where line = ?", [USAGE])
    assert "A price rise of openai would cost nothing before its commitments end." in _lead(empty, facts)


def test_a_huge_outlier_and_many_small_names_are_told_by_name_and_together(empty: Con, facts: PageFacts) -> None:
    _cost(empty, "openai", "900000")
    for number in range(60):
        _cost(empty, f"small-{number:02}", "1", model=f"m{number:02}", team=f"team {number:02}")
    found = _build(empty, facts)
    [chart, *_] = found["charts"]
    assert chart.rows[0][:3] == ("openai", "$900,000", f"100.0{NBSP}%")
    assert chart.rows[25] == ("36 more", "$36", f"0.0{NBSP}%", NONE, NONE)
    assert chart.label.replace(NBSP, " ").endswith("57 more 0.0 %")
    assert found["rows"][0]["of"] == "61"


def test_hostile_names_are_text_in_the_figure_too(empty: Con, facts: PageFacts) -> None:
    _cost(empty, HOSTILE, "10", model=HOSTILE, team=HOSTILE)
    _cost(empty, "openai", "5", model="x", team="y")
    for chart in _build(empty, facts)["charts"]:
        assert "<" not in chart.json
        assert "<script" not in str(chart.figure)


def test_shares_and_dollars_are_those_of_the_marts(empty: Con, facts: PageFacts) -> None:
    for number in range(5):
        _cost(empty, f"p{number}", f"{number + 1}00.000000000001", day=date(2026, 10, number + 1))
    _cost(empty, "p1", "1", day=date(2026, 10, 26))
    found = _build(empty, facts)
    query = "select cast(sum(cost_usd) as integer) from marts.vendor_cost where day >= '2026-10-01' and day < '2026-10-26'"
    [(whole,)] = empty.execute(query).fetchall()
    assert [row[1] for row in found["charts"][0].rows if row[0] == "All that have a share"] == [f"${whole:,}"]
    assert "marts.vendor_cost, 5 rows" in found["charts"][0].how


@given(st.lists(st.decimals(min_value="-1e6", max_value="1e9", places=6), min_size=1, max_size=12))
@examples(30)
def test_the_index_lies_between_that_of_equal_parts_and_one_name_alone(amounts: list[Decimal]) -> None:
    found = Concentration({str(place): usd for place, usd in enumerate(amounts)})
    positive = [usd for usd in amounts if usd > 0]
    if not positive:
        assert (found.index, found.top, found.share("0"), found.level) == (None, None, None, "unknown")
        return
    assert found.index is not None
    assert Decimal(9999) / len(positive) <= found.index <= Decimal("10000.0001")
    shares = [found.share(str(place)) or Decimal(0) for place in range(len(amounts))]
    assert sum(shares) == pytest.approx(Decimal(1))
    assert all(0 <= share <= 1 for share in shares)


@pytest.mark.parametrize(
    ("names", "level"), [(1, "highly concentrated"), (5, "highly concentrated"), (6, "moderately concentrated"), (11, "not concentrated")]
)
def test_the_level_is_that_of_the_guidelines(names: int, level: str) -> None:
    assert Concentration({str(number): Decimal(1) for number in range(names)}).level == level
