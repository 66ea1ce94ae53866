"""The step that scores series: rows in, rows out, whatever their order and however days are cut into runs."""

import math
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.sql.detector import REACH
from meterbook.sql.steps import _USES, STEPS
from meterbook.sql.watch import ASLEEP_DAYS, LOOKBACK_DAYS, SHAPE, _Rows, watch

ROOM = Path(__file__).parents[2] / "sql"

LAST = date(2026, 10, 31)
GIVEN = pa.schema(
    [
        ("day", pa.date32()),
        *((name, pa.string()) for name in ("dimension", "scope", "measure")),
        ("is_ratio", pa.bool_()),
        *((name, pa.float64()) for name in ("value", "spend", "card_log")),
        ("is_wanted", pa.bool_()),
    ]
)
KEY = [(name, "ascending") for name in ("day", "dimension", "scope", "measure")]
Row = dict[str, object]


def rows(
    scope: str, value: Callable[[int], float | None], days: int = 60, wanted: int = 1, *, measure: str = "cost", **more: object
) -> list[Row]:
    """Days up to the last, of which some are wanted; `value` of the number of days before the last."""
    made: list[Row] = []
    for back in range(days):
        key = {"day": LAST - timedelta(days=back), "dimension": "tenant", "scope": scope, "measure": measure, "is_ratio": measure != "cost"}
        made.append({**key, "value": value(back), "spend": 500.0, "card_log": 0.0, "is_wanted": back < wanted, **more})
    return made


def table(*parts: list[Row]) -> pa.Table:
    return pa.Table.from_pylist([row for part in parts for row in part], schema=GIVEN)


def scored(*parts: list[Row]) -> list[dict[str, object]]:
    return [dict(row) for row in watch(table(*parts)).sort_by(KEY).to_pylist()]


def test_each_wanted_day_of_each_series_is_one_row() -> None:
    found = scored(rows("harbor", lambda _: 100.0, wanted=3), rows("harbor", lambda _: 1.5, measure="attempts per operation", wanted=2))
    assert [(row["day"], row["measure"]) for row in found] == [
        (LAST - timedelta(days=2), "cost"),
        (LAST - timedelta(days=1), "attempts per operation"),
        (LAST - timedelta(days=1), "cost"),
        (LAST, "attempts per operation"),
        (LAST, "cost"),
    ]
    assert {(row["expected"], row["z"], row["kind"]) for row in found} == {(100.0, 0.0, None), (1.5, 0.0, None)}


def test_a_day_without_a_row_is_no_cost_and_an_unknown_ratio() -> None:
    [cost, ratio] = scored(
        rows("harbor", lambda back: 100.0 if back % 2 else None),
        rows("harbor", lambda back: 1.5 if back % 2 else None, measure="attempts per operation"),
    )[::-1]
    assert (cost["value"], cost["spend"], cost["history"], cost["highest"]) == (0.0, 500.0, 59, pytest.approx(100.0))
    assert cost["z"] is not None
    assert (ratio["value"], ratio["expected"], ratio["z"], ratio["kind"], ratio["history"]) == (None, None, None, None, 30)


def test_missing_rows_and_rows_without_a_value_are_the_same() -> None:
    full = rows("harbor", lambda back: 100.0 if back % 3 == 0 else None)
    assert scored(full) == scored([row for row in full if row["value"] is not None])


def test_a_series_that_was_asleep_begins_anew() -> None:
    [row] = scored(rows("harbor", lambda back: 100.0 if back < 5 or back >= 5 + ASLEEP_DAYS else None, days=100))
    known_days_of_its_sleep = ASLEEP_DAYS - 1
    assert (row["history"], row["value"]) == (4 + known_days_of_its_sleep + 100 - 5 - ASLEEP_DAYS, 100.0)
    [asleep] = scored(rows("harbor", lambda back: None if back < ASLEEP_DAYS else 100.0, days=100))
    assert (asleep["value"], asleep["z"], asleep["kind"]) == (0.0, None, None)


def test_a_planted_day_has_its_kind_dollars_and_severity() -> None:
    [row] = scored(rows("harbor", lambda back: 100.0 if back else 900.0))
    assert (row["kind"], row["expected"], row["excess"], row["highest"]) == ("spike", 100.0, 800.0, 100.0)
    assert float(str(row["severity"])) > 2
    [ratio] = scored(rows("harbor", lambda back: 1.5 if back else 3.0, measure="attempts per operation"))
    assert (ratio["kind"], ratio["excess"]) == ("spike", 250.0)


def test_a_share_is_judged_by_its_points() -> None:
    [row] = scored(rows("harbor", lambda back: 0.0 if back else 0.4, measure="swapped share"))
    assert (row["kind"], row["excess"]) == ("spike", 200.0)


@pytest.mark.parametrize(
    ("measure", "up", "down"),
    [
        *((name, "spike", None) for name in ("cost per request", "tokens per request", "attempts per operation", "requests per session")),
        *((name, "spike", None) for name in ("cost per unit", "busiest hour", "weekend share")),
        *((name, "spike", None) for name in ("swapped share", "truncated share", "idle share")),
        ("cache read share", None, "drop"),
    ],
)
def test_good_news_of_a_ratio_is_no_alarm(measure: str, up: str | None, down: str | None) -> None:
    usual = rows("harbor", lambda _: 0.4, measure=measure)
    risen, fallen = ([{**row, "value": last} if row["day"] == LAST else row for row in usual] for last in (0.9, 0.04))
    said = [scored(one)[0]["kind"] for one in (risen, fallen)]
    assert said == [up, down]


