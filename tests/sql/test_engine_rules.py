"""The rules of a model, counted in one scan: which is refused, with how many rows and which example."""

from collections import Counter
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.sql.catalog import Catalog
from meterbook.sql.checks import CheckError
from meterbook.sql.engine import Built, Engine
from meterbook.sql.lake import Lake
from meterbook.sql.models import Header, Model, Project
from meterbook.sql.raw_files import RawFile

Row = tuple[int | None, str, int | None]
"""A key, a day and an amount."""
DAYS = ("2026-10-01", "2026-10-02")
PARTS = {"id": "INTEGER", "day": "DATE", "amount": "INTEGER"}
MODEL = Model(
    "core.part",
    "Parts.",
    Header(grain="one row per part", key=("id", "day"), daily=True, must=("amount >= 0", "amount < 10"), should=("amount < 5",)),
    "select part.id, part.day, part.amount from book.part as part",
    ("book.part",),
)


def _build(folder: Path, rows: list[Row]) -> tuple[Built, Engine]:
    raw = {"event": [RawFile("f", folder / "unread.parquet", dict.fromkeys(DAYS, 1))]}
    engine = Engine(Catalog(Lake(folder), Project({MODEL.name: MODEL}, {}, {"book.part": PARTS}), raw))
    given_days = [(key, date.fromisoformat(day), amount) for key, day, amount in rows]
    engine.put("book.part", pl.DataFrame(given_days, schema={"id": pl.Int32, "day": pl.Date, "amount": pl.Int32}, orient="row"))
    return engine.build(MODEL), engine


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(1, DAYS[0], -1), (2, DAYS[1], -2), (3, DAYS[1], 3)], "2 row(s) break the rule `amount >= 0`, for example {'id': '"),
        ([(1, DAYS[0], 1), (2, DAYS[1], None)], "1 row(s) break the rule `amount >= 0`, for example {'id': '2', 'day': '2026-10-02'}"),
        ([(1, DAYS[0], 10), (None, DAYS[0], 1)], "1 row(s) break the rule `amount < 10`, for example {'id': '1', 'day': '2026-10-01'}"),
        ([(None, DAYS[0], 1)], "1 row(s) break the rule `id is not null`, for example {'id': 'None', 'day': '2026-10-01'}"),
        ([(1, "2026-10-03", 1)], "1 row(s) break the rule `day in ('2026-10-01', '2026-10-02')`, for example {'id': '1'"),
        ([(1, DAYS[0], 1), (1, DAYS[0], 2), (1, DAYS[1], 1)], "1 row(s) break the rule `id, day unique`, for example {'id': '1'"),
    ],
)
def test_the_first_broken_rule_is_named_with_all_its_rows_and_one_of_them(rows: list[Row], said: str, tmp_path: Path) -> None:
    with pytest.raises(CheckError) as refusal:
        _build(tmp_path, rows)
    assert str(refusal.value).startswith(f"core.part: {said}")
    assert not (tmp_path / "_state" / "core.part.json").exists()


ROWS = st.tuples(st.none() | st.integers(1, 3), st.sampled_from((*DAYS, "2026-10-03")), st.none() | st.integers(-1, 11))


@examples(15)
@given(st.lists(ROWS, max_size=4))
def test_a_window_is_published_where_every_rule_holds_for_every_row_and_else_refused(rows: list[Row]) -> None:
    wrong = [
        ("amount >= 0", sum(amount is None or amount < 0 for _, _, amount in rows)),
        ("amount < 10", sum(amount is None or amount >= 10 for _, _, amount in rows)),
        ("id is not null", sum(key is None for key, _, _ in rows)),
        ("day in ('2026-10-01', '2026-10-02')", sum(day not in DAYS for _, day, _ in rows)),
        ("id, day unique", sum(count > 1 for count in Counter((key, day) for key, day, _ in rows).values())),
    ]
    broken = next(((rule, count) for rule, count in wrong if count), None)
    with TemporaryDirectory() as folder:
        if broken:
            with pytest.raises(CheckError) as refusal:
                _build(Path(folder), rows)
            assert (refusal.value.check, refusal.value.rows) == broken
            return
        built, engine = _build(Path(folder), rows)
        large = {day: sum(amount >= 5 for _, found, amount in rows if found == day and amount is not None) for day in DAYS}
        published = {
            key: (part.rows, part.warnings.get("amount < 5", 0)) for key, part in engine.lake.table("core.part").partitions.items()
        }
        assert published == {day: (sum(found == day for _, found, _ in rows), large[day]) for day in DAYS}
        assert built.rows == len(rows)
