"""A page as a mail: what it says is what the page says, and the same letter is the same bytes."""

import struct
from dataclasses import replace
from datetime import date
from decimal import Decimal
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any

import duckdb
import pytest

from meterbook.reports import letter as letters
from meterbook.reports.frame import Frame
from meterbook.reports.letter import Letter, eml, letter
from meterbook.reports.page import PageFacts, QualityFacts
from meterbook.reports.periods import week
from meterbook.reports.sections.opening import headline
from meterbook.reports.week_columns import columns_of, drawn, rasterised, words

Con = duckdb.DuckDBPyConnection
LAST = date(2026, 10, 25)
PAGE = ("2026-W43.html", b"<!doctype html><p>page</p>")


@pytest.fixture
def said(lake: Con, facts: PageFacts) -> Letter:
    return letter("weekly", "2026-W43", lake, facts)


@pytest.fixture
def frame(lake: Con, facts: PageFacts) -> Frame:
    return Frame(lake, week("2026-W43", facts.data_through), facts)


def parsed(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=default)
    assert isinstance(found, EmailMessage)
    return found


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_a_letter_says_what_the_page_says(said: Letter, frame: Frame) -> None:
    verdict = headline(frame)
    assert said.subject == f"Acme AI: {verdict.rstrip('.')}"
    for text in (said.text, said.html):
        assert verdict in text
        for expected in ("support", "sales", "Cost of the week", "Total", "twice what is usual"):
            assert expected in text


def test_a_mail_has_text_tables_a_picture_and_the_page(said: Letter) -> None:
    mail = parsed(eml(said, LAST, PAGE, "cfo@example.com"))
    shapes = [part.get_content_type() for part in mail.walk()]
    related = ["multipart/related", "text/html", "image/png"]
    assert shapes == ["multipart/mixed", "multipart/alternative", "text/plain", *related, "text/html"]
    assert mail["To"] == "cfo@example.com"
    assert mail["Date"].datetime.date() == LAST
    assert mail["X-Unsent"] == "1"
    assert mail.defects == []
    html = mail.get_body(("html",))
    text = mail.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert html.get_content().splitlines() == said.html.splitlines()
    assert text.get_content().splitlines() == said.text.splitlines()
    [picture] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert f"cid:{picture['Content-ID'].strip('<>')}" in said.html
    [attached] = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content().encode()) == PAGE


def test_the_same_letter_is_the_same_bytes_and_another_is_not(lake: Con, facts: PageFacts, said: Letter) -> None:
    assert eml(said, LAST, PAGE) == eml(letter("weekly", "2026-W43", lake, facts), LAST, PAGE)
    assert eml(said, LAST, PAGE) != eml(said, LAST, ("2026-W43.html", b"other"))


def test_a_letter_needs_nothing_that_mail_programs_drop(said: Letter) -> None:
    tags = Tags(said.html).found
    assert not {name for name, _ in tags} & {"script", "svg", "style", "link", "iframe", "form"}
    assert all(attrs.get("scope") for name, attrs in tags if name == "th")
    [picture] = [attrs for name, attrs in tags if name == "img"]
    assert picture["src"] == "cid:weeks@meterbook.invalid"
    assert picture["alt"]
    assert not [attrs for _, attrs in tags if (attrs.get("href") or attrs.get("src") or "").startswith("http")]


def test_the_picture_is_a_png_with_the_weeks_of_the_frame(frame: Frame) -> None:
    columns = columns_of(frame)
    assert columns[-1].cost == frame.now
    assert columns[-2].cost == frame.total(frame.week.before)
    assert len(columns) == 13
    assert "19 Oct" in words(columns)
    picture = rasterised(drawn(columns))
    assert picture is not None
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (1280, 400)
    assert picture == rasterised(drawn(columns))


def test_a_week_without_rows_is_said_and_not_drawn_as_zero(lake: Con, facts: PageFacts) -> None:
    lake.execute("delete from marts.cost where day >= '2026-10-05' and day < '2026-10-12'")
    columns = columns_of(Frame(lake, week("2026-W43", facts.data_through), facts))
    assert [column.name for column in columns if column.cost is None] == ["5 Oct"]
    assert "5 Oct nothing recorded" in words(columns)


