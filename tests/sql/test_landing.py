"""Where a month lands: what must hold whatever was used, the cold start by days of history, and what is known ahead."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.sql.landing import SHAPE, land

FIRST = date(2026, 3, 2)
Row = dict[str, Any]
TYPES = {"day": pa.date32(), "as_of": pa.date32(), "period_start": pa.date32(), "period_end": pa.date32(), "target": pa.float64()}


def month(day: date) -> tuple[date, date]:
    start = day.replace(day=1)
    return start, (start + timedelta(days=31)).replace(day=1)


def rows_of(series: Mapping[str, Sequence[float]], wanted: Sequence[date], target: float | None = None) -> list[Row]:
    """Days of each series, all of which end with the last one."""
    longest = max(map(len, series.values()))
    found = []
    for name, amounts in series.items():
        for place, amount in enumerate(amounts):
            day = FIRST + timedelta(days=longest - len(amounts) + place)
            start, end = month(day)
            known = {"factor": 1.0, "added": 0.0, "is_coming": False, "as_of": None, "target": target}
            found.append(
                {
                    "series": name,
                    "day": day,
                    "amount": amount,
                    "is_wanted": day in wanted,
                    "period_start": start,
                    "period_end": end,
                    **known,
                }
            )
    return found


def ahead(series: str, day: date, factor: float = 1.0, added: float = 0.0) -> Row:
    spans = {"period_start": None, "period_end": None, "target": None, "as_of": None}
    return {"series": series, "day": day, "amount": 0.0, "factor": factor, "added": added, "is_wanted": False, "is_coming": True, **spans}


def landed(rows: Sequence[Row]) -> list[Row]:
    columns = {name: pa.array([row[name] for row in rows], TYPES.get(name)) for name in rows[0]}
    return land(pa.table(columns)).to_pylist()


def noisy(days: int, seed: int, size: float = 100.0) -> list[float]:
    """A week's shape with noise."""
    rng = np.random.default_rng(seed)
    shape = np.array([1, 1.1, 1.1, 1, 0.9, 0.3, 0.2])
    return [float(size * shape[day % 7] * rng.lognormal(0, 0.2)) for day in range(days)]


def day_of(place: int) -> date:
    return FIRST + timedelta(days=place)


traffic = st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=1, max_size=80)


@given(traffic, traffic, st.integers(0, 79))
@examples(40)
def test_what_is_used_is_at_most_low_and_low_at_most_point_and_point_at_most_high(one: list[float], other: list[float], back: int) -> None:
    day = day_of(max(len(one), len(other)) - 1 - min(back, len(one) - 1, len(other) - 1))
    for row in landed(rows_of({"one": one, "other": other}, [day])):
        if row["method"] == "none":
            assert row["point"] is None or row["day"] + timedelta(days=1) == row["period_end"]
        else:
            assert row["used"] <= row["low"] <= row["point"] <= row["high"]


@given(st.randoms(use_true_random=False))
@examples(10)
def test_the_order_of_rows_changes_nothing(random: Any) -> None:
    rows = rows_of({"one": noisy(100, 1), "other": noisy(60, 2)}, [day_of(90), day_of(99)])
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert landed(shuffled) == landed(rows)


def test_a_day_is_told_alike_alone_and_among_others_and_knows_nothing_of_what_follows() -> None:
    series = {"one": noisy(120, 3), "young": noisy(40, 4)}
    days = [day_of(place) for place in range(84, 120)]
    together = landed(rows_of(series, days))
    cut = {name: amounts[: len(amounts) - 20] for name, amounts in series.items()}
    alone = [row for day in days[:16] for row in landed(rows_of(cut, [day]))]
    by_key = {(row["series"], row["day"]): row for row in together}
    assert len(alone) == 32
    assert all(by_key[row["series"], row["day"]] == row for row in alone)


def test_what_lies_farther_back_than_half_a_year_has_no_part_in_it() -> None:
    days = noisy(230, 5)
    [whole] = landed(rows_of({"one": days}, [day_of(229)]))
    [near] = landed([row for row in rows_of({"one": days}, [day_of(229)]) if row["day"] > day_of(229 - 190)])
    assert near == whole
    assert whole["history"] == 190


@pytest.mark.parametrize("scale", [1e-3, 7.0, 1e6])
def test_ten_times_the_use_lands_at_ten_times_as_much(scale: float) -> None:
    series = {"one": noisy(100, 6), "other": noisy(100, 7)}
    wanted = [day_of(70), day_of(99)]
    larger = {name: [scale * amount for amount in amounts] for name, amounts in series.items()}
    for row, scaled in zip(landed(rows_of(series, wanted)), landed(rows_of(larger, wanted)), strict=True):
        assert [scaled[name] for name in ("low", "point", "high")] == pytest.approx(
            [scale * row[name] for name in ("low", "point", "high")]
        )
        assert (scaled["error"], scaled["tests"], scaled["covered"]) == (row["error"], row["tests"], row["covered"])


def test_the_last_day_of_a_month_lands_on_what_was_used() -> None:
    amounts = noisy(60, 8)
    [row] = landed(rows_of({"one": amounts}, [date(2026, 4, 30)]))
    used = sum(amounts[30:60])
    assert row["used"] == pytest.approx(used)
    assert row["low"] == row["point"] == row["high"] == row["used"]


