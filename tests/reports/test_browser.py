"""Every kind of page in a real browser: it fits, is whole, is accessible, asks for nothing, and looks as it did."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pages
import pytest
from browsing import NARROWEST, PRINTED, SCHEMES, WIDTHS, Look, looked_at
from examples import IS_NIGHT

from meterbook.reports.kinds import KINDS
from meterbook.reports.page import PageFacts, render

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.long, pytest.mark.browser, pytest.mark.early]
Con = duckdb.DuckDBPyConnection
LAST = pages.LAST
HOSTILE = pages.HOSTILE
BY_DAY = ("weekly", "team")
"""Kinds whose hostile names are looked at by day; what the others' HTML says is tested without a browser."""
PICTURES = Path(__file__).parents[1] / "golden" / "pages"
PICTURE_WIDTHS = {1280: 400, 390: 195}
EVERY = [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
PICTURED = [EVERY[0], EVERY[-1]]
TOLERANCE = 8
"""Of 255, over a square of twenty pixels of a picture: a letter that is drawn otherwise is less, a line of text that is gone is more."""


@pytest.fixture(scope="module")
def file_of(filled: Path, facts: PageFacts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Path]]:
    """Makes a page of a kind, plain or with hostile names, once."""
    folder = tmp_path_factory.mktemp("pages")
    lakes = {name: duckdb.connect(shutil.copy(filled, folder / f"{bool(name)}.duckdb")) for name in ("", HOSTILE)}
    pages.spoil(lakes[HOSTILE], HOSTILE)

    def made(kind: str, name: str = "") -> Path:
        path: Path = folder / f"{kind}-{bool(name)}.html"
        if not path.is_file():
            path.write_text(pages.page_of(kind, lakes[name], facts, name), "utf-8")
        return path

    yield made
    for con in lakes.values():
        con.close()


def by_turns(kind: str, every: Sequence[tuple[int, str]]) -> Sequence[tuple[int, str]]:
    """Widths and schemes a kind is looked at in: all by night, one by day, so that all kinds together have each."""
    return every if IS_NIGHT or os.environ.get("METERBOOK_PICTURES") else [every[sorted(KINDS).index(kind) % len(every)]]


@pytest.fixture(scope="module", params=sorted(KINDS))
def look(request: pytest.FixtureRequest, browser: "Browser", file_of: Callable[..., Path]) -> Iterator[Look]:
    """A page of each kind, opened once for all that is asked of it."""
    with looked_at(browser, file_of(request.param)) as found:
        found.name = request.param
        yield found


@pytest.mark.nightly  # another release of the browser may draw a little otherwise, which is no reason to refuse a change
def test_it_looks_as_it_did(look: Look) -> None:
    for width, scheme in by_turns(look.name, PICTURED):
        look.turn(width, scheme)
        path, now = PICTURES / f"{look.name}-{width}-{scheme}.webp", look.picture(PICTURE_WIDTHS[width])
        if os.environ.get("METERBOOK_PICTURES"):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(now)
        assert path.is_file(), f"{path.name} is not there: METERBOOK_PICTURES=1 makes it (CONTRIBUTING.md)"
        off, place = look.difference(now, path.read_bytes())
        assert off <= TOLERANCE, f"{path.name} is {off:.0f} off at {place} pixels: METERBOOK_PICTURES=1 renews it (CONTRIBUTING.md)"


def test_it_fits_is_whole_and_asks_for_nothing(look: Look) -> None:
    for width in WIDTHS:
        look.turn(width)
        assert look.troubles(width) == []
    look.turn(NARROWEST)
    assert look.wider(NARROWEST) == []
    look.turn(PRINTED, media="print")
    assert look.troubles(PRINTED) == []
    assert look.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ground').trim()") == "#ffffff"


def test_all_of_it_is_reached_and_opened_from_the_keyboard_and_focus_is_seen(look: Look) -> None:
    page = look.page
    look.turn(WIDTHS[-1])
    for _ in range(page.locator("summary:visible, a:visible, input:visible").count()):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            page.keyboard.press("Enter")
            page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") != "BODY" or page.locator("summary, a, input:visible").count() == 0
    assert look.said == []


