"""Cards keep their names and their days, whatever comes after them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.sql.episodes import episodes
from meterbook.sql.roll_up import SHAPE

FIRST = date(2026, 10, 1)
SCOPES = (("total", "all"), ("team", "red"), ("tenant", "harbor"))
Row = dict[str, Any]


def _row(day: int, scope: tuple[str, str], kind: str, *, parent: bool = False) -> Row:
    money = Decimal(-50 if kind == "drop" else 100 + day)
    row = {"day": FIRST + timedelta(days=day), "kind": kind, "dimension": scope[0], "scope": scope[1], "owner": "red"}
    row["measure"] = "price" if kind == "price change" else "cost"
    rolled = parent and scope != SCOPES[0]
    return {**row, "excess_usd": money, "severity": 1.5, "cause": "why", "parent": "total all" if rolled else None}


ROWS = st.builds(
    _row, st.integers(0, 12), st.sampled_from(SCOPES), st.sampled_from(["spike", "drop", "price change"]), parent=st.booleans()
)
DAYS = st.lists(ROWS, max_size=25, unique_by=lambda row: (row["day"], row["dimension"], row["kind"] == "price change"))


def _told(rows: list[Row]) -> list[Row]:
    return list(episodes(pa.Table.from_pylist(rows, schema=SHAPE)).to_pylist())


@given(DAYS, st.integers(0, 12))
@examples(40)
def test_days_that_come_later_change_no_card_of_the_days_before(rows: list[Row], cut: int) -> None:
    until = FIRST + timedelta(days=cut)
    before = [row for row in rows if row["day"] <= until]
    assert _told(before) == [row for row in _told(rows) if row["day"] <= until]


@given(DAYS)
@examples(40)
def test_each_day_is_on_a_card_once_and_every_card_begins_on_the_day_it_is_named_by(rows: list[Row]) -> None:
    told = _told(rows)
    assert len({(row["card_id"], row["day"]) for row in told}) == len(told)
    for row in told:
        assert row["card_id"].startswith(str(row["first_day"]))
        assert min(other["day"] for other in told if other["card_id"] == row["card_id"]) == row["first_day"]
    assert {row["day"] for row in told} == {row["day"] for row in rows}


@given(DAYS, st.randoms(use_true_random=False))
@examples(20)
def test_the_order_of_rows_says_nothing(rows: list[Row], chance: Any) -> None:
    mixed = list(rows)
    chance.shuffle(mixed)
    assert _told(mixed) == _told(rows)
