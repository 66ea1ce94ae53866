"""A model that is told to be empty is empty: held against the cases of every model, with tables taken away."""

import pytest
from examples import TIMES
from test_cases import CASES, _result

from meterbook.assets import workspace
from meterbook.sql.models import Parser
from meterbook.sql.scratch import scratch


def ways(sql: str) -> set[frozenset[str]]:
    return set(Parser().read(sql)[1])


def of(*tables: str) -> frozenset[str]:
    return frozenset(tables)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select x from s.a", {of("s.a")}),
        ("select x from s.a inner join s.b on true left join s.c on true", {of("s.a", "s.b")}),
        ("select x from s.a cross join s.b", {of("s.a", "s.b")}),
        ("select x from s.a right join s.b on true", {of("s.b")}),
        ("select x from s.a full join s.b on true", {of("s.a"), of("s.b")}),
        ("select x from s.a union all select x from s.b", {of("s.a"), of("s.b")}),
        ("select x from s.a except select x from s.b", {of("s.a")}),
        ("select sum(x) from s.a", {of()}),
        ("select sum(x) over (order by y) from s.a", {of("s.a")}),
        ("select sum(x) from s.a group by y", {of("s.a")}),
        ("select y from s.a group by y having sum(x) > 0", {of("s.a")}),
        ("with one as (select x from s.a), two as (select x from one inner join s.b on true) select x from two", {of("s.a", "s.b")}),
        ("select x from (select x from s.a) as t", {of("s.a")}),
        ("select x from s.a inner join (select count(*) as n from s.b) as t on true", {of("s.a")}),
        ("select 1", {of()}),
        ("select x from s.a union all select x from s.a inner join s.b on true", {of("s.a")}),
    ],
)
def test_rows_come_from_the_tables_that_all_have_to_have_some(sql: str, expected: set[frozenset[str]]) -> None:
    assert ways(sql) == expected


FIRST = {case.values[0]: case for case in reversed(CASES)}
"""One case of each model; by night every case is tried."""


@pytest.mark.parametrize(("name", "case"), CASES if TIMES > 1 else list(FIRST.values()))
def test_a_model_without_an_open_way_has_no_rows(name: str, case: dict[str, object]) -> None:
    model = workspace.project().models[name]
    for gone in sorted({table for way in model.ways for table in way}):
        if any(gone not in way for way in model.ways):
            continue
        given = {table: rows for table, rows in case.get("given", {}).items() if table != gone}  # type: ignore[attr-defined] # a case is a mapping
        with scratch() as con:
            _result(con, model, {**case, "given": given})
            assert con.execute("select count(*) from result").fetchall() == [(0,)], f"{name} has rows without {gone}"
