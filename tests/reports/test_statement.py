"""A team's statement: its own lines only, in figures that are those of its CSV."""

import csv
import re
from decimal import Decimal
from html import unescape
from pathlib import Path

import duckdb
import pytest
from examples import examples
from finance_set import write_chargeback
from hypothesis import given
from hypothesis import strategies as st

from meterbook.reports.charges import SHOWBACK, Edition, Month
from meterbook.reports.frame import PageFacts
from meterbook.reports.numbers import head
from meterbook.reports.page import render
from meterbook.reports.sections.statement_opening import headline
from meterbook.reports.statements import Statement, StatementFacts, cents, stems

Con = duckdb.DuckDBPyConnection


def _facts(con: Con, facts: PageFacts, team: str, period: str = "2026-10") -> StatementFacts:
    return StatementFacts(facts, team, Edition(), Month(con, period))


def _page(con: Con, facts: PageFacts, team: str) -> str:
    return render("statement", "2026-10", con, _facts(con, facts, team))


def _text(html: str) -> str:
    body = re.sub(r"<style>.*?</style>", "", html.partition("<body>")[2], flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def _whole(con: Con) -> None:
    """Cost to the last day of October, so that both months are there."""
    con.execute("insert into marts.cost (day, team, cost_usd) values ('2026-10-31', 'support', 0)")


@pytest.mark.parametrize("team", ["support", "sales", "research", "unowned"])
def test_the_headline_and_the_total_are_the_sum_of_the_team_s_csv(team: str, lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    write_chargeback(tmp_path, "2026-10", lake, facts)
    with (tmp_path / "2026-10" / "statements" / f"{team}.csv").open(newline="") as handle:
        lines = list(csv.DictReader(handle))
    posted = sum((Decimal(line["posted_usd"]) for line in lines), Decimal(0))
    html = (tmp_path / "2026-10" / "statements" / f"{team}.html").read_text("utf-8")
    assert head(posted) in html.partition("<h1>")[2].partition("</h1>")[0]
    assert f"Total {cents(posted)}" in _text(html)
    for line in lines:
        assert line["basis"] in _text(html)
        assert f"${Decimal(line['cost_usd']):,f}".replace("$-", "\N{MINUS SIGN}$") in _text(html)


def test_a_team_sees_no_line_of_another(lake: Con, facts: PageFacts) -> None:
    for team, others in (("support", ("sales", "research")), ("sales", ("support", "research")), ("research", ("support", "sales"))):
        text = _text(_page(lake, facts, team))
        assert not [other for other in others if other in text]


def test_a_statement_in_showback_says_so_in_its_kicker_in_print_and_at_each_table(lake: Con, facts: PageFacts) -> None:
    html = _page(lake, facts, "sales")
    kicker = html.partition('class="kicker">')[2].partition("</p>")[0]
    assert SHOWBACK in kicker
    assert f'@page {{ @top-left {{ content: "{SHOWBACK}"' in html
    assert html.count(f'<tr class="printed"><th scope="colgroup" class="text" colspan="5">{SHOWBACK}') == 2
    assert html.count(f'<tr class="printed"><th scope="colgroup" class="text" colspan="6">{SHOWBACK}') == 1
    assert "nothing is charged." in html.partition("<h1>")[2].partition("</h1>")[0]


def test_a_statement_in_chargeback_does_not_speak_of_showback(lake: Con, facts: PageFacts) -> None:
    html = _page(lake, facts, "support")
    assert "howback" not in html
    assert "support is charged" in html


def test_a_statement_is_one_file_that_asks_for_nothing(lake: Con, facts: PageFacts) -> None:
    html = _page(lake, facts, "support")
    assert "Content-Security-Policy" in html
    assert not re.search(r"(?:src|href)=|https?://|<script", html)


def test_names_are_text_and_never_markup(lake: Con, facts: PageFacts) -> None:
    lake.execute("update marts.chargeback set team = '<b>a&b</b>', line = '<script>x</script>' where team = 'sales'")
    html = _page(lake, facts, "<b>a&b</b>")
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;b&gt;a&amp;b&lt;/b&gt;" in html


def test_shared_lines_stand_apart_and_both_come_to_the_total(lake: Con, facts: PageFacts) -> None:
    statement = Statement(_facts(lake, facts, "support"))
    own, shared = statement.rows("own"), statement.rows("shared")
    assert [row.name for row in own] == ["Model usage"]
    assert [row.name for row in shared] == ["Shared: gateway"]
    assert sum(row.posted for row in (*own, *shared)) == statement.total.posted
    assert sum(row.cost for row in (*own, *shared)) == statement.total.cost
    assert sum(row.before or 0 for row in (*own, *shared)) == statement.total.before
    assert sum(row.posted for row in statement.centres) == statement.total.posted


def test_corrections_of_closed_months_stand_apart_from_use_and_shares(lake: Con, facts: PageFacts) -> None:
    query = """insert into marts.chargeback by name select * replace ('Correction of 2026-09' as line, 'Shared: gateway, by cost' as basis)
        from marts.chargeback where period = '2026-10' and team = 'support' and line = 'Model usage'"""
    lake.execute(query)
    statement = Statement(_facts(lake, facts, "support"))
    assert statement.parts == ["own", "corrections", "shared"]
    [row] = statement.rows("corrections")
    assert (row.name, row.note) == ("Correction of 2026-09", "Shared: gateway, by cost")
    assert sum(statement.subtotal(part).posted for part in statement.parts) == statement.total.posted
    assert _page(lake, facts, "support").count("Correction of 2026-09") >= 1


def test_a_line_that_is_gone_is_shown_with_what_it_was(lake: Con, facts: PageFacts) -> None:
    lake.execute("update marts.chargeback set line = 'Old line' where team = 'sales' and period = '2026-09'")
    rows = {row.name: row for row in Statement(_facts(lake, facts, "sales")).rows("own")}
    assert rows["Old line"].posted == 0
    assert rows["Old line"].change == -(rows["Old line"].before or 0) < 0
    assert rows["Model usage"].before == 0


def test_the_month_before_is_unknown_where_it_is_not_in_the_lake(lake: Con, facts: PageFacts) -> None:
    statement = Statement(_facts(lake, facts, "sales", "2026-07"))
    assert (statement.total.before, statement.total.change, statement.moved) == (None, None, None)


def test_months_are_compared_in_words_only_where_both_are_whole(lake: Con, facts: PageFacts) -> None:
    assert headline(Statement(_facts(lake, facts, "support"))) == "support is charged $12.8k for October 2026 so far, 25 of 31 days."
    _whole(lake)
    said = headline(Statement(_facts(lake, facts, "support")))
    assert re.fullmatch(r"support is charged \$12\.8k for October 2026, [\d.]+\N{NO-BREAK SPACE}% less than in September\.", said)
    august = Statement(_facts(lake, facts, "support", "2026-08"))
    assert august.month.title_before == "July, 5 days"
    assert "than in July" not in headline(august)


@pytest.mark.parametrize(
    ("team", "factor", "said"),
    [
        ("support", "1.001", "support is charged $100 for October 2026, as in September."),
        ("support", "-1", "support is credited $100 for October 2026."),
        ("sales", "2", "sales came to $100 in October 2026, 100.0\N{NO-BREAK SPACE}% more than in September; nothing is charged."),
        ("unowned", "2", "$100 of October 2026 have no team (unowned), 100.0\N{NO-BREAK SPACE}% more than in September."),
    ],
)
def test_the_headline_says_what_happened(team: str, factor: str, said: str, lake: Con, facts: PageFacts) -> None:
    _whole(lake)
    lake.execute("delete from marts.chargeback where team = ? and line <> 'Model usage'", [team])
    for period, posted in (
        ("2026-10", abs(Decimal(100)) * (1 if Decimal(factor) > 0 else -1)),
        ("2026-09", Decimal(100) / Decimal(factor)),
    ):
        lake.execute("update marts.chargeback set posted_usd = ? where team = ? and period = ?", [round(posted, 2), team, period])
    assert headline(Statement(_facts(lake, facts, team))) == said


@pytest.mark.parametrize(
    ("team", "stem"),
    [
        ("support", "statements/support"),
        ("team-7", "statements/team-7"),
        ("Support", "statements/support-"),
        ("con", "statements/con-"),
        ("../../etc", "statements/etc-"),
        ("R&D / EMEA", "statements/r-d-emea-"),
        ("\u00fcber", "statements/ber-"),
        ("\u6771\u4eac", "statements/team-"),
        ("x" * 300, f"statements/{'x' * 60}-"),
    ],
)
def test_a_statement_s_name_is_safe_on_every_file_system(team: str, stem: str) -> None:
    found = stems([team])[team]
    assert re.fullmatch(re.escape(stem) + ("" if not stem.endswith("-") else "[0-9a-f]{8}"), found)


@examples(50)
@given(st.sets(st.text(min_size=1, max_size=20), max_size=20))
def test_no_two_teams_share_a_file_even_where_case_does_not_count(teams: set[str]) -> None:
    found = stems(teams)
    assert len({name.lower() for name in found.values()}) == len(teams)
    assert all(re.fullmatch(r"statements/[a-z0-9][a-z0-9-]*", name) for name in found.values())


@pytest.mark.parametrize(
    ("value", "plus", "said"),
    [
        ("1234.5", False, "$1,234.50"),
        ("-0.02", False, "\N{MINUS SIGN}$0.02"),
        ("0.00", True, "$0.00"),
        ("3", True, "+$3.00"),
        (None, True, "\N{EN DASH}"),
    ],
)
def test_money_of_a_statement_is_shown_to_the_cent(value: str | None, plus: bool, said: str) -> None:
    assert cents(None if value is None else Decimal(value), plus=plus) == said
