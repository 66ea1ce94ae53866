"""What pages are measured on: tables that agree with each other, and every mart that follows from them."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from meterbook.assets.workspace import project
from meterbook.pipelines import bench, bench_pages
from meterbook.pipelines.bench_explain import drivers
from meterbook.pipelines.bench_lakes import publish

ROWS = 200


def test_the_generated_tables_of_a_day_come_to_the_same_dollars_and_requests(tmp_path: Path) -> None:
    engine = bench_pages.opened(tmp_path, 1_000_000)
    publish(engine, "2026-10-01", drivers(date(2026, 10, 1), ROWS), bench_pages.GENERATED)
    with engine.catalog.reading(list(bench_pages.GENERATED)) as con:
        whole = _asked(con, "select sum(cost_usd), cast(sum(attempts) as bigint) from core.cost_driver")
        for table in ("core.model_spend", "core.feature_spend", "marts.token_use", "marts.priced_use"):
            assert _asked(con, f"select sum(cost_usd), cast(sum(requests) as bigint) from {table}") == whole
        assert _asked(con, "select count(*), count(distinct team) > 100, count(distinct feature) > 100 from core.cost_driver") == (
            ROWS,
            True,
            True,
        )
        [units] = _asked(con, "select count(distinct unit) from core.unit_count")
        assert units in range(1, bench_pages.UNITS + 1)


def test_what_units_are_counted_of_is_read(tmp_path: Path) -> None:
    catalog = bench_pages.opened(tmp_path, 1_000_000).catalog
    assert all(map(catalog.is_active, ("core.unit_count", "core.feature_spend", "core.unit_bearer", "marts.unit_cost")))


def _asked(con: duckdb.DuckDBPyConnection, query: str) -> tuple[object, ...]:
    [row] = con.execute(query).fetchall()
    return tuple(row)


def test_what_is_made_comes_after_what_it_is_made_of_and_has_every_mart_that_follows() -> None:
    models = project()
    made = list(bench_pages.made(models))
    known = {*bench_pages.GENERATED, *made}
    assert {"marts.cost", "marts.spend", "marts.cost_change", "marts.chargeback", "marts.budget_use", "marts.forecast"} <= set(made)
    assert {"core.loaded_cost", "core.unit_spend", "marts.unit_cost"} <= set(made)
    assert not set(made) & {*bench_pages.GENERATED, "marts.conservation"}
    for place, name in enumerate(made):
        before = {*bench_pages.GENERATED, *made[:place]}
        assert known.intersection(models.models[name].inputs) <= before
        assert before.intersection(models.models[name].inputs)


@pytest.mark.nightly
def test_every_case_makes_its_files_and_no_page_is_too_large(tmp_path: Path) -> None:
    found = {case.name: bench.run(case) for case in bench_pages.cases(tmp_path, 610_000)}
    assert found["read and sum"].rows == 1
    assert found["team pages"].rows > 400
    assert found["chargeback"].rows > 1000
    for name in ("weekly page", "monthly page", "quarterly page", "team pages"):
        assert 100_000 < float(found[name].more["largest_bytes"]) <= 1_600_000
