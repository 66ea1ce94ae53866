"""`meterbook budgets` as it is typed: how budgets stand, one in full, and the replay of what fired."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from running import typed
from small import built, limited, make_small
from small_book import SmallBook

from meterbook.assets.workspace import Workspace

pytestmark = pytest.mark.long

CALL = Decimal("1.000407")
"""What a request of SmallBook.log costs."""
BUDGETS = """\
model_classes: [{class: small ones, models: ['sma*']}]
budgets:
  - {budget: search, amount_usd: 3, team: search, at_limit: {do: fall back, model: tiny}}
  - {budget: calls, measure: requests, amount: 1000, period: quarter, model_class: small ones}
  - {budget: each day, measure: tokens, amount: 1000000, period: day, team: search, levels: [100]}
  - {budget: over, amount_usd: 3, ends_on: 2026-09-01}
rate_limits:
  - {limit: bursts, team: search, requests_per_minute: 1}
"""


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A call on each of three days of October, and another on the last of them."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        book = SmallBook(tmp_path_factory.mktemp("budgets") / "book")
        (book.folder / "budgets.yaml").write_text(BUDGETS, "utf-8")
        book.log("2026-10-01", "2026-10-02", "2026-10-03")
        book.log("2026-10-03")
        built(limited(Workspace(book.folder), "marts.budget_event", "marts.budget_driver", "marts.rate_limit_use"))
    return book.folder


@pytest.mark.usefixtures("all_small")
def test_budgets_that_need_a_look_are_shown_with_what_happens_at_the_limit_and_the_others_are_counted(computed: Path) -> None:
    said = typed(computed, "budgets")
    assert said.code == 0, said.err
    assert "search is used up; at the limit calls go to tiny" in said.out
    assert "1 budget where the period is, or below: --all shows them" in said.out
    assert "rate limit bursts (search), last seven days: 1 of 3 minutes with calls over it, at most 2 requests of 1 in a minute" in said.out
    [search] = [row for row in json.loads(typed(computed, "budgets", "--json").out) if row["budget"] == "search"]
    assert (Decimal(search["used"]), search["level_percent"], search["day"]) == (4 * CALL, 95, "2026-10-03")
    assert [row["budget"] for row in json.loads(typed(computed, "budgets", "--all", "--json").out)] == ["calls", "each day", "search"]


@pytest.mark.usefixtures("all_small")
def test_one_budget_is_shown_with_its_drivers_periods_and_events(computed: Path) -> None:
    found = json.loads(typed(computed, "budgets", "show", "calls", "--json").out)
    assert found["drivers_by"] == "team"
    assert [(row["driver"], Decimal(row["used"]), Decimal(row["cost_usd"])) for row in found["drivers"]] == [("search", 4, 4 * CALL)]
    assert [(row["period_start"], Decimal(row["used"])) for row in found["periods"]] == [("2026-10-01", 4)]
    said = typed(computed, "budgets", "show", "search")
    assert "search: search, by month, owner search" in said.out
    assert "it is used up" in said.out
    assert "2026-10-03  actual: 95 % of search ($3 a month) is reached: $4 used, 133.4 %." in said.out.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.usefixtures("all_small")
def test_the_replay_names_every_level_once_on_its_day(computed: Path) -> None:
    rows = json.loads(typed(computed, "budgets", "events", "--json").out)
    fired = [(row["day"], row["budget"], row["level_percent"]) for row in rows if row["kind"] == "actual"]
    assert fired == [
        ("2026-10-01", "each day", 100),
        ("2026-10-02", "each day", 100),
        ("2026-10-02", "search", 50),
        ("2026-10-03", "each day", 100),
        ("2026-10-03", "search", 80),
        ("2026-10-03", "search", 95),
    ]
    assert [(row["day"], row["budget"]) for row in rows if row["kind"] == "forecast"] == [("2026-10-02", "search")]
    some = json.loads(typed(computed, "budgets", "events", "--from", "2026-10-02", "--to", "2026-10-02", "--json").out)
    assert some == [row for row in rows if row["day"] == "2026-10-02"]
    assert (
        "no level fired from 2026-09-01 to 2026-09-02"
        in typed(computed, "budgets", "events", "--from", "2026-09-01", "--to", "2026-09-02").out
    )


@pytest.mark.usefixtures("all_small")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("serch", "there is no budget 'serch'; there are calls, each day, over, search"),
        ("over", "has no day in the lake: it has not begun"),
    ],
)
def test_a_budget_that_cannot_be_shown_is_told_in_a_line(name: str, said: str, computed: Path) -> None:
    found = typed(computed, "budgets", "show", name)
    assert found.code == 2
    assert said in found.err


@pytest.mark.usefixtures("all_small")
def test_a_book_without_budgets_says_where_they_are_written(tmp_path: Path) -> None:
    book = SmallBook(tmp_path / "book")
    found = typed(book.folder, "budgets")
    assert found.code == 2
    assert "there are no budgets in" in found.err
    (book.folder / "budgets.yaml").write_text(BUDGETS, "utf-8")
    assert "`meterbook run` first" in typed(book.folder, "budgets").err
