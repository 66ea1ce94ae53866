"""Rows put into marts of a test."""

from collections.abc import Sequence
from typing import Any

import duckdb


def put(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, by name of their columns; what they do not name is NULL."""
    for row in rows:
        con.execute(f"insert into marts.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))
