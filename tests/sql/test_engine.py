"""The engine on a small project of its own: staleness, publication, checks."""

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import polars as pl
import pytest

from meterbook.sql.catalog import Catalog, Settings
from meterbook.sql.checks import CheckError
from meterbook.sql.day_ranges import bounds
from meterbook.sql.engine import Engine
from meterbook.sql.lake import Lake
from meterbook.sql.models import ModelError, read_project
from meterbook.sql.raw_files import RawFile
from meterbook.sql.scratch import scratch

RAW = {"event": {"id": "VARCHAR", "amount": "BIGINT", "file_id": "VARCHAR", "line": "BIGINT", "day": "DATE"}}
KINDS = 'happening:\n  id: [VARCHAR, "x"]\n  day: [DATE, "x"]\n  amount: [BIGINT, "x"]\n  copies: [BIGINT, "x"]\n'
INPUTS = 'book.factor:\n  factor: [BIGINT, "x"]\n'
WINDOW = "day >= getvariable('from_day') and day < getvariable('to_day')"
STAGING = f"""/*
Events.

grain: one row per event
key: id
daily: true
kind: happening
conserves: raw.event
*/
select id, day, amount, copies
from (
    select id, day, amount, row_number() over (partition by day, id order by amount, file_id, line) as place,
        count(*) over (partition by day, id) as copies
    from raw.event where {WINDOW}
)
where place = 1
"""
TOTAL = f"""/*
Amounts by day.

grain: one row per day
key: day
daily: true
must:
  - amount >= 0
should:
  - amount < 100
*/
select event.day, cast(sum(event.amount * factor.factor) as bigint) as amount
from staging.event as event cross join book.factor as factor
where event.{WINDOW.replace(" and day", " and event.day")}
group by event.day
"""
RUNNING = """/*
Amounts of a day and the day before.

grain: one row per day
key: day
daily: true
lookback_days: 1
*/
select today.day, cast(today.amount + coalesce(before.amount, 0) as bigint) as amount
from core.total as today left join core.total as before on before.day = today.day - 1
where today.day >= getvariable('from_day') and today.day < getvariable('to_day')
"""
MONTH = """/*
Amounts by month.

grain: one row per month
key: period
monthly: true
*/
select substr(cast(total.day as varchar), 1, 7) as period, cast(sum(total.amount) as bigint) as amount
from core.total as total
where total.day >= getvariable('from_day') and total.day < getvariable('to_day')
group by substr(cast(total.day as varchar), 1, 7)
"""
MONTHS = """/*
Amounts of a month and of the one before its first day.

grain: one row per month
key: period
monthly: true
lookback_days: 1
*/
select max(month.period) as period, cast(sum(month.amount) as bigint) as amount from core.month as month
"""
Rows = list[tuple[str, int, str]]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    root = tmp_path / "sql"
    for name, text in {"staging/event.sql": STAGING, "core/total.sql": TOTAL, "marts/running.sql": RUNNING}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "kinds.yaml").write_text(KINDS)
    (root / "inputs.yaml").write_text(INPUTS)
    return root


@pytest.fixture
def engine(tmp_path: Path, models: Path) -> Callable[..., Engine]:
    def made(files: dict[str, Rows], factor: int = 1) -> Engine:
        raw = [_raw(tmp_path, name, rows) for name, rows in files.items()]
        catalog = Catalog(Lake(tmp_path / "lake"), read_project(RAW, models), {"event": raw}, Settings(chunk_bytes=1))
        built = Engine(catalog)
        built.put("book.factor", pl.DataFrame({"factor": [factor]}))
        return built

    return made


def _raw(folder: Path, name: str, rows: Rows) -> RawFile:
    file_id = hashlib.sha256(repr((name, rows)).encode()).hexdigest()[:16]
    path = folder / f"{file_id}.parquet"
    frame = pl.DataFrame(
        [(event, amount, file_id, n, date.fromisoformat(day)) for n, (event, amount, day) in enumerate(rows)],
        schema={"id": pl.String, "amount": pl.Int64, "file_id": pl.String, "line": pl.Int64, "day": pl.Date},
        orient="row",
    )
    frame.write_parquet(path)
    return RawFile(file_id, path, {day: sum(row[2] == day for row in rows) for day in {row[2] for row in rows}})


