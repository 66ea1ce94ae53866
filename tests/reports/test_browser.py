"""The page in a real browser: what only a browser can tell."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from meterbook.reports.page import PageFacts, QualityFacts, render
from meterbook.reports.quality import Rule

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
Con = duckdb.DuckDBPyConnection
LAST = date(2026, 10, 25)
OVERLAPS = """() => {
  const found = [];
  document.querySelectorAll("[data-figure]").forEach(place => {
    const frame = place.getBoundingClientRect();
    const boxes = [...place.querySelectorAll(".annotation-text")].map(text => [text.textContent, text.getBoundingClientRect()]);
    boxes.forEach(([name, box], n) => {
      if (box.right > frame.right + 1 || box.left < frame.left - 1 || box.top < frame.top - 1) found.push(name + " leaves its figure");
      boxes.slice(n + 1).forEach(([other, next]) => {
        if (box.left < next.right && next.left < box.right && box.top + 1 < next.bottom && next.top + 1 < box.bottom) {
          found.push(name + " meets " + other);
        }
      });
    });
  });
  return found;
}"""


@pytest.fixture
def file(lake: Con, facts: PageFacts, tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(render("weekly", "2026-W43", lake, facts), "utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_draws_fits_and_asks_for_nothing(width: int, scheme: str, browser: "Browser", file: Path) -> None:
    said: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(("data:", file.as_uri())) else said.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_function("document.querySelectorAll('[data-figure] .main-svg').length >= 2")
    page.evaluate("document.fonts.ready.then(() => true)")
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    drawn = "place => place.querySelectorAll('.trace path').length"
    assert all(place.evaluate(drawn) > 0 for place in page.query_selector_all("[data-figure]"))
    assert page.evaluate(OVERLAPS) == []
    fonts = "[...document.fonts].filter(font => font.status === 'loaded').map(font => font.family.replaceAll('\"', '')).sort()"
    assert page.evaluate(fonts) == ["Inter", "Inter", "Source Serif 4"]
    page.close()


@pytest.fixture
def quality(lake: Con, tmp_path: Path) -> Path:
    """The quality page of long names, with all it can hold open to be seen."""
    long = "team-" + "a" * 70 + "/" + "export_" * 12 + ".jsonl"
    reason = "tokens_" + "b" * 300 + " is negative (-5)"
    lake.execute("update marts.input_file set file = ?, format = 'anthropic_analytics_usage', rows_in = 123456789012", [long])
    lake.execute("insert into raw.quarantine values ('f', ?, 'anthropic_analytics_usage', 1234567, ?, '')", [long, reason])
    lake.execute("insert into raw.file_flag values ('f', ?, ?)", [long, f"holds {long}"])
    lake.execute("insert into marts.volume values (?, ?, 'gpu_sample', 1234567, 12345678, 'low')", [LAST, long])
    names = "day, kind, source, other_source, items, other_items, same_items"
    lake.execute(f"insert into marts.same_money ({names}) values (?, 'charge', ?, ?, 123456789, 123456789, 123456789)", [LAST, long, long])
    rules = [
        Rule(
            "marts.same_money",
            f"same_items < 0 and source <> '{reason}'",
            is_blocking=False,
            rows=123456789,
            partitions=["2026-10-01", "2026-10-25"],
        )
    ]
    path = tmp_path / "quality.html"
    facts = QualityFacts("Acme AI", LAST, [(long, reason), (f"{long}x", reason)], rules, "c0ffee")
    made = render("quality", "index", lake, facts)
    path.write_text(made.replace("<details>", "<details open>"), "utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_quality_page_fits_whatever_files_are_called(width: int, scheme: str, browser: "Browser", quality: Path) -> None:
    said: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: None if request.url.startswith(("data:", quality.as_uri())) else said.append(request.url))
    page.goto(quality.as_uri())
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("details[open] code").is_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 22, 28)"}[scheme]
    page.close()


@pytest.mark.parametrize("through", [LAST, date(2026, 10, 12)])
def test_labels_of_lines_that_end_together_do_not_meet(
    through: date, browser: "Browser", lake: Con, facts: PageFacts, tmp_path: Path
) -> None:
    lake.execute("update marts.budget_use set day = ? where budget = 'everything'", [through])
    spent = "(select sum(cost_usd) from marts.cost where day >= '2026-10-01' and day <= ?)"
    lake.execute(f"update marts.budget_use set amount_usd = {spent}, forecast_usd = {spent} + 1 where budget = 'everything'", [through] * 2)
    path = tmp_path / "page.html"
    path.write_text(render("weekly", f"{through:%G-W%V}", lake, replace(facts, data_through=through)), "utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(path.as_uri())
    page.wait_for_selector("#month .annotation-text")
    assert page.locator("#month .annotation-text").count() == 3
    assert page.evaluate(OVERLAPS) == []
    page.close()


def test_a_dark_reader_gets_a_dark_page_with_light_figures_text(browser: "Browser", file: Path) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.goto(file.as_uri())
        page.wait_for_selector(".annotation-text")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        grounds.append((ground, page.eval_on_selector(".annotation-text", "text => getComputedStyle(text).fill")))
        page.close()
    assert grounds == [("rgb(255, 255, 255)", "rgb(23, 32, 42)"), ("rgb(17, 22, 28)", "rgb(230, 234, 239)")]


def test_a_hostile_name_runs_nothing(browser: "Browser", lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    for table in ("cost", "spend", "token_use", "unit_cost"):
        lake.execute(f"update marts.{table} set feature = '<img src=x onerror=alert(1)><script>alert(1)</script>' where feature = 'drafts'")
    path = tmp_path / "page.html"
    path.write_text(render("weekly", "2026-W43", lake, facts), "utf-8")
    asked: list[str] = []
    page = browser.new_page()
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.goto(path.as_uri())
    page.wait_for_selector("[data-figure] .main-svg")
    assert asked == []
    assert page.locator("img").count() == 0
    page.close()


def test_a_printed_page_is_light_and_shows_its_figures_whole(browser: "Browser", file: Path) -> None:
    page = browser.new_page(color_scheme="dark", viewport={"width": 696, "height": 900})
    page.goto(file.as_uri())
    page.wait_for_selector("[data-figure] .main-svg")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ground').trim()") == "#ffffff"
    assert page.pdf(prefer_css_page_size=True, print_background=True).startswith(b"%PDF")
    assert page.evaluate("document.documentElement.scrollWidth") == 696
    page.close()
