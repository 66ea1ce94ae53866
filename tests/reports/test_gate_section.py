"""The quality page's section of the gate: every expectation with bound, worst value and verdict; what is unknown is no pass."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from meterbook.reports.gate import Verdict
from meterbook.reports.page import QualityFacts, render
from meterbook.reports.quality import Quality
from meterbook.reports.sections.gate import SECTION, SHOWN
from meterbook.reports.sections.verdict import headline

DAYS = [f"2026-{month:02}-{day:02}" for month in (8, 9, 10) for day in range(1, 31)]
HOLDS = Verdict(
    measure="largest_call_usd",
    title="Dearest call",
    of="day",
    said="the dearest call cost {}",
    severity="warning",
    expected="at most $100",
    place="gate.largest_call_usd.warning $100 of meterbook.yaml",
    worst="2026-10-02",
    observed="$2.74",
    judged=92,
    todo="look at `core.request_cost`",
)
FAILS = replace(HOLDS, severity="critical", observed="$250", failed=["2026-10-01", "2026-10-02"])


def _built(empty: Any, *verdicts: Verdict) -> Any:
    return SECTION.build(Quality(empty, _facts(*verdicts)))


def _facts(*verdicts: Verdict) -> QualityFacts:
    return QualityFacts("Acme", date(2026, 10, 31), [], [], verdicts=verdicts)


def test_nothing_judged_is_said_to_be_so(empty: Any) -> None:
    assert _built(empty) is None
    assert "Nothing was judged yet." in render("quality", "index", empty, _facts())


def test_what_holds_and_what_fails_stand_with_bound_and_worst_value(empty: Any) -> None:
    said = _built(empty, HOLDS, FAILS)
    assert said["said"].startswith("1 of 2 expectations hold everywhere. Of a period that fails")
    assert [(row["observed"], row["verdict"], row["mood"]) for row in said["rows"]] == [
        ("$2.74 on 2026-10-02", "holds for 92 days", ""),
        ("$250 on 2026-10-02", "fails 2 of 92 days", "over"),
    ]
    [failed] = said["failed"]
    assert (failed["line"], failed["spans"]) == ("at worst, the dearest call cost $250", "2026-10-01, 2026-10-02")
    assert failed["todo"] == "look at core.request_cost"


def test_what_had_nothing_to_judge_is_no_pass(empty: Any) -> None:
    said = _built(empty, replace(HOLDS, worst="", observed="", judged=0))
    assert said["said"].startswith("0 of 0 expectations hold everywhere. 1 expectation had nothing to judge.")
    assert said["rows"][0]["verdict"] == "nothing to judge"


def test_which_of_many_days_has_nothing_of_it_is_not_said(empty: Any) -> None:
    assert _built(empty, replace(HOLDS, observed="$0"))["rows"][0]["observed"] == "$0"


def test_of_many_days_the_latest_are_named_and_the_others_counted(empty: Any) -> None:
    spans = _built(empty, replace(FAILS, failed=DAYS))["failed"][0]["spans"]
    assert spans.startswith(DAYS[-SHOWN])
    assert spans.endswith(f"{DAYS[-1]} and {len(DAYS) - SHOWN} earlier ones")


def test_what_could_not_be_judged_says_why_and_counts_as_failed(empty: Any) -> None:
    said = _built(empty, replace(FAILS, error="no such column"))
    assert said["rows"][0]["verdict"] == "could not be judged"
    assert said["failed"][0]["line"] == "could not be judged: no such column"


@pytest.mark.parametrize(("verdicts", "words"), [((HOLDS,), ""), ((FAILS, HOLDS), "1 critical expectation of the gate fails")])
def test_the_headline_counts_critical_failures_only(empty: Any, verdicts: tuple[Verdict, ...], words: str) -> None:
    said = headline(Quality(empty, _facts(*verdicts, replace(FAILS, severity="warning"))))
    assert words in said
    assert ("gate" in said) == bool(words)


def test_texts_of_errors_cannot_become_markup(empty: Any) -> None:
    html = render("quality", "index", empty, _facts(replace(FAILS, error="<script>alert(1)</script>")))
    assert "<script>alert(1)" not in html
    assert "could not be judged: &lt;script&gt;" in html
