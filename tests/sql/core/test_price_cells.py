"""A call finds its price by the number of a cell: the rate in whose range of sizes and times it lies, or none where it lies in none."""

from datetime import datetime, timedelta
from itertools import pairwise, product
from typing import Any

import duckdb
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

pytestmark = pytest.mark.long

DAY = datetime(2026, 10, 2)
NEXT = DAY + timedelta(days=1)
NO_END = 9_223_372_036_854_775_807
SIZE = st.integers(0, 50)
MOMENT = st.integers(1, 86_399_999_999).map(lambda micros: DAY + timedelta(microseconds=micros))
BY_RANGE = """select call.n, price.rate_id from call left join core.price_in_force as price
    on price.day = call.day and price.priced_as = call.priced_as and call.moment >= price.holds_from and call.moment < price.holds_to
    and call.whole > price.input_above and call.whole <= price.input_up_to
    and call.uncached > price.uncached_above and call.uncached <= price.uncached_up_to order by all"""
BY_CELL = """select call.n, rate.rate_id from call
    left join core.price_cell as cut on cut.cell = 0 and cut.day = call.day and cut.priced_as = call.priced_as
    left join core.price_cell as rate on rate.day = call.day and rate.priced_as = call.priced_as
    and rate.cell = case when cut.is_alone then 0 else cell_of(call.whole, cut.input_cut_1, cut.input_cut_2, cut.input_cut_3,
        cut.input_cut_4, cut.input_cut_5, cut.input_cut_6, cut.input_cut_7,
        call.uncached, cut.uncached_cut_1, cut.uncached_cut_2, cut.uncached_cut_3,
        call.moment, cut.time_cut_1, cut.time_cut_2, cut.time_cut_3, cut.time_cut_4, cut.time_cut_5) end order by all"""


def _cut(draw: st.DrawFn, values: st.SearchStrategy[Any], most: int, first: object, last: object) -> list[tuple[Any, Any]]:
    return list(pairwise([first, *sorted(draw(st.sets(values, max_size=most))), last]))


@st.composite
def rates(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rates side by side, with holes between them where nothing holds; those at the ends hold beyond the day."""
    sizes, plain = _cut(draw, SIZE, 7, -1, NO_END), _cut(draw, SIZE, 3, -1, NO_END)
    times = _cut(draw, MOMENT, 5, datetime(2020, 1, 1), datetime(9999, 12, 31))
    boxes = draw(st.lists(st.sampled_from(list(product(sizes, plain, times))), min_size=1, unique=True))
    return [
        {"day": DAY.date(), "priced_as": "m", "rate_id": f"rate-{n}", "input_above": size[0], "input_up_to": size[1],
         "uncached_above": bare[0], "uncached_up_to": bare[1], "holds_from": time[0], "holds_to": time[1]}
        for n, (size, bare, time) in enumerate(boxes)
    ]  # fmt: skip


@pytest.mark.early
@examples(12)
@given(found=rates(), calls=st.lists(st.tuples(SIZE, SIZE, MOMENT | st.just(DAY)), min_size=1, max_size=30), data=st.data())
def test_the_number_of_a_cell_finds_the_rate_in_whose_range_a_call_lies(
    found: list[dict[str, Any]], calls: list[tuple[int, int, datetime]], data: st.DataObject
) -> None:
    # Where a cut is, is where it may be wrong.
    edges = sorted({moment for rate in found for moment in (rate["holds_from"], rate["holds_to"]) if DAY <= moment < NEXT})
    more = [(whole, plain, edge) for whole, plain, _ in calls[:3] for edge in edges]
    with scratch() as con:
        empty_table(con, "core.price_in_force", columns()["core.price_in_force"])
        marks = ", ".join("?" * len(found[0]))
        con.executemany(f"insert into core.price_in_force ({', '.join(found[0])}) values ({marks})", [[*rate.values()] for rate in found])
        con.execute("create table call (n integer, day date, priced_as varchar, whole bigint, uncached bigint, moment timestamp)")
        rows = [(n, DAY.date(), "m", *call) for n, call in enumerate([*calls, *data.draw(st.permutations(more))])]
        con.executemany("insert into call values (?, ?, ?, ?, ?, ?)", rows)
        assert _asked(con, BY_CELL) == _asked(con, BY_RANGE)


def _asked(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    if "price_cell" in query:
        con.execute("set variable from_day = date '2026-10-01'; set variable to_day = date '2026-11-01'")
        con.execute(f"create table core.price_cell as {project().models['core.price_cell'].sql}")
    return con.execute(query).fetchall()
