"""The savings page of a month: what levers could spare, what was realised, and the ledger with its verdicts."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from meterbook.assets.book import Book
from meterbook.assets.workspace import columns
from meterbook.pipelines.savings import month_of, proposed, written
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.page import PageFacts, render
from meterbook.reports.saving_ledger import FELL, UNTOLD, Entry, Range
from meterbook.reports.sections import savings_decisions, savings_opening
from meterbook.sql.schemas import empty_table

MONTH = "2026-10"
IDEA: dict[str, Any] = {
    "step": 4, "lever": "routing", "owner": "support", "feature": "assistant", "was_model": "large", "to_model": "small",
    "idea_on": date(2026, 8, 1), "ends_on": date(9999, 12, 31), "quality_signal": "rating", "quality_margin": Decimal("0.01"),
}  # fmt: skip
LIVE = IDEA | {"committed_on": date(2026, 8, 10), "live_since": date(2026, 9, 1), "status": "live"}
VERIFIED = LIVE | {"verified_on": date(2026, 10, 10), "status": "verified"}
Con = duckdb.DuckDBPyConnection


def _put(con: Con, table: str, *rows: dict[str, Any]) -> None:
    for row in rows:
        con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _saved(con: Con, saving: str, day: date, usd: str, **more: Any) -> None:
    owner = {"lever": "routing", "owner": "support", "basis": "measured", "requests": 10, "unknown_requests": 0}
    money = {"was_usd": Decimal(usd) + 1, "cost_usd": Decimal(1), "saving_usd": Decimal(usd)}
    _put(con, "marts.savings", {"day": day, "saving": saving, **owner, **money, **more})


def _judged(con: Con, saving: str, before: int, since: int, count: int = 1000) -> None:
    """So many of a thousand answers were good before, and since."""
    for is_before, good, day in ((True, before, date(2026, 8, 20)), (False, since, date(2026, 9, 20))):
        said = {"judgements": count, "quality_sum": good, "quality_square_sum": good}
        _put(con, "marts.saving_quality", {"day": day, "saving": saving, "is_before": is_before, **said})


def _lever(con: Con, low: str, point: str, high: str, **more: Any) -> None:
    where = {"day": date(2026, 10, 5), "lever": "routing", "place": 4, "team": "support", "tenant": "(none)", "feature": "assistant"}
    for scenario, usd in (("low", low), ("point", point), ("high", high)):
        money = {"before_usd": Decimal(100), "after_usd": Decimal(100) - Decimal(usd), "saving_usd": Decimal(usd)}
        _put(con, "marts.lever", {**where, "provider": "openai", "model": "large", "requests": 1, "scenario": scenario, **money, **more})


def _entries(con: Con, facts: PageFacts, month: str = MONTH) -> dict[str, Entry]:
    return {one.saving: one for one in MonthFrame(con, month, facts).ledger.entries}


@pytest.mark.parametrize(
    ("judged", "status"),
    [((90_000, 89_900, 100_000), "verified"), ((900, 899, 1000), UNTOLD), ((900, 800, 1000), FELL), ((900, 880, 1000), FELL)],
)
def test_an_idea_is_verified_only_where_its_quality_did_not_fall_by_more_than_the_margin(
    empty: Con, facts: PageFacts, judged: tuple[int, int, int], status: str
) -> None:
    _put(empty, "book.saving", VERIFIED | {"place": 1, "saving": "to small"})
    _judged(empty, "to small", *judged)
    one = _entries(empty, facts)["to small"]
    assert (one.state, one.status) == ("verified", status)


def test_without_a_judgement_on_either_side_nothing_is_verified(empty: Con, facts: PageFacts) -> None:
    _put(empty, "book.saving", VERIFIED | {"place": 1, "saving": "to small"})
    assert _entries(empty, facts)["to small"].status == UNTOLD


def test_a_month_shows_the_ledger_as_it_was_at_its_end(empty: Con, facts: PageFacts) -> None:
    _put(empty, "book.saving", VERIFIED | {"place": 1, "saving": "to small"})
    for day, usd in ((date(2026, 9, 1), "4.000000000001"), (date(2026, 10, 2), "2.5"), (date(2026, 11, 1), "100")):
        _saved(empty, "to small", day, usd)
    assert _entries(empty, facts, "2026-07") == {}
    assert _entries(empty, facts, "2026-08")["to small"].state == "committed"
    september, october = (_entries(empty, facts, month)["to small"] for month in ("2026-09", MONTH))
    assert (september.state, september.realised_usd) == ("live", Decimal("4.000000000001"))
    assert (october.realised_usd, october.total_usd) == (Decimal("2.5"), Decimal("6.500000000001"))


def test_what_is_identified_is_of_ideas_not_live_and_is_never_added_to_what_was_realised(empty: Con, facts: PageFacts) -> None:
    stated = {"low_usd": Decimal(10), "point_usd": Decimal(20), "high_usd": Decimal(30)}
    _put(empty, "book.saving", LIVE | {"place": 1, "saving": "done"} | stated)
    _put(empty, "book.saving", IDEA | {"place": 2, "saving": "planned", "status": "idea"} | stated)
    _put(empty, "book.saving", IDEA | {"place": 3, "saving": "by its lever", "status": "idea"})
    _saved(empty, "done", date(2026, 10, 2), "7")
    _lever(empty, "-25", "50", "75")
    _lever(empty, "1000", "1000", "1000", team="sales", feature="drafts")
    ledger = MonthFrame(empty, MONTH, facts).ledger
    found = {one.saving: one.identified for one in ledger.entries}
    # 25 of 31 days of traffic, in proportion.
    assert found == {
        "done": None,
        "planned": Range(Decimal(10), Decimal(20), Decimal(30)),
        "by its lever": Range(*map(Decimal, (-31, 62, 93))),
    }
    assert ledger.owners == [("support", 3, Range(*map(Decimal, (-21, 82, 123))), Decimal(7))]
    assert ledger.realised_usd == 7


def test_the_page_says_what_levers_could_spare_and_what_was_realised(lake: Con, facts: PageFacts) -> None:
    _put(lake, "book.saving", VERIFIED | {"place": 1, "saving": "<b>to small</b>"})
    _saved(lake, "<b>to small</b>", date(2026, 10, 2), "1234.4", unknown_requests=2, unknown_reason="no meter")
    _judged(lake, "<b>to small</b>", 900, 800)
    _lever(lake, "-400", "800", "1200")
    made = render("savings", MONTH, lake, facts)
    assert "Levers could spare \N{MINUS SIGN}$400 to $1,200 of October" in made
    assert "so far; $1,234 was realised." in made
    assert "<b>to small" not in made
    assert FELL in made
    assert "2 requests unknown: no meter" in made


def test_what_is_to_be_decided_comes_largest_first_with_its_range_its_owner_and_what_the_ledger_says(empty: Con, facts: PageFacts) -> None:
    _put(empty, "book.saving", IDEA | {"place": 1, "saving": "to small", "lever": "batch", "team": "support"})
    _put(empty, "book.saving", LIVE | {"place": 2, "saving": "cached", "lever": "response cache", "feature": "other"})
    _lever(empty, "30", "50", "40", lever="batch", place=6)
    _lever(empty, "1", "20", "30")
    _lever(empty, "1", "10", "20", lever="duplicates", place=1, feature="other")
    _lever(empty, "-5", "0", "7", lever="caps", place=3)
    _lever(empty, "9", "9", "9", lever="retries", place=2, feature="(none)")
    found = savings_decisions.SECTION.build(MonthFrame(empty, MONTH, facts))
    assert found is not None
    assert [(row["amount"], row["owner"]) for row in found["rows"]] == [("$50", "support"), ("$20", "support"), ("$10", "support")]
    assert [row["action"] for row in found["rows"]] == [
        "Send assistant by batch.",
        "Ask a smaller model first for assistant.",
        "Answer repeats of other from a response cache.",
    ]
    assert [row["more"] for row in found["rows"]] == [
        "$30 to $50; medium effort; an idea in the ledger: commit to it, or turn it down",
        "$1 to $30; medium effort; not in the ledger: add it to savings.yaml, or turn it down",
        "$1 to $20; medium effort; live already: this is what is left",
    ]
    assert [row["href"] for row in found["rows"]] == ["#batch_use", "#routing", "#response_cache"]


def test_the_opening_says_of_which_cost_levers_are_reckoned_and_who_realised_what(empty: Con, facts: PageFacts) -> None:
    _put(empty, "book.saving", LIVE | {"place": 1, "saving": "to small"})
    _saved(empty, "to small", date(2026, 10, 2), "3")
    _lever(empty, "1", "20", "30")
    _lever(empty, "1", "2", "3", lever="batch", place=6)
    said = list(savings_opening.causes(MonthFrame(empty, MONTH, facts)))
    assert said[0].startswith("The likely figure is $22, estimated on the $100 that calls of models cost;")
    assert said[1] == "Realised, measured and no part of that range: to small (support) $3."


def test_a_month_without_anything_has_a_page_with_quiet_lines(empty: Con, facts: PageFacts) -> None:
    made = render("savings", MONTH, empty, facts)
    assert "No cost was recorded in October." in made
    assert "The ledger is empty" in made


def test_the_ledger_as_json_is_exact_and_null_where_nothing_is_known(empty: Con, facts: PageFacts) -> None:
    _put(empty, "book.saving", LIVE | {"place": 1, "saving": "done"}, LIVE | {"place": 2, "saving": "silent"})
    _saved(empty, "done", date(2026, 10, 2), "0.000000000001")
    rows = json.loads(written(MonthFrame(empty, MONTH, facts).ledger, "json"))
    assert [(row["saving"], row["realised_usd"]) for row in rows] == [("done", "0.000000000001"), ("silent", None)]
    assert written(MonthFrame(empty, MONTH, facts).ledger, "csv").count("\n") == 3


def test_ideas_are_proposed_largest_first_and_none_that_the_ledger_has(empty: Con, tmp_path: Any) -> None:
    for table in ("route_offer", "rate_in_force"):
        empty_table(empty, f"core.{table}", columns()[f"core.{table}"])
    where = {"provider": "openai", "model": "large", "day": date(2026, 10, 5)}
    _put(empty, "core.route_offer", where | {"feature": "assistant", "to_model": "small"})
    _put(empty, "core.rate_in_force", where | {"card_model": "large-1"})
    _put(empty, "marts.conservation", {"day": date(2026, 10, 31)})
    _lever(empty, "1", "2", "3")
    _lever(empty, "7", "6", "5", lever="batch", place=6)
    _lever(empty, "-5", "0", "7", lever="caps", place=3)
    _lever(empty, "0.5", "0.9", "7", lever="retries", place=2)
    _lever(empty, "9", "9", "9", lever="duplicates", place=1, feature="(no lever)")
    month, span = month_of(empty, None) or ("", (date.min, date.min))
    assert (month, span) == (MONTH, (date(2026, 10, 1), date(2026, 10, 31) + timedelta(days=1)))
    text, count = proposed(empty, month, span, ())
    assert count == 2
    (tmp_path / "meterbook.yaml").write_text("name: Acme\n")
    (tmp_path / "savings.yaml").write_text(text)
    first, second = Book(tmp_path).savings
    assert (first.lever, first.owner, str(first.idea_on)) == ("batch", "support", "2026-10-31")
    assert first.estimate
    assert (first.estimate.low, first.estimate.high) == (5, 7)
    assert second.was
    assert second.to
    assert (second.was.model, second.to.model) == ("large-1", "small")
    assert proposed(empty, month, span, (first,))[1] == 1
    assert proposed(empty, month, span, (first, second)) == ("", 0)