def test_the_way_back_of_a_ratio_is_no_alarm() -> None:
    storm = rows("harbor", lambda back: 2.4 if 10 <= back < 24 else 1.2, days=90, wanted=30, measure="attempts per operation")
    told = {(LAST - row["day"]).days for row in scored(storm) if row["kind"]}
    assert told
    assert min(told) >= 10


def test_a_weekend_share_is_known_on_two_days_of_seven_and_scored_all_the_same() -> None:
    assert LAST.weekday() == 5
    [row] = scored(rows("harbor", lambda back: (0.3 if back else 0.9) if back % 7 in {0, 6} else None, 120, measure="weekend share"))
    assert (row["history"], row["kind"]) == (32, "spike")


def test_a_price_that_is_known_is_no_drift_and_an_unknown_one_is() -> None:
    dearer = rows("harbor", lambda back: 130.0 if back < 14 else 100.0, wanted=14)
    known = [{**row, "card_log": math.log(1.3)} if row["day"] == LAST - timedelta(days=13) else row for row in dearer]
    assert {row["kind"] for row in scored(known)} == {None}
    assert "drift" in {row["kind"] for row in scored(dearer)}


def test_nothing_wanted_gives_no_rows_with_the_same_columns() -> None:
    for given_rows in (table(), table(rows("harbor", lambda _: 1.0, wanted=0))):
        found = watch(given_rows)
        assert (found.num_rows, found.schema) == (0, SHAPE)


def _company(seed: int, wanted: int) -> pa.Table:
    """Series with gaps, jumps, sleep, late starts and price changes, of two kinds."""
    random = np.random.default_rng(seed)
    days = LOOKBACK_DAYS + wanted
    parts = []
    for place in range(6):
        size, gap, first = random.lognormal(3, 2), random.uniform(0, 0.95), random.integers(0, days)
        drawn, known, steps = random.lognormal(0, 0.5, days), random.random(days) > gap, random.random(days) < 0.02
        measure = ("cost", "cost per request", "idle share")[place % 3]
        part = rows(f"tenant-{place}", lambda _: None, days, wanted, measure=measure)
        for back, row in enumerate(part):
            is_known = bool(known[back] and (place > 3 or days - back > first))
            value = min(size * drawn[back], 1.0) if measure == "idle share" else size * drawn[back]
            row |= {"value": value if is_known else None, "card_log": 0.2 if steps[back] and is_known else 0.0}
        parts.append(part)
    return table(*parts)


@given(st.integers(0, 2**32 - 1))
@examples(8)
def test_a_day_comes_out_the_same_whatever_the_order_of_rows_and_the_days_beside_it(seed: int) -> None:
    wanted = 40
    whole = _company(seed, wanted)
    at_once = watch(whole.take(pa.array(np.random.default_rng(seed).permutation(whole.num_rows)))).sort_by(KEY).to_pylist()
    for back in (0, 7, 39):
        day = LAST - timedelta(days=back)
        kept = whole.filter(pc.and_(pc.less_equal(whole["day"], day), pc.greater_equal(whole["day"], day - timedelta(days=LOOKBACK_DAYS))))
        alone = watch(kept.set_column(8, "is_wanted", pc.equal(kept["day"], day))).sort_by(KEY).to_pylist()
        for row, other in zip([row for row in at_once if row["day"] == day], alone, strict=True):
            assert row == pytest.approx(other, abs=2e-9)


@given(st.integers(0, 2**32 - 1))
@examples(8)
def test_no_figure_is_nan_or_infinite_and_nothing_unknown_stands_out(seed: int) -> None:
    for row in watch(_company(seed, 20)).to_pylist():
        assert all(math.isfinite(figure) for figure in row.values() if isinstance(figure, float))
        assert row["kind"] is None or None not in (row["excess"], row["severity"], row["value"])


def test_keys_are_series_of_dollars_that_are_asked_for_on_the_day() -> None:
    given_rows = table(
        rows("harbor", lambda _: 1.0, wanted=2), rows("dune", lambda _: 1.0), rows("iris", lambda _: 1.0, measure="busiest hour")
    )
    assert list(_Rows.of(given_rows).keys.values()) == [1, 2]


@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_step_is_another_one_where_a_module_of_its_method_changes(step: str) -> None:
    declared, seen = {STEPS[step], *_USES.get(step, ())}, set[str]()
    names = {STEPS[step]}
    while names := names - seen:
        seen |= names
        texts = [(ROOM / f"{name}.py").read_text("utf-8") for name in names]
        names = {found for text in texts for found in re.findall(r"^from meterbook\.sql\.(\w+) import", text, re.MULTILINE)}
    assert seen == declared


def test_what_has_to_be_given_is_what_a_day_depends_on() -> None:
    assert (REACH, LOOKBACK_DAYS) == (117, 145)
