"""What a model's header says of its rows, held against what it gave, before anything of it is published."""

from collections.abc import Sequence

import duckdb

from meterbook.sql.models import Model


class CheckError(RuntimeError):
    """A `must` rule failed; nothing of the window was published."""

    def __init__(self, table: str, check: str, rows: int, example: str) -> None:
        super().__init__(f"{table}: {rows} row(s) break the rule `{check}`, for example {example}")
        self.table, self.check, self.rows = table, check, rows


def check(con: duckdb.DuckDBPyConnection, model: Model, keys: Sequence[str], *, is_unique: bool) -> dict[str, tuple[int, dict[str, int]]]:
    """Rows of each partition, and how many of them are not as they should be.

    All rules of a row are counted in one scan; only for a broken one is an example looked for. Keys that are known to be unique are not
    counted again.

    Raises:
        CheckError: a rule that blocks does not hold.
    """
    must = [*model.header.must, *(f"{column} is not null" for column in model.header.key)]
    if model.partition_column:
        must.append(f"{model.partition_column} in ({', '.join(repr(key) for key in keys)})")
    partition = f"cast({model.partition_column} as varchar)" if model.partition_column else f"'{keys[0]}'"
    counts = "".join(f", count(*) filter (where ({rule}) is not true)" for rule in (*must, *model.header.should))
    found = con.execute(f"select {partition}, count(*){counts} from result group by 1").fetchall()
    columns = ", ".join(model.header.key)
    for place, rule in enumerate(must, 2):
        _refuse(con, model, rule, f"select {columns} from result where ({rule}) is not true", sum(row[place] for row in found))
    if not is_unique:
        twice = f"select {columns} from result group by {columns} having count(*) > 1"
        [(repeated,)] = con.execute(f"select count(*) from ({twice})").fetchall()
        _refuse(con, model, f"{columns} unique", twice, repeated)
    if model.header.conserves:
        _check_conserved(con, model)
    return {key: (rows, dict(zip(model.header.should, broken[len(must) :], strict=True))) for key, rows, *broken in found}


def _refuse(con: duckdb.DuckDBPyConnection, model: Model, rule: str, offenders: str, rows: int) -> None:
    if rows:
        [example] = con.execute(f"{offenders} limit 1").fetchall()
        raise CheckError(model.name, rule, rows, str(dict(zip(model.header.key, map(str, example), strict=True))))


def _check_conserved(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    window = "day >= getvariable('from_day') and day < getvariable('to_day')"
    query = f"select (select count(*) from {model.header.conserves} where {window}), (select coalesce(sum(copies), 0) from result)"
    [(read, kept)] = con.execute(query).fetchall()
    if read != kept:
        raise CheckError(model.name, f"rows of {model.header.conserves} = sum of copies", abs(read - kept), f"{read} read, {kept} kept")


def is_rising(con: duckdb.DuckDBPyConnection, model: Model) -> bool:
    """Whether each row of `result` comes after the one before it by its key: in one look, and proof that no key is there twice."""
    key = f"row({', '.join(model.header.key)})" if len(model.header.key) > 1 else model.header.key[0]
    [(back,)] = con.execute(f"select count(*) from (select {key} <= lag({key}) over () as is_back from result) where is_back").fetchall()
    return not back
