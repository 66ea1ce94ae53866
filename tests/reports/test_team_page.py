"""A page per team: its figures are the marts' of the team, its sentences agree with them, and it stays small."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from pages import multiply

from meterbook.reports import page
from meterbook.reports.frame import PageFacts
from meterbook.reports.periods import week
from meterbook.reports.sections import team_month, team_moved, team_top
from meterbook.reports.sections.team_decisions import SECTION as DECISIONS
from meterbook.reports.sections.team_kpis import SECTION as KPIS
from meterbook.reports.sections.team_opening import headline
from meterbook.reports.team_frame import TeamFacts, TeamFrame, TeamWeeks

WEEK = "2026-W43"
SUNDAY = date(2026, 10, 25)
HOSTILE = "</script><script>alert(1)</script>\N{RIGHT-TO-LEFT OVERRIDE}'\"&\N{PILE OF POO}" + "x" * 200
Con = duckdb.DuckDBPyConnection


def _frame(con: Con, facts: PageFacts, team: str = "sales") -> TeamFrame:
    weeks = TeamWeeks(con, week(WEEK, facts.data_through), facts)
    return TeamFrame(TeamFacts(facts, team, weeks))


def _html(con: Con, facts: PageFacts, team: str, links: Any = ()) -> str:
    weeks = TeamWeeks(con, week(WEEK, facts.data_through), facts)
    return page.render("team", WEEK, con, TeamFacts(facts, team, weeks, links))


def put(con: Con, table: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        con.execute(f"insert into marts.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _cost(con: Con, days_ago: int, usd: str, team: str = "sales") -> None:
    put(
        con,
        "cost",
        [
            {
                "day": SUNDAY - timedelta(days_ago),
                "line": "Model usage",
                "team": team,
                "tenant": "t",
                "feature": "f",
                "cost_usd": Decimal(usd),
            }
        ],
    )


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ("100", "150", "sales: cost rose 50.0\N{NO-BREAK SPACE}% to $150."),
        ("100", "60", "sales: cost fell 40.0\N{NO-BREAK SPACE}% to $60."),
        ("100", "101", "sales: cost held at $101."),
        ("100", "1000000", "sales: cost rose from $100 to $1.00M."),
        ("", "70", "sales: cost was $70, against nothing last week."),
        ("100", "-20", "sales: cost was a credit of $20, against $100 last week."),
        ("-13", "-47", "sales: cost was a credit of $47, against a credit of $13 last week."),
        ("100", "", "sales: no cost was recorded in this week, against $100 last week."),
        ("", "", "sales: no cost was recorded in this week."),
    ],
)
def test_the_headline_says_what_became_of_the_cost(empty: Con, facts: PageFacts, before: str, now: str, said: str) -> None:
    for days, usd in ((7, before), (0, now)):
        if usd:
            _cost(empty, days, usd)
    assert headline(_frame(empty, facts)) == said


def test_a_week_that_is_not_over_is_held_against_the_same_days(empty: Con, facts: PageFacts) -> None:
    _cost(empty, 3, "70")
    frame = _frame(empty, replace(facts, data_through=SUNDAY - timedelta(2)))
    assert headline(frame) == "sales: cost was $70, against nothing on the same days last week."


@pytest.mark.parametrize(("point", "said"), [("320", "$20 over its budget"), ("280", "$20 under its budget"), ("300.1", "its budget")])
def test_the_headline_says_where_the_month_lands_against_the_teams_own_budget(lake: Con, facts: PageFacts, point: str, said: str) -> None:
    money = {f"{name}_usd": Decimal(point) for name in ("used", "low", "point", "high")}
    month = {"period": "2026-10", "period_start": date(2026, 10, 1), "days_left": 6, "method": "own", "tests": 0, "covered": 0}
    for scope, factor in (("sales", 1), ("support", 9)):
        amounts = {name: value * factor for name, value in money.items()}
        put(lake, "forecast", [{"day": SUNDAY, "dimension": "team", "scope": scope, **amounts, **month}])
    assert headline(_frame(lake, facts)).endswith(f"October is heading for ${Decimal(point):.0f}, {said}.")


@pytest.mark.parametrize("team", ["support", "sales", "research", "unowned", "unallocated"])
def test_every_sum_of_the_page_is_the_marts_sum_of_the_team(lake: Con, facts: PageFacts, team: str) -> None:
    frame = _frame(lake, facts, team)
    query = "select coalesce(sum(cost_usd), 0) from marts.cost where team = ? and day >= ? and day < ?"
    now, before = (lake.execute(query, [team, *span]).fetchall()[0][0] for span in (frame.span, frame.earlier))
    assert (frame.now, frame.before) == (now, before)
    moved = team_moved.SECTION.build(frame)
    tops = team_top.SECTION.build(frame)
    month = team_month.SECTION.build(frame)
    assert moved
    assert tops
    assert month
    assert sum(value for _, value in team_moved.bridge(frame)) == now - before
    assert {table["total"]["cost"] for table in tops["tables"] if table["name"] != "model"} == {team_top.dollars(now)}
    [(spent,)] = lake.execute("select sum(cost_usd) from marts.cost where team = ? and day >= '2026-10-01'", [team]).fetchall()
    assert ("by 25 October", team_month.dollars(spent)) in month["picture"].rows


def test_a_page_says_nothing_of_other_teams(lake: Con, facts: PageFacts) -> None:
    html = _html(lake, facts, "sales")
    assert "drafts" in html
    for other in ("research", "support", "training", "assistant", "everything"):
        assert other not in html


def test_gpu_pools_and_units_stand_on_the_page_of_who_answers_for_them(lake: Con, facts: PageFacts) -> None:
    assert [pool["pool"] for pool in _frame(lake, facts, "research").gpus(_frame(lake, facts).span)] == ["training"]
    assert list(_frame(lake, facts, "support").units(_frame(lake, facts).span)) == ["ticket"]
    assert not _frame(lake, facts, "research").units(_frame(lake, facts).span)


def test_a_budget_that_will_not_hold_is_a_decision_of_its_team(lake: Con, facts: PageFacts) -> None:
    lake.execute("update marts.budget_use set amount = 100 where budget = 'sales'")
    found = DECISIONS.build(_frame(lake, facts))
    assert found
    assert [row["owner"] for row in found["rows"]] == ["sales"]
    assert "budget sales: $100 a month is used up" in found["rows"][0]["action"]
    assert DECISIONS.build(_frame(lake, facts, "support")) is None


def test_a_change_against_a_credit_is_told_in_dollars(empty: Con, facts: PageFacts) -> None:
    _cost(empty, 7, "-13")
    _cost(empty, 0, "-47")
    found = KPIS.build(_frame(empty, facts))
    assert found
    assert (found["kpis"][0].value, found["kpis"][0].delta) == ("\N{MINUS SIGN}$47", "\N{MINUS SIGN}$34")
    assert found["kpis"][4].value == "\N{EN DASH}"


def test_a_page_needs_no_script_and_stays_small(lake: Con, facts: PageFacts) -> None:
    html = _html(lake, facts, "support", [("All teams in this week", f"../../weekly/{WEEK}.html")])
    assert "Plotly" not in html
    assert "<script" not in html
    assert len(html.encode()) < 200_000
    assert f'<a href="../../weekly/{WEEK}.html">All teams in this week</a>' in html


def test_what_is_read_does_not_grow_with_the_teams(lake: Con, facts: PageFacts) -> None:
    multiply(lake, 12)
    weeks = TeamWeeks(lake, week(WEEK, facts.data_through), facts)
    assert len(weeks.teams) == 12 * 5
    asked = []
    for team in weeks.teams:
        page.render("team", WEEK, lake, TeamFacts(facts, team, weeks))
        asked.append(len(weeks._asked))
    assert len(set(asked)) == 1


def test_names_from_outside_are_text(empty: Con, facts: PageFacts) -> None:
    for day in (0, 7):
        _cost(empty, day, "100", HOSTILE)
        row = {"day": SUNDAY - timedelta(day), "team": HOSTILE, "tenant": HOSTILE, "feature": HOSTILE, "model": HOSTILE, "provider": "p"}
        put(empty, "spend", [{**row, "environment": "e", "requests": 5, "unpriced_requests": 1, "cost_usd": Decimal(day + 1)}])
    html = _html(empty, facts, HOSTILE)
    assert "<script" not in html
    assert "alert(1)&lt;" in html


def test_a_draft_says_at_the_top_which_expectation_failed(lake: Con, facts: PageFacts) -> None:
    why = "90.90 % of tokens have a price, less than coverage_target 98.00 % of meterbook.yaml."
    html = _html(lake, replace(facts, draft=why), "sales")
    assert html.index(f"DRAFT: {why}") < html.index("<h1>")
    assert "DRAFT" not in _html(lake, facts, "sales")
