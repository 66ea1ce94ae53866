"""The combination a change comes from, and the day from which on a series has another level."""

from itertools import product

import polars as pl
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.sql.change_point import change_point
from meterbook.sql.root_cause import best_score, causes

DIMENSIONS = ("team", "feature", "model")


def _leaves(changed: dict[tuple[str, str, str], float] | None = None) -> pl.DataFrame:
    """Ten dollars for every combination of three teams, four features and three models, but for some."""
    names = list(product(("red", "blue", "green"), ("chat", "code", "mail", "scan"), ("large", "small", "mini")))
    noise = {name: 10.0 + (hash_of(name) % 7 - 3) / 10 for name in names}
    return pl.DataFrame(
        [{**dict(zip(DIMENSIONS, name, strict=True)), "expected": 10.0, "actual": (changed or {}).get(name, noise[name])} for name in names]
    )


def hash_of(name: tuple[str, ...]) -> int:
    return sum(map(ord, "".join(name)))


def test_the_only_cell_that_changed_is_named_by_all_of_its_dimensions() -> None:
    [first, *others] = causes(_leaves({("red", "chat", "large"): 90.0}), DIMENSIONS, 1.4 * best_score(_leaves(), DIMENSIONS))
    assert first.where == {"team": "red", "feature": "chat", "model": "large"}
    assert not others


def test_what_changed_in_all_of_a_feature_is_named_by_the_feature_alone() -> None:
    changed = {(team, "mail", model): 30.0 for team in ("red", "blue", "green") for model in ("large", "small", "mini")}
    [first] = causes(_leaves(changed), DIMENSIONS, 1.4 * best_score(_leaves(), DIMENSIONS))
    assert first.where == {"feature": "mail"}
    assert (first.expected, first.actual) == (90.0, 270.0)


def test_a_second_cause_is_told_after_the_first_without_what_the_first_explains() -> None:
    changed = {(team, "mail", model): 40.0 for team in ("red", "blue", "green") for model in ("large", "small", "mini")}
    found = causes(_leaves({**changed, ("red", "code", "mini"): 70.0}), DIMENSIONS, 1.4 * best_score(_leaves(), DIMENSIONS))
    assert [cause.where for cause in found] == [{"feature": "mail"}, {"team": "red", "feature": "code", "model": "mini"}]


def test_of_equal_elements_the_shorter_one_is_told() -> None:
    leaves = pl.DataFrame({"team": ["red", "blue"], "feature": ["chat", "code"], "expected": [10.0, 10.0], "actual": [50.0, 10.0]})
    [first, *_] = causes(leaves, ("team", "feature"), 1.0)
    assert len(first.where) == 1


def test_what_was_never_there_before_and_what_is_gone_are_causes_too() -> None:
    leaves = pl.DataFrame({"team": ["red", "blue", "green"], "expected": [0.0, 50.0, 10.0], "actual": [50.0, 0.0, 10.0]})
    assert {cause.where["team"] for cause in causes(leaves, ("team",), 1.0)} == {"red", "blue"}


def test_the_same_leaves_have_the_same_causes_to_the_last_digit_however_they_come() -> None:
    count = range(600)
    said = {"team": ["red" if one % 2 else "blue" for one in count], "feature": [f"f{one % 7}" for one in count]}
    said["model"] = [f"m{one % 5}" for one in count]
    leaves = pl.DataFrame({**said, "expected": [0.1 * one for one in count], "actual": [0.3 * (one % 90) for one in count]})
    told = causes(leaves, DIMENSIONS)
    assert told
    assert all(causes(leaves, DIMENSIONS) == told for _ in range(10))
    assert causes(leaves.reverse(), DIMENSIONS) == told


def test_quiet_leaves_and_names_nobody_gave_have_no_cause() -> None:
    assert causes(_leaves(), DIMENSIONS, 1.4 * best_score(_leaves(), DIMENSIONS)) == []
    assert causes(pl.DataFrame({"team": ["(none)"], "expected": [1.0], "actual": [99.0]}), ("team",)) == []


@examples(20)
@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=12))
def test_no_score_is_below_zero_and_no_element_is_told_twice(costs: list[tuple[float, float]]) -> None:
    leaves = pl.DataFrame([{"team": f"{n % 3}", "model": f"{n % 4}", "expected": e, "actual": a} for n, (e, a) in enumerate(costs)])
    found = causes(leaves, ("team", "model"))
    assert all(cause.score > 0 for cause in found)
    told = [tuple(sorted(cause.where.items())) for cause in found]
    assert len(set(told)) == len(told)


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ([10.0] * 9 + [12.0] * 5, 9),
        ([10.0, 10.2, 9.9, 10.1, 7.0, 7.1, 6.9, 7.0], 4),
        ([10.0] * 14, None),
        ([10.0] * 9 + [10.1] * 5, None),
        ([10.0, 4.0, 12.0, 9.0, 3.0, 11.0, 10.0, 5.0, 12.0], None),
        ([1.0, 1.0, 9.0, 9.0], None),
    ],
)
def test_a_day_is_named_only_where_one_split_is_clear(values: list[float], place: int | None) -> None:
    assert change_point(values) == place
