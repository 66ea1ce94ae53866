"""Runs the cases beside the models: `tests/sql/core/request_cost.yaml` holds the cases of `core.request_cost`.

A case is a sentence with `given` (rows by table; columns left out are NULL), an optional `window` (first day and the day after the
last) and either `expect` (all rows of the result, in the columns the case names) or `breaks` (the rule that must fail).
"""

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from rows import insert

from meterbook.assets import workspace
from meterbook.sql.models import Columns, Model
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch
from meterbook.sql.steps import make_table

HERE = Path(__file__).parent
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CASES = [
    pytest.param(f"{path.parent.name}.{path.stem}", case, id=f"{path.parent.name}.{path.stem}: {sentence}")
    for path in sorted(HERE.glob("*/*.yaml"))
    for sentence, case in yaml.load(path.read_text("utf-8"), _Loader).items()  # noqa: S506 -- a safe loader
]


def _columns(name: str) -> Columns:
    project, columns = workspace.project(), workspace.columns()
    schema, table = name.split(".")
    return project.kinds[table] if schema == "staging" and table in project.kinds else columns[name]


def _fill(con: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]]) -> None:
    columns = _columns(name)
    unknown = {column for row in rows for column in row} - set(columns)
    assert not unknown, f"{name} has no column {unknown}"
    empty_table(con, name, columns)
    insert(con, name, columns, rows)


def _result(con: duckdb.DuckDBPyConnection, model: Model, case: dict[str, Any]) -> None:
    for name in model.inputs:
        _fill(con, name, case.get("given", {}).get(name, []))
    first, last = case.get("window", ("2026-10-01", "2026-11-01"))
    con.execute(f"set variable from_day = date '{first}'; set variable to_day = date '{last}'")
    make_table(con, model, "result")


def _expected(con: duckdb.DuckDBPyConnection, model: Model, rows: list[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    columns = list(rows[0])
    assert all(list(row) == columns for row in rows), "expected rows name the same columns in the same order"
    shape = {row[0]: row[1] for row in con.execute("describe result").fetchall()}
    empty_table(con, "main.expected", {column: shape[column] for column in columns})
    insert(con, "expected", shape, rows)
    listed = ", ".join(columns)
    return tuple(con.execute(f"select {listed} from {table} order by all").fetchall() for table in ("result", "expected"))  # type: ignore[return-value] # two tables


@pytest.mark.parametrize(("name", "case"), CASES)
def test_case(name: str, case: dict[str, Any]) -> None:
    model = workspace.project().models[name]
    with scratch() as con:
        _result(con, model, case)
        broken = {rule for rule in model.header.must if con.execute(f"select 1 from result where ({rule}) is not true").fetchall()}
        if "breaks" in case:
            assert case["breaks"] in broken
            return
        assert not broken, f"rules broken: {broken}"
        if not case["expect"]:
            assert con.execute("select count(*) from result").fetchall() == [(0,)]
            return
        found, expected = _expected(con, model, case["expect"])
        assert found == expected


def test_every_model_beyond_staging_has_cases() -> None:
    tested = {f"{path.parent.name}.{path.stem}" for path in HERE.glob("*/*.yaml")}
    wanted = {name for name in workspace.project().models if not name.startswith("staging.")}
    assert wanted - tested == set()


def test_every_case_file_belongs_to_a_model() -> None:
    tested = {f"{path.parent.name}.{path.stem}" for path in HERE.glob("*/*.yaml")}
    assert tested - set(workspace.project().models) == set()
