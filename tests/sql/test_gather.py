"""Batches of calls that wait for one another, against what can be told without the loop."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.sql.gather import SHAPE, WINDOWS, first_calls, gather

ARRIVALS = st.lists(st.integers(0, 3_000_000), min_size=1, max_size=60).map(sorted)
MIDNIGHT = datetime(2026, 10, 2, tzinfo=UTC).replace(tzinfo=None)


def _given(arrivals: list[int], gain: Decimal | None = None) -> pa.Table:
    rows = [
        {
            "day": date(2026, 10, 2),
            "pool": "serve",
            "model": "m",
            "started_at": MIDNIGHT + timedelta(microseconds=at),
            "gain_per_doubling": gain,
        }
        for at in arrivals
    ]
    kinds = [("day", pa.date32()), ("pool", pa.string()), ("model", pa.string()), ("started_at", pa.timestamp("us"))]
    return pa.Table.from_pylist(rows, schema=pa.schema([*kinds, ("gain_per_doubling", pa.decimal128(9, 6))]))


@examples(100)
@given(ARRIVALS, st.sampled_from(WINDOWS))
def test_each_call_is_in_one_batch_that_closes_a_window_after_its_first(arrivals: list[int], window: int) -> None:
    firsts = first_calls(arrivals, window * 1000).tolist()
    found = list(zip(firsts, [*firsts[1:], len(arrivals)], strict=True))
    assert [at for first, end in found for at in arrivals[first:end]] == arrivals
    assert all(arrivals[end - 1] - arrivals[first] <= window * 1000 for first, end in found)
    assert all(arrivals[end] - arrivals[first] > window * 1000 for first, end in found if end < len(arrivals))


@examples(50)
@given(ARRIVALS, st.randoms(use_true_random=False))
def test_a_longer_window_never_makes_more_batches_in_whatever_order_calls_are_read(arrivals: list[int], shuffled: object) -> None:
    arrivals = [at * 2 + 1 for at in arrivals]
    mixed = list(arrivals)
    shuffled.shuffle(mixed)  # type: ignore[attr-defined] # random.Random
    rows = gather(_given(mixed)).to_pylist()
    assert rows == gather(_given(arrivals)).to_pylist()
    counts = [row["batches"] for row in rows]
    assert counts == sorted(counts, reverse=True)
    assert all(row["calls_saved"] + row["batches"] == len(arrivals) for row in rows)
    assert all(row["added_p95_ms"] <= row["window_ms"] for row in rows)


def test_no_gain_is_told_without_a_measured_curve_and_a_doubled_batch_has_the_measured_one() -> None:
    pair = [1, 2]
    assert {row["gain_ratio"] for row in gather(_given(pair)).to_pylist()} == {None}
    gains = [row["gain_ratio"] for row in gather(_given(pair, Decimal("0.4"))).to_pylist()]
    assert set(gains) == {Decimal("0.4")}


def test_no_calls_give_a_table_without_rows_in_the_same_shape() -> None:
    assert gather(_given([])).schema == SHAPE
