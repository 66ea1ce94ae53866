"""The section on units: what it says of a week is what the marts say, sums divided once."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from meterbook.reports.frame import Frame, PageFacts
from meterbook.reports.numbers import MINUS
from meterbook.reports.page import render
from meterbook.reports.periods import week
from meterbook.reports.sections.kpis import SECTION as KPIS
from meterbook.reports.sections.units import SECTION

Con = duckdb.DuckDBPyConnection
WEEK = "2026-W43"
MONDAY = date(2026, 10, 19)


def _put(con: Con, table: str, row: dict[str, object]) -> None:
    con.execute(f"insert into marts.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _unit(con: Con, day: date, unit: str, cost: str, **more: object) -> None:
    row: dict[str, object] = {"day": day, "unit": unit, "label": unit, "feature": "chat", "tenant": "(none)", "units": 10, "successes": 8}
    row |= {"escalations": 1, "quality_count": 10, "quality_sum": Decimal(9), "cost_usd": Decimal(cost)}
    _put(con, "unit_cost", row | more)


@pytest.fixture
def con(empty: Con) -> Con:
    """A week and the one before, each day the same; a unit, inferences, and cost of no unit."""
    for number in range(14):
        day = MONDAY - timedelta(7) + timedelta(number)
        _unit(empty, day, "ticket", "4" if number < 7 else "2", target_usd=Decimal("0.5"))
        _unit(empty, day, "ticket", "1", feature="mail", units=0, successes=0, escalations=0, quality_count=0, quality_sum=0)
        _unit(empty, day, "inference", "8", units=1000, successes=800)
        _unit(empty, day, "inference", "9", feature="training", units=0, successes=0)
        _unit(empty, day, "(no unit)", "100", units=0, successes=0)
    return empty


def _built(con: Con, facts: PageFacts) -> dict[str, Any]:
    built = SECTION.build(Frame(con, week(WEEK, facts.data_through), facts))
    assert built is not None
    return dict(built)


def test_a_unit_is_told_with_its_whole_cost_against_its_target(con: Con, facts: PageFacts) -> None:
    built = _built(con, facts)
    [row] = built["rows"]
    assert (row["label"], row["feature"], row["cost"], row["target"], row["units"]) == ("ticket", "chat", "$0.375", "$0.500", "56")
    assert [row[name].replace("\N{NO-BREAK SPACE}", "") for name in ("change", "distance", "success", "quality", "escalated")] == [
        f"{MINUS}40.0%", f"{MINUS}25.0%", "80.0%", "90.0%", "10.0%"
    ]  # fmt: skip
    assert row["between"].replace("\N{NO-BREAK SPACE}", "") == f"{MINUS}25 to {MINUS}25%"


def test_a_unit_of_several_features_names_the_dearest_and_how_many_more(con: Con, facts: PageFacts) -> None:
    _unit(con, MONDAY, "ticket", "1", feature="mail")
    [row] = _built(con, facts)["rows"]
    assert row["feature"] == "chat and 1 more"


def test_the_strip_has_a_unit_with_a_target_before_a_dearer_one_without(con: Con, facts: PageFacts) -> None:
    for day in (MONDAY - timedelta(7), MONDAY):
        _unit(con, day, "contract", "900", feature="review")
    built = KPIS.build(Frame(con, week(WEEK, facts.data_through), facts))
    assert built is not None
    assert [one.name for one in built["kpis"]][2] == "Cost per ticket"


def test_a_thousand_inferences_cost_what_features_with_calls_cost(con: Con, facts: PageFacts) -> None:
    assert _built(con, facts)["inference"] == {"cost": "$10.00", "change": "0.0\N{NO-BREAK SPACE}%"}


def test_a_unit_that_is_cheap_because_it_is_worse_is_not_praised(con: Con, facts: PageFacts) -> None:
    for number in range(14):
        frozen = {"unit": "ticket", "day": date(2026, 9, 1) + timedelta(number), "units": 10, "successes": 8, "cost_usd": Decimal(5)}
        frozen |= {"quality_sum": Decimal("9.8"), "quality_count": 10, "quality_margin": Decimal("0.02"), "target_usd": Decimal("0.5")}
        _put(con, "unit_baseline", frozen)
    made = " ".join(render("weekly", WEEK, con, facts).replace("\N{NO-BREAK SPACE}", " ").split())
    said = "is not an improvement: quality fell from 98.0 % to 90.0 %, beyond its margin of 2.0 pts."
    assert f"A ticket is below its target, and that {said}" in made
    con.execute("update marts.unit_baseline set quality_margin = 0.1")
    assert "is not an improvement" not in render("weekly", WEEK, con, facts)


def test_without_outcomes_inferences_are_still_told(con: Con, facts: PageFacts) -> None:
    con.execute("delete from marts.unit_cost where unit = 'ticket'")
    made = render("weekly", WEEK, con, facts)
    assert "No outcomes arrived for these days." in made
    assert "A thousand inferences cost <strong>$10.00</strong>" in made
