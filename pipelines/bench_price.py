"""`meterbook bench price`: pricing and roll-up beside a bare scan-and-group of the same requests, in the same windows of days.

What is priced is what ships: the texts of core.model_seen, core.rate_in_force, core.price_in_force, core.price_cell, core.request_cost and
core.model_spend. Names are matched for each window and rates and prices made once for all days, as the engine does, within the time; costs
are not written, so that the difference to the floor is the price of pricing. A run writes them: that is measured beside a copy of as many
columns. What they read beside requests and cards (rare meters, owners, commitments) is in the lake before.
"""

import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from meterbook.pipelines.bench import Case, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb
    import pyarrow as pa

    from meterbook.sql.engine import Engine
    from meterbook.sql.lake import Lake
    from meterbook.sql.models import Model

ROWS, DAYS = 10_000_000, 30
MEMORY, THREADS = "512MB", 2
BAR, MANY_BAR, WRITTEN_BAR = 1.3, 1.4, 1.5
"""Of pricing up to `ROWS` requests, of pricing more, and of writing."""
SEEN, PRICES = "core.model_seen", ("core.rate_in_force", "core.price_in_force", "core.price_cell")
VIEWED, ROLLED_UP = "core.request_cost", "core.model_spend"
MEASURED = (SEEN, *PRICES, VIEWED, ROLLED_UP)
_DIMENSIONS = {"team": "unowned"} | dict.fromkeys(
    ("cost_centre", "tenant", "feature", "environment", "source", "provider", "model"), "(none)"
)
FLOOR = f"""
select day, book_day, 'requests' as basis, {", ".join(f"coalesce({name}, '{none}') as {name}" for name, none in _DIMENSIONS.items())},
    count(*) as requests, count(case when status = 'failure' then 1 end) as failed_requests,
    count(case when attempt > 1 then 1 end) as repeated_attempts, cast(sum(coalesce(input_tokens, 0)) as bigint) as input_tokens,
    cast(sum(coalesce(cache_read_tokens, 0)) as bigint) as cache_read_tokens,
    cast(sum(coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)) as bigint) as cache_write_tokens,
    cast(sum(coalesce(output_tokens, 0)) as bigint) as output_tokens,
    cast(sum(coalesce(reasoning_tokens, 0)) as bigint) as reasoning_tokens,
    count(case when reported_cost_usd is null then 1 end) as unpriced_requests,
    cast(sum(case when attempt > 0 then reported_cost_usd end) as decimal(38,12)) as list_cost_usd,
    cast(sum(case when attempt > 1 then reported_cost_usd end) as decimal(38,12)) as contracted_cost_usd,
    cast(sum(coalesce(reported_cost_usd, 0)) as decimal(38,12)) as cost_usd,
    cast(coalesce(sum(case when status = 'failure' then reported_cost_usd end), 0) as decimal(38,12)) as uncertain_cost_usd,
    cast(sum(reported_cost_usd) as decimal(38,12)) as reported_cost_usd
from core.request
where day >= getvariable('from_day') and day < getvariable('to_day')
group by day, book_day, {", ".join(f"coalesce({name}, '{none}')" for name, none in _DIMENSIONS.items())}
"""
"""The columns of core.model_spend without prices: where those are computed, the cost that the log reported is summed, each time over other
rows, or DuckDB would sum it once."""
_LIKE = {"VARCHAR": "priced_as", "BOOLEAN": "is_free", "DECIMAL(18,12)": "reported_cost_usd"}
"""What is copied in the place of what pricing adds, by its type."""
_MODULE = "meterbook.pipelines.bench_price"


@dataclass(frozen=True)
class Rolled:
    """What a roll-up holds, summed: the same however it was made.

    Args:
        groups: its rows.
        requests: calls in them.
        tokens: of every bucket.
    """

    groups: int = 0
    requests: int = 0
    tokens: int = 0

    def __add__(self, other: "Rolled") -> "Rolled":
        """Two roll-ups of different days."""
        return Rolled(self.groups + other.groups, self.requests + other.requests, self.tokens + other.tokens)


def cases(folder: Path, rows: int = ROWS, days: int = DAYS) -> list[Case]:
    """The floor, and what is measured beside it; the requests are generated first, where they are not there yet.

    Args:
        folder: where to keep them.
        rows: requests.
        days: over how many days they are spread.
    """
    from meterbook.pipelines.bench_requests import lake  # noqa: PLC0415 -- polars and numpy are slow to load

    lake(folder, rows, days)
    said = [str(folder), str(rows), str(days)]
    return [
        Case("scan and group", _MODULE, ["floor", *said]),
        Case("price and roll up", _MODULE, ["price", *said], at_most=BAR if rows <= ROWS else MANY_BAR),
        Case("copy as many columns", _MODULE, ["copy", *said]),
        Case("price, write, roll up", _MODULE, ["build", *said], at_most=WRITTEN_BAR, against="copy as many columns"),
    ]


def floor(engine: "Engine") -> Rolled:
    """Group the requests of each window."""
    model = replace(engine.catalog.project.models[ROLLED_UP], inputs=("core.request",))
    return _sum(_rolled(con, FLOOR) for con in _windows(engine, model))


