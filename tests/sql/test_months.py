"""Days of a month that is over are read from one file, and only while it holds what they hold."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbook.sql import months
from meterbook.sql.catalog import Catalog
from meterbook.sql.engine import Engine
from meterbook.sql.lake import Lake, Partition, sha256_of
from meterbook.sql.models import Header, Model, Project
from meterbook.sql.months import Months
from meterbook.sql.raw_files import RawFile
from meterbook.sql.scratch import scratch

pytestmark = pytest.mark.long

FIRST, NAME = date(2026, 8, 1), "marts.cost"
NOW = "2026-10"
COLUMNS = "select {n} as n, date '{day}' as day, {n}::decimal(38,12) / 7 as usd, ['x', null] as tags, timestamp '{day} 01:02:03' as at"


def _publish(lake: Lake, days: dict[str, int], salt: int = 0) -> None:
    """So many rows of each day."""
    table, made = lake.table(NAME), {}
    with scratch() as con:
        for day, rows in days.items():
            query = " union all ".join(COLUMNS.format(n=salt + n, day=day) for n in range(rows)) or "select 1 where false"
            con.execute(f"copy ({query}) to '{table.beside(day)}' (format parquet)")
            made[day] = Partition("", sha256_of(table.beside(day)), rows)
    table.publish(made)


def _rows(files: list[Path]) -> list[tuple[object, ...]]:
    with duckdb.connect() as con:
        return con.execute("select * from read_parquet(?)", [list(map(str, files))]).fetchall() if files else []


def _renew(lake: Lake, now: str = NOW) -> Months:
    Months(lake).renew(NAME, now, scratch)
    return Months(lake)


def _days(count: int) -> list[str]:
    return [str(FIRST + timedelta(days=n)) for n in range(count)]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_whatever_days_are_asked_for_their_rows_are_those_of_the_days_and_come_in_their_order(
    rows: list[int], start: int, end: int
) -> None:
    with TemporaryDirectory() as folder:
        lake, days = Lake(Path(folder)), _days(61)[20:]
        _publish(lake, dict(zip(days, rows, strict=False)))
        kept = _renew(lake)
        for asked in ((), (days[start], days[end])):
            assert _rows(kept.files(NAME, *asked)) == _rows(lake.table(NAME).files(*asked))


def test_a_month_that_is_over_is_one_file_and_this_month_is_its_days(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    _publish(lake, dict.fromkeys(_days(64), 1))
    found = [path.name for path in _renew(lake).files(NAME)]
    assert found == ["period=2026-08.parquet", "period=2026-09.parquet", *(f"day=2026-10-{day:02}.parquet" for day in (1, 2, 3))]
    # Of a month that is asked for in part its days are opened.
    assert len(Months(lake).files(NAME, "2026-08-02", "2026-10-01")) == 30 + 1


def test_a_day_that_is_made_anew_is_read_at_once_and_its_month_is_written_again_when_it_is_renewed(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    _publish(lake, dict.fromkeys(_days(61), 1))
    _renew(lake)
    _publish(lake, {"2026-08-05": 2}, salt=40)
    again = Lake(tmp_path)
    assert len(Months(again).files(NAME)) == 31 + 1
    assert tuple(row[0] for row in _rows(Months(again).files(NAME)) if row[1] == date(2026, 8, 5)) == (40, 41)
    assert len(_renew(again).files(NAME)) == 1 + 1
    assert tuple(row[0] for row in _rows(Months(again).files(NAME)) if row[1] == date(2026, 8, 5)) == (40, 41)


def test_a_file_of_a_month_that_is_lost_or_changed_is_not_read(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    _publish(lake, dict.fromkeys(_days(61), 1))
    _renew(lake)
    (tmp_path / "_months/marts/cost/period=2026-08.parquet").unlink()
    (tmp_path / "_months/marts/cost/period=2026-09.parquet").write_bytes(b"other")
    assert len(Months(Lake(tmp_path)).files(NAME)) == 61


def test_what_is_not_worth_its_disk_twice_is_not_kept_and_what_is_gone_is_dropped(tmp_path: Path) -> None:
    lake, kept = Lake(tmp_path), tmp_path / "_months" / "marts" / "cost"
    _publish(lake, dict.fromkeys(_days(32), 1))
    _renew(lake)
    # Of September there is one day.
    assert [path.name for path in kept.glob("*")] == ["period=2026-08.parquet"]
    lake.table(NAME).drop(_days(31))
    _renew(lake)
    assert list(kept.glob("*")) == []


def test_a_month_with_days_of_two_versions_of_a_model_is_read_by_day_until_all_are_made_anew(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    _publish(lake, dict.fromkeys(_days(61), 1))
    with scratch() as con:
        con.execute(f"copy (select 1 as other) to '{lake.table(NAME).beside('2026-08-09')}' (format parquet)")
    lake.table(NAME).publish({"2026-08-09": Partition("", sha256_of(lake.table(NAME).beside("2026-08-09")), 1)})
    assert len(_renew(lake).files(NAME)) == 31 + 1
    assert not list((tmp_path / "_months/marts/cost").glob(".*"))
    _publish(lake, {"2026-08-09": 1})
    assert len(_renew(lake).files(NAME)) == 1 + 1


def test_a_month_of_large_days_is_not_kept_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path)
    _publish(lake, dict.fromkeys(_days(31), 1))
    monkeypatch.setattr(months, "LIGHT", lake.table(NAME).partitions["2026-08-01"].bytes // 2)
    assert len(_renew(lake).files(NAME)) == 31


DAILY = "select day, count(*) as calls from raw.call where day >= getvariable('from_day') and day < getvariable('to_day') group by day"


def test_the_engine_keeps_months_of_what_is_cut_by_day_and_a_question_is_answered_by_them(tmp_path: Path) -> None:
    days = _days(64)
    pl.DataFrame({"day": days}).with_columns(pl.col("day").str.to_date()).write_parquet(tmp_path / "calls.parquet")
    model = Model("core.call", "", Header(grain="", key=("day",), daily=True), DAILY, ("raw.call",))
    file = RawFile("aa", tmp_path / "calls.parquet", dict.fromkeys(days, 1))
    project = Project({model.name: model}, {}, {"raw.call": {"day": "DATE"}})
    engine = Engine(Catalog(Lake(tmp_path / "lake"), project, {"call": [file]}))
    engine.build(model)
    assert (tmp_path / "lake/_months/core/call/period=2026-08.parquet").is_file()
    with engine.catalog.connect() as con:
        assert con.execute(f"select count(*), sum(calls) from {model.name}").fetchone() == (64, 64)
        view = str(con.execute("select sql from duckdb_views() where view_name = 'call' and schema_name = 'core'").fetchone())
    assert "period=2026-08" in view
