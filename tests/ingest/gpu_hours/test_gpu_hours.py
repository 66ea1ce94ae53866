"""Whatever a format of GPU samples says, an hour of a GPU is 3,600 seconds and costs what an hour costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from meterbook.assets import workspace
from meterbook.sql.catalog import view_of_kind
from meterbook.sql.models import Columns, Project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

pytestmark = pytest.mark.long

SAMPLES = {path.parent.name: path for path in sorted(Path(__file__).parents[1].glob("*/sample.*"))}
FORMATS = ["dcgm_exporter", "nvidia_smi_dmon", "nvidia_smi_pmon", "nvidia_smi_query", "nvml_samples", "prometheus_query_range"]
RATE = Decimal("3.7")
"""No multiple of what seconds divide by."""
CHAIN = ("core.gpu_slot", "core.gpu_observed", "core.gpu_device", "core.gpu_slice", "core.gpu_state", "core.gpu_price", "core.gpu_hour")
"""Computed from what is given; all other tables they read are empty."""
PARTS = ("used", "warm_idle", "free_idle", "unknown")
AT = 1_791_187_200


@cache
def _project() -> tuple[Project, dict[str, Columns]]:
    return workspace.project(), dict(workspace.columns())


@contextmanager
def hours(desk: Any, name: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The hours of GPUs over what a desk took in, at a rate for pool p."""
    project, columns = _project()
    staged = desk.staged(name)
    days = sorted(set(staged["day"]))
    with scratch() as con:
        con.execute("set timezone = 'UTC'; create schema staging; create schema core")
        con.register("given", staged.to_arrow())
        con.execute(f"create table staging.{name} as select * from given")
        view_of_kind(con, "gpu_sample", project.kinds["gpu_sample"], [f"staging.{name}"])
        given = {table for model in CHAIN for table in project.models[model].inputs} - {*CHAIN, "staging.gpu_sample"}
        for table in sorted(given):
            empty_table(con, table, columns[table])
        con.execute("insert into book.gpu_pool by name select unnest(['p', 'training']) as pool, 'gpu' as provider, 'own' as model")
        con.execute(
            "insert into rate_cards.rate by name select 'gpu/own' as rate_id, 'list' as layer, 'gpu' as provider, 'own' as model, "
            "'standard' as served_tier, '' as region, timestamp '2020-01-01' as starts_at, timestamp '9999-12-31' as ends_at, "
            f"date '2020-01-01' as priced_from, date '9999-12-31' as priced_to, {RATE} as gpu_hour_usd"
        )
        con.execute("insert into book.minute select minute from range(60) as bit(minute)")
        _calendar(con, days[0], days[-1])
        con.execute(f"set variable from_day = date '{days[0]}'; set variable to_day = date '{days[-1] + timedelta(days=1)}'")
        for model in CHAIN:
            con.execute(f"create table {model} as {project.models[model].sql}")
            for rule in project.models[model].header.must:
                assert con.execute(f"select * from {model} where ({rule}) is not true").fetchall() == [], rule
        yield con


def _calendar(con: duckdb.DuckDBPyConnection, first: date, last: date) -> None:
    con.execute(
        "insert into book.hour by name select cast(began as date) as day, epoch(began)::bigint as hour_second, began as started_at "
        "from generate_series(?::timestamp, ?::timestamp, interval 1 hour) as hour(began)",
        [str(first), f"{last} 23:00:00"],
    )


def used(con: duckdb.DuckDBPyConnection) -> int:
    [(seconds,)] = con.execute("select cast(sum(used_seconds) as bigint) from core.gpu_hour").fetchall()
    return int(seconds)