def price(engine: "Engine") -> Rolled:
    """Price the requests of each window and roll them up, costs as a view; names and prices before, as the engine cuts them."""
    import pyarrow as pa  # noqa: PLC0415 -- slow to load

    models = engine.catalog.project.models
    seen = pa.concat_tables(con.sql(models[SEEN].sql).to_arrow_table() for con in _windows(engine, models[SEEN]))
    prices = _prices(engine, seen)
    read = {name for measured in (VIEWED, ROLLED_UP) for name in models[measured].inputs} - set(MEASURED)

    def one(con: "duckdb.DuckDBPyConnection") -> Rolled:
        con.register("prices", prices)
        con.execute(f"create table {PRICES[-1]} as from prices where day >= getvariable('from_day') and day < getvariable('to_day')")
        con.execute(f"create view {VIEWED} as {models[VIEWED].sql}")
        return _rolled(con, models[ROLLED_UP].sql)

    return _sum(one(con) for con in _windows(engine, replace(models[ROLLED_UP], inputs=tuple(sorted(read)))))


def _prices(engine: "Engine", seen: object) -> "pa.Table":
    """The prices of all days at once: what they follow from is so little that the engine makes one window of it."""
    models = engine.catalog.project.models
    read = {name for made in PRICES for name in models[made].inputs} - set(MEASURED)
    days = sorted(engine.lake.table("core.request").partitions)
    with engine.catalog.connect(replace(models[PRICES[0]], inputs=tuple(sorted(read))), days) as con:
        con.register("seen", seen)
        con.execute(f"create schema if not exists core; create table {SEEN} as from seen")
        for name in PRICES:
            con.execute(f"create table {name} as {models[name].sql}")
        return con.sql(f"from {PRICES[-1]}").to_arrow_table()


def copy(engine: "Engine") -> Rolled:
    """Copy as many columns of the requests as costs have, of the same types, in the same windows: a file a day in the order they lie in."""
    columns = engine.catalog.columns
    listed = ", ".join(
        f"{name if columns['core.request'].get(name) == dtype else _LIKE[dtype]} as {name}" for name, dtype in columns[VIEWED].items()
    )
    model = replace(engine.catalog.project.models[VIEWED], inputs=("core.request",))
    with tempfile.TemporaryDirectory(dir=engine.lake.root.parent) as folder:
        return _sum(_copied(con, listed, Path(folder)) for con in _windows(engine, model))


def _copied(con: "duckdb.DuckDBPyConnection", listed: str, folder: Path) -> Rolled:
    from meterbook.sql.lake import COPY, quoted  # noqa: PLC0415

    rows = 0
    for (day,) in con.execute("select distinct cast(day as varchar) from core.request order by 1").fetchall():
        target = quoted(str(folder / f"{day}.parquet"))
        [(copied,)] = con.execute(f"copy (select {listed} from core.request where day = '{day}') to {target} ({COPY})").fetchall()
        rows += copied
    return Rolled(requests=rows)


def build(engine: "Engine") -> Rolled:
    """Make the same tables as a run does: checked, sorted, written."""
    from meterbook.sql.catalog import Catalog  # noqa: PLC0415
    from meterbook.sql.engine import Engine as Builder  # noqa: PLC0415
    from meterbook.sql.lake import Lake as Folder  # noqa: PLC0415

    catalog = engine.catalog
    folder = Path(tempfile.mkdtemp(dir=catalog.lake.root.parent))
    try:
        scratch = Folder(folder)
        for record in (catalog.lake.root / "_state").glob("*.json"):
            if record.stem not in MEASURED:
                _share(catalog.lake, scratch, record.stem)
        builder = Builder(Catalog(scratch, catalog.project, catalog.raw, catalog.settings, catalog.columns))
        for name in MEASURED:
            builder.build(catalog.project.models[name])
        with builder.catalog.connect() as con:
            return _totals(con, ROLLED_UP)
    finally:
        shutil.rmtree(folder)


def _share(kept: "Lake", scratch: "Lake", name: str) -> None:
    mine, theirs = scratch.table(name), kept.table(name)
    mine.folder.parent.mkdir(parents=True, exist_ok=True)
    mine.record.parent.mkdir(parents=True, exist_ok=True)
    mine.folder.symlink_to(theirs.folder.resolve())
    shutil.copy(theirs.record, mine.record)


def _windows(engine: "Engine", model: "Model") -> "Iterator[duckdb.DuckDBPyConnection]":
    """A connection for each window of the engine's, with views of what a model reads."""
    for days in engine.windows(model, sorted(engine.lake.table("core.request").partitions)):
        with engine.catalog.connect(model, days) as con:
            yield con


def _rolled(con: "duckdb.DuckDBPyConnection", sql: str) -> Rolled:
    con.execute(f"create table rolled as {sql}")
    return _totals(con, "rolled")


def _totals(con: "duckdb.DuckDBPyConnection", table: str) -> Rolled:
    tokens = "input_tokens + cache_read_tokens + cache_write_tokens + output_tokens"
    [found] = con.execute(f"select count(*), cast(sum(requests) as bigint), cast(sum({tokens}) as bigint) from {table}").fetchall()
    return Rolled(*found)


def _sum(parts: "Iterator[Rolled]") -> Rolled:
    return sum(parts, Rolled())


def _main(what: str, folder: str, rows: str, days: str, memory: str = MEMORY) -> None:
    from meterbook.pipelines.bench_requests import opened  # noqa: PLC0415

    engine = opened(Path(folder), int(rows), int(days), memory)
    for path in engine.catalog.files("core.request"):  # a warm file cache
        with path.open("rb") as handle:
            while handle.read(2**24):
                pass
    work: Callable[[Engine], Rolled] = {"floor": floor, "price": price, "copy": copy, "build": build}[what]
    told(lambda: work(engine).requests)


if __name__ == "__main__":
    _main(*sys.argv[1:])
