"""`meterbook bench explain`: why the cost of two months of many requests changed, beside reading and summing their rollups.

Rollups are there as the engine publishes them, core.cost_driver with some 28 requests to a row: 500 teams, 200 tenants, 1,000 features
and 30 models in 60,000 combinations, of which about half are used on a day.
"""

import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl

from meterbook.assets.explained import explain
from meterbook.assets.explaining import READ, Asked, span_of
from meterbook.pipelines.bench import Case, told
from meterbook.pipelines.bench_lakes import engine_over, publish
from meterbook.sql.engine import Engine

ROWS, PER_GROUP, SECONDS = 50_000_000, 28, 5.0
FIRST, DAYS = date(2026, 9, 1), 61
KEYS, TEAMS, TENANTS, FEATURES, MODELS = 60_000, 500, 200, 1000, 30
MEMORY = "1GB"
DRIVER, COST = "core.cost_driver", "marts.cost"
_MODULE = "meterbook.pipelines.bench_explain"
_COST = f"select day, 'Model usage' as line, team, tenant, feature, sum(cost_usd) as cost_usd from {DRIVER} group by all"


def cases(folder: Path, rows: int = ROWS) -> list[Case]:
    """Reading and summing, and explaining; the rollups are generated first, where they are not there yet.

    Args:
        folder: where to keep them.
        rows: requests of both months.
    """
    _generate(folder, rows)
    said = [str(folder), str(rows)]
    return [Case("read and sum", _MODULE, ["read", *said]), Case("explain", _MODULE, ["explain", *said], at_most_seconds=SECONDS)]


def _opened(folder: Path, rows: int) -> Engine:
    days = {str(FIRST + timedelta(days=n)): rows // DAYS for n in range(DAYS)}
    return engine_over(folder / f"explain-{rows}", "mapped_request", days, MEMORY)


def _generate(folder: Path, rows: int) -> None:
    engine = _opened(folder, rows)
    for day in engine.catalog.days:
        if day not in engine.lake.table(COST).partitions:
            publish(engine, day, drivers(date.fromisoformat(day), rows // DAYS // PER_GROUP), {DRIVER: "from given", COST: _COST})


def drivers(day: date, rows: int) -> pl.DataFrame:
    """Rows of core.cost_driver of a day: some combinations of owner and model, a few large teams and many small ones."""
    rng = np.random.default_rng(day.toordinal())
    key = np.sort(rng.choice(max(KEYS, rows), rows, replace=False))
    attempts = rng.integers(1, 2 * PER_GROUP, rows)
    tokens = {name: attempts * rng.integers(100, 2000, rows) for name in ("input", "cache_read", "output")}
    pico = {name: used * (10**6 if name == "input" else 10**5 if name == "cache_read" else 10**7) for name, used in tokens.items()}
    money = {f"{name}_cost_usd": _usd(value) for name, value in pico.items()}
    nothing, none = np.zeros(rows, np.int64), _usd(np.zeros(rows, np.int64))
    team = ((key * 2654435761 % 2**32 / 2**32) ** 3 * TEAMS).astype(np.int64)
    return pl.DataFrame(
        {
            "day": pl.repeat(day, rows, eager=True),
            "team": _names("team", TEAMS, team),
            "tenant": _names("tenant", TENANTS, key % TENANTS),
            "feature": _names("feature", FEATURES, (key // TENANTS + key % TENANTS * (FEATURES // TENANTS)) % FEATURES),
            "provider": _names("provider", 4, key % 4),
            "model": _names("model", MODELS, key % MODELS),
            "served_tier": pl.repeat("standard", rows, eager=True),
            "meter": pl.repeat("", rows, eager=True),
            **dict.fromkeys(("is_counted", "is_priced"), pl.repeat(value=True, n=rows, eager=True)),
            "operations": attempts,
            "calls": attempts,
            "attempts": attempts + rng.integers(0, 3, rows),
            **{f"{name}_tokens": used for name, used in tokens.items()},
            **dict.fromkeys(("cache_write_tokens", "stated_tokens", "units"), nothing),
            **money,
            **dict.fromkeys(("cache_write_cost_usd", "other_cost_usd", "call_cost_usd", "stated_cost_usd", "day_difference_usd"), none),
            "cost_usd": _usd(sum(pico.values(), nothing)),
        }
    )


def _names(kind: str, count: int, numbers: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> pl.Series:
    return pl.Series([f"{kind}-{n:04d}" for n in range(count)]).gather(pl.Series(numbers))


def _usd(pico: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> pl.Series:
    return pl.Series(pico).cast(pl.Decimal(26, 0)) * Decimal("0.000000000001")


def _read(engine: Engine) -> int:
    with engine.catalog.reading([DRIVER]) as con:
        return len(con.execute(f"select team, sum(cost_usd), count(*) from {DRIVER} group by team").fetchall())


def _explain(engine: Engine) -> int:
    with engine.catalog.reading(READ) as con:
        return len(explain(con, Asked(span_of("2026-09"), span_of("2026-10"), by=("team",))).effects)


def _main(what: str, folder: str, rows: str) -> None:
    engine = _opened(Path(folder), int(rows))
    work = {"read": _read, "explain": _explain}[what]
    _read(engine)  # a warm file cache
    told(lambda: work(engine))


if __name__ == "__main__":
    _main(*sys.argv[1:])
