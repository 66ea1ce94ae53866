"""What `meterbook report` makes of a page beside it: the mail as a file, and the page in a browser as it is served."""

import threading
from contextlib import nullcontext
from datetime import date
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.publications import Publication
from meterbook.assets.team_pages import path_of
from meterbook.pipelines.cli_pages import Outlets, asked_for
from meterbook.pipelines.serving import Offer, Server
from meterbook.reports.page import PageFacts, render

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.long

Con = duckdb.DuckDBPyConnection
WEEK = Publication("weekly", "2026-W43")


@pytest.fixture
def page(lake: Con, facts: PageFacts, tmp_path: Path) -> Path:
    path = tmp_path / "reports/weekly/2026-W43.html"
    path.parent.mkdir(parents=True)
    path.write_text(render("weekly", "2026-W43", lake, facts), "utf-8")
    (tmp_path / "meterbook.yaml").write_text("name: Acme AI\n", "utf-8")
    return path


@pytest.fixture
def publisher(lake: Con, facts: PageFacts, page: Path) -> Any:
    """What a mail needs of a publisher, over the sample marts."""
    (page.parents[2] / "notify.yaml").write_text("base_url: https://costs.example.com/reports\n", "utf-8")
    catalog = SimpleNamespace(connect=lambda: nullcontext(lake))
    workspace = SimpleNamespace(book=Book(page.parents[2]), folder=page.parents[2], catalog=catalog)
    through = SimpleNamespace(data_through=date(2026, 11, 30))
    return SimpleNamespace(facts_of=lambda _: facts, quality=through, workspace=workspace)


def test_the_mail_holds_the_page_and_its_address_and_is_written_once(
    publisher: Any, page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = page.with_name("mail") / "week.eml"
    outlets = Outlets(None, target, "CFO <cfo@example.com>, ops@example.com")
    outlets.hand_out(publisher, WEEK, page)
    before = target.stat().st_ino
    outlets.hand_out(publisher, WEEK, page)
    assert target.stat().st_ino == before
    mail = message_from_bytes(target.read_bytes(), policy=default)
    assert [one.addr_spec for one in mail["To"].addresses] == ["cfo@example.com", "ops@example.com"]
    assert f"{mail['Date'].datetime:%Y-%m-%d}" == "2026-10-25"
    [attached] = mail.iter_attachments()
    assert attached.get_filename() == "weekly-2026-W43.html"
    assert attached.get_payload(decode=True) == page.read_bytes()
    [text] = [part.get_content() for part in mail.walk() if part.get_content_type() == "text/plain"]
    assert "https://costs.example.com/reports/weekly/2026-W43.html" in text
    assert capsys.readouterr().out.split() == [str(target)] * 2


@pytest.mark.parametrize("to", ["nobody", "a@example.com\nBcc: all@example.com", "a@example.com, b"])
def test_what_is_no_list_of_addresses_is_told(to: str, publisher: Any, page: Path) -> None:
    target = page.with_name("week.eml")
    with pytest.raises(BookError, match="is no list of addresses"):
        Outlets(None, target, to).hand_out(publisher, WEEK, page)
    assert not target.exists()


@pytest.mark.browser
def test_a_served_page_draws_under_the_policy_it_is_sent_with(browser: "Browser", page: Path) -> None:
    with Server(Offer(Book(page.parents[2])), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        said: list[str] = []
        shown = browser.new_page(viewport={"width": 1280, "height": 900})
        shown.on("console", lambda message: said.append(message.text))
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.goto(server.url)
        shown.get_by_role("link", name="2026-W43").click()
        shown.wait_for_selector("[data-figure] .main-svg")
        assert shown.evaluate("[...document.fonts].some(font => font.status === 'loaded')")
        # Browsers ask for an icon by themselves.
        assert [text for text in said if "404" not in text] == []
        shown.close()
        server.shutdown()
        thread.join()


def test_of_the_pages_of_teams_the_one_that_is_asked_for_is_taken() -> None:
    pages = [Path("/book", path_of(team, "2026-W43")) for team in ("support", "Sales & \u00d6l", "research")]
    assert asked_for(pages, None) == pages
    assert asked_for(pages, Outlets(team="Sales & \u00d6l", kind="team")) == pages[1:2]
    with pytest.raises(BookError, match="'port' is no team with cost in that week"):
        asked_for(pages, Outlets(team="port", kind="team"))