def _build(engine: Engine) -> dict[str, list[str]]:
    return {model.name: engine.build(model).partitions for model in engine.catalog.project.models.values()}


def _read(engine: Engine, name: str) -> list[tuple[object, ...]]:
    with engine.catalog.connect() as con:
        return con.execute(f"select * from {name} order by all").fetchall()


DAYS: Rows = [("a", 1, "2026-10-01"), ("b", 2, "2026-10-02"), ("c", 4, "2026-10-03"), ("d", 8, "2026-10-04")]


def test_a_second_build_makes_nothing(engine: Callable[..., Engine]) -> None:
    assert _build(engine({"f": DAYS}))["marts.running"] == ["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04"]
    assert set(map(tuple, _build(engine({"f": DAYS})).values())) == {()}


def test_what_follows_from_a_table_of_the_book_without_rows_is_not_made_until_it_has_some_and_goes_when_it_has_none(
    engine: Callable[..., Engine],
) -> None:
    none = pl.DataFrame(schema={"factor": pl.Int64})
    book = engine({"f": DAYS})
    book.put("book.factor", none)
    assert {name for name, made in _build(book).items() if made} == {"staging.event"}
    assert _build(engine({"f": DAYS}))["marts.running"] == ["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04"]
    book = engine({"f": DAYS})
    book.put("book.factor", none)
    assert set(map(tuple, _build(book).values())) == {()}
    assert [book.lake.table(name).files() for name in ("core.total", "marts.running")] == [[], []]
    assert len(book.lake.table("staging.event").files()) == len(DAYS)


def test_a_late_row_remakes_its_day_and_those_that_look_back_on_it(engine: Callable[..., Engine]) -> None:
    _build(engine({"f": DAYS}))
    made = _build(engine({"f": DAYS, "late": [("e", 100, "2026-10-02")]}))
    assert made == {"staging.event": ["2026-10-02"], "core.total": ["2026-10-02"], "marts.running": ["2026-10-02", "2026-10-03"]}


def test_a_month_reads_the_months_that_its_days_touch_and_no_others(engine: Callable[..., Engine], models: Path) -> None:
    (models / "core" / "month.sql").write_text(MONTH)
    (models / "marts" / "months.sql").write_text(MONTHS)
    given: Rows = [("a", 1, "2026-08-31"), ("b", 2, "2026-09-15"), ("c", 4, "2026-10-01")]
    _build(engine({"f": given}))
    assert _read(engine({"f": given}), "marts.months") == [("2026-08", 1), ("2026-09", 3), ("2026-10", 6)]
    made = _build(engine({"f": given, "late": [("d", 8, "2026-08-30")]}))
    assert (made["core.month"], made["marts.months"]) == (["2026-08"], ["2026-08", "2026-09"])


def test_a_duplicate_that_changes_nothing_stops_where_nothing_changed(engine: Callable[..., Engine]) -> None:
    _build(engine({"f": DAYS}))
    made = _build(engine({"f": DAYS, "again": [("b", 2, "2026-10-02")]}))
    # Staging counts one more copy; the total is the same bytes, so nothing after it is made again.
    assert made == {"staging.event": ["2026-10-02"], "core.total": ["2026-10-02"], "marts.running": []}


def test_a_changed_setting_remakes_what_reads_it(engine: Callable[..., Engine]) -> None:
    _build(engine({"f": DAYS}))
    made = _build(engine({"f": DAYS}, factor=2))
    assert (made["staging.event"], len(made["core.total"]), len(made["marts.running"])) == ([], 4, 4)


def test_a_changed_model_remakes_itself(engine: Callable[..., Engine], models: Path) -> None:
    _build(engine({"f": DAYS}))
    (models / "marts" / "running.sql").write_text(RUNNING.replace("coalesce(before.amount, 0)", "coalesce(before.amount, 7)"))
    made = _build(engine({"f": DAYS}))
    assert (made["core.total"], len(made["marts.running"])) == ([], 4)


def test_a_day_that_becomes_empty_loses_its_file(engine: Callable[..., Engine], tmp_path: Path) -> None:
    _build(engine({"f": DAYS}))
    _build(engine({"f": DAYS[:2]}))
    assert sorted(path.name for path in (tmp_path / "lake" / "core" / "total").iterdir()) == [
        "day=2026-10-01.parquet",
        "day=2026-10-02.parquet",
    ]


