"""The digest says what the weekly page says first, of a week or of a day."""

from datetime import date, timedelta

import duckdb

from meterbook.assets.notice import Notice, message_of
from meterbook.assets.notices import digest_notice
from meterbook.reports.frame import Frame, PageFacts
from meterbook.reports.periods import Week
from meterbook.reports.sections.opening import causes, headline

MONDAY = date(2026, 10, 19)


def _digest(con: duckdb.DuckDBPyConnection, facts: PageFacts, days: int) -> tuple[Frame, Notice]:
    span = (MONDAY, MONDAY + timedelta(days=days))
    frame = Frame(con, Week("2026-W43", *span), facts)
    return frame, digest_notice(frame, span)


def test_the_digest_of_a_week_is_the_pages_verdict_its_figures_and_what_moved(lake: duckdb.DuckDBPyConnection, facts: PageFacts) -> None:
    frame, notice = _digest(lake, facts, 7)
    assert (notice.notice_id, notice.day, notice.title) == (
        "digest 2026-W43",
        date(2026, 10, 26),
        "Acme AI: week 43, 19 to 25 October 2026",
    )
    assert list(notice.lines[:2]) == [headline(frame), causes(frame)[0]]
    names = [name for name, _ in notice.facts]
    assert "Cost per resolved ticket" in names
    assert "Cost of the week" not in names
    body = message_of(notice, "https://books.example.com/reports").markdown
    assert "AI cost" in body
    assert body.endswith("(https://books.example.com/reports/weekly/2026-W43.html)")


def test_the_digest_of_a_day_is_of_that_day(lake: duckdb.DuckDBPyConnection, facts: PageFacts) -> None:
    frame, notice = _digest(lake, facts, 1)
    assert (notice.notice_id, notice.day, notice.title) == ("digest 2026-10-19", date(2026, 10, 20), "Acme AI: 19 October 2026")
    assert notice.usd == frame.now
    assert not notice.facts


def test_a_week_without_cost_says_so(empty: duckdb.DuckDBPyConnection, facts: PageFacts) -> None:
    _, notice = _digest(empty, facts, 7)
    assert notice.lines[0] == "No cost was recorded in this week."
