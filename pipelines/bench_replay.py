"""`meterbook bench replay`: what caches would have answered to every request of a month, beside a bare scan-and-group of their keys.

Measured is what ships: core.cache_replay with its step, core.repeated_prompt and core.prefix_reuse, checked, sorted and written by the
engine. Some 40 of 100 requests ask what their tenant asked before on the day, skewed as questions are; one in two begins with
instructions long enough for a provider's cache.
"""

import sys
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from meterbook.assets.book import Book
from meterbook.assets.book_tables import tables_of
from meterbook.pipelines.bench import Case, make_anew, told
from meterbook.pipelines.bench_lakes import engine_over
from meterbook.sql.engine import Engine
from meterbook.sql.lake import COPY, Partition, sha256_of

ROWS, DAYS, SECONDS = 10_000_000, 30, 60
FIRST = date(2026, 10, 1)
ASKED = "core.request"
MADE = ("core.cache_replay", "core.repeated_prompt", "core.prefix_reuse")
TENANTS, FEATURES, PREFIXES = 100, 20, 2_000
MADE_OF: Mapping[str, str] = {
    "request_id": "md5(concat('call', number))",
    "started_at": "started_at",
    "provider": "'openai'",
    "model": "concat('gpt-', feature)",
    "tenant": "concat('tenant-', tenant)",
    "feature": "concat('feature-', feature)",
    "status": "'success'",
    "temperature": "0",
    **dict.fromkeys(("is_cache_hit", "has_tools"), "false"),
    "prompt_hash": "md5(concat('prompt', prompt))",
    "prefix_hash": "md5(concat('prefix', prefix))",
    "prefix_ratio": "0.6",
    **dict.fromkeys(("prompt_tokens", "input_tokens"), "tokens"),
}
"""Columns of core.request that caches are told from, of the numbers that were drawn."""
_MODULE = "meterbook.pipelines.bench_replay"
_FORMAT = "mapped_request"


def cases(folder: Path, rows: int = ROWS, days: int = DAYS) -> list[Case]:
    """Counting how often each prompt came, and replaying; the requests are generated first, where they are not there yet.

    Args:
        folder: where to keep them.
        rows: requests, over all days.
        days: how many.
    """
    _generate(folder, rows, days)
    said = [str(folder), str(rows), str(days)]
    return [Case("read and group", _MODULE, ["read", *said]), Case("replay and write", _MODULE, ["replay", *said], at_most_seconds=SECONDS)]


def _opened(folder: Path, rows: int, days: int) -> Engine:
    counts = {str(FIRST + timedelta(days=n)): rows // days for n in range(days)}
    return engine_over(folder / f"replay-{rows}-{days}", _FORMAT, counts)


def _generate(folder: Path, rows: int, days: int) -> None:
    engine = _opened(folder, rows, days)
    kept = engine.lake.root.parent
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "meterbook.yaml").write_text("name: A month of questions\n", "utf-8")
    for name, frame in tables_of(Book(kept)).items():
        engine.put(name, frame)
    table, shape = engine.lake.table(ASKED), engine.catalog.columns[ASKED]
    for day in engine.catalog.days:
        if day in table.partitions:
            continue
        said = {"day": f"date '{day}'", **MADE_OF}
        listed = ", ".join(f"cast({said.get(name, 'null')} as {dtype}) as {name}" for name, dtype in shape.items())
        with engine.catalog.scratch() as con:
            con.register("drawn", _drawn(date.fromisoformat(day), rows // days))
            con.execute(f"copy (select {listed} from drawn order by request_id) to '{table.beside(day)}' ({COPY})")
        table.publish({day: Partition("generated", sha256_of(table.beside(day)), rows // days)})


def _drawn(day: date, rows: int) -> pa.Table:
    """Numbers that the requests of a day are made of."""
    rng = np.random.default_rng(day.toordinal())
    prompt = _skewed(rng, rows, rows)
    return pa.table(
        {
            "number": np.arange(rows) + day.toordinal() * rows,
            "started_at": np.datetime64(day, "us") + rng.integers(0, 86_400_000_000, rows),
            "prompt": prompt + day.toordinal() * rows,
            "feature": prompt * 7 % FEATURES,
            "tenant": (prompt * 13 + _skewed(rng, rows, 3)) % TENANTS,
            "prefix": _skewed(rng, rows, PREFIXES),
            "tokens": rng.lognormal(7.5, 1, rows).astype(np.int64).clip(1, 900_000),
        }
    )


def _skewed(rng: np.random.Generator, rows: int, kinds: int) -> NDArray[np.int64]:
    """Numbers below `kinds`, the small ones most often."""
    found: NDArray[np.int64] = (rng.random(rows) ** 3 * kinds).astype(np.int64)
    return found


def _read(engine: Engine) -> int:
    """Requests, counted by what they asked on each day."""
    asked = 0
    for day in engine.catalog.days:
        with engine.catalog.connect(engine.catalog.project.models[MADE[0]], [day]) as con:
            calls = f"select count(*) as calls from {ASKED} where day >= getvariable('from_day') group by tenant, prompt_hash, model"
            query = f"select cast(sum(calls) as bigint) from ({calls})"
            [(found,)] = con.execute(query).fetchall()
            asked += found
    return asked


def _replay(engine: Engine) -> int:
    make_anew(engine, MADE)
    return sum(partition.rows for partition in engine.lake.table(ASKED).partitions.values())


def _main(what: str, folder: str, rows: str, days: str) -> None:
    engine = _opened(Path(folder), int(rows), int(days))
    work = {"read": _read, "replay": _replay}[what]
    _read(engine)  # a warm file cache
    told(lambda: work(engine))


if __name__ == "__main__":
    _main(*sys.argv[1:])
