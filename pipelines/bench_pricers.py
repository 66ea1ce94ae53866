"""`meterbook bench peers`: pricing and roll-up beside polars, chDB and pandas, and beside LiteLLM and genai-prices call by call.

All read the same Parquet: core.request, and what it is priced with. A peer is given core.price_in_force ready made and core.request_meter
priced, and leaves out what only meterbook tells (flags, layers of prices, costs that are uncertain, reported where none can be computed).
What a peer sums is held against what meterbook sums: a cent of difference is an error. Peers are of the extra `bench`; one that is not
installed is said, not measured.
"""

import sys
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from meterbook.pipelines.bench import Case, told, warm
from meterbook.pipelines.bench_price import THREADS, VIEWED

if TYPE_CHECKING:
    from collections.abc import Callable

    from meterbook.sql.engine import Engine

ROWS, DAYS, SAMPLE = 10_000_000, 30, 20_000
PEERS = {"polars": 1.0, "chdb": 1.0, "pandas": 1.0}
"""Peers that do the whole job, and how many times as long they are to take at least."""
CALCULATORS = {"litellm": 300.0, "genai_prices": 1.0}
"""Peers that price one call at a time, held against meterbook by the call."""
CENT = Decimal("0.01")
_MODULE = "meterbook.pipelines.bench_pricers"


def cases(folder: Path, rows: int = ROWS, days: int = DAYS) -> list[Case]:
    """Meterbook first, and every peer; the requests are generated first, where they are not there yet.

    Args:
        folder: where to keep them.
        rows: requests.
        days: over how many days they are spread.
    """
    from meterbook.pipelines.bench_requests import lake  # noqa: PLC0415 -- polars and numpy are slow to load

    wanted = cost_of(lake(folder, rows, days))
    said = [str(folder), str(rows), str(days), str(wanted)]
    ours = Case("meterbook", "meterbook.pipelines.bench_price", ["price", *said[:3]])
    peers = (
        Case(name, _MODULE, [name, *said], at_least=times, missing="" if find_spec(name) else "not installed (extra: bench)")
        for name, times in {**PEERS, **CALCULATORS}.items()
    )
    return [ours, *peers]


def cost_of(engine: "Engine") -> Decimal:
    """What all requests with a price cost by meterbook's own models, computed, in USD."""
    models, total = engine.catalog.project.models, Decimal(0)
    for day in engine.catalog.days:
        with engine.catalog.connect(models[VIEWED], [day]) as con:
            [(cost,)] = con.execute(f"select coalesce(sum(effective_cost_usd), 0) from ({models[VIEWED].sql})").fetchall()
        total += cost
    return total


def refuse_difference(name: str, ours: Decimal, theirs: Decimal) -> None:
    """Hold the sum of a peer against ours.

    Raises:
        RuntimeError: they differ by a cent or more.
    """
    if abs(ours - theirs) >= CENT:
        raise RuntimeError(f"{name} makes it ${theirs}, meterbook ${ours}")


def _main(name: str, folder: str, rows: str, days: str, wanted: str) -> None:
    from meterbook.pipelines.bench_requests import opened  # noqa: PLC0415

    lake = opened(Path(folder), int(rows), int(days)).lake
    files = {table: lake.table(table).files() for table in ("core.request", "core.price_in_force", "core.request_meter")}
    warm(files["core.request"])
    if name in CALCULATORS:
        from meterbook.pipelines import bench_calculators  # noqa: PLC0415

        bench_calculators.measure(name, files, min(int(rows), SAMPLE))
        return
    work: Callable[..., tuple[int, int]] = import_module(f"meterbook.pipelines.bench_{name}").price
    found: list[Decimal] = []

    def priced() -> int:
        counted, pico = work(files, THREADS)
        found.append(Decimal(pico).scaleb(-12))
        return counted

    told(priced, lambda: {"usd": f"{found[0]:.2f}"})
    refuse_difference(name, Decimal(wanted), found[0])


if __name__ == "__main__":
    _main(*sys.argv[1:])
