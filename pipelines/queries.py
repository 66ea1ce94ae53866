"""Questions to the lake from the command line."""

import csv
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal

import duckdb
from rich.console import Console
from rich.table import Table

from meterbook.assets.looking import Look
from meterbook.sql.catalog import Catalog
from meterbook.sql.ways import base_tables

_LISTING = ('"type":"TABLE_FUNCTION"', '"type":"SHOW_REF"')
"""What may look at other tables than the query names, as DuckDB's parser gives it: a function of tables, SHOW and DESCRIBE."""


def ask(folder: Path, sql: str, form: Literal["table", "csv", "json"], console: Console) -> None:
    """Run a query over every table of the lake and print its rows.

    Raises:
        BookError: DuckDB does not take the query.
    """
    try:
        names, rows = _answer(folder, sql)
    except duckdb.Error as error:
        from meterbook.assets.book import BookError  # noqa: PLC0415 -- a question that is right does without

        raise BookError(str(error).strip()) from error
    if form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows(rows)
    elif form == "json":
        json.dump([dict(zip(names, row, strict=True)) for row in rows], sys.stdout, default=str, indent=1)
        sys.stdout.write("\n")
    else:
        table = Table(*names, show_edge=False)
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row))
        console.print(table)


def _answer(folder: Path, sql: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """Columns and rows of a query; only the tables it names are opened where it looks at no others, for to open all takes longest."""
    look = Look(folder)
    with suppress(duckdb.CatalogException, duckdb.BinderException):
        named = _named(look, sql)
        if named is not None and named <= look.columns.keys():
            catalog = look if all(map(look.holds, named)) else _whole(folder)
            with catalog.reading(sorted(named)) as con:
                return _fetched(con, sql)
    # What is wrong with a name is said among all there are.
    with _whole(folder).connect() as con:
        return _fetched(con, sql)


def _whole(folder: Path) -> Catalog:
    """The tables of a book with the files of its inbox."""
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415 -- it takes a second to load

    return Workspace(folder).catalog


def _named(catalog: Catalog, sql: str) -> set[str] | None:
    """The tables a query names with their schema; None where that is not known to be all it looks at."""
    with catalog.scratch() as con:
        [(text,)] = con.execute("select json_serialize_sql(?)", [sql]).fetchall()
    tree = json.loads(text)
    if tree["error"] or len(tree["statements"]) != 1 or any(one in text for one in _LISTING):
        return None
    return {name for name in base_tables(tree) if "." in name}


def _fetched(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], list[tuple[object, ...]]]:
    result = con.execute(sql)
    return [column[0] for column in result.description or ()], result.fetchall()
