"""The columns of every table, found by asking DuckDB what each model gives over empty inputs; and what the models may not give."""

import duckdb

from meterbook.sql.models import Columns, Model, ModelError, Project

MACROS = (
    # Exact whole-number division, truncating; `//` on DECIMAL goes through DOUBLE and loses digits.
    "create macro div_trunc(a, b) as cast(cast(a as hugeint) // cast(b as hugeint) as decimal(38,0))",
    # Dollars to whole pico-dollars and back: exact up to 10^12 USD, and an error above.
    "create macro to_pico(usd) as cast(cast(usd as decimal(24,12)) * cast(1000000000000 as decimal(13,0)) as decimal(38,0))",
    "create macro to_usd(pico) as cast(cast(pico as decimal(25,0)) * cast('0.000000000001' as decimal(12,12)) as decimal(38,12))",
)
_INEXACT = ("HUGEINT", "UHUGEINT", "DOUBLE", "FLOAT")
_EXACT_UNITS = ("_usd", "_tokens", "_seconds", "_bytes", "requests", "units")


def define_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Give a connection the few functions models may use beside SQL's own."""
    for macro in MACROS:
        con.execute(macro)


def empty_table(con: duckdb.DuckDBPyConnection, name: str, columns: Columns) -> None:
    """Create a table without rows; its schema is created where missing."""
    con.execute(f"create schema if not exists {name.split('.')[0]}")
    con.execute(f"create table {name} ({', '.join(f'{column} {dtype}' for column, dtype in columns.items())})")


def columns_of(project: Project) -> dict[str, Columns]:
    """Columns of every table: the given ones, the kinds' views, and what each model's SQL yields.

    Raises:
        ModelError: SQL that does not bind, a staging column its kind does not know, or an inexact type where money or counts are.
    """
    columns: dict[str, Columns] = {**project.inputs, **{f"staging.{kind}": shape for kind, shape in project.kinds.items()}}
    with duckdb.connect() as con:
        define_macros(con)
        con.execute("set variable from_day = date '2000-01-01'; set variable to_day = date '2000-01-02'")
        for name, shape in columns.items():
            empty_table(con, name, shape)
        for model in project.models.values():
            columns[model.name] = _columns(con, model)
            _refuse_inexact(model, columns[model.name])
            _refuse_unknown(model, columns[model.name], project)
    return columns


def _columns(con: duckdb.DuckDBPyConnection, model: Model) -> Columns:
    con.execute(f"create schema if not exists {model.layer}")
    try:
        con.execute(f"create table {model.name} as select * from ({model.sql}) as made limit 0")
    except duckdb.Error as error:
        raise ModelError(f"{model.name}: {error}") from error
    return {row[0]: row[1] for row in con.execute(f"describe {model.name}").fetchall()}


def _refuse_inexact(model: Model, columns: Columns) -> None:
    for column, dtype in columns.items():
        is_money = model.layer != "marts" or column.endswith(_EXACT_UNITS)
        if dtype == "HUGEINT" or (dtype in _INEXACT and is_money):
            raise ModelError(f"{model.name}.{column} is {dtype}; cast it to BIGINT or DECIMAL")


def _refuse_unknown(model: Model, columns: Columns, project: Project) -> None:
    if model.header.kind is None:
        return
    if model.header.kind not in project.kinds:
        raise ModelError(f"{model.name}: no kind {model.header.kind!r} in sql/kinds.yaml")
    shape = project.kinds[model.header.kind]
    wrong = [f"{c} {t}" for c, t in columns.items() if shape.get(c) != t]
    if wrong:
        raise ModelError(f"{model.name}: not columns of kind {model.header.kind}: {', '.join(wrong)}")
