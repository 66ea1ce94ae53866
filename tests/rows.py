"""Rows put into a table of a test."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import duckdb

from meterbook.sql.models import Columns


def insert(con: duckdb.DuckDBPyConnection, table: str, columns: Columns, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows, their values cast from text; NULL where a row does not name a column.

    In one statement: each costs a millisecond, and more the more columns a table has.

    Args:
        con: where the table is.
        table: its name.
        columns: types by name, of all that a row names.
        rows: values by column; none do nothing.

    Raises:
        KeyError: a row names a column that the table does not have.
    """
    named = list(dict.fromkeys(column for row in rows for column in row))
    if named:
        line = f"({', '.join(f'cast(? as {columns[column]})' for column in named)})"
        texts = [_text(row.get(column)) for row in rows for column in named]
        con.execute(f"insert into {table} ({', '.join(named)}) values {', '.join([line] * len(rows))}", texts)


def _text(value: object) -> str | None:
    """A value as DuckDB reads it: it knows no exponent in a decimal."""
    return None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
