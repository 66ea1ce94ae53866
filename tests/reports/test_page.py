import html
import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import duckdb
import pytest

from meterbook.reports.charts import Chart, Read, text_at
from meterbook.reports.kinds import KINDS
from meterbook.reports.numbers import dollars, head
from meterbook.reports.page import PageFacts, render

WEEK = "2026-W43"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; font-src data:; img-src data:"
HOSTILE = "<script>alert(1)</script>"
Con = duckdb.DuckDBPyConnection


class _Page(HTMLParser):
    """Every element of a page with its attributes, and the page's text outside scripts and styles."""

    def __init__(self, made: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self._inside = "", ""
        self.feed(made)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        self.text += "" if self._inside in {"script", "style"} else data


def _section(made: str, name: str) -> str:
    return made.split(f'<section id="{name}">')[1].split("</section>")[0]


def _foot(made: str, name: str) -> list[str]:
    return re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", _section(made, name).split("<tfoot>")[1])


def _figure(made: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made.split(f'id="figure-{name}">')[1].split("</script>")[0])
    return found


def _sum(con: Con, query: str) -> Decimal:
    return Decimal(con.execute(query).fetchall()[0][0])


def _week(con: Con, first: str = "2026-10-19", end: str = "2026-10-26") -> Decimal:
    return _sum(con, f"select sum(cost_usd) from marts.cost where day >= '{first}' and day < '{end}'")


def test_the_page_loads_nothing_and_its_policy_forbids_it(weekly: str) -> None:
    page = _Page(weekly)
    assert {"http-equiv": "Content-Security-Policy", "content": POLICY} in [attrs for tag, attrs in page.elements if tag == "meta"]
    assert {name for _, attrs in page.elements for name in attrs} & {"src", "srcset", "action", "poster"} == set()
    sections = {f"#{attrs['id']}" for tag, attrs in page.elements if tag == "section"}
    assert {attrs["href"] for _, attrs in page.elements if "href" in attrs} <= sections
    assert not {tag for tag, _ in page.elements} & {"link", "iframe", "img", "object", "embed", "base"}
    style = weekly.split("<style>")[1].split("</style>")[0]
    assert all(url.startswith("data:") for url in re.findall(r"url\(([^)]*)\)", style))
    assert "@import" not in style


def test_headline_kpi_figure_and_table_say_the_same_as_the_lake(lake: Con, weekly: str) -> None:
    cost = _week(lake)
    assert head(cost) in _section(weekly, "opening").split("<h1>")[1].split("</h1>")[0]
    assert re.findall(r'class="value">([^<]*)<', weekly)[0] == head(cost)
    moved = _figure(weekly, "moved")
    assert moved["layout"]["annotations"][-1]["text"] == head(cost)
    assert moved["data"][0]["x"][-1] == float(cost)
    assert _foot(weekly, "teams")[1] == dollars(cost)


@pytest.mark.parametrize(
    ("factor", "verdict"), [("1.5", r"AI cost rose [\d.]+\s% to "), ("0.5", r"AI cost fell [\d.]+\s% to "), ("1", "AI cost held at ")]
)
def test_the_verdict_is_what_the_lake_says_in_sign_and_in_size(factor: str, verdict: str, lake: Con, facts: PageFacts) -> None:
    lake.execute("update marts.cost set cost_usd = cost_usd * cast(? as decimal(2,1)) where day >= '2026-10-19'", [factor])
    said = _section(render("weekly", WEEK, lake, facts), "opening").split("<h1>")[1]
    assert re.match(verdict + re.escape(head(_week(lake))) + "[;.]", said)


def test_a_month_that_lands_on_its_plan_is_said_to_be_as_planned(lake: Con, facts: PageFacts) -> None:
    lake.execute("update marts.forecast set point_usd = 47000.2")
    assert "October is heading for $47.0k, as planned." in _section(render("weekly", WEEK, lake, facts), "opening")


def test_the_forecast_in_the_headline_is_that_of_the_strip_and_of_the_figure(lake: Con, weekly: str) -> None:
    landing = _sum(lake, "select point_usd from marts.forecast")
    assert f"October is heading for {head(landing)}, {head(abs(landing - 47000))} under plan" in _section(weekly, "opening")
    assert re.findall(r'class="value">([^<]*)<', weekly)[1] == head(landing)
    figure = _figure(weekly, "month")
    assert any(label["text"] == f"forecast {head(landing)}" for label in figure["layout"]["annotations"])
    bounds = [_sum(lake, f"select {bound}_usd from marts.forecast") for bound in ("low", "high")]
    assert [trace["y"][-1] for trace in figure["data"][-2:]] == [float(bound) for bound in bounds]
    assert f"80 % between {dollars(bounds[0])} and {dollars(bounds[1])}; with 6 days left landings were off by 1.2" in _section(
        weekly, "month"
    )


def test_a_month_without_a_plan_has_its_forecast_all_the_same_and_one_without_a_forecast_says_so(lake: Con, facts: PageFacts) -> None:
    lake.execute("delete from marts.budget_use")
    made = render("weekly", WEEK, lake, facts)
    landing = _sum(lake, "select point_usd from marts.forecast")
    assert f"October is heading for {head(landing)}." in _section(made, "opening")
    lake.execute("update marts.forecast set point_usd = null, low_usd = null, high_usd = null, method = 'none'")
    made = render("weekly", WEEK, lake, facts)
    assert "heading for" not in _section(made, "opening")
    assert "needs 2 days of history" in _section(made, "kpis")


def test_the_unit_of_the_strip_is_the_dearest_that_was_delivered_before_too(lake: Con, facts: PageFacts) -> None:
    lake.execute("insert into marts.unit_cost select * replace ('cheap' as unit, 'cheap one' as label, 1 as cost_usd) from marts.unit_cost")
    assert "Cost per resolved ticket" in _section(render("weekly", WEEK, lake, facts), "kpis")
    lake.execute("delete from marts.unit_cost where unit <> 'cheap' and day < '2026-10-19'")
    assert "Cost per cheap one" in _section(render("weekly", WEEK, lake, facts), "kpis")
    lake.execute("delete from marts.unit_cost where day < '2026-10-19'")
    made = _section(render("weekly", WEEK, lake, facts), "kpis")
    assert "Cost per resolved ticket" in made
    assert "none was delivered before to compare with" in made


def test_a_month_that_is_over_is_no_forecast(lake: Con, facts: PageFacts) -> None:
    lake.execute("update marts.budget_use set day = '2026-09-30'; update marts.forecast set day = '2026-09-30', days_left = 0")
    made = render("weekly", "2026-W40", lake, replace(facts, data_through=date(2026, 9, 30)))
    assert "September came to" in _section(made, "opening")
    assert "September total" in _section(made, "kpis")
    assert "forecast" not in "".join(str(label["text"]) for label in _figure(made, "month")["layout"]["annotations"])


def test_teams_sum_to_the_total_of_the_week(lake: Con, weekly: str) -> None:
    shown = re.findall(r'<th scope="row">([a-z]+).*?</th><td>([^<]*)</td>', _section(weekly, "teams"))
    rows = lake.execute("select team, sum(cost_usd) from marts.cost where day >= '2026-10-19' group by team").fetchall()
    assert dict(shown) == {team: dollars(cost) for team, cost in rows}
    assert _foot(weekly, "teams")[1:3] == [dollars(_week(lake)), dollars(_week(lake) - _week(lake, "2026-10-12", "2026-10-19"), plus=True)]


def test_the_month_to_date_is_the_total_of_the_months_statement(lake: Con, weekly: str) -> None:
    charged = _sum(lake, "select sum(cost_usd) from marts.chargeback where period = '2026-10'")
    line = _figure(weekly, "month")["data"][0]["y"]
    assert line[-1] == float(charged)
    assert f"so far {head(charged)}" in [label["text"] for label in _figure(weekly, "month")["layout"]["annotations"]]


def test_a_page_of_an_empty_lake_says_so_quietly(empty: Con, facts: PageFacts) -> None:
    made = render("weekly", WEEK, empty, facts)
    assert "No cost was recorded in this week." in made
    assert [name for name in KINDS["weekly"].sections if '<p class="quiet">' in _section(made, name)] == [
        "month", "moved", "teams", "budgets", "anomalies", "decisions", "units", "experiments", "gpus", "gpu_heat", "gpu_fleet", "gpu_idle",
        "self_hosted", "queues", "tokens", "reconciliation",
    ]  # fmt: skip
    assert "figure-" not in made


@pytest.mark.parametrize(
    "table",
    [
        "budget_use", "forecast", "budget_outlook",
        "unit_cost", "gpu_use", "anomaly_card", "token_use", "spend", "coverage", "reconciliation", "reconciliation_cell",
        "reconciliation_cause",
    ],
)  # fmt: skip
def test_a_missing_subject_leaves_the_rest_of_the_page(table: str, lake: Con, facts: PageFacts) -> None:
    lake.execute(f"delete from marts.{table}")
    made = render("weekly", WEEK, lake, facts)
    assert head(_week(lake)) in made.split("<h1>")[1].split("</h1>")[0]
    assert _foot(made, "teams")[1] == dollars(_week(lake))


@pytest.mark.parametrize(("table", "column"), [("cost", "team"), ("cost", "feature"), ("gpu_use", "pool"), ("unit_cost", "label")])
def test_a_name_is_text_and_never_markup(table: str, column: str, lake: Con, facts: PageFacts, weekly: str) -> None:
    before = [tag for tag, _ in _Page(weekly).elements].count("script")
    lake.execute(f"update marts.{table} set {column} = ? where {column} not in ('unowned', '(none)')", [HOSTILE])
    made = render("weekly", WEEK, lake, replace(facts, company=HOSTILE))
    page = _Page(made)
    assert HOSTILE not in made
    assert HOSTILE in page.text
    assert [tag for tag, _ in page.elements].count("script") == before


def test_a_name_in_a_figure_neither_ends_its_script_nor_becomes_markup(lake: Con, facts: PageFacts) -> None:
    lake.execute("update marts.cost set line = ? where line = 'GPU used' and day >= '2026-10-19'", [HOSTILE])
    drawn = _figure(render("weekly", WEEK, lake, facts), "moved")
    assert html.escape(HOSTILE) in drawn["layout"]["yaxis"]["ticktext"]
    assert text_at(0, 0, HOSTILE)["text"] == html.escape(HOSTILE)
    said = {"question": "Why?", "label": "x", "header": ["a"], "rows": [["1"]], "read": [Read("marts.cost", [1])]}
    chart = Chart(name="x", figure={"title": "</script>"}, **said)
    assert "<" not in chart.json
    assert json.loads(chart.json) == chart.figure


def test_a_sparkline_shows_each_of_thirteen_weeks(lake: Con, facts: PageFacts) -> None:
    query = "select sum(cost_usd) from marts.cost where team = 'sales' group by date_trunc('week', day) order by date_trunc('week', day)"
    weeks = [dollars(cost) for (cost,) in lake.execute(query).fetchall()]
    assert len(weeks) == 13
    assert f"sales, 13 weeks: {', '.join(weeks)}" in _section(render("weekly", WEEK, lake, facts), "teams")


def test_the_same_lake_gives_the_same_bytes(lake: Con, facts: PageFacts) -> None:
    assert render("weekly", WEEK, lake, facts) == render("weekly", WEEK, lake, facts)


def test_a_week_half_gone_is_compared_with_the_same_days(lake: Con, facts: PageFacts) -> None:
    made = render("weekly", WEEK, lake, replace(facts, data_through=date(2026, 10, 21)))
    assert re.findall(r'class="value">([^<]*)<', made)[0] == head(_week(lake, "2026-10-19", "2026-10-22"))
    assert f"vs the same days last week, {head(_week(lake, '2026-10-12', '2026-10-15'))}" in made


def test_decisions_come_from_the_data_with_amount_and_owner(lake: Con, facts: PageFacts, weekly: str) -> None:
    text = _Page(_section(weekly, "decisions")).text
    idle = _sum(lake, "select sum(free_idle_cost_usd) from marts.gpu_use where day >= '2026-10-19'") * 365 / 7
    assert f"{head(idle)} a year" in text
    assert "budget sales" in text
    assert "420 requests" in text
    lake.execute("delete from marts.gpu_use; delete from marts.budget_use; delete from marts.coverage")
    lake.execute("delete from marts.cost where team = 'unowned'")
    assert "Nothing needs a decision" in render("weekly", WEEK, lake, facts)


def test_a_chart_says_in_words_and_in_a_table_what_it_draws(lake: Con, weekly: str) -> None:
    drawn = [attrs for _, attrs in _Page(weekly).elements if "data-figure" in attrs]
    assert {attrs["data-figure"] for attrs in drawn} == {"month", "moved", "reconciliation"}
    labels = {attrs["data-figure"]: attrs["aria-label"] or "" for attrs in drawn if attrs["role"] == "img"}
    assert head(_week(lake)) in labels["moved"]
    assert labels["reconciliation"] == "Billed minus computed: Price drift under $1, Billed minus computed under $1"
    assert weekly.count("<figure>") == weekly.count("<details><summary>Values and how computed</summary>") >= len(drawn)


def test_records_set_aside_are_named_with_their_file(weekly: str) -> None:
    text = _Page(_section(weekly, "closing")).text
    assert "100 rows of 1 files: 90 kept, 5 duplicates, 3 set aside, 2 filtered" in text
    assert "gateway/log.jsonl 3" in text


def test_an_unknown_kind_is_an_error(lake: Con, facts: PageFacts) -> None:
    with pytest.raises(KeyError):
        render("hourly", WEEK, lake, facts)