def test_a_broken_must_publishes_nothing_of_its_window_and_names_the_row(engine: Callable[..., Engine]) -> None:
    bad = engine({"f": [*DAYS, ("x", -50, "2026-10-04")]})
    bad.build(bad.catalog.project.models["staging.event"])
    with pytest.raises(CheckError, match=r"core.total: 1 row\(s\) break the rule `amount >= 0`, for example .*2026-10-04"):
        bad.build(bad.catalog.project.models["core.total"])
    assert [day for day, _ in bad.lake.table("core.total").tokens()] == ["2026-10-01", "2026-10-02", "2026-10-03"]


def test_a_broken_should_is_counted_and_published(engine: Callable[..., Engine]) -> None:
    many = engine({"f": [("x", 500, "2026-10-04")]})
    many.build(many.catalog.project.models["staging.event"])
    assert many.build(many.catalog.project.models["core.total"]).warnings == {"amount < 100": 1}


def test_a_file_somebody_damaged_is_made_again(engine: Callable[..., Engine], tmp_path: Path) -> None:
    _build(engine({"f": DAYS}))
    path = tmp_path / "lake" / "core" / "total" / "day=2026-10-03.parquet"
    before = path.read_bytes()
    path.write_bytes(b"no parquet")
    assert _build(engine({"f": DAYS}))["core.total"] == ["2026-10-03"]
    assert path.read_bytes() == before


def test_bytes_do_not_depend_on_the_order_of_files_or_the_size_of_windows(engine: Callable[..., Engine], tmp_path: Path) -> None:
    rows: Rows = [(f"e{n}", n, f"2026-10-{n % 4 + 1:02d}") for n in range(400)]
    first = engine({"a": rows[:200], "b": rows[200:]})
    _build(first)
    one = {path.name: path.read_bytes() for path in (tmp_path / "lake" / "staging" / "event").iterdir()}
    other = Engine(
        Catalog(Lake(tmp_path / "other"), first.catalog.project, {"event": list(reversed(first.catalog.raw["event"]))}, Settings(threads=1))
    )
    other.put("book.factor", pl.DataFrame({"factor": [1]}))
    _build(other)
    assert {path.name: path.read_bytes() for path in (tmp_path / "other" / "staging" / "event").iterdir()} == one


def test_a_day_of_a_quarter_of_a_window_is_made_alone_unless_other_days_are_read_for_it(engine: Callable[..., Engine]) -> None:
    found = engine({"f": DAYS})
    _build(found)
    first, second, third, fourth = days = sorted(found.catalog.days)
    models, catalog = found.catalog.project.models, found.catalog
    size = max(path.stat().st_size for name in ("staging.event", "core.total") for path in catalog.files(name))
    wide, narrow = (Engine(Catalog(catalog.lake, catalog.project, catalog.raw, Settings(chunk_bytes=n * size))) for n in (5, 3))
    assert list(wide.windows(models["core.total"], days)) == [days]
    assert list(narrow.windows(models["core.total"], days)) == [[first, second, third], [fourth]]
    # Few rows are known of it by now; of a day that has many, those that come next are told.
    known = catalog.lake.table("core.total").partitions
    known[first] = msgspec.structs.replace(known[first], rows=50_001)
    assert list(wide.windows(models["core.total"], days)) == [days]
    assert list(narrow.windows(models["core.total"], days)) == [[first], [second], [third], [fourth]]
    assert max(map(len, narrow.windows(models["marts.running"], days))) > 1