def test_a_series_that_repeats_its_week_is_landed_to_the_digit() -> None:
    week = [10.0, 12.0, 11.0, 9.0, 8.0, 2.0, 1.0]
    amounts = [week[place % 7] for place in range(70)]
    [row] = landed(rows_of({"one": amounts}, [date(2026, 5, 9)]))
    whole = sum(week[(date(2026, 5, day) - FIRST).days % 7] for day in range(1, 32))
    assert row["method"] == "conformal"
    assert row["point"] == pytest.approx(whole)
    assert row["error"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("days", "method"), [(1, "none"), (2, "peer"), (6, "peer"), (7, "own"), (14, "own"), (27, "own"), (28, "conformal")]
)
def test_the_method_follows_the_days_of_history(days: int, method: str) -> None:
    rows = rows_of({"old": noisy(100, 9), "young": noisy(days, 10)}, [day_of(99)])
    young = landed(rows)[1]
    assert (young["method"], young["history"]) == (method, days)
    assert (young["point"] is None) == (method == "none")


def test_a_young_series_takes_the_weekdays_of_its_peers_and_the_level_of_its_own_with_a_wide_band() -> None:
    week = [10.0, 10.0, 10.0, 10.0, 10.0, 0.0, 0.0]
    peers = [week[place % 7] for place in range(100)]
    last = day_of(99)
    # Two workdays at 30 a day: workdays to come at 30, weekends at nothing.
    young = next(row for row in landed(rows_of({"old": peers, "young": [30.0, 30.0]}, [last])) if row["series"] == "young")
    workdays = sum((last + timedelta(days=one)).weekday() < 5 for one in range(1, (month(last)[1] - last).days))
    assert young["point"] == pytest.approx(60 + 30 * workdays)
    assert young["low"] == pytest.approx(60 + 0.7 * 30 * workdays)
    assert young["high"] == pytest.approx(60 + 1.5 * 30 * workdays)


def test_four_weeks_without_a_past_error_have_the_band_of_the_young() -> None:
    [row] = landed(rows_of({"one": [10.0] * 28}, [day_of(27)]))
    assert row["method"] == "own"
    assert (row["low"] - row["used"]) / (row["point"] - row["used"]) == pytest.approx(0.7)


def test_a_known_price_change_applies_from_its_date_and_a_known_amount_on_its_day() -> None:
    rows = rows_of({"one": [10.0] * 70}, [date(2026, 5, 10)])
    [plain] = landed(rows)
    [dearer] = landed([*rows, ahead("one", date(2026, 5, 21), factor=1.5)])
    [more] = landed([*rows, ahead("one", date(2026, 5, 31), added=25.0)])
    [later] = landed([*rows, ahead("one", date(2026, 6, 2), factor=9.0, added=99.0)])
    assert dearer["point"] - plain["point"] == pytest.approx(11 * 5.0)
    assert more["point"] - plain["point"] == pytest.approx(25)
    assert later == plain


def test_days_before_a_price_change_are_restated_at_the_new_price() -> None:
    rows = rows_of({"one": [10.0] * 60 + [20.0] * 10}, [day_of(69)])
    [unknown] = landed(rows)
    for row in rows:
        row["factor"] = 2.0 if row["day"] == day_of(60) else 1.0
    [known] = landed(rows)
    assert known["point"] - known["used"] == pytest.approx(20.0 * 21)
    assert unknown["point"] < known["point"]


def test_the_target_is_reached_by_the_high_path_first_and_not_at_all_where_it_is_out_of_reach() -> None:
    days = [date(2026, 5, 10)]
    [row] = landed(rows_of({"one": noisy(70, 11)}, days, target=1500.0))
    assert row["reached_low"] <= row["reached_point"] <= row["reached_high"]
    [far] = landed(rows_of({"one": noisy(70, 11)}, days, target=1e9))
    assert (far["reached_low"], far["reached_point"], far["reached_high"]) == (None, None, None)
    [past] = landed(rows_of({"one": noisy(70, 11)}, days, target=1.0))
    assert past["reached_low"] == past["reached_high"] == date(2026, 5, 1)


def test_back_tests_count_only_rests_that_were_over_and_most_lie_in_their_band() -> None:
    series = {f"key {seed}": noisy(150, seed) for seed in range(20)}
    rows = landed(rows_of(series, [day_of(149)]))
    tests, covered = sum(row["tests"] for row in rows), sum(row["covered"] for row in rows)
    assert tests > 500
    assert 0.7 <= covered / tests <= 0.95
    assert all(0 < row["error"] < 0.2 for row in rows)


def test_nothing_asked_gives_the_columns_and_no_row() -> None:
    columns = {
        name: pa.array([row[name] for row in rows_of({"one": [1.0]}, [])], TYPES.get(name)) for name in rows_of({"one": [1.0]}, [])[0]
    }
    table = pa.table(columns)
    assert land(table).num_rows == 0
    assert land(table.slice(0, 0)).schema.names[: len(SHAPE)] == SHAPE.names
