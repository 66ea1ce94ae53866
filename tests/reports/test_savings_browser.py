"""The savings page in a real browser: it fits whatever features and models are called."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from meterbook.reports.page import PageFacts, render

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
NAMED = {"day": date(2026, 10, 5), "team": "customer-success", "feature": "invoice-extraction-of-scans", "model": "claude-sonnet-4-5"}
LARGE = Decimal("123456.5")
RANGE = {"low_saving_usd": -LARGE, "point_saving_usd": LARGE, "high_saving_usd": 9 * LARGE}


def _put(con: duckdb.DuckDBPyConnection, table: str, row: dict[str, Any]) -> None:
    con.execute(f"insert into marts.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


@pytest.fixture
def page(empty: duckdb.DuckDBPyConnection, facts: PageFacts, tmp_path: Path) -> Path:
    of_model = NAMED | {"provider": "anthropic", "requests": 1_234_567}
    for place, lever in enumerate(("duplicates", "retries", "caps", "routing", "prompt cache", "batch"), 1):
        for scenario, usd in zip(("low", "point", "high"), RANGE.values(), strict=True):
            money = {"before_usd": 99 * LARGE, "after_usd": 99 * LARGE - usd, "saving_usd": usd}
            _put(empty, "lever", of_model | {"tenant": "x", "place": place, "lever": lever, "scenario": scenario} | money)
    repeats = dict.fromkeys(("low_repeats", "point_repeats", "high_repeats", "late_repeats", "foreign_repeats", "claimed_repeats"), 10_000)
    hits = dict.fromkeys(("cache_hits", "foreign_hits", "eligible_requests", "unpriced_repeats"), 123_456)
    _put(empty, "response_cache", of_model | RANGE | repeats | hits | {"tenant": "x", "cache_hit_value_usd": LARGE, "cost_usd": LARGE})
    tokens = dict.fromkeys(("input_tokens", "cache_read_tokens", "cache_write_tokens", "point_read_tokens"), 123_456_789_012)
    money = dict.fromkeys(("read_saving_usd", "write_premium_usd", "storage_usd", "saving_usd"), LARGE)
    _put(empty, "prompt_cache", of_model | RANGE | tokens | money | {"unpriced_requests": 5})
    path = tmp_path / "savings.html"
    path.write_text(render("savings", "2026-10", empty, facts), "utf-8")
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (390, "dark")])
def test_the_savings_page_fits_and_asks_for_nothing(width: int, scheme: Any, browser: "Browser", page: Path) -> None:
    said: list[str] = []
    shown = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    shown.on("console", lambda message: said.append(message.text))
    shown.on("request", lambda request: None if request.url.startswith(("data:", page.as_uri())) else said.append(request.url))
    shown.goto(page.as_uri())
    assert said == []
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert shown.locator("#savings_decisions li").count() == 5
    assert shown.locator("#prompt_cache tbody tr").count() == 1
    shown.close()
