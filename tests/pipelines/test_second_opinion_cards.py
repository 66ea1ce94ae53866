"""What another forecast says of cards, from tables as a run leaves them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from rich.console import Console

from meterbook.pipelines.second_opinion import AGREES, DIFFERS, Opinion, ask, show
from meterbook.reports.figures import rows_of

if TYPE_CHECKING:
    from meterbook.pipelines.anomalies import CardBook

LAST, DAYS = date(2026, 10, 31), 120
SPAN = (LAST - timedelta(days=27), LAST + timedelta(days=1))
Floats = NDArray[np.float64]


def calm(logs: Floats, known: int) -> tuple[Floats, float]:
    """The median of all days to learn from."""
    return np.full(len(logs) - known, np.median(logs[:known])), 0.05


class Tables:
    """A book that has tables alone: of each scope its cost by days before the last, and the days on which the detector said something."""

    def __init__(self, **scopes: tuple[dict[int, float], set[int]]) -> None:
        plain = {"dimension": "tenant", "measure": "cost", "baseline": 100.0, "drift": 0.0, "highest": 100.0, "change_usd": Decimal(0)}
        given = pa.Table.from_pylist([
            {**plain, "scope": scope, "day": LAST - timedelta(days=back), "value": costs.get(back, 100.0),
             "kind": "spike" if back in told else None}
            for scope, (costs, told) in scopes.items()
            for back in range(DAYS)
        ])  # fmt: skip
        self.con = duckdb.connect()
        self.con.register("given", given)
        self.con.execute("create schema marts")
        self.con.execute("create table marts.series_score as select * exclude (change_usd) from given")
        self.con.execute(
            "create table marts.series as select day, dimension, scope, value::decimal(38,12) as cost_usd, change_usd from given"
        )

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        return rows_of(self.con, query, *values)

    def asked(self, *cards: dict[str, Any], span: tuple[date, date] = SPAN, top: int = 500) -> Opinion:
        return ask(cast("CardBook", self), cards, span, calm, top)


def card(scope: str, back: int, excess: int = 300, **more: object) -> dict[str, Any]:
    day = LAST - timedelta(days=back)
    plain = {"dimension": "tenant", "scope": scope, "measure": "cost", "kind": "spike", "first_day": day, "last_day": day}
    return {"card_id": f"{scope} {back}", **plain, "excess_usd": Decimal(excess), **more}


def test_a_card_whose_day_stands_out_is_agreed_with_and_another_is_not() -> None:
    tables = Tables(harbor=({3: 400.0}, {3}), dune=({}, {5}))
    found = tables.asked(card("harbor", 3), card("dune", 5))
    assert found.cards == {"harbor 3": AGREES, "dune 5": DIFFERS}
    assert (found.only, found.series) == ([], 2)


def test_a_rise_is_not_agreed_with_where_it_is_a_drop() -> None:
    assert Tables(harbor=({3: 1.0}, {3})).asked(card("harbor", 3)).cards == {"harbor 3": DIFFERS}
    assert Tables(harbor=({3: 1.0}, {3})).asked(card("harbor", 3, -99)).cards == {"harbor 3": AGREES}


def test_ratios_prices_and_what_is_not_asked_about_have_no_opinion() -> None:
    tables = Tables(harbor=({3: 400.0}, {3}), dune=(dict.fromkeys(range(DAYS), 10.0), set()))
    cards = [card("harbor", 3, measure="cost per request"), card("harbor", 3, kind="price change"), card("nobody", 3)]
    assert tables.asked(*cards).cards == {}
    assert tables.asked(card("dune", 3)).cards == {"dune 3": DIFFERS}
    assert tables.asked(card("dune", 3), top=1).cards == {}


def test_days_that_it_alone_finds_are_told_as_one_and_those_near_an_alarm_are_not() -> None:
    tables = Tables(harbor=({9: 300.0, 8: 400.0}, set()), dune=({9: 900.0, 8: 400.0}, {9}), cove=({2: 500.0}, {5}), iris=({1: 500.0}, {5}))
    assert [(row["scope"], row["first_day"], row["last_day"], row["kind"], row["excess_usd"]) for row in tables.asked().only] == [
        ("iris", LAST - timedelta(days=1), LAST - timedelta(days=1), "spike", Decimal("400.00")),
        ("harbor", LAST - timedelta(days=9), LAST - timedelta(days=8), "spike", Decimal("500.00")),
    ]


@pytest.mark.parametrize("days", [1, 10, 40])
def test_a_day_is_judged_the_same_whatever_span_is_asked_for(days: int) -> None:
    tables = Tables(harbor=({0: 400.0, 30: 150.0, 60: 900.0}, set()), dune=({0: 130.0}, set()))
    [whole] = [row for row in tables.asked().only if row["last_day"] == LAST]
    [part] = [row for row in tables.asked(span=(SPAN[1] - timedelta(days=days), SPAN[1])).only if row["last_day"] == LAST]
    assert part == whole


def test_it_says_how_many_cards_it_agrees_with_and_what_it_alone_finds() -> None:
    with (console := Console(width=100)).capture() as captured:
        show(Tables(harbor=({3: 400.0, 9: 600.0}, {3})).asked(card("harbor", 3)), console)
    assert captured.get().splitlines() == [
        "AutoETS, asked about 1 cost: of 1 card on cost it agrees with 1",
        "  it alone: +$500 tenant harbor, 22 Oct: spike",
    ]
    with console.capture() as captured:
        show(Opinion({}, [], 0), console)
    assert captured.get() == "AutoETS, asked about 0 costs: no card is about one that it knows; it alone finds nothing\n"
