"""What is recorded of tables: what is made of it is told at once and in order, and what did not change is not written."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest

from meterbook.assets.shipped import project
from meterbook.sql.catalog import Catalog
from meterbook.sql.digests import digest, digest_of
from meterbook.sql.engine import VERSION, Engine
from meterbook.sql.lake import Lake, Partition
from meterbook.sql.models import Header, Model, Project
from meterbook.sql.raw_files import RawFile

EVENTS = "select day, count(*) as events from raw.event where day >= getvariable('from_day') and day < getvariable('to_day') group by day"
LATELY = """select day.day, day.events * factor.factor as events from staging.day as day cross join book.factor as factor
where day.day >= getvariable('from_day') and day.day < getvariable('to_day')"""
DAYS = [f"2026-10-{day:02}" for day in range(1, 7)]


def _model(name: str, sql: str, *inputs: str, **more: Any) -> Model:
    key = {"monthly": "period", "daily": "day"}
    return Model(name, "", Header(grain="", key=tuple(key[one] for one in more if one in key) or ("events",), **more), sql, inputs)


MODELS = (
    _model("staging.day", EVENTS, "raw.event", daily=True),
    _model("core.lately", LATELY, "staging.day", "book.factor", daily=True, lookback_days=2),
    _model("core.month", "select '2026-10' as period, sum(events)::bigint as events from staging.day", "staging.day", monthly=True),
    _model("marts.whole", "select sum(events)::bigint as events from core.month", "core.month", "core.lately"),
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Two files of events, on three days each."""
    project = Project({model.name: model for model in MODELS}, {}, {"raw.event": {"day": "DATE"}, "book.factor": {"factor": "BIGINT"}})
    files = []
    for file_id, days in (("aa", DAYS[:3]), ("bb", DAYS[2:5])):
        frame = pl.DataFrame({"day": days}).with_columns(pl.col("day").str.to_date())
        frame.write_parquet(tmp_path / f"{file_id}.parquet")
        files.append(RawFile(file_id, tmp_path / f"{file_id}.parquet", dict.fromkeys(days, 1)))
    made = Engine(Catalog(Lake(tmp_path / "lake"), project, {"event": files}))
    made.put("book.factor", pl.DataFrame({"factor": [2]}))
    return made


def test_a_fingerprint_is_the_digest_of_the_model_and_of_the_content_of_what_it_reads(engine: Engine) -> None:
    catalog, said = engine.catalog, 0
    for model in MODELS:
        engine.build(model)
        for partition in catalog.partitions(model):
            window = catalog.window(model, [partition])
            read = [(name, digest(list(catalog.columns[name].items())), catalog.tokens(name, *window)) for name in catalog.upstream(model)]
            assert engine.fingerprint(model, partition) == digest([VERSION, model.digest, read])
            assert engine.lake.table(model.name).partitions[partition].fingerprint == engine.fingerprint(model, partition)
            said += sum(len(tokens) for _, _, tokens in read)
        assert not engine.stale(model)
    # Days of two files; a day and two before it, each with the factor; all days of a month; and all that is made of these.
    assert said == (3 + 3) + (1 + 2 + 3 * 3 + 5) + 5 + (1 + 5)


def test_content_is_told_in_the_order_of_days_whatever_the_order_they_were_made_in(tmp_path: Path) -> None:
    table = Lake(tmp_path).table("core.part")
    for days in (["2026-10-03", "2026-10-05"], ["2026-10-01"], ["2026-10-02"]):
        for day in days:
            table.beside(day).write_text(day)
        table.publish({day: Partition("made", day[::-1], 1) for day in days})
    table.publish({"2026-10-04": Partition("made", "", 0)})
    days = ["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-05"]
    for known in (table, Lake(tmp_path).table("core.part")):
        assert known.tokens() == [(day, day[::-1]) for day in days]
        assert known.tokens("2026-10-02", "2026-10-05") == known.tokens()[1:3]
        assert known.files("2026-10-04", "2026-10-09") == [known.path("2026-10-05")]
        for span in ((), ("2026-10-02", "2026-10-05"), ("2026-10-05", "2026-10-02")):
            assert json.loads(known.tokens_text(*span)) == list(map(list, known.tokens(*span)))
            assert digest_of(known.tokens_text(*span)) == digest(known.tokens(*span))


def test_a_record_without_a_file_and_a_file_that_is_another_are_no_longer_known(tmp_path: Path) -> None:
    table = Lake(tmp_path).table("core.part")
    for day in DAYS:
        table.beside(day).write_text(day)
    table.publish({day: Partition("made", hashlib.sha256(day.encode()).hexdigest(), int(day < DAYS[4])) for day in DAYS})
    table.path(DAYS[0]).unlink()
    table.path(DAYS[1]).write_text("something else")
    table.path(DAYS[2]).write_text("2026-10-30")
    os.utime(table.path(DAYS[3]), ns=(1, 1))
    table.path(DAYS[4]).write_text("not empty any more")
    # Of the same bytes a file may be newer; of no rows there is no file.
    assert list(Lake(tmp_path).table("core.part").partitions) == [DAYS[3], DAYS[5]]


def test_a_table_of_the_book_that_did_not_change_is_not_written_and_not_even_looked_at_twice(engine: Engine) -> None:
    frame = pl.DataFrame({"factor": [3, 1]})
    assert engine.put("book.factor", frame)
    table = engine.lake.table("book.factor")
    written, record = table.path("all").stat().st_mtime_ns, table.record.read_bytes()
    with patch.object(Catalog, "scratch", side_effect=AssertionError("written again")):
        assert not engine.put("book.factor", pl.DataFrame({"factor": [3, 1]}))
    # Rows in another order are the same table; that they are is written down.
    assert not engine.put("book.factor", pl.DataFrame({"factor": [1, 3]}))
    assert table.path("all").stat().st_mtime_ns == written
    assert table.record.read_bytes() != record
    for changed in ([1], [1, 3, 3], [], [3, 1]):
        assert engine.put("book.factor", pl.DataFrame({"factor": changed}, schema={"factor": pl.Int64}))
        with engine.catalog.reading(["book.factor"]) as con:
            assert con.execute("from book.factor").fetchall() == [(factor,) for factor in sorted(changed)]


def test_a_table_of_the_book_that_somebody_removed_is_written_again(engine: Engine) -> None:
    engine.lake.table("book.factor").path("all").unlink()
    again = Engine(Catalog(Lake(engine.lake.root), engine.catalog.project, engine.catalog.raw))
    assert again.put("book.factor", pl.DataFrame({"factor": [2]}))
    assert again.lake.table("book.factor").path("all").is_file()


def test_what_every_new_file_changes_is_read_by_no_table_that_is_cut_by_time() -> None:
    told = {"raw.input_file", "raw.file_flag", "raw.quarantine"}
    found = {name for name, model in project().regular.items() if model.clock != "all" and told & {*model.inputs}}
    assert not found, "a new file would make all their days anew"
