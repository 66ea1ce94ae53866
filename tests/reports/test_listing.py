"""The index: every page that is there, the newest first, each with what it says."""

from datetime import date
from html import escape

import duckdb
import pytest

from meterbook.reports.listing import Listing, Page
from meterbook.reports.page import render
from meterbook.reports.sections import index_pages
from meterbook.reports.sections.index_opening import SECTION as OPENING

DAY = date(2026, 10, 25)
HOSTILE = "</script><script>alert(1)</script>'\"" + "x" * 200


def _listing(*pages: Page, day: date | None = DAY) -> Listing:
    return Listing("Acme", day, pages)


def _week(number: int, verdict: str = "AI cost rose.", **more: object) -> Page:
    said = {
        "kind": "weekly",
        "name": f"Week {number}",
        "address": f"weekly/2026-W{number}.html",
        "day": date.fromisocalendar(2026, number, 7),
    }
    return Page(**{**said, "verdict": verdict, "state": "open", **more})


def _html(listing: Listing) -> str:
    with duckdb.connect() as con:
        return render("index", "index", con, listing)


def test_pages_stand_by_month_the_newest_first() -> None:
    month = Page("monthly", "October 2026", "monthly/2026-10.html", date(2026, 10, 31), "October cost $9k.", "open")
    found = index_pages.SECTION.build(_listing(_week(39), _week(43), month, _week(41)))
    assert found
    listed = [(one["name"], [row["page"].name for row in one["rows"]]) for one in found["months"]]
    assert listed == [("October 2026", ["October 2026", "Week 43", "Week 41"]), ("September 2026", ["Week 39"])]


def test_the_headline_is_that_of_the_newest_week() -> None:
    found = OPENING.build(_listing(_week(42, "It fell."), _week(43, "It rose.")))
    assert found
    assert (found["headline"], found["latest"].name) == ("It rose.", "Week 43")


@pytest.mark.parametrize(("pages", "said"), [((), "No week has been published yet."), ((_week(43, ""),), "Week 43")])
def test_without_a_verdict_the_headline_says_what_there_is(pages: tuple[Page, ...], said: str) -> None:
    found = OPENING.build(_listing(*pages, day=None))
    assert found
    assert found["headline"] == said


def test_drafts_and_former_names_are_told_apart_and_counted() -> None:
    old = Page("team", "sales-emea", "team/sales-emea/2026-W43.html", DAY, "sales-emea: cost rose.", "open", is_former=True)
    found = index_pages.SECTION.build(_listing(_week(43, draft="too little has a price", parts=(old,))))
    assert found
    [row] = found["months"][0]["rows"]
    assert (row["state"], row["parts"][0]["state"]) == ("DRAFT, open", "open, former name")
    said = OPENING.build(_listing(_week(42), _week(43, draft="too little has a price", parts=(old,))))
    assert said
    assert said["counts"] == "3 pages, the newest first; 1 page is a draft."


def test_of_very_many_teams_the_older_weeks_are_left_to_their_own_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_pages, "MOST", 5)
    teams = tuple(Page("team", f"t{number}", f"team/t{number}/2026-W43.html", DAY) for number in range(4))
    html = _html(_listing(_week(43, parts=teams), _week(42, parts=teams)))
    assert html.count('href="team/t1/') == 1
    assert "4 pages of teams, which Week 42 lists." in html


def test_names_from_outside_are_text() -> None:
    html = _html(_listing(_week(43, HOSTILE, name=HOSTILE, parts=(Page("team", HOSTILE, "team/x/2026-W43.html", DAY, HOSTILE),))))
    assert "<script" not in html
    assert html.count(str(escape("<script>alert(1)"))) >= 4
