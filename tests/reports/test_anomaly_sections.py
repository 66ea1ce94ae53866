"""The cards of a weekly page, and what the quality page says of alarms."""

import re
from datetime import date
from decimal import Decimal
from html import unescape

import duckdb
import pytest

from meterbook.reports.anomaly_cards import amount, cards_within, culprit_of, days, what
from meterbook.reports.frame import rows_of
from meterbook.reports.page import PageFacts, QualityFacts, render
from meterbook.reports.sections.alarms import precision

Con = duckdb.DuckDBPyConnection
WEEK = "2026-W43"


def _text(made: str, name: str) -> str:
    section = made.split(f'<section id="{name}">')[1].split("</section>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", section)).split())


def test_open_cards_are_shown_with_dollars_and_owner_and_prices_apart(weekly: str) -> None:
    told = _text(weekly, "anomalies")
    assert "+$150 Spike in team sales, 22 Oct: it is twice what is usual. sales" in told
    alarms, prices = told.split("Prices that changed")
    assert "+$40" in prices
    assert "+$40" not in alarms


def test_what_is_muted_or_false_is_counted_and_not_shown(weekly: str) -> None:
    told = _text(weekly, "anomalies")
    assert "Not shown: 1 card muted, 1 card looked at and found false." in told
    assert "bolt" not in told
    assert "drafts" not in told


def test_a_card_that_was_real_stays_with_its_verdict_and_an_event_is_told_beside_it(lake: Con, facts: PageFacts) -> None:
    lake.execute(
        "update marts.anomaly_card set verdict = 'real', status = 'acknowledged', note = 'a test', event = 'launch: v2' "
        "where scope = 'sales'"
    )
    told = _text(render("weekly", WEEK, lake, facts), "anomalies")
    assert "At the same time: launch: v2. Looked at, real: a test." in told


def test_later_days_of_a_card_change_nothing_in_the_week_before(lake: Con, facts: PageFacts, weekly: str) -> None:
    before = _text(weekly, "anomalies")
    lake.execute(
        "insert into marts.anomaly_episode by name "
        "select * replace (date '2026-10-26' as day, 900 as excess_usd) from marts.anomaly_episode"
    )
    lake.execute("update marts.anomaly_card set excess_usd = 1050, last_day = date '2026-10-26', cause = 'grew'")
    assert _text(render("weekly", WEEK, lake, facts), "anomalies") == before
    [first, *_] = cards_within(lambda query, *values: rows_of(lake, query, *values), date(2026, 10, 19), date(2026, 10, 27))
    assert (first["excess_usd"], first["first_day"], first["last_day"]) == (Decimal(1050), date(2026, 10, 22), date(2026, 10, 26))


def test_a_name_of_a_card_is_text_and_never_markup(lake: Con, facts: PageFacts) -> None:
    lake.execute("update marts.anomaly_episode set scope = '<b>x</b>', cause = '<script>', culprit = 'team <i>'")
    lake.execute("update marts.anomaly_card set event = 'launch: <u>', owner = '<s>'")
    made = render("weekly", WEEK, lake, facts).split('<section id="anomalies">')[1].split("</section>")[0]
    assert not re.search(r"<(b|script|i|u|s)>", made)


def test_the_quality_page_says_how_many_alarms_were_real(lake: Con) -> None:
    told = _text(
        render("quality", "index", lake, QualityFacts(company="Acme", data_through=date(2026, 10, 25), refused=[], rules=[])), "alarms"
    )
    assert told.startswith("Alarms Of 2 alarms looked at, 1 was real: 50.0\xa0%, between".replace("\xa0", " "))
    assert "1 alarm was not looked at." in told


def test_precision_has_the_interval_of_wilson() -> None:
    assert precision(11, 1).replace("\xa0", " ") == "91.7 %, between 64.6 % and 98.5 %"
    assert precision(0, 0) == "–"  # noqa: RUF001 -- as pages write it


@pytest.mark.parametrize(
    ("dimension", "scope", "said"),
    [
        ("total", "all", "all cost"),
        ("tenant", "harbor", "tenant harbor"),
        ("tenant, feature", "harbor, agent", "tenant harbor and feature agent"),
        ("tenant, feature", "a, b, agent", "tenant, feature a, b, agent"),
    ],
)
def test_scopes_are_named_for_people(dimension: str, scope: str, said: str) -> None:
    assert what(dimension, scope) == said


def test_a_combination_says_only_what_the_cards_scope_and_owner_do_not() -> None:
    card = {"dimension": "tenant, feature", "scope": "harbor, agent", "owner": "red"}
    assert not culprit_of({**card, "culprit": "team red, tenant harbor, feature agent"})
    assert culprit_of({**card, "culprit": "team blue, tenant harbor, feature agent, model m"}) == "team blue, model m"
    assert not culprit_of({**card, "culprit": None})


@pytest.mark.parametrize(("measure", "said"), [("cost", "+$56"), ("truncated share", "$56 affected"), ("idle share", "+$56")])
def test_dollars_of_what_cost_no_more_are_called_affected(measure: str, said: str) -> None:
    assert amount({"measure": measure, "excess_usd": Decimal(56)}) == said


def test_days_are_named_once_where_they_are_of_one_month() -> None:
    assert days(date(2026, 10, 21), date(2026, 10, 21)) == "21 Oct"
    assert days(date(2026, 10, 21), date(2026, 10, 24)) == "21 to 24 Oct"
    assert days(date(2026, 9, 30), date(2026, 10, 2)) == "30 Sep to 2 Oct"
