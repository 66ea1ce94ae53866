"""The lake that a benchmark generates its days into."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from meterbook.assets.workspace import columns, project
from meterbook.pipelines.bench_price import MEMORY, THREADS
from meterbook.sql.catalog import Catalog, Settings
from meterbook.sql.engine import Engine
from meterbook.sql.lake import COPY, Lake, Partition, sha256_of
from meterbook.sql.raw_files import RawFile


def engine_over(kept: Path, form: str, days: Mapping[str, int], memory: str = MEMORY, *, beside: Sequence[str] = ()) -> Engine:
    """The engine over such a lake, as far as it is made.

    Args:
        kept: folder of what is generated.
        form: format whose rows the days seem to hold.
        days: rows of each day.
        memory: what DuckDB may take.
        beside: other formats of which there seem to be files, so that tables that follow from them are read.
    """
    raw = {name: [RawFile("generated", kept, days)] for name in (form, *beside)}
    return Engine(Catalog(Lake(kept / "lake"), project(), raw, Settings(memory, THREADS), columns()))


def publish(engine: Engine, day: str, given: pl.DataFrame, queries: Mapping[str, str]) -> None:
    """Publish tables of a day as the engine writes them, in the columns and the order of their models.

    Args:
        engine: of the lake.
        day: the partition.
        given: what is generated, as the table that queries call `given`.
        queries: one for each table, by name; a later one may read an earlier table.
    """
    with engine.catalog.scratch() as con:
        con.register("given", given.to_arrow())
        for name, query in queries.items():
            table, key = engine.lake.table(name), ", ".join(project().models[name].header.key)
            listed = ", ".join(f"cast({column} as {dtype}) as {column}" for column, dtype in engine.catalog.columns[name].items())
            con.execute(f"create schema if not exists {name.split('.')[0]}; create table {name} as select {listed} from ({query})")
            con.execute(f"copy (from {name} order by {key}) to '{table.beside(day)}' ({COPY})")
            [(rows,)] = con.execute(f"select count(*) from {name}").fetchall()
            table.publish({day: Partition("generated", sha256_of(table.beside(day)), rows)})
