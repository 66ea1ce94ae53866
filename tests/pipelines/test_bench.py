"""The measurements: what they generate, and what they show."""

import gzip
import itertools
import json
from decimal import Decimal
from functools import partial
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from meterbook.assets.workspace import columns, project
from meterbook.pipelines import bench, bench_gpu, bench_ingest, bench_memory, bench_polars, bench_price, bench_pricers
from meterbook.pipelines.bench_requests import lake
from meterbook.pipelines.cli import app
from meterbook.sql.catalog import Catalog, Settings
from meterbook.sql.engine import Engine

pytestmark = pytest.mark.long


def test_the_generated_logs_are_the_same_each_time_and_some_570_bytes_a_line() -> None:
    lines = list(bench_ingest.lines(2_000))
    assert lines == list(bench_ingest.lines(2_000))
    assert 540 < sum(map(len, lines)) / len(lines) < 620
    assert {json.loads(line)["status"] for line in lines} == {"success"}


def test_one_line_in_a_thousand_is_bad() -> None:
    lines = list(bench_ingest.lines(5_000, 1_000))
    assert [n for n, line in enumerate(lines) if line.strip() in bench_ingest.BAD] == [500, 1_500, 2_500, 3_500, 4_500]


@pytest.mark.nightly  # processes of their own, each with its second of loading
def test_every_case_is_measured_beside_the_peer_and_written_with_machine_and_versions(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["bench", "ingest", "--rows", "2000", "--rounds", "1", "--folder", str(tmp_path / "b"), "--json", str(tmp_path / "out.json")]
    )
    assert done.exit_code == 0, done.output
    assert all(name in done.output for name in ("DuckDB read_json", "ingest, clean", "1 in 1,000 bad"))
    found = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert [(case["case"], case["runs"][0]["rows"]) for case in found["cases"]] == [
        ("DuckDB read_json", 2_000),
        ("ingest, clean", 2_000),
        ("ingest, 1 in 1,000 bad", 2_000),
    ]
    assert {"cores", "duckdb", "python"} <= found["machine"].keys()


