"""Connections for work in memory: each to an empty database of its own, in a DuckDB that the process shares.

To open a DuckDB costs 17 ms and its macros 6, to attach a database to one that is there half a millisecond; a run asks hundreds of times.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import count
from tempfile import TemporaryDirectory
from threading import RLock

import duckdb

from meterbook.sql import limits
from meterbook.sql.digests import digest_of
from meterbook.sql.models import Columns
from meterbook.sql.schemas import define_macros, empty_table_sql

MEMORY = "512MB"
"""What work that says nothing else may take of the machine."""
_numbers, _lock = count(1), RLock()
_made: set[str] = set()
"""Names of what was made empty before."""


@contextmanager
def scratch(
    memory_limit: str | None = None, threads: int | None = None, temp_directory: str = "", max_temp_directory_size: str = ""
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to an empty database in memory, which nobody else sees and which ends with it; in UTC, with the macros.

    Args:
        memory_limit: of the DuckDB, which all connections with equal limits share; else `MEMORY`, or what the machine has.
        threads: of the DuckDB; else what suits the machine.
        temp_directory: where it keeps what memory does not hold; else among the machine's temporary files.
        max_temp_directory_size: what may lie there; else nine tenths of what the disk has free.
    """
    name = f"scratch_{next(_numbers)}"
    # One statement of a connection at a time; reentrant, for Python may clear away a connection that was left open at any moment.
    with _lock:
        shared = _duckdb(memory_limit or limits.memory(MEMORY), threads or limits.threads(), temp_directory, max_temp_directory_size)
        shared.execute(f"attach ':memory:' as {name}")
        con = shared.cursor()
    try:
        con.execute(f"set search_path = '{name}.main,memory.main'")
        yield con
    finally:
        con.close()
        with _lock:
            shared.execute(f"detach {name}")


def make_empty(con: duckdb.DuckDBPyConnection, tables: Mapping[str, Columns]) -> None:
    """Create tables without rows on a connection of `scratch`.

    To make hundreds takes a fifth of a second, to copy them a tenth of that: whoever asks for the same ones again gets copies, of a
    database that is kept beside the others from the second time on.
    """
    said = repr([(name, *shape.items()) for name, shape in tables.items()])
    template = f"empty_{digest_of(said)}"
    with _lock:
        known = con.execute("select database_name, database_name = current_database() from duckdb_databases()").fetchall()
        [own] = [name for name, is_own in known if is_own]
        if (template, False) in known:
            con.execute(f"copy from database {template} to {own} (schema)")
            return
        schemas = (f"create schema if not exists {schema}" for schema in dict.fromkeys(name.split(".")[0] for name in tables))
        con.execute("; ".join((*schemas, *(empty_table_sql(name, shape) for name, shape in tables.items()))))
        if template in _made:
            con.execute(f"attach ':memory:' as {template}; copy from database {own} to {template} (schema)")
        _made.add(template)


@lru_cache(maxsize=4)
def _duckdb(memory_limit: str, threads: int, temp_directory: str, max_temp_directory_size: str) -> duckdb.DuckDBPyConnection:
    """The DuckDB of all connections, with the macros in its own database."""
    spill = temp_directory or _spill().name
    con = duckdb.connect(config={"memory_limit": memory_limit, "threads": str(threads), "temp_directory": spill})
    if max_temp_directory_size:
        # Given with the others, DuckDB 2.0 shows it and does not keep to it.
        con.execute(f"set max_temp_directory_size = '{max_temp_directory_size}'")
    con.execute("set autoinstall_known_extensions = false; set global timezone = 'UTC'")
    # With statistics the writer leaves out levels of columns it knows to hold no NULL, also because of other days in the same window: equal
    # rows would be other bytes.
    con.execute("set disabled_optimizers = 'statistics_propagation'")
    define_macros(con)
    return con


@cache
def _spill() -> "TemporaryDirectory[str]":
    """Where what memory does not hold is kept where nothing else is said: among the machine's temporary files (TMPDIR)."""
    return TemporaryDirectory(prefix="meterbook-")
