"""Queries of a book's own sections: one SELECT over the lake's tables, which reads nothing else, gives the same each time and ends soon."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Timer
from typing import Any

import duckdb

from meterbook.reports.frame import Row
from meterbook.sql.scratch import scratch

ROWS, SECONDS = 500, 10.0
"""The most rows a section may show, and the longest its query may take."""
_SERIES = frozenset({"range", "generate_series", "unnest"})
"""Table functions that read nothing."""
_CLOCK = frozenset(
    {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_user", "session_user", "user"}
)
"""Words that need no brackets and say something else each time."""
_LINE = re.compile(r"LINE (\d+):")


class QueryError(ValueError):
    """A query is wrong, or took too much; the message begins with its line where DuckDB names one (`3: ...`)."""


@dataclass(frozen=True)
class Answer:
    """What a query gave: its columns, its rows by column name."""

    columns: Sequence[str]
    rows: Sequence[Row]


def tables_read(sql: str, tables: Collection[str]) -> list[str]:
    """The tables a query reads.

    Args:
        sql: the query.
        tables: those it may read.

    Raises:
        QueryError: it is no single SELECT in an order, it reads what it may not, or what it gives depends on the moment.
    """
    node = _parsed(sql)
    found = list(_nodes(node))
    withs = {entry["key"] for one in found for entry in _maps(one)}
    if odd := sorted(name for name in withs if not re.fullmatch(r"\w+", name)):
        # Elsewhere in the query such a name could mean a file.
        raise QueryError(f"1: `with {odd[0]!r}`: give it a name of letters, digits and _")
    named = sorted({name for one in found for name in _table(sql, one, withs)})
    if unknown := [name for name in named if name not in tables]:
        raise QueryError(f"1: reads {unknown[0]}, which is no table of the lake (docs/tables.md lists them: marts.cost, core.request)")
    for one in found:
        _refuse_moment(sql, one)
    if not any(change.get("type") == "ORDER_MODIFIER" for change in node.get("modifiers", ())):
        raise QueryError("1: has no `order by`: without one the rows of equal days could come in another order")
    return named


def asked(con: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object], seconds: float = SECONDS) -> Answer:
    """What a query gives.

    Args:
        con: a connection in which the lake's tables are views; the query can change nothing of it.
        sql: one that `tables_read` takes.
        values: what it reads as `getvariable('from_day')`.
        seconds: the longest it may take.

    Raises:
        QueryError: DuckDB does not take it, or it takes too long or gives too many rows.
    """
    try:
        with _reading(con, values), _within(con, seconds):
            result = con.execute(sql)
            columns = [column[0] for column in result.description or ()]
            rows = result.fetchmany(ROWS + 1)
    except duckdb.InterruptException as error:
        raise QueryError(f"1: took longer than {seconds:g} seconds") from error
    except duckdb.Error as error:
        raise QueryError(f"{_line(str(error))}: {_brief(str(error))}") from error
    if len(rows) > ROWS:
        raise QueryError(f"1: gives more than {ROWS} rows; add up, or say `limit`")
    if len(set(columns)) < len(columns):
        raise QueryError("1: gives two columns of one name; name one of them otherwise with `as`")
    return Answer(columns, [dict(zip(columns, row, strict=True)) for row in rows])


@contextmanager
def _reading(con: duckdb.DuckDBPyConnection, values: Mapping[str, object]) -> Iterator[None]:
    """A transaction that cannot write, in which variables hold."""
    for name, value in values.items():
        con.execute(f"set variable {name} = ?", [value])
    con.execute("begin transaction read only")
    try:
        yield
    finally:
        con.execute("rollback")
        for name in values:
            con.execute(f"reset variable {name}")


@contextmanager
def _within(con: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    timer = Timer(seconds, con.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _parsed(sql: str) -> Mapping[str, Any]:
    with scratch() as con:
        [(text,)] = con.execute("select json_serialize_sql(?)", [sql]).fetchall()
    tree = json.loads(text)
    if tree.get("error_type") == "not implemented":
        raise QueryError("1: a section is one SELECT over the lake's tables")
    if tree["error"]:
        line = sql.count("\n", 0, int(tree.get("position", 0))) + 1
        raise QueryError(f"{line}: {_brief(tree['error_message'])}")
    if len(tree["statements"]) != 1:
        raise QueryError(f"1: has {len(tree['statements'])} statements; a section is one SELECT")
    node: Mapping[str, Any] = tree["statements"][0]["node"]
    return node


def _nodes(node: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict):
        yield node
    if isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from _nodes(value)


def _maps(node: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = node["cte_map"]["map"] if isinstance(node.get("cte_map"), dict) else ()
    return found


def _table(sql: str, node: Mapping[str, Any], withs: Collection[str]) -> Iterator[str]:
    """The table that a part of a query reads, where it does."""
    kind = node.get("type")
    if kind == "BASE_TABLE":
        name = ".".join(part for part in (node["catalog_name"], node["schema_name"], node["table_name"]) if part)
        if name not in withs:
            yield name.lower()
    elif kind == "TABLE_FUNCTION" and (name := _function(node["function"])) not in _SERIES:
        raise QueryError(f"{_at(sql, node)}: {name}() is not allowed: a section reads the lake's tables only")
    elif kind in {"SHOW_REF", "COLUMN_DATA", "DELIM_GET", "BOUND_TABLE_REF"}:
        raise QueryError(f"{_at(sql, node)}: a section is one SELECT over the lake's tables")


def _refuse_moment(sql: str, node: Mapping[str, Any]) -> None:
    """Nothing that differs from one time to the next, or asks of the machine."""
    name = _function(node) if node.get("type") == "FUNCTION" else ""
    words: Sequence[str] = node.get("column_names", ()) if node.get("type") == "COLUMN_REF" else ()
    if name in _unsteady() or (len(words) == 1 and words[0].lower() in _CLOCK):
        said = f"{name}()" if name else words[0]
        raise QueryError(
            f"{_at(sql, node)}: {said} is not allowed: a page is the same whenever it is made; getvariable('to_day') is its end"
        )


def _function(node: Mapping[str, Any]) -> str:
    return str(node["function_name"]).lower()


@cache
def _unsteady() -> frozenset[str]:
    """Functions whose value does not follow from what they are given, as DuckDB lists them; variables are ours."""
    query = "select distinct function_name from duckdb_functions() where stability <> 'CONSISTENT'"
    with scratch() as con:
        return (frozenset(name for (name,) in con.execute(query).fetchall()) | _CLOCK) - {"getvariable"}


def _at(sql: str, node: Mapping[str, Any]) -> int:
    """The line of a part of a query."""
    place = node.get("query_location", 0)
    return sql.count("\n", 0, place) + 1 if 0 <= place <= len(sql) else 1


def _line(message: str) -> int:
    found = _LINE.search(message)
    return int(found[1]) if found else 1


def _brief(message: str) -> str:
    """What is wrong, without DuckDB's picture of the query."""
    return message.split("\n\n")[0].replace("\n", " ").strip()
