"""A model whose text is made for a book: order, lineage and digest follow the text, and what reads nothing costs nothing."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from meterbook.sql.catalog import Catalog
from meterbook.sql.engine import Engine
from meterbook.sql.lake import Lake
from meterbook.sql.models import Header, Model, ModelError, Project
from meterbook.sql.raw_files import RawFile

NOTHING = "select cast(null as date) as day, cast(null as bigint) as weight where false"
MEASURED = "select late.day, late.factor as weight from core.late as late"
DAILY = Header(grain="one row per day", key=("day",), daily=True)
READS = "select calendar.day, made.weight from book.day as calendar left join core.made as made on made.day = calendar.day"
LATE = "select calendar.day, calendar.factor from book.day as calendar"
PROJECT = Project(
    {
        "core.made": Model("core.made", "What a book asks for.", DAILY, NOTHING, ()),
        "core.reads": Model("core.reads", "What reads it.", DAILY, READS, ("book.day", "core.made")),
        "core.late": Model("core.late", "What may be asked for.", DAILY, LATE, ("book.day",)),
    },
    {},
    {"book.day": {"day": "DATE", "factor": "BIGINT"}},
)


def _engine(folder: Path, project: Project) -> Engine:
    found = Engine(Catalog(Lake(folder), project, {"event": [RawFile("f", folder / "unread.parquet", {"2026-10-05": 1})]}))
    found.put("book.day", pl.DataFrame({"day": [date(2026, 10, 5)], "factor": [3]}))
    return found


def _weights(engine: Engine) -> list[tuple[int | None]]:
    for model in engine.catalog.project.models.values():
        engine.build(model)
    with engine.catalog.reading(["core.reads"]) as con:
        return con.execute("select weight from core.reads").fetchall()


def test_a_model_that_reads_nothing_is_not_made_and_what_reads_it_finds_no_rows(tmp_path: Path) -> None:
    engine = _engine(tmp_path, PROJECT)
    assert _weights(engine) == [(None,)]
    assert not engine.catalog.is_active("core.made")
    assert not engine.lake.table("core.made").partitions


def test_a_text_made_for_a_book_is_made_after_what_it_reads_and_before_what_reads_it(tmp_path: Path) -> None:
    changed = PROJECT.with_sql("core.made", MEASURED)
    assert list(changed.models) == ["core.late", "core.made", "core.reads"]
    assert _weights(_engine(tmp_path, changed)) == [(3,)]


def test_a_text_that_is_taken_away_takes_its_rows_with_it(tmp_path: Path) -> None:
    _weights(_engine(tmp_path, PROJECT.with_sql("core.made", MEASURED)))
    without = _engine(tmp_path, PROJECT)
    reads = PROJECT.models["core.reads"]
    assert without.stale(reads)
    # Also before anything of the old table is removed, nothing of it is read.
    without.build(reads)
    with without.catalog.reading(["core.reads"]) as con:
        assert con.execute("select weight from core.reads").fetchall() == [(None,)]
    assert without.orphans(PROJECT.models["core.made"]) == ["2026-10-05"]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select reads.day, reads.weight from core.reads as reads", "models in a circle: "),
        ("select day, weight from core.missing", "core.made reads core.missing, which nothing makes"),
        ("select day, from from core.late", "syntax error"),
    ],
)
def test_a_text_that_cannot_be_made_is_an_error(sql: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        PROJECT.with_sql("core.made", sql)