def test_fonts_are_in_the_file_and_text_follows_the_scheme(look: Look) -> None:
    fonts = "[...document.fonts].filter(font => font.status === 'loaded').map(font => font.family.replaceAll('\"', '')).sort()"
    assert set(look.page.evaluate(fonts)) == {"Inter", "Source Serif 4"}
    asked = "[document.body].concat([...document.querySelectorAll('.annotation-text')].slice(0, 1)).map(one => getComputedStyle(one))"
    for scheme, ground, ink in (("light", "rgb(255, 255, 255)", "rgb(23, 32, 42)"), ("dark", "rgb(17, 22, 28)", "rgb(230, 234, 239)")):
        look.turn(WIDTHS[0], scheme)
        assert look.page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
        inks = look.page.evaluate(f"{asked}.map((style, place) => place ? style.fill : style.color)")
        assert set(inks) == {ink}


def test_it_is_accessible_with_all_of_it_open(look: Look) -> None:
    look.open_all()
    for width, scheme in by_turns(look.name, EVERY):
        look.turn(width, scheme)
        assert look.violations() == []
        assert look.small_targets() == []
        assert look.troubles(width) == []


def test_columns_that_a_small_screen_leaves_out_can_be_had(look: Look) -> None:
    look.turn(WIDTHS[-1])
    wide, switch = look.page.locator("th.wide"), look.page.get_by_label("All columns of the tables")
    assert switch.is_visible() == (look.page.locator(".wide").count() > 0)
    if switch.is_visible():
        switch.focus()
        look.page.keyboard.press("Space")
        assert all(one.is_visible() for one in wide.all()[:5])
        look.page.keyboard.press("Space")
        assert not any(one.is_visible() for one in wide.all()[:5])


@pytest.mark.parametrize("kind", [kind if kind in BY_DAY else pytest.param(kind, marks=pytest.mark.nightly) for kind in sorted(KINDS)])
def test_hostile_names_run_nothing_and_fit(kind: str, browser: "Browser", file_of: Callable[..., Path]) -> None:
    with looked_at(browser, file_of(kind, HOSTILE)) as look:
        for width in WIDTHS:
            look.turn(width)
            look.open_all()
            assert look.troubles(width) == []
        assert look.page.locator("img").count() == 0
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in look.page.inner_text("main")
        assert IS_NIGHT is False or look.violations() == []


def test_a_picture_that_lacks_a_line_is_another(browser: "Browser", file_of: Callable[..., Path]) -> None:
    with looked_at(browser, file_of("ratecard")) as look:
        before = look.picture(PICTURE_WIDTHS[1280])
        look.page.add_style_tag(content="section:nth-of-type(2) tbody tr:first-child { visibility: hidden }")
        assert look.difference(before, look.picture(PICTURE_WIDTHS[1280]))[0] > TOLERANCE
        look.page.add_style_tag(content="section:nth-of-type(2) { display: none }")
        assert look.difference(before, look.picture(PICTURE_WIDTHS[1280]))[0] == 255


@pytest.mark.parametrize("through", [pytest.param(LAST, marks=pytest.mark.nightly), date(2026, 10, 12)])
def test_labels_of_lines_that_end_together_do_not_meet(
    through: date, browser: "Browser", lake: Con, facts: PageFacts, tmp_path: Path
) -> None:
    spent = "(select sum(cost_usd) from marts.cost where day >= '2026-10-01' and day <= $through)"
    asked = {"through": through}
    lake.execute(f"update marts.budget_use set day = $through, amount = {spent} where budget = 'everything'", asked)
    lake.execute(f"update marts.forecast set day = $through, low_usd = {spent}, point_usd = {spent} + 1, high_usd = {spent} + 2", asked)
    path = tmp_path / "page.html"
    path.write_text(render("weekly", f"{through:%G-W%V}", lake, replace(facts, data_through=through)), "utf-8")
    with looked_at(browser, path, 390) as look:
        assert look.page.locator("#month .annotation-text").count() == 3
        assert look.troubles(390) == []


def test_tables_of_a_printed_statement_repeat_that_nothing_is_charged(browser: "Browser", file_of: Callable[..., Path]) -> None:
    with looked_at(browser, file_of("statement")) as look:
        assert look.page.locator(".banner").is_visible()
        repeated: Any = look.page.locator(".printed")
        assert not repeated.first.is_visible()
        look.turn(PRINTED, media="print")
        assert repeated.count() == 3
        assert all(row.is_visible() for row in repeated.all())
        assert look.page.pdf(prefer_css_page_size=True, print_background=True).startswith(b"%PDF")
