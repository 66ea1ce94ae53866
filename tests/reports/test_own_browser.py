"""Sections and brand of a book in a real browser, with hostile names: they fit, run nothing, ask for nothing and are accessible."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pages
import pytest
from browsing import NARROWEST, PRINTED, SCHEMES, WIDTHS, Look, looked_at

from meterbook.assets.branding import BrandSettings, brand_of
from meterbook.assets.own_sections import load_sections
from meterbook.assets.workspace import columns
from meterbook.reports.additions import Additions
from meterbook.reports.page import PageFacts, make

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WEEK = "2026-W43"
pytestmark = [pytest.mark.long, pytest.mark.browser]
HOSTILE = "<script>alert(1)</script></script><img src=x onerror=alert(1)>\"'`\N{RIGHT-TO-LEFT OVERRIDE}evil \N{RECEIPT} " + "n" * 140
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30"><rect width="90" height="30" rx="4" fill="#7a3e9d"/></svg>'
DAYS = "where day >= getvariable('to_day') - interval 28 day and day < getvariable('to_day')"
SECTIONS = {
    "bars": (
        f"select feature, sum(cost_usd) as cost_usd from marts.cost {DAYS} group by feature order by cost_usd desc",
        "bar, x: feature",
    ),
    "lines": (
        f"select day, feature, sum(cost_usd) as cost_usd from marts.cost {DAYS} and team = 'support' group by all order by day, feature",
        "line, x: day, series: feature",
    ),
    "table": (
        f"select feature, team, tenant, line, count(*) as rows, sum(cost_usd) as cost_usd from marts.cost {DAYS} group by all order by all",
        "table",
    ),
    "wrong": ("select nope from marts.cost order by 1", "table"),
}


@pytest.fixture(scope="module")
def look(filled: Path, facts: PageFacts, browser: "Browser", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Look]:
    folder = tmp_path_factory.mktemp("own")
    (folder / "sections").mkdir()
    for name, (sql, chart) in SECTIONS.items():
        (folder / f"sections/{name}.sql").write_text(sql)
        (folder / f"sections/{name}.yaml").write_text(f"title: {name}\nquestion: What of {name}?\nchart: {{kind: {chart}, y: cost_usd}}\n")
    (folder / "meterbook.yaml").write_text("name: x\n")
    (folder / "logo.svg").write_text(LOGO)
    brand = brand_of(folder, BrandSettings(name=HOSTILE[:60], logo="logo.svg", accent="#7a3e9d"))
    with duckdb.connect(shutil.copy(filled, folder / "lake.duckdb")) as con:
        pages.spoil(con, HOSTILE)
        made = make("weekly", WEEK, con, facts, Additions(load_sections(folder, columns()), brand))
    assert [why.split(":")[0] for why in made.unmade] == ["section wrong could not be made"]
    path = folder / "page.html"
    path.write_text(made.html, "utf-8")
    with looked_at(browser, path) as found:
        yield found


def test_they_fit_run_nothing_and_are_accessible(look: Look) -> None:
    look.open_all()
    for width, scheme in zip(WIDTHS, SCHEMES, strict=True):
        look.turn(width, scheme)
        assert look.troubles(width) == []
        assert look.violations() == []
        assert look.small_targets() == []
    look.turn(NARROWEST)
    assert look.wider(NARROWEST) == []
    look.turn(PRINTED, media="print")
    assert look.troubles(PRINTED) == []


def test_the_brand_is_there_and_nothing_of_a_name_is_an_element(look: Look) -> None:
    look.turn(WIDTHS[0])
    assert look.page.locator("img").count() == 1
    assert look.page.evaluate("document.querySelector('.brand img').naturalWidth") > 0
    for scheme, accent in (("light", "#7a3e9d"), ("dark", "#")):
        look.turn(WIDTHS[0], scheme)
        found = look.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent').trim()")
        assert found.startswith(accent)
        assert (found == "#7a3e9d") is (scheme == "light")
    assert look.page.locator("#own-wrong [role=note]").inner_text().startswith("Section wrong could not be made: sections/wrong.sql:1: ")
