"""Questions to the lake from the command line."""

import csv
import json
import sys
from pathlib import Path
from typing import Literal

import duckdb
from rich.console import Console
from rich.table import Table

from meterbook.assets.book import BookError
from meterbook.assets.workspace import Workspace


def ask(folder: Path, sql: str, form: Literal["table", "csv", "json"], console: Console) -> None:
    """Run a query over every table of the lake and print its rows.

    Raises:
        BookError: DuckDB does not take the query.
    """
    workspace = Workspace(folder)
    with workspace.catalog.connect() as con:
        try:
            result = con.execute(sql)
            names = [column[0] for column in result.description or ()]
            rows = result.fetchall()
        except duckdb.Error as error:
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
