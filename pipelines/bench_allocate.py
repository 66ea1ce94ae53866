"""`meterbook bench allocate`: a month's costs shared out and posted, beside reading and summing them.

Measured is what ships: every model from core.cost_line to marts.chargeback, checked, sorted and written by the engine, with twenty pools of
every kind of key over five hundred teams. Requests are there as core.model_spend has them, some 28 to a row.
"""

import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl

from meterbook.assets.book import Book
from meterbook.assets.book_tables import tables_of
from meterbook.pipelines.bench import Case, make_anew, told
from meterbook.pipelines.bench_lakes import engine_over, publish
from meterbook.sql.engine import Engine

ROWS, TEAMS, PER_GROUP, SECONDS = 50_000_000, 500, 28, 60
FIRST, DAYS = date(2026, 10, 1), 31
SPENT = "core.model_spend"
MADE = (
    "core.bill_line", "core.cost_line", "core.pool_cost", "core.pool_weight", "core.shared_cost", "core.shared_line", "core.allocation",
    "marts.chargeback",
)  # fmt: skip
_MODULE = "meterbook.pipelines.bench_allocate"
_FORMAT = "mapped_request"
_SHARES = ", ".join(f"team-{n:03d}: {n + 1}" for n in range(TEAMS))
_KEYS = (
    "key: cost", "key: tokens", "key: requests", "key: direct_cost", "key: full_cost", "key: even", f"key: fixed, shares: {{{_SHARES}}}",
    "key: {weights: headcount}", "key: cost, scope: {provider: provider-1}", "key: tokens, cap_share: 0.01",
)  # fmt: skip


def cases(folder: Path, rows: int = ROWS) -> list[Case]:
    """Reading and summing, and allocating; the month is generated first, where it is not there yet.

    Args:
        folder: where to keep it.
        rows: requests of the month.
    """
    _generate(folder, rows)
    said = [str(folder), str(rows)]
    return [
        Case("read and sum", _MODULE, ["read", *said]),
        Case("share out and post", _MODULE, ["allocate", *said], at_most_seconds=SECONDS),
    ]


def _opened(folder: Path, rows: int) -> Engine:
    return engine_over(folder / f"allocate-{rows}", _FORMAT, {str(FIRST + timedelta(days=n)): rows // DAYS for n in range(DAYS)})


def _generate(folder: Path, rows: int) -> None:
    engine = _opened(folder, rows)
    kept = engine.lake.root.parent
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "meterbook.yaml").write_text("name: A month of costs\n", "utf-8")
    pools = (f"- {{pool: pool {n:02d}, monthly_usd: {1000 + n}.37, {_KEYS[n % len(_KEYS)]}}}\n" for n in range(2 * len(_KEYS)))
    (kept / "allocation.yaml").write_text(f"pools:\n{''.join(pools)}", "utf-8")
    heads = (f"headcount,team-{n:03d},{1 + n % 40}\n" for n in range(TEAMS))
    (kept / "weights.csv").write_text(f"weights,team,weight\n{''.join(heads)}", "utf-8")
    for name, frame in tables_of(Book(kept)).items():
        engine.put(name, frame)
    for day in engine.catalog.days:
        if day not in engine.lake.table(SPENT).partitions:
            publish(engine, day, _spend(date.fromisoformat(day), rows // DAYS // PER_GROUP), {SPENT: "from given"})


def _spend(day: date, rows: int) -> pl.DataFrame:
    """Rows of core.model_spend of a day, a few large teams and many small ones."""
    rng = np.random.default_rng(day.toordinal())
    team = (rng.random(rows) ** 3 * TEAMS).astype(np.int64)
    number = np.arange(rows)
    requests = rng.integers(1, 2 * PER_GROUP, rows)
    pico = pl.Series(requests * rng.integers(10**6, 10**10, rows)).cast(pl.Decimal(26, 0)) * Decimal("0.000000000001")
    return pl.DataFrame(
        {
            "day": pl.repeat(day, rows, eager=True),
            "book_day": pl.repeat(day, rows, eager=True),
            "basis": pl.repeat("requests", rows, eager=True),
            "team": pl.Series([f"team-{n:03d}" for n in range(TEAMS)]).gather(pl.Series(team)),
            "cost_centre": pl.Series([f"CC-{n:03d}" for n in range(TEAMS)]).gather(pl.Series(team)),
            "tenant": pl.Series([f"tenant-{n:03d}" for n in range(200)]).gather(pl.Series(number % 200)),
            "feature": pl.Series([f"feature-{n:04d}" for n in range(1000)]).gather(pl.Series(number // 200 % 1000)),
            "environment": pl.repeat("production", rows, eager=True),
            "source": pl.repeat("gateway", rows, eager=True),
            "provider": pl.Series([f"provider-{n}" for n in range(4)]).gather(pl.Series(team % 4)),
            "model": pl.Series([f"model-{n:02d}" for n in range(30)]).gather(pl.Series(rng.integers(0, 30, rows))),
            "requests": requests,
            **dict.fromkeys(("failed_requests", "unpriced_requests", "repeated_attempts", "cache_write_tokens"), np.zeros(rows, np.int64)),
            **{name: requests * rng.integers(100, 2000, rows) for name in ("input_tokens", "cache_read_tokens", "output_tokens")},
            "reasoning_tokens": np.zeros(rows, np.int64),
            **dict.fromkeys(("list_cost_usd", "contracted_cost_usd", "cost_usd", "reported_cost_usd"), pico),
            "uncertain_cost_usd": pl.repeat(Decimal(0), rows, eager=True),
        }
    )


def _read(engine: Engine) -> int:
    with engine.catalog.reading([SPENT]) as con:
        query = f"select cast(sum(requests) as bigint), team, sum(cost_usd) from {SPENT} group by team"
        return sum(row[0] for row in con.execute(query).fetchall())


def _allocate(engine: Engine) -> int:
    make_anew(engine, MADE)
    return _read(engine)


def _main(what: str, folder: str, rows: str) -> None:
    engine = _opened(Path(folder), int(rows))
    work = {"read": _read, "allocate": _allocate}[what]
    _read(engine)  # a warm file cache
    told(lambda: work(engine))


if __name__ == "__main__":
    _main(*sys.argv[1:])
