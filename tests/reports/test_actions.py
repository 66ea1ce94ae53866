"""The one list of actions: how each is written, where it stands, and what became of what the last review decided."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from meterbook.assets.publications import Publication, beside
from meterbook.reports.actions import UNKNOWN, Action, Standing, exactly, listed, shown
from meterbook.reports.figures import PageFacts, rows_of
from meterbook.reports.frame import Frame
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import MINUS
from meterbook.reports.periods import week
from meterbook.reports.sections import decisions, month_decisions

Con = duckdb.DuckDBPyConnection
WEEK = "2026-W43"
FIRST, END = date(2026, 10, 19), date(2026, 10, 26)
BEFORE = (date(2026, 10, 12), FIRST)
IDEA: dict[str, Any] = {"step": 4, "lever": "routing", "owner": "support", "idea_on": date(2026, 8, 1), "ends_on": date(9999, 12, 31)}


def _ideas(con: Con, **dates: dict[str, Any]) -> Standing:
    for place, (name, more) in enumerate(dates.items()):
        row = IDEA | {"place": place, "saving": name, "status": "idea"} | more
        con.execute(f"insert into book.saving ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))
    return Standing(lambda query, *values: rows_of(con, query, *values), END)


def test_an_action_says_amount_range_effort_evidence_and_status() -> None:
    usd = (Decimal(900), Decimal(1000), Decimal(1200))
    one = Action("Cap the answers of chat", "support", usd, effort="low", topic="caps", evidence="12 days", status=UNKNOWN)
    assert shown(one, {"caps": "#output_use"}) == {
        "amount": "$1,000 a year",
        "action": "Cap the answers of chat.",
        "more": f"$900 to $1,200; low effort; 12 days; {UNKNOWN}",
        "href": "#output_use",
        "owner": "support",
    }


def test_a_range_whose_ends_change_places_is_told_from_least_to_most() -> None:
    usd = (Decimal(30), Decimal(50), Decimal(-4))
    assert shown(Action("x", "y", usd), {})["more"] == f"{MINUS}$4 to $50"


def test_what_has_no_amount_is_last_and_never_nought() -> None:
    rows = listed(
        [Action("unpriced", "finance"), Action("small", "a", exactly(Decimal(5))), Action("large", "b", exactly(Decimal(-50)))], {}
    )
    assert [(row["action"], row["amount"]) for row in rows] == [
        ("large.", f"{MINUS}$50 a year"),
        ("small.", "$5 a year"),
        ("unpriced.", "unknown"),
    ]
    assert [row["more"] for row in rows] == ["", "", ""]


def test_the_last_review_is_told_by_what_became_of_its_decisions(empty: Con) -> None:
    done = {"committed_on": date(2026, 10, 13), "live_since": date(2026, 10, 20), "status": "live"}
    standing = _ideas(
        empty,
        cached=done,
        batched={**done, "verified_on": date(2026, 10, 24), "status": "verified"},
        routed={"committed_on": date(2026, 10, 14), "status": "committed"},
        old={"committed_on": date(2026, 9, 1), "live_since": date(2026, 11, 1), "status": "live"},
        thought={},
    )
    assert standing.review(BEFORE, "last week") == (
        "Decided last week: 2 of 3 done; still to do: routed (support). Decided before that and not done: old (support)."
    )
    assert standing.review((date(2026, 7, 1), date(2026, 8, 1)), "in July") == ""


def test_what_is_decided_later_than_the_page_is_not_known_to_it(empty: Con) -> None:
    standing = _ideas(empty, later={"committed_on": END, "status": "committed"}, new={"idea_on": END})
    assert [standing.state(idea) for idea in standing.ideas] == ["idea"]
    assert standing.open() == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "an idea in the ledger: commit to it, or turn it down"),
        ({"committed_on": FIRST}, "committed: carry it out"),
        ({"committed_on": FIRST, "live_since": FIRST}, "live already: this is what is left"),
        ({"committed_on": FIRST, "retired_on": FIRST}, "retired from the ledger: take it up again, or leave it"),
        ({"feature": "other"}, UNKNOWN),
        ({"team": "sales"}, UNKNOWN),
        ({"lever": "batch"}, UNKNOWN),
    ],
)
def test_a_lever_stands_where_the_ledger_says(empty: Con, more: dict[str, Any], said: str) -> None:
    standing = _ideas(empty, idea=more)
    assert standing.told(standing.of_lever("routing", "assistant", "support")) == said


def test_a_week_lists_what_was_promised_with_its_estimate_and_says_what_became_of_the_last_one(lake: Con, facts: PageFacts) -> None:
    stated = {"low_usd": Decimal(100), "point_usd": Decimal(200), "high_usd": Decimal(300)}
    promise = {"committed_on": date(2026, 10, 15), "status": "committed"}
    _ideas(lake, planned=promise | stated, vague=promise)
    built = decisions.SECTION.build(Frame(lake, week(WEEK, facts.data_through), facts))
    assert built is not None
    assert built["review"] == "Decided last week: 0 of 2 done; still to do: planned (support), vague (support)."
    rows = {row["action"]: row for row in built["rows"]}
    assert (rows["Carry out planned."]["amount"], rows["Carry out vague."]["amount"]) == ("$2,400 a year", "unknown")
    assert rows["Carry out planned."]["more"].startswith("$1,200 to $3,600; as estimated in savings.yaml; committed on 15 October")


def test_a_gpu_pool_in_the_ledger_is_not_asked_for_twice(empty: Con) -> None:
    standing = _ideas(empty, fewer={"lever": "gpu", "pool": "training", "committed_on": FIRST, "status": "committed"})
    told = Action("Release 2", "research", exactly(Decimal(9)), saving="fewer")
    assert standing.of_pools(["training"]) is not None
    assert standing.of_pools(["inference"]) is None
    assert list(decisions.promised(standing, [told])) == []
    assert [one.text for one in decisions.promised(standing, [])] == ["Carry out fewer"]


def test_evidence_is_linked_only_where_its_page_is_there(tmp_path: Path) -> None:
    item = Publication("monthly", "2026-10")
    assert beside(tmp_path, item) == {}
    for path in ("savings/2026-10.html", "savings/2026-09.html", "weekly/2026-W43.html", "weekly/2026-W42.html"):
        (tmp_path / "reports" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "reports" / path).write_text("x")
    assert beside(tmp_path, item) == {"savings": "../savings/2026-10.html", "weekly": "../weekly/2026-W43.html"}
    assert beside(tmp_path, Publication("weekly", "2026-W43")) == {}


def test_a_month_links_its_levers_to_the_savings_page_that_is_there(empty: Con, facts: PageFacts) -> None:
    where = {"day": FIRST, "lever": "batch", "place": 6, "team": "support", "tenant": "(none)", "feature": "assistant"}
    for scenario in ("low", "point", "high"):
        row = {**where, "provider": "openai", "model": "m", "requests": 1, "scenario": scenario, "saving_usd": Decimal(25)}
        row |= {"before_usd": Decimal(100), "after_usd": Decimal(75)}
        empty.execute(f"insert into marts.lever ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))
    for pages, href in (({}, ""), ({"savings": "../savings/2026-10.html"}, "../savings/2026-10.html#batch_use")):
        built = month_decisions.SECTION.build(MonthFrame(empty, "2026-10", replace(facts, beside=pages)))
        assert built is not None
        # 25 of 25 days are 365 of a year.
        assert [(row["amount"], row["href"]) for row in built["rows"]] == [("$365 a year", href)]
