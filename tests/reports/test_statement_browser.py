"""A statement in a real browser: it fits, asks for nothing, and says on every printed page that it is for information."""

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from meterbook.reports.charges import Edition, Month
from meterbook.reports.frame import PageFacts
from meterbook.reports.page import render
from meterbook.reports.statements import StatementFacts

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
LONG = "a-team-" + "with-a-long-name-" * 4


@pytest.fixture
def file(lake: duckdb.DuckDBPyConnection, facts: PageFacts, tmp_path: Path) -> Path:
    """A statement of long names and large amounts."""
    lake.execute(
        "update marts.chargeback set team = ?, cost_usd = cost_usd * 1000, posted_usd = posted_usd * 1000 where team = 'sales'", [LONG]
    )
    lake.execute("update marts.chargeback set cost_centre = ?, line = 'Model usage ' || ? where team = ?", [LONG, LONG, LONG])
    lake.execute("update marts.rate_used set team = ?, model = ? where team = 'sales'", [LONG, f"models/{LONG}"])
    path = tmp_path / "statement.html"
    path.write_text(render("statement", "2026-10", lake, StatementFacts(facts, LONG, Edition(), Month(lake, "2026-10"))), "utf-8")
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_statement_fits_and_asks_for_nothing(width: int, scheme: str, browser: "Browser", file: Path) -> None:
    said: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: None if request.url.startswith(("data:", file.as_uri())) else said.append(request.url))
    page.goto(file.as_uri())
    page.evaluate("document.fonts.ready.then(() => true)")
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator(".banner").is_visible()
    assert not page.locator(".printed").first.is_visible()
    page.close()


def test_tables_of_a_printed_statement_repeat_that_nothing_is_charged(browser: "Browser", file: Path) -> None:
    page = browser.new_page()
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    assert page.locator(".printed").count() == 3
    assert all(row.is_visible() for row in page.locator(".printed").all())
    assert page.pdf(prefer_css_page_size=True, print_background=True).startswith(b"%PDF")
    page.close()
