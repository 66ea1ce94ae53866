"""Which scopes of a day are rolled into which, and which combination is told."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.sql.roll_up import roll_up

DAY = date(2026, 10, 20)
SHAPE = pa.schema([
    ("part", pa.string()), ("day", pa.date32()),
    *((name, pa.string()) for name in ("kind", "dimension", "scope", "measure", "owner", "team", "tenant", "feature", "model")),
    *((name, pa.float64()) for name in ("value", "usual", "score", "severity", "excess")),
    ("cost_usd", pa.decimal128(38, 12)), ("change_usd", pa.decimal128(38, 12)), ("request_id", pa.string()),
    ("request_usd", pa.decimal128(18, 12)), ("session_kind", pa.string()), ("session_id", pa.string()), ("session_calls", pa.int64()),
    ("session_usd", pa.decimal128(38, 12)),
])  # fmt: skip
Row = dict[str, Any]
LEAVES = (("red", "harbor", "agent"), ("red", "bay", "agent"), ("red", "bay", "chat"), ("blue", "cove", "mail"))


def _leaves(*extra: float, day: date = DAY, weeks: int = 5) -> list[Row]:
    """A hundred dollars a day of each leaf on the same weekdays and the days between, and more of each on the day itself."""
    return [
        {"part": "leaf", "day": one, "team": team, "tenant": tenant, "feature": feature, "model": "m", "cost_usd": Decimal(100)}
        | ({"cost_usd": Decimal(str(100 + extra[place]))} if one == day else {})
        for place, (team, tenant, feature) in enumerate(LEAVES)
        for one in (day - timedelta(days=back) for back in range(7 * weeks + 1))
    ]


def _alarm(dimension: str, scope: str, excess: float, day: date = DAY, **leaf: str) -> Row:
    found = {"part": "alarm", "day": day, "kind": "spike", "dimension": dimension, "scope": scope, "measure": "cost", "owner": "(several)"}
    return {
        **found,
        **leaf,
        "value": 100 + excess,
        "usual": 100.0,
        "severity": 2.0,
        "excess": excess,
        "cost_usd": Decimal(f"{100 + excess:.6f}"),
    }


def _found(rows: list[Row]) -> list[Row]:
    return list(roll_up(pa.Table.from_pylist(rows, schema=SHAPE)).to_pylist())


def _parents(rows: list[Row]) -> dict[str, str | None]:
    return {f"{row['dimension']} {row['scope']}": row["parent"] for row in _found(rows)}


def test_what_explains_most_of_the_whole_is_rolled_into_it_and_what_is_beside_it_stays() -> None:
    alarms = [_alarm("total", "all", 1100), _alarm("tenant", "harbor", 1000, tenant="harbor"), _alarm("team", "blue", 100, team="blue")]
    assert _parents([*alarms, *_leaves(1000, 0, 0, 100)]) == {"total all": None, "tenant harbor": "total all", "team blue": None}


def test_several_scopes_that_explain_the_whole_each_keep_their_cause_and_it_is_told_with_the_largest() -> None:
    alarms = [_alarm("total", "all", 450), _alarm("team", "red", 250, team="red"), _alarm("team", "blue", 200, team="blue")]
    alarms[0]["cost_usd"] = Decimal(850)
    assert _parents([*alarms, *_leaves(250, 0, 0, 200)]) == {"total all": "team red", "team red": None, "team blue": None}


def test_scopes_that_all_grow_as_the_whole_does_have_its_cause() -> None:
    alarms = [_alarm("total", "all", 400), _alarm("team", "red", 250, team="red"), _alarm("team", "blue", 150, team="blue")]
    alarms[0]["cost_usd"], alarms[1]["cost_usd"] = Decimal(800), Decimal(500)
    assert _parents([*alarms, *_leaves(100, 100, 100, 100)]) == {"total all": None, "team red": "total all", "team blue": "total all"}


def test_a_ratio_explains_a_wider_cost_where_its_leaves_do_whatever_dollars_it_is_worth() -> None:
    ratio = {**_alarm("tenant", "harbor", 900, tenant="harbor"), "measure": "attempts per operation"}
    assert _parents([_alarm("total", "all", 200), ratio, *_leaves(20, 180, 0, 0)])["tenant harbor"] is None
    assert _parents([_alarm("total", "all", 200), ratio, *_leaves(180, 20, 0, 0)])["tenant harbor"] == "total all"


def test_parts_that_move_along_with_the_whole_are_rolled_into_it_and_one_that_does_more_is_not() -> None:
    alarms = [
        _alarm("team", "red", 280, team="red"),
        _alarm("tenant", "harbor", 90, tenant="harbor"),
        _alarm("tenant", "bay", 60, tenant="bay"),
    ]
    alarms[0]["cost_usd"], alarms[2]["cost_usd"] = Decimal(580), Decimal(74)
    parents = _parents([*alarms, *_leaves(90, 60, 0, 0)])
    assert parents == {"team red": None, "tenant harbor": "team red", "tenant bay": None}


def test_a_part_that_would_be_quiet_without_the_growth_of_the_whole_is_rolled_into_it() -> None:
    whole = [_alarm("team", "red", 300, team="red"), _alarm("feature", "agent", 250, feature="agent")]
    part = _alarm("tenant", "harbor", 100, tenant="harbor") | {"cost_usd": Decimal(120)}
    leaves = _leaves(100, 150, 0, 0)
    assert _parents([*whole, {**part, "severity": 1.2}, *leaves])["tenant harbor"] == "team red"
    assert _parents([*whole, {**part, "severity": 9.0}, *leaves])["tenant harbor"] is None


def test_a_whole_in_which_another_scope_stands_out_too_is_told_with_the_one_that_explains_most_of_it() -> None:
    alarms = [_alarm("total", "all", 480), _alarm("team", "red", 400, team="red"), _alarm("team", "blue", 90, team="blue")]
    whole = alarms[0] | {"cost_usd": Decimal(2480)}
    assert _parents([whole, *alarms[1:], *_leaves(200, 100, 100, 90)]) == {"total all": "team red", "team red": None, "team blue": None}


def test_a_drift_that_the_spike_of_a_part_explains_is_a_spike() -> None:
    alarms = [_alarm("total", "all", 1100) | {"kind": "drift"}, _alarm("tenant", "harbor", 1000, tenant="harbor")]
    leaves = _leaves(1000, 0, 0, 100)
    assert {row["kind"] for row in _found([*alarms, *leaves])} == {"spike"}
    assert {row["kind"] for row in _found([{**one, "kind": "drift"} for one in alarms] + leaves)} == {"drift"}


def test_where_another_model_answers_the_fall_of_the_one_and_the_rise_of_the_other_are_of_it() -> None:
    swap = _alarm("feature", "agent", 60, feature="agent") | {"measure": "swapped share"}
    rise = _alarm("feature, model", "agent, m", 80, feature="agent", model="m")
    fall = _alarm("team, model", "red, n", -80, team="red", model="n") | {"kind": "drop"}
    other = {"part": "leaf", "team": "red", "tenant": "bay", "feature": "agent", "model": "n"}
    leaves = [{**other, "day": DAY - timedelta(days=7 * week), "cost_usd": Decimal(80 if week else 0)} for week in range(5)]
    assert set(_parents([swap, rise, fall, *_leaves(80, 0, 0, 0), *leaves]).values()) == {None, "feature agent"}
    assert _parents([{**swap, "measure": "busiest hour"}, rise, fall, *_leaves(80, 0, 0, 0), *leaves])["team, model red, n"] is None


def test_the_same_ratio_in_scopes_that_share_use_is_one_trouble_and_another_ratio_is_not() -> None:
    storm = {**_alarm("feature", "agent", 90, feature="agent"), "measure": "attempts per operation"}
    model = {**_alarm("model", "m", 300, model="m"), "measure": "attempts per operation"}
    leaves = _leaves(20, 20, 100, 100)
    assert _parents([storm, model, *leaves])["model m"] == "feature agent"
    assert _parents([storm, {**model, "measure": "tokens per request"}, *leaves])["model m"] is None


def test_scopes_that_share_no_dollars_are_never_one_card_however_alike_their_excess_is() -> None:
    alarms = [_alarm("team", "red", 200, team="red"), _alarm("tenant", "cove", 200, tenant="cove")]
    assert _parents([*alarms, *_leaves(200, 0, 0, 200)]) == {"team red": None, "tenant cove": None}


def test_scopes_of_the_same_dollars_are_one_card_though_none_is_a_part_of_the_other_by_name() -> None:
    alarms = [_alarm("team", "red", 500, team="red"), _alarm("tenant", "harbor", 480, tenant="harbor")]
    alarms.append(_alarm("tenant, feature", "harbor, agent", 480, tenant="harbor", feature="agent"))
    assert _parents([*alarms, *_leaves(500, 0, 0, 0)]) == {
        "team red": None, "tenant harbor": "team red", "tenant, feature harbor, agent": "team red",
    }  # fmt: skip


def test_a_fall_is_not_rolled_into_a_rise() -> None:
    alarms = [_alarm("total", "all", 800), _alarm("team", "blue", -90, team="blue"), _alarm("team", "red", 890, team="red")]
    assert _parents([*alarms, *_leaves(890, 0, 0, -90)])["team blue"] is None


def test_the_combination_is_told_with_the_scope_it_lies_in_and_gives_the_owner() -> None:
    [row] = _found([_alarm("total", "all", 1000), *_leaves(1000, 0, 0, 0)])
    assert (row["culprit"], row["owner"]) == ("tenant harbor", "red")
    [row] = _found([_alarm("team", "red", 1000, team="red"), *_leaves(0, 1000, 0, 0)])
    assert row["culprit"] == "team red, tenant bay, feature agent"


def test_a_young_book_has_nothing_to_hold_a_day_against_and_names_no_combination() -> None:
    today = [row for row in _leaves(1000, 0, 0, 0) if row["day"] == DAY]
    [row] = _found([_alarm("total", "all", 1000), *today])
    assert row["culprit"] is None


def test_what_is_expected_and_what_is_more_are_exactly_what_it_cost() -> None:
    for row in _found([_alarm("total", "all", 0.3), _alarm("team", "red", -33.333333, team="red")]):
        assert row["actual_usd"] - row["expected_usd"] == row["excess_usd"]


@given(st.permutations([
    *_leaves(900, 0, 40, 0), _alarm("total", "all", 900), _alarm("team", "red", 900, team="red"),
    _alarm("tenant", "harbor", 850, tenant="harbor"), _alarm("feature", "chat", 40, feature="chat"),
]))  # fmt: skip
@examples(5)
def test_the_order_of_rows_says_nothing(rows: list[Row]) -> None:
    assert _found(rows) == _found(sorted(rows, key=str))


def test_a_day_comes_out_the_same_alone_and_with_the_days_around_it() -> None:
    later = DAY + timedelta(days=1)
    alarms = [_alarm("total", "all", 1000), _alarm("tenant", "harbor", 1000, tenant="harbor")]
    leaves = _leaves(1000, 0, 0, 0)
    more = [{**row, "day": later, "tenant": "new"} for row in leaves if row["day"] == DAY]
    together = _found([*alarms, *leaves, *more, _alarm("total", "all", 5000, day=later)])
    assert [row for row in together if row["day"] == DAY] == _found([*alarms, *leaves])
