"""Large days that are written as they come: in the order of the key whether the SQL keeps it or not, and no key twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from meterbook.sql import engine as engines
from meterbook.sql.catalog import Catalog, Settings
from meterbook.sql.checks import CheckError
from meterbook.sql.engine import Engine
from meterbook.sql.lake import Lake
from meterbook.sql.models import read_project
from meterbook.sql.raw_files import RawFile

pytestmark = pytest.mark.long

RAW = {"event": {"id": "VARCHAR", "amount": "BIGINT", "day": "DATE"}}
KINDS = 'happening:\n  id: [VARCHAR, "x"]\n  day: [DATE, "x"]\n  amount: [BIGINT, "x"]\n'
STAGING = """/*
Events.

grain: one row per event
key: id
daily: true
kind: happening
*/
select id, day, amount from raw.event where day >= getvariable('from_day') and day < getvariable('to_day')
"""
PRICED = """/*
What events cost.

grain: one row per event
key: {key}
daily: true
keeps_order: {keeps}
must:
  - amount >= 0
*/
select event.id, event.day, event.amount, event.amount * price.price as cost
from {events} as event
left join (select 0 as rest, 3 as price union all select 1 as rest, 5 as price) as price on price.rest = event.amount % 2
where event.day >= getvariable('from_day') and event.day < getvariable('to_day')
"""
DAYS = ("2026-10-01", "2026-10-02", "2026-10-03")
DAY = DAYS[0]
ROWS = 300_000
"""More than two groups of rows of a file, so that two threads have something to put out of order."""
Made = Callable[..., Engine]


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> RawFile:
    path = tmp_path_factory.mktemp("events") / "events.parquet"
    numbers = pl.int_range(ROWS, eager=True)
    frame = pl.DataFrame({"id": numbers.cast(pl.String).str.zfill(9), "amount": numbers * 7919 % 1000, "day": date.fromisoformat(DAY)})
    frame.write_parquet(path)
    return RawFile("events", path, {DAY: ROWS})


@pytest.fixture
def made(tmp_path: Path, events: RawFile, monkeypatch: pytest.MonkeyPatch) -> Made:
    monkeypatch.setattr(engines, "LIGHT", 0)

    def build(where: str, keeps: str, events_of: str = "staging.event", key: str = "id", threads: int = 2) -> Engine:
        root = tmp_path / f"{where}-sql"
        for name, text in {"staging/event": STAGING, "core/priced": PRICED.format(keeps=keeps, events=events_of, key=key)}.items():
            (root / f"{name}.sql").parent.mkdir(parents=True, exist_ok=True)
            (root / f"{name}.sql").write_text(text)
        (root / "kinds.yaml").write_text(KINDS)
        (root / "inputs.yaml").write_text("{}")
        settings = Settings(chunk_bytes=1, threads=threads)
        engine = Engine(Catalog(Lake(tmp_path / where), read_project(RAW, root), {"event": [events]}, settings))
        for model in engine.catalog.project.models.values():
            engine.build(model)
        return engine

    return build


def _bytes(engine: Engine) -> bytes:
    return engine.lake.table("core.priced").path(DAY).read_bytes()


def _days(made: Made, where: str, threads: int, amount: str = "event.amount") -> Engine:
    """The same events on three days, of which one is made for each thread at once."""
    engine = made(where, "true", threads=threads)
    raw = replace(engine.catalog.raw["event"][0], days=dict.fromkeys(DAYS, ROWS))
    frame = pl.read_parquet(raw.path)
    path = raw.path.with_name(f"{where}.parquet")
    pl.concat([frame.with_columns(id=pl.lit(day[-1]) + pl.col("id"), day=date.fromisoformat(day)) for day in DAYS]).write_parquet(path)
    sql = engine.catalog.project.models["core.priced"].sql.replace("event.amount,", f"{amount} as amount,")
    project = engine.catalog.project.with_sql("core.priced", sql)
    other = Engine(Catalog(Lake(path.parent / where), project, {"event": [replace(raw, path=path)]}, engine.catalog.settings))
    other.build(other.catalog.project.models["staging.event"])
    return other


def test_days_that_are_made_at_once_have_the_bytes_of_those_made_one_by_one(made: Made) -> None:
    one, many = (_days(made, f"days-{threads}", threads) for threads in (1, 2))
    for engine in (one, many):
        assert engine.build(engine.catalog.project.models["core.priced"]).partitions == list(DAYS)
    assert [path.read_bytes() for path in one.lake.table("core.priced").files()] == [
        path.read_bytes() for path in many.lake.table("core.priced").files()
    ]


def test_of_days_that_are_made_at_once_those_before_a_broken_one_stay(made: Made) -> None:
    engine = _days(made, "broken", 2, f"case when event.day < date '{DAYS[1]}' then event.amount else -event.amount end")
    with pytest.raises(CheckError, match="amount >= 0"):
        engine.build(engine.catalog.project.models["core.priced"])
    assert list(engine.lake.table("core.priced").partitions) == [DAYS[0]]


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that write the priced events."""
    said: list[str] = []
    copy = Engine._copy

    def listening(self: Engine, con: duckdb.DuckDBPyConnection, model: object, query: str, key: str, *, is_ordered: bool = False) -> None:
        if "price" in query:
            said.append("as it comes" if is_ordered else "sorted")
        copy(self, con, model, query, key, is_ordered=is_ordered)  # type: ignore[arg-type] # what it was given

    monkeypatch.setattr(Engine, "_copy", listening)
    return said


@pytest.mark.parametrize("threads", [1, 2])
def test_what_keeps_its_order_is_not_sorted_and_has_the_bytes_of_what_was(made: Made, copies: list[str], threads: int) -> None:
    kept = made("kept", "true", threads=threads)
    assert copies == ["as it comes"]
    assert _bytes(kept) == _bytes(made("sorted", "false"))
    assert copies == ["as it comes", "sorted"]


def test_what_says_that_it_keeps_its_order_and_does_not_is_sorted(made: Made, copies: list[str]) -> None:
    backwards = "(select * from staging.event where amount >= 500 union all select * from staging.event where amount < 500)"
    kept = made("kept", "true", backwards)
    assert copies == ["as it comes", "sorted"]
    assert _bytes(kept) == _bytes(made("sorted", "false"))


def test_a_key_that_is_there_twice_is_found_in_a_file_that_is_in_order(made: Made) -> None:
    for keeps in ("true", "false"):
        with pytest.raises(CheckError, match="amount unique"):
            made(f"twice-{keeps}", keeps, key="amount")


def test_a_key_of_more_than_one_column_is_looked_at_as_a_whole(made: Made, copies: list[str]) -> None:
    made("wide", "true", key="[day, id]")
    assert copies == ["as it comes"]


def test_a_table_that_was_small_is_not_written_as_it_comes(made: Made, copies: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = made("small", "false")
    monkeypatch.setattr(engines, "SMALL", ROWS)
    other = Engine(Catalog(engine.lake, engine.catalog.project.with_sql("core.priced", _other(engine)), engine.catalog.raw, Settings()))
    copies.clear()
    assert other.build(other.catalog.project.models["core.priced"]).rows == ROWS
    assert copies == []


def _other(engine: Engine) -> str:
    return engine.catalog.project.models["core.priced"].sql.replace("5 as price", "7 as price")