def test_a_case_that_fails_says_so() -> None:
    with pytest.raises(RuntimeError, match="nothing there failed"):
        bench.run(bench.Case("nothing there", "meterbook.pipelines.bench_ingest", ["ingest", "/nowhere"]))


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Three days of requests, and all that pricing them reads."""
    return lake(tmp_path_factory.mktemp("bench"), 3_000, 3)


def test_the_floor_the_price_step_and_a_run_count_the_same_requests_and_tokens(requests: Engine) -> None:
    floor = bench_price.floor(requests)
    assert floor.requests == 3_000
    assert bench_price.price(requests) == bench_price.build(requests) == floor
    assert bench_price.copy(requests).requests == floor.requests


def test_windows_of_one_day_and_of_all_days_give_the_same(requests: Engine) -> None:
    narrow = Engine(Catalog(requests.lake, project(), requests.catalog.raw, Settings(chunk_bytes=1), columns()))
    assert bench_price.price(narrow) == bench_price.price(requests)


def test_polars_sums_to_the_same_picodollar_and_another_cent_is_refused(requests: Engine) -> None:
    ours = bench_pricers.cost_of(requests)
    files = {name: requests.lake.table(name).files() for name in ("core.request", "core.price_in_force", "core.request_meter")}
    counted, pico = bench_polars.price(files, 2)
    assert (counted, Decimal(pico).scaleb(-12)) == (3_000, ours)
    bench_pricers.refuse_difference("polars", ours, ours + Decimal("0.0099"))
    with pytest.raises(RuntimeError, match=r"polars makes it \$"):
        bench_pricers.refuse_difference("polars", ours, ours + Decimal("0.01"))


def test_within_a_limit_a_window_is_one_day(requests: Engine) -> None:
    folder = requests.lake.root.parent.parent
    limited, free = (bench_memory.engine_of(folder, 3_000, 3, memory) for memory in (bench_memory.OF_DUCKDB, bench_memory.NONE))
    assert (limited.catalog.settings.chunk_bytes, limited.catalog.settings.memory_limit) == (1, "256MB")
    assert free.catalog.settings.chunk_bytes > 1
    assert bench_price.build(limited) == bench_price.build(free)


def test_every_model_measured_has_a_price_in_the_shipped_cards(requests: Engine) -> None:
    with requests.catalog.connect() as con:
        unpriced = con.execute(
            "select distinct model, served_tier, unpriced_reason from core.rate_in_force where rate_id is null"
        ).fetchall()
        [(models, providers)] = con.execute("select count(distinct model), count(distinct provider) from core.request").fetchall()
    assert unpriced == []
    assert (models, providers) == (30, 5)


def test_the_requests_measured_are_the_same_each_time_and_made_once(requests: Engine, tmp_path: Path) -> None:
    again = lake(tmp_path, 3_000, 3)
    made = {name: requests.lake.table(name).tokens() for name in ("staging.mapped_request", "core.request", "core.request_meter")}
    assert {name: again.lake.table(name).tokens() for name in made} == made
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    lake(tmp_path, 3_000, 3)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == before


@pytest.mark.nightly
def test_the_price_step_is_measured_beside_the_floor_and_the_ratio_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_price, "cases", partial(bench_price.cases, days=2))
    done = CliRunner().invoke(
        app, ["bench", "price", "--rows", "1000", "--rounds", "1", "--folder", str(tmp_path / "b"), "--json", str(tmp_path / "out.json")]
    )
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert found["rows"] == 1_000
    assert [(case["case"], case["at_most"], case["median"]["rows"]) for case in found["cases"]] == [
        ("scan and group", None, 1_000),
        ("price and roll up", 1.3, 1_000),
        ("copy as many columns", None, 1_000),
        ("price, write, roll up", 1.5, 1_000),
    ]
    assert [(bar["case"], bar["bar"]) for bar in found["bars"]] == [
        ("price and roll up", "<= 1.30 x"),
        ("price, write, roll up", "<= 1.50 x"),
    ]
    assert all({"seconds", "cpu_seconds", "peak_bytes"} <= case["median"].keys() and case["rows_per_second"] > 0 for case in found["cases"])
    assert {"cores", "duckdb", "python"} <= found["machine"].keys()


@pytest.mark.nightly
def test_a_year_of_days_is_priced_and_written_within_half_a_gigabyte_python_and_all(tmp_path: Path) -> None:
    lake(tmp_path, 730_000, 365)
    found = bench.run(bench.Case("a year", "meterbook.pipelines.bench_price", ["build", str(tmp_path), "730000", "365", "256MB"]))
    assert found.rows == 730_000
    assert found.peak_bytes < 2**29


@pytest.mark.nightly
@pytest.mark.parametrize("bad_every", [0, 1_000], ids=["clean", "with bad lines"])
def test_five_gigabytes_are_read_within_one(tmp_path: Path, bad_every: int) -> None:
    text = "".join(bench_ingest.lines(80_000, bad_every)).encode()
    packed, size, copies = gzip.compress(text, 1), len(text), 0
    with (tmp_path / "logs.jsonl.gz").open("wb") as handle:
        for copies in itertools.count(1):
            handle.write(packed)
            if copies * size > 5 * 10**9:
                break
    found = bench.run(bench.Case("five gigabytes", "meterbook.pipelines.bench_ingest", ["ingest", str(tmp_path / "logs.jsonl.gz")]))
    assert found.rows == copies * 80_000
    assert found.peak_bytes < 2**30


@pytest.mark.nightly
def test_the_samples_of_a_fleet_become_as_many_hours_as_it_had(tmp_path: Path) -> None:
    scan, hours = bench_gpu.cases(tmp_path, gpus=8, hours=2)
    assert bench.run(scan).rows == bench.run(hours).rows == 8 * 2 * 3600
    with duckdb.connect() as con:
        made = con.read_parquet(str(tmp_path / "gpu-8-2/lake/core/gpu_hour/*.parquet"))
        sums = "sum(capacity_seconds), sum(unknown_seconds), count(*) - count(cost_usd)"
        [(capacity, unknown, unpriced)] = made.aggregate(sums).fetchall()
    # The first day is accounted for from its first sample to its end.
    assert (capacity, unknown, unpriced) == (8 * 24 * 3600, 8 * 22 * 3600, 0)


@pytest.mark.nightly
def test_memory_does_not_grow_with_the_days_of_samples(tmp_path: Path) -> None:
    # Small days are made several at a time; five fill what DuckDB may keep.
    five, ten = (bench.run(bench_gpu.cases(tmp_path, gpus=100, hours=24 * days)[1]).peak_bytes for days in (5, 10))
    assert ten < 1.1 * five
    assert ten < 1.4 * 2**30
