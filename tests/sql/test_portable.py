"""The models that carry money stay within SQL that DuckDB and Spark answer alike (docs/portable-sql.md has the reasons)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from meterbook.assets.column_keys import MODEL, with_columns
from meterbook.assets.pools import Pool
from meterbook.assets.workspace import columns, project
from meterbook.sql.models import Model

SCORES = {"marts.budget_outlook", "marts.landing", "marts.series_score", "marts.anomaly", "marts.anomaly_episode", "marts.anomaly_card"}
"""Marts that only score read rollups and may use DuckDB's statistics."""
FORBIDDEN_FUNCTIONS = {
    "median", "quantile", "quantile_cont", "quantile_disc", "mad", "avg", "round", "any_value", "first", "last", "arg_max", "arg_min",
    "hash", "now", "current_date",
    "current_timestamp", "random", "list", "array_agg", "unnest", "generate_series", "range", "epoch", "epoch_us",
    "epoch_ms",
    "date_diff", "datediff", "dayofweek", "isodow", "strftime", "read_parquet", "read_csv", "read_json",
}  # fmt: skip
FORBIDDEN_NODES = (
    exp.Div, exp.IntDiv, exp.Limit, exp.Qualify, exp.Pivot, exp.Lambda, exp.Interval, exp.TableSample, exp.Array, exp.Struct, exp.Lateral,
    exp.Unnest,
)  # fmt: skip
MODELS = [pytest.param(model, id=model.name) for model in project().models.values() if model.name not in SCORES]
_KEYS = ({"key": "column: marts.token_use.output_tokens", "scope": {"model": "it's*"}}, {"key": "column: core.gpu_hour.cost_usd"})
_POOLS = [Pool.model_validate({"pool": "one", "monthly_usd": 1, **key}) for key in _KEYS]
MODELS.append(pytest.param(with_columns(Path(), _POOLS, project(), columns()).models[MODEL], id=f"{MODEL} of a book"))


@pytest.mark.parametrize("model", MODELS)
def test_a_model_uses_no_construct_that_engines_answer_differently(model: Model) -> None:
    assert list(_offences(model.sql)) == []


@pytest.mark.parametrize("model", MODELS)
def test_a_final_select_names_its_columns(model: Model) -> None:
    tree = sqlglot.parse_one(model.sql, dialect="duckdb")
    selects = tree.selects if isinstance(tree, exp.Select) else [column for side in (tree.left, tree.right) for column in side.selects]
    assert not [column.sql() for column in selects if column.is_star]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_a_header_that_fits_and_lines_that_can_be_read(model: Model) -> None:
    lines = model.sql.splitlines()
    assert len(lines) <= 90
    assert not [line for line in lines if len(line) > 165]


@pytest.mark.parametrize(
    "sql",
    [
        "select cost / 3 from t",
        "select cost // 3 from t",
        "select avg(cost) from t",
        "select median(cost) from t",
        "select a from t limit 3",
        "select now()",
        "select day + interval 1 day from t",
        "select sum(x) over (order by y) from t",
        "select a from t qualify row_number() over (order by a) = 1",
    ],
)
def test_the_lint_finds_what_it_is_there_for(sql: str) -> None:
    assert list(_offences(sql))


def _offences(sql: str) -> Iterator[str]:
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    for node in tree.find_all(*FORBIDDEN_NODES):
        yield node.sql(dialect="duckdb")
    for call in tree.find_all(exp.Func):
        name = (call.name if isinstance(call, exp.Anonymous) else call.sql_name()).lower()
        if name in FORBIDDEN_FUNCTIONS:
            yield name
    for window in tree.find_all(exp.Window):
        ranks = isinstance(window.this, exp.RowNumber)
        if window.args.get("order") and not ranks and not window.args.get("spec"):
            yield f"a running window without a ROWS frame: {window.sql(dialect='duckdb')}"
