"""A small book that several rooms test with: a few requests on days of two months, priced by a card of its own."""

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import CHROMIUM_ARGS
from running import run
from sharing import made_once, shared
from small import PAGES, make_few, make_small
from small_book import ALL_BUT_TEAMS, DAYS, PUBLISHED, SmallBook
from xdist.scheduler import LoadFileScheduling


@pytest.fixture
def small_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallBook:
    """A book with one request a day from 2026-09-29 to 2026-10-02, and no cards but its own."""
    make_small(monkeypatch)
    book = SmallBook(tmp_path / "book")
    book.log(*DAYS)
    return book


@pytest.fixture(scope="session")
def _priced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            make_small(monkeypatch)
            book = SmallBook(folder)
            book.log(*DAYS)
            book.run()

    return made_once(shared(tmp_path_factory, "priced"), "book", make)


@pytest.fixture
def priced_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _priced: Path) -> SmallBook:
    """The same book after a run."""
    make_small(monkeypatch)
    shutil.copytree(_priced, tmp_path / "book")
    return SmallBook(tmp_path / "book")


@pytest.fixture(scope="session")
def _published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            make_small(monkeypatch)
            make_few(monkeypatch, *PUBLISHED, pages=ALL_BUT_TEAMS)
            book = SmallBook(folder)
            book.log(*DAYS)
            code, said = run(folder)
            assert code == 0, said

    return made_once(shared(tmp_path_factory, "published"), "book", make)


@pytest.fixture
def published_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _published: Path) -> SmallBook:
    """The same book after a whole run, with its pages and statements; later runs make as few tables."""
    make_small(monkeypatch)
    make_few(monkeypatch, *PUBLISHED, pages=ALL_BUT_TEAMS)
    shutil.copytree(_published, tmp_path / "book")
    return SmallBook(tmp_path / "book")


@pytest.fixture(scope="module")
def all_small() -> Iterator[None]:
    """Every book of a module is small, those of its other fixtures too."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium as Debian has it, for what only a browser can tell."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    with sync_api.sync_playwright() as play:
        found = play.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def all_few(request: pytest.FixtureRequest) -> Iterator[None]:
    """Runs of a module make few tables, `TOLD`, its own `TABLES` and what these are made of, and few kinds of pages, or its own `PAGES`."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_few(monkeypatch, *getattr(request.module, "TABLES", ()), pages=getattr(request.module, "PAGES", PAGES))
        yield


COMPANY = (
    *("test_demo_run.py", "test_demo_fleet_run.py", "test_reconciled_demo.py", "test_demo_pages.py"),
    *("test_demo_alarms.py", "test_demo_levers_found.py", "test_explain_cli.py"),
)
"""Files that need the sample company after its run, which takes a minute: one process has them all, or others would wait for it."""


class _ByFile(LoadFileScheduling):
    """Files go to processes whole."""

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        return "company" if scope.endswith(COMPANY) else scope


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _ByFile(config, log)


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: Python need not look for cycles in it time and again, nor often in what tests make."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_unconfigure() -> None:
    """What was kept is given back: libraries look at the end for what is still held, and say so."""
    gc.unfreeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that no process is left with it at the end."""
    items.sort(key=lambda item: 0 if item.path.name in COMPANY else 1 if item.get_closest_marker("early") else 2)
