"""A page of a month that is closed says so from then on, with no figure changed; one of a month that is opened again is made anew."""

import re
import shutil
from pathlib import Path

import pytest
from small import built
from small_book import SmallBook

from meterbook.assets.closing import close, reopen
from meterbook.assets.publications import INDEX, INDEX_PAGE, SAVINGS, Publication
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Workspace

TABLES = ("marts.closed_month",)
PAGES = (SAVINGS, INDEX)
AUGUST, SEPTEMBER = (Publication(SAVINGS, month) for month in ("2026-08", "2026-09"))
pytestmark = [pytest.mark.long, pytest.mark.early, pytest.mark.usefixtures("all_small", "all_few")]


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory, all_small: None, all_few: None) -> Path:
    """Two months, their savings pages and the index published."""
    made = SmallBook(tmp_path_factory.mktemp("computed") / "book")
    made.log("2026-08-30", "2026-08-31", "2026-09-01", "2026-09-30")
    _run(made)
    return made.folder


@pytest.fixture
def book(computed: Path, tmp_path: Path) -> SmallBook:
    shutil.copytree(computed, tmp_path / "book")
    return SmallBook(tmp_path / "book")


def _run(book: SmallBook) -> list[str]:
    """What is published of the months' pages and the index."""
    publisher = Publisher(built(Workspace(book.folder)))
    found = [item for item in publisher.stale() if item in {AUGUST, SEPTEMBER, INDEX_PAGE}]
    return [item.key for item, _ in publisher.publish(found)]


def _page(book: SmallBook, item: Publication) -> str:
    return (book.folder / f"reports/{item.kind}/{item.period}.html").read_text("utf-8")


def _states(book: SmallBook) -> dict[str, str]:
    """What the index says of each page, by its address."""
    made = (book.folder / "reports/index.html").read_text("utf-8")
    return dict(re.findall(r'<a href="([^"]+)">[^<]*</a></span><span class="state">([^<]*)</span>', made))


def test_the_page_of_a_closed_month_says_closed_and_is_else_as_it_was(book: SmallBook) -> None:
    before = _page(book, AUGUST), _page(book, SEPTEMBER)
    assert before[0].count(" &middot; open &middot; ") == 1
    close(Workspace(book.folder), "2026-08", "agreed")
    assert _page(book, AUGUST) == before[0].replace(" &middot; open &middot; ", " &middot; closed &middot; ")
    assert _page(book, SEPTEMBER) == before[1]
    assert _states(book) == {"savings/2026-09.html": "open", "savings/2026-08.html": "closed"}


def test_what_comes_late_does_not_change_the_page_of_a_closed_month(book: SmallBook) -> None:
    close(Workspace(book.folder), "2026-08", "agreed")
    closed = _page(book, AUGUST)
    book.take("2026-late.jsonl", {"at": "2026-08-30T08:00:00Z", "model": "small", "input": 1_000_407, "output": 0, "team": "chat"})
    assert AUGUST.key not in _run(book)
    assert _page(book, AUGUST) == closed


def test_the_page_of_a_month_that_is_opened_again_says_open(book: SmallBook) -> None:
    before = _page(book, AUGUST)
    close(Workspace(book.folder), "2026-08", "agreed")
    reopen(Workspace(book.folder), "2026-08", "a bill was of another company")
    assert AUGUST.key in _run(book)
    assert _page(book, AUGUST) == before
    assert AUGUST.key not in _run(book)


def test_a_book_without_pages_closes_without_any(book: SmallBook) -> None:
    shutil.rmtree(book.folder / "reports")
    (book.folder / "lake/_state/published.json").unlink()
    close(Workspace(book.folder), "2026-08", "agreed")
    assert not (book.folder / "reports").exists()
