import json
import re
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from meterbook.reports.causes import ACTIONS, BILLED, REPORTED, UNEXPLAINED, listed, ranked
from meterbook.reports.numbers import head
from meterbook.reports.page import PageFacts, render
from meterbook.reports.sections.reconciliation import sentence

WEEK, DAY = "2026-W43", "2026-10-20"
Con = duckdb.DuckDBPyConnection
D = Decimal
LESS, QUOTED = "\N{MINUS SIGN}", "\N{LEFT DOUBLE QUOTATION MARK}logged, not billed\N{RIGHT DOUBLE QUOTATION MARK}"
ONE, SEVERAL = "The largest cause is tier (+$1).", f"The largest causes are not logged (+$5) and batch ({LESS}$2)."
EVEN, NOTHING = f"The largest causes are batch ({LESS}$3) and tier (+$3).", "Nothing is left unexplained."


@pytest.fixture
def lake(lake: Con) -> Con:
    """The company before any bill came."""
    lake.execute("delete from marts.reconciliation_cell; delete from marts.reconciliation_cause")
    return lake


def _put(con: Con, table: str, **row: Any) -> None:
    con.execute(f"insert into marts.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _cell(con: Con, billed: str | None, computed: str, *, day: str = DAY, reported: str | None = None, held: str | None = None) -> None:
    figures = {"billed_usd": billed, "computed_usd": computed, "held_against_bill_usd": (held or computed) if billed else None}
    difference = D(billed) - D(held or computed) if billed else None
    told = {"reported_usd": reported, "held_against_report_usd": computed if reported else None}
    _put(
        con, "reconciliation_cell", day=day, provider="openai", model="m", key="p", **figures, billed_minus_computed_usd=difference, **told
    )


def _cause(con: Con, cause: str, usd: str, comparison: str = BILLED, **where: str) -> None:
    place = {"day": DAY, "provider": "openai", "model": "gpt-5", "key": "proj_a", **where}
    _put(con, "reconciliation_cause", **place, comparison=comparison, cause=cause, amount_usd=D(usd))


def _section(made: str) -> str:
    return made.split('<section id="reconciliation">')[1].split("</section>")[0]


def test_without_a_bill_the_section_is_a_quiet_line(lake: Con, facts: PageFacts) -> None:
    _cell(lake, None, "100")
    _cell(lake, "100", "100", day="2026-10-12")
    assert '<p class="quiet">No bill covers these days yet.</p>' in _section(render("weekly", WEEK, lake, facts))


@pytest.mark.parametrize(
    ("billed", "causes", "said"),
    [
        ("1000", {}, ", exactly what we computed."),
        ("1002", {"tier": "2"}, ", $2 more than the $1,000 we computed. All of it is tier."),
        ("998", {"logged, not billed": "-2"}, f", $2 less than the $1,000 we computed. All of it is {QUOTED}."),
        ("1000.2", {"rounding": "0.2"}, ", under $1 more than the $1,000 we computed. All of it is rounding."),
        ("1004", {"tier": "1", "not logged": "5", "batch": "-2"}, f", $4 more than the $1,000 we computed. {SEVERAL} {NOTHING}"),
        ("1004", {"tier": "1", UNEXPLAINED: "3"}, f", $4 more than the $1,000 we computed. {ONE} $3 is unexplained."),
        ("1003", {UNEXPLAINED: "3"}, ", $3 more than the $1,000 we computed. $3 is unexplained."),
        ("1000", {"tier": "3", "batch": "-3"}, f", in all just the $1,000 we computed. {EVEN} {NOTHING}"),
    ],
)
def test_the_sentence_says_how_much_more_or_less_and_why(billed: str, causes: dict[str, str], said: str) -> None:
    sums = {cause: D(amount) for cause, amount in causes.items()}
    assert sum(sums.values(), D(0)) == D(billed) - 1000
    residual = abs(sums.get(UNEXPLAINED, D(0)))
    assert sentence(D(billed), D(1000), ranked(sums), residual) == f"We were billed {head(D(billed))}{said}"


def test_what_is_unexplained_up_and_down_is_not_called_explained() -> None:
    said = sentence(D(1000), D(1000), ranked({}), D(8))
    assert said == "We were billed $1,000, in all just the $1,000 we computed. $8 is unexplained."


def test_figure_and_table_hold_every_cause_and_end_with_the_difference(lake: Con, facts: PageFacts) -> None:
    _cell(lake, "960", "1000", reported="995")
    _cause(lake, "failed calls", "-30", key="proj_b")
    _cause(lake, "failed calls", "-12", day="2026-10-21")
    _cause(lake, "not logged", "2")
    _cause(lake, "price drift", "-5", REPORTED)
    _cause(lake, "batch", "-77", day="2026-10-12")
    made = render("weekly", WEEK, lake, facts)
    figure = json.loads(made.split('id="figure-reconciliation">')[1].split("</script>")[0])
    assert figure["data"][0]["x"] == [-42.0, 2.0, -40.0]
    assert figure["layout"]["yaxis"]["ticktext"] == ["Failed calls", "Not logged", "Billed minus computed"]
    shown = _section(made)
    rows = re.findall(r'<tr><th scope="row">([^<]*)</th><td>([^<]*)</td><td class="wrap wide">(.*?)</td><td[^>]*>(.*?)</td></tr>', shown)
    plain = [(cause, amount, re.sub("<wbr>", "", where), action) for cause, amount, where, action in rows]
    assert plain == [
        ("failed calls", "\N{MINUS SIGN}$42", "openai, proj_b, gpt-5, 20 October, and others", ACTIONS["failed calls"]),
        ("not logged", "+$2", "openai, proj_a, gpt-5, 20 October", ACTIONS["not logged"]),
        ("unexplained", "$0", "", ""),
    ]
    assert '<th scope="row">Billed minus computed</th><td>\N{MINUS SIGN}$40</td>' in shown
    assert "Gateways and providers report $995, we computed $1,000: price drift (\N{MINUS SIGN}$5)." in shown


def test_a_bill_for_a_part_says_for_how_much_of_the_cost_it_is(lake: Con, facts: PageFacts) -> None:
    _cell(lake, "250", "1000", held="250", reported="1000")
    shown = _section(render("weekly", WEEK, lake, facts))
    assert "Bills cover 25.0\N{NO-BREAK SPACE}% of the computed cost of these days." in shown
    assert "Gateways and providers report $1,000, to the last digit what we computed." in shown


def test_a_hostile_key_is_shown_as_text(lake: Con, facts: PageFacts) -> None:
    _cell(lake, "2", "1")
    _cause(lake, "not logged", "1", key="<script>alert(1)</script>")
    assert "<script>alert(1)" not in _section(render("weekly", WEEK, lake, facts))


def test_causes_are_ranked_by_size_with_the_unexplained_last() -> None:
    assert ranked({UNEXPLAINED: D(9), "tier": D(1), "batch": D(-3), "late": D(1)}) == [
        ("batch", D(-3)), ("late", D(1)), ("tier", D(1)), (UNEXPLAINED, D(9)),
    ]  # fmt: skip
    assert ranked({}) == [(UNEXPLAINED, D(0))]
    assert [listed(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
