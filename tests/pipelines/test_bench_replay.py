"""The measurement of caches: what it replays is there, and in order."""

from pathlib import Path

import duckdb
import pytest

from meterbook.pipelines import bench, bench_replay


@pytest.mark.nightly
def test_every_request_of_the_month_is_replayed(tmp_path: Path) -> None:
    read, made = bench_replay.cases(tmp_path, rows=60_000, days=3)
    assert bench.run(read).rows == bench.run(made).rows == 60_000
    with duckdb.connect() as con:
        found = con.read_parquet(str(tmp_path / "replay-60000-3/lake/core/repeated_prompt/*.parquet"))
        [(low, point, high)] = found.aggregate("sum(low_ppm), sum(point_ppm), sum(high_ppm)").fetchall()
    assert 0 < low < point < high