@pytest.mark.parametrize("name", FORMATS)
def test_the_parts_of_an_hour_are_the_hour_and_their_costs_its_price(desk: Any, name: str) -> None:
    pool = {"name": "s", "path": "*", "format": name, "options": {"pool": "p", "time_zone": "UTC"}}
    assert desk.take({"a.txt": SAMPLES[name].read_text("utf-8")}, [pool]).rows_typed
    parts = ", ".join(f"cast(sum({part}_seconds) as bigint), sum({part}_cost_usd)" for part in PARTS)
    query = f"select sum(capacity_seconds), sum(cost_usd), {parts} from core.gpu_hour where pool is not null group by device_id, started_at"
    with hours(desk, name) as con:
        found = con.execute(query).fetchall()
    assert found
    for seconds, cost, *amounts in found:
        assert seconds == sum(amounts[::2]) == 3600
        assert cost == sum(amounts[1::2]) == RATE


def test_slices_that_four_pods_used_for_an_hour_are_one_gpu_hour(desk: Any) -> None:
    lines = [
        f'DCGM_FI_PROF_GR_ENGINE_ACTIVE{{gpu="0",UUID="GPU-a",GPU_I_ID="{one}",namespace="red",pod="p{one}"}} 0.25 {(AT + 60 * n) * 1000}\n'
        for n in range(60)
        for one in range(4)
    ]
    desk.take({"a.prom": "".join(lines)})
    with hours(desk, "dcgm_exporter") as con:
        assert used(con) == 3600
        assert con.execute("select distinct team from core.gpu_hour where used_seconds > 0").fetchall() == [("red",)]


def test_slices_of_known_size_are_their_part_of_a_gpu_and_what_none_takes_is_free(desk: Any) -> None:
    given = {1: ("3g.40gb", "red", 0.9), 2: ("2g.20gb", "blue", 0.0)}
    lines = [
        f'DCGM_FI_PROF_GR_ENGINE_ACTIVE{{gpu="0",UUID="GPU-a",GPU_I_ID="{one}",GPU_I_PROFILE="{profile}",namespace="{team}",pod="p"}} '
        f"{work} {(AT + 60 * n) * 1000}\n"
        for n in range(60)
        for one, (profile, team, work) in given.items()
    ]
    desk.take({"a.prom": "".join(lines)})
    query = "select team, used_seconds, warm_idle_seconds, free_idle_seconds from core.gpu_hour where hour(started_at) = 8 order by team"
    with hours(desk, "dcgm_exporter") as con:
        assert con.execute(query).fetchall() == [("blue", 0, 1029, 0), ("red", 1543, 0, 0), ("unassigned", 0, 0, 1028)]


def test_pods_that_share_a_gpu_do_not_multiply_it(desk: Any) -> None:
    lines = [
        f'DCGM_FI_DEV_GPU_UTIL{{gpu="0",UUID="GPU-a",namespace="red",pod="p{one}"}} 25 {(AT + 60 * n) * 1000}\n'
        for n in range(30)
        for one in range(4)
    ]
    desk.take({"a.prom": "".join(lines)})
    with hours(desk, "dcgm_exporter") as con:
        assert used(con) == 1800


def test_exports_of_two_paces_do_not_count_a_second_twice(desk: Any) -> None:
    quick = "".join(f'DCGM_FI_DEV_GPU_UTIL{{gpu="0",UUID="GPU-a"}} 25 {(AT + 15 * n) * 1000}\n' for n in range(240))
    slow = "".join(f'DCGM_FI_DEV_GPU_UTIL{{gpu="0",UUID="GPU-a"}} 25 {(AT + 60 * n) * 1000}\n' for n in range(60))
    memory = slow.replace("GPU_UTIL", "FB_USED").replace("000\n", "500\n")
    desk.take({"a.prom": quick, "b.prom": slow, "c.prom": memory})
    with hours(desk, "dcgm_exporter") as con:
        assert used(con) == 3600


def test_a_gap_in_the_samples_is_unknown_and_never_idle(desk: Any) -> None:
    lines = [f'DCGM_FI_DEV_GPU_UTIL{{gpu="0",UUID="GPU-a"}} 0 {(AT + 60 * n) * 1000}\n' for n in range(60) if n not in range(10, 40)]
    desk.take({"a.prom": "".join(lines)})
    query = "select free_idle_seconds, unknown_seconds from core.gpu_hour where hour(started_at) = 8"
    with hours(desk, "dcgm_exporter") as con:
        assert con.execute(query).fetchall() == [(1800, 1800)]