def test_credits_are_drawn_below_the_line(lake: Con, facts: PageFacts) -> None:
    lake.execute("update marts.cost set cost_usd = -cost_usd where day >= '2026-10-12' and day < '2026-10-19'")
    columns = columns_of(Frame(lake, week("2026-W43", facts.data_through), facts))
    assert columns[-2].cost is not None
    assert columns[-2].cost < 0
    assert 'height="-' not in drawn(columns)


def test_a_week_that_is_not_whole_says_of_how_many_days_it_is(lake: Con, facts: PageFacts) -> None:
    early = replace(facts, data_through=date(2026, 10, 21))
    columns = columns_of(Frame(lake, week("2026-W43", early.data_through), early))
    assert [column.note for column in columns[-2:]] == ["", "3 of 7 days"]
    assert words(columns).endswith("(3 of 7 days).")


def test_without_the_extra_a_letter_has_the_figures_in_words(lake: Con, facts: PageFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "resvg_py", None)
    said = letter("weekly", "2026-W43", lake, facts)
    assert said.picture is None
    assert "<img" not in said.html
    assert "The last 13 weeks" in said.html
    assert "image/png" not in [part.get_content_type() for part in parsed(eml(said, LAST, PAGE)).walk()]


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "</td></table>", '"quoted" & more', "\u202eright to left", "\U0001f680" * 60]
)
def test_hostile_names_stay_text(name: str, lake: Con, facts: PageFacts) -> None:
    lake.execute("update marts.cost set team = ? where team = 'sales'", [name])
    hostile = replace(facts, company=f"{name}\r\nBcc: all@example.com")
    said = letter("weekly", "2026-W43", lake, hostile)
    assert name in said.text
    assert "<script" not in said.html
    assert said.html.count("<table") == said.html.count("</table>")
    mail = parsed(eml(said, LAST, PAGE))
    assert mail["Bcc"] is None
    assert mail["Subject"] == said.subject


def test_a_weekless_page_has_a_letter_of_what_it_shares(lake: Con, facts: PageFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "TOLD", frozenset({"nothing"}))
    said = letter("savings", "2026-10", lake, facts)
    assert said.subject == "Acme AI: savings of 2026-10"
    assert said.picture is None


def test_a_link_is_written_where_the_page_has_an_address(lake: Con, facts: PageFacts) -> None:
    address = "https://pages.example.com/reports/weekly/2026-W43.html"
    said = letter("weekly", "2026-W43", lake, facts, address)
    assert f"Read the page at {address}" in said.text
    assert {attrs["href"] for name, attrs in Tags(said.html).found if name == "a"} == {address}


def test_an_address_with_a_line_break_is_refused(said: Letter) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        eml(said, LAST, PAGE, "a@example.com\nBcc: all@example.com")


def test_an_empty_lake_has_a_letter(empty: Con, facts: Any) -> None:
    said = letter("weekly", "2026-W43", empty, facts)
    assert "No cost was recorded in this week" in said.subject
    assert "nothing recorded" in said.html


def test_of_very_many_teams_the_first_are_listed_and_the_rest_counted(lake: Con, facts: PageFacts) -> None:
    many = "select c.* replace (c.team || n as team) from marts.cost as c, range(500) as r(n) where c.day = '2026-10-20'"
    lake.execute(f"insert into marts.cost by name {many}")
    said = letter("weekly", "2026-W43", lake, facts)
    for text in (said.text, said.html):
        assert "more, in the page" in text
        assert text.count("support") < 60


def test_the_quality_page_has_a_letter_with_its_verdict(lake: Con) -> None:
    said = letter("quality", "index", lake, QualityFacts("Acme AI", LAST, [], [], Decimal("0.98")))
    assert said.subject.startswith("Acme AI: ")
    assert said.subject != "Acme AI: quality of the data"
    assert "quality of the data" not in said.text.splitlines()[2]


def test_the_letter_of_a_draft_says_so_first(lake: Con, facts: PageFacts) -> None:
    said = letter("weekly", "2026-W43", lake, replace(facts, draft="41.0 % of the tokens have a price."))
    assert said.subject.startswith("Draft: Acme AI: ")
    assert said.text.startswith("DRAFT. 41.0 % of the tokens have a price.")
    assert said.html.index("41.0 % of the tokens") < said.html.index("<h1")
