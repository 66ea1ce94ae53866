"""What a real cluster needs, held against the trace itself without any of our tables.

The trace lies beside the repository and is not part of it; its price and the time its GPUs can be had are assumptions of its book.
"""

import shutil
from datetime import date, timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path

import polars as pl
import pytest
from small import built, limited, make_small

from meterbook.assets.workspace import Workspace
from meterbook.reports.frame import Frame, PageFacts
from meterbook.reports.gpu_need import Needs, mean_used, size
from meterbook.reports.periods import week

pytestmark = pytest.mark.early

HERE = Path(__file__).parent
TRACE = HERE.parents[2] / "shared" / "traces" / "helios_vc_gpu_minute.parquet"
LAST = date(2020, 5, 31)
ASKED = tuple(f"marts.gpu_{name}" for name in ("pool_hour", "fleet", "memory", "offer", "commitment", "use"))


def _counted() -> pl.DataFrame:
    """Per virtual cluster of the last 28 days: GPUs at work, the 99th percentile of five minutes by hour of the week, greatest of all."""
    at = pl.col("time")
    # A slot of five minutes holds the GPU minutes of its five samples.
    fives = (
        pl.read_parquet(TRACE)
        .with_columns(at.cast(pl.Datetime("us")))
        .filter(at.dt.date() > LAST - timedelta(days=28))
        .group_by("vc", at.dt.truncate("5m"))
        .agg(pl.col("running_gpu_num").mean().alias("used"), pl.col("total_gpu_num").max().alias("gpus"))
    )
    weekly = fives.group_by("vc", at.dt.weekday().alias("day"), at.dt.hour().alias("hour")).agg(
        pl.col("used").quantile(0.99, interpolation="linear").alias("p99")
    )
    return (
        weekly.group_by("vc")
        .agg(pl.col("p99").max())
        .join(fives.group_by("vc").agg(pl.col("used").mean().alias("mean"), pl.col("gpus").max()), on="vc")
        .sort("vc")
    )


@pytest.mark.nightly
def test_the_need_of_every_virtual_cluster_is_that_of_the_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not TRACE.is_file():
        pytest.skip("the trace is not beside this repository")
    make_small(monkeypatch, date(2020, 1, 1))
    book = tmp_path / "helios"
    shutil.copytree(HERE / "helios", book)
    (book / "inbox").mkdir()
    shutil.copy(TRACE, book / "inbox")
    workspace = built(limited(Workspace(book), *ASKED))
    facts = PageFacts("Helios", "showback", [], 0, 0, LAST, "", is_closed=False, owner_target=Decimal(1))
    with workspace.catalog.connect() as con:
        pools = Frame(con, week("2020-W22", LAST), facts).gpu_pools
    counted = {row["vc"]: row for row in _counted().iter_rows(named=True)}
    assert [pool.name for pool in pools] == sorted(counted)
    for pool in pools:
        found, sized = counted[pool.name], size(pool)
        assert sized is not None
        assert pool.gpus == found["gpus"]
        assert float(mean_used(pool)) == pytest.approx(found["mean"])
        by_peak, by_mean = (ceil(round(found[name] / 0.7, 9)) + 1 for name in ("p99", "mean"))
        assert sized.needs == Needs(max(ceil(found["p99"]) + 1, by_peak), by_peak, min(by_mean, by_peak))
    # A cluster that works off a queue is full at its peak; two that are hardly used may let go of most of their GPUs.
    assert {pool.name for pool, one in ((pool, size(pool)) for pool in pools) if one and one.point > 0} == {"vcJkd", "vcira"}