def test_staging_reads_as_much_at_once_as_others_and_a_file_of_many_days_counts_by_the_rows_of_each(engine: Callable[..., Engine]) -> None:
    rows: Rows = [(f"e{n}", n, f"2026-10-{n // 100 + 1:02d}") for n in range(400)]
    found = engine({"a": rows})
    [file], staging, days = found.catalog.raw["event"], found.catalog.project.models["staging.event"], sorted(found.catalog.days)
    whole = file.path.stat().st_size
    assert [file.size(day) for day in days] == [whole // 4] * 4
    at_once = {n: Engine(_within(found.catalog, Settings(chunk_bytes=n))) for n in (whole, whole // 2, whole // 5)}
    assert {n: [len(window) for window in other.windows(staging, days)] for n, other in at_once.items()} == {
        whole: [4],
        whole // 2: [2, 2],
        whole // 5: [1, 1, 1, 1],
    }


def test_a_window_ends_with_so_many_rows_whatever_few_bytes_they_lie_in(
    engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = engine({"a": [(f"e{n}", n, f"2026-10-{n // 100 + 1:02d}") for n in range(400)]})
    wide, models = Engine(_within(found.catalog, Settings())), found.catalog.project.models
    wide.build(models["staging.event"])
    days = sorted(found.catalog.days)
    for rows, lengths in ((400, [4]), (200, [2, 2]), (199, [1, 1, 1, 1])):
        monkeypatch.setattr("meterbook.sql.engine.ROWS", rows)
        for name in ("staging.event", "core.total"):
            assert [len(window) for window in wide.windows(models[name], days)] == lengths


@pytest.mark.parametrize(("memory", "read"), [("4GB", 64_000_000), ("1GB", 64_000_000), ("300MB", 20_000_000), ("64MB", 4_266_666)])
def test_less_is_read_at_once_where_there_is_less_memory(memory: str, read: int) -> None:
    assert Settings(memory_limit=memory).window_bytes == read


def _within(catalog: Catalog, settings: Settings) -> Catalog:
    return Catalog(catalog.lake, catalog.project, catalog.raw, settings)


def test_bytes_of_a_day_do_not_depend_on_what_other_days_of_its_window_hold(
    engine: Callable[..., Engine], models: Path, tmp_path: Path
) -> None:
    # A NULL on another day of the window changes what the writer knows of a column.
    nulls = STAGING.replace("select id, day, amount, copies", "select id, day, nullif(amount, 2) as amount, copies")
    (models / "staging" / "event.sql").write_text(nulls)
    found = engine({"f": [(f"e{n}", n % 3, f"2026-10-0{n % 3 + 1}") for n in range(90)]})
    together = Engine(Catalog(Lake(tmp_path / "together"), found.catalog.project, found.catalog.raw))
    event = found.catalog.project.models["staging.event"]
    together.build(event)
    for number, day in enumerate(("2026-10-01", "2026-10-02", "2026-10-03"), 1):
        found.build(event, (date(2026, 10, number), date(2026, 10, number + 1)))
        assert found.lake.table("staging.event").path(day).read_bytes() == together.lake.table("staging.event").path(day).read_bytes()


def test_what_an_interrupted_run_left_is_cleaned_away(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    beside = lake.table("core.total").beside("2026-10-01")
    beside.write_bytes(b"half")
    spill = tmp_path / "raw" / "event" / ".spill-x"
    spill.mkdir(parents=True)
    (spill / "piece").write_bytes(b"x")
    lake.clean()
    assert not beside.exists()
    assert not spill.exists()


def test_a_gap_of_days_is_filled_and_a_stray_date_opens_no_decade(engine: Callable[..., Engine]) -> None:
    near = engine({"f": [("a", 1, "2026-10-01"), ("b", 1, "2026-10-05")]}).catalog.days
    assert near == [f"2026-10-0{n}" for n in range(1, 6)]
    assert engine({"f": [("a", 1, "2016-10-01"), ("b", 1, "2026-10-05")]}).catalog.days == ["2016-10-01", "2026-10-05"]


def test_bounds_of_days_and_months_are_half_open() -> None:
    assert bounds(["2026-10-30", "2026-10-31"]) == (date(2026, 10, 30), date(2026, 11, 1))
    assert bounds(["2026-12"]) == (date(2026, 12, 1), date(2027, 1, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("cast(sum(event.amount * factor.factor) as bigint)", "sum(event.amount)"), "is HUGEINT"),
        (("staging.event", "staging.nothing"), "which nothing makes"),
        (("grain: one row per day", "grian: one row per day"), "grian"),
        (("select event.day", "selec event.day"), "syntax error"),
    ],
)
def test_a_wrong_model_is_refused_with_its_name(models: Path, tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = models / "core" / "total.sql"
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(ModelError, match=message) as refusal:
        Catalog(Lake(tmp_path / "lake"), read_project(RAW, models), {"event": []})
    assert "total" in str(refusal.value)


def test_division_of_money_is_exact() -> None:
    with scratch() as con:
        [(quotient,)] = con.execute("select div_trunc(cast('12345678901234567890123' as decimal(38,0)), 7)").fetchall()
    assert int(quotient) == 12345678901234567890123 // 7
