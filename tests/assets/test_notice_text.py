"""How notices are written: what was found in logs stays what it was, and does nothing in a chat, a mail or a terminal."""

import re
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from meterbook.assets.notice import TITLE, Notice, cut, gathered, marks_escaped, message_of

DAY = date(2026, 10, 21)
BAIT = st.lists(
    st.sampled_from(
        [
            "<script>",
            "</b>",
            "@everyone",
            "<!channel>",
            "<@U123>",
            "[a](http://evil)",
            "*b*",
            "_i_",
            "`c`",
            "&lt;",
            "# ",
            "- ",
            "1. ",
            "\n",
            "\x1b[31m",
            "\\",
        ]
    )
    | st.text(max_size=8)
).map("".join)


def _notice(title: str, line: str = "", fact: str = "", key: str = "a", usd: int = 1) -> Notice:
    return Notice("anomaly", key, "support", DAY, Decimal(usd), title, [line] if line else [], [("Cause", fact)], "weekly/2026-W43.html")


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str | None] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text += data


@given(BAIT, BAIT)
@examples(25)
def test_nothing_of_a_name_becomes_a_mark_a_link_or_a_call(line: str, fact: str) -> None:
    conversion = pytest.importorskip("apprise.conversion", reason="apprise is not installed")
    message = message_of(_notice("t", line, fact), "https://books.example.com/reports")
    seen = _Seen()
    seen.feed(conversion.convert_between("markdown", "html", message.markdown))
    assert seen.tags <= {"p", "ul", "li", "a", "br"}
    assert seen.links == ["https://books.example.com/reports/weekly/2026-W43.html"]
    for text in (message.title, message.plain, message.markdown):
        assert not re.search(r"@(everyone|here|channel|U123)|<[!@#]|</?[a-z]", text)
        assert all(char.isprintable() or char in "\n\u200b" for char in text)


@given(BAIT)
@examples(25)
def test_what_a_reader_sees_is_what_was_found(line: str) -> None:
    seen = _Seen()
    seen.feed(MarkdownIt("commonmark").render(marks_escaped(cut(line, 100))))
    assert seen.text.removesuffix("\n") == cut(line, 100)
    assert seen.tags <= {"p"}


def test_a_name_with_marks_inside_its_words_reads_as_it_is() -> None:
    message = message_of(_notice("Budget ticket_resolved", "R&D spends 5 % more on gpt-4.1_mini", "a.b-c@example.com"), None)
    assert message.markdown == "R&D spends 5 % more on gpt-4.1_mini\n\n- Cause: a.b-c@example.com"
    assert message.plain == "R&D spends 5 % more on gpt-4.1_mini\nCause: a.b-c@example.com"


def test_a_title_is_one_line_that_is_not_too_long() -> None:
    message = message_of(_notice("Spike\r\nBcc: all@example.com " + "x" * 500), None)
    assert "\n" not in message.title
    assert "\r" not in message.title
    assert len(message.title) == TITLE


def test_without_a_page_or_an_address_of_pages_there_is_no_link() -> None:
    assert "http" not in message_of(_notice("t"), None).markdown


def test_many_notices_become_one_whose_name_is_the_same_in_any_order() -> None:
    notices = [_notice(f"title {number}", key=str(number), usd=number) for number in range(40)]
    one, other = gathered(notices, "support"), gathered(notices[::-1], "support")
    assert one == other
    assert one.title == "40 more notices"
    assert one.facts[0] == ("2026-10-21", "title 39")
    assert "The newest 30; the others are in the lake." in one.lines
    assert len(one.facts) == 30
    assert gathered(notices[1:], "support").notice_id != one.notice_id
