"""`meterbook bench memory`: pricing and writing all requests day by day within 512 MiB, beside the same without a limit.

The limit is that of the whole process, Python and all; DuckDB is given half of it, and a window is one day.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from meterbook.pipelines.bench import Case, told, warm

if TYPE_CHECKING:
    from meterbook.sql.engine import Engine

ROWS, DAYS = 50_000_000, 30
LIMIT, OF_DUCKDB, NONE = 512 * 2**20, "256MB", "1TB"
BAR = 1.2
_MODULE = "meterbook.pipelines.bench_memory"


def cases(folder: Path, rows: int = ROWS, days: int = DAYS) -> list[Case]:
    """Without a limit and with it; the requests are generated first, where they are not there yet.

    Args:
        folder: where to keep them.
        rows: requests.
        days: over how many days they are spread.
    """
    from meterbook.pipelines.bench_requests import lake  # noqa: PLC0415 -- polars and numpy are slow to load

    lake(folder, rows, days)
    said = [str(folder), str(rows), str(days)]
    return [
        Case("without a limit", _MODULE, [*said, NONE]),
        Case("512 MiB, day by day", _MODULE, [*said, OF_DUCKDB], at_most=BAR, at_most_bytes=LIMIT),
    ]


def engine_of(folder: Path, rows: int, days: int, memory: str) -> "Engine":
    """The engine over the requests; where memory is limited, with a window for each day."""
    from meterbook.pipelines.bench_requests import opened  # noqa: PLC0415
    from meterbook.sql.catalog import Catalog  # noqa: PLC0415
    from meterbook.sql.engine import Engine as Builder  # noqa: PLC0415

    found = opened(folder, rows, days, memory)
    if memory == NONE:
        return found
    catalog = found.catalog
    settings = replace(catalog.settings, chunk_bytes=1)
    return Builder(Catalog(catalog.lake, catalog.project, catalog.raw, settings, catalog.columns))


def _main(folder: str, rows: str, days: str, memory: str) -> None:
    from meterbook.pipelines.bench_price import build  # noqa: PLC0415

    engine = engine_of(Path(folder), int(rows), int(days), memory)
    warm(engine.catalog.files("core.request"))
    told(lambda: build(engine).requests)


if __name__ == "__main__":
    _main(*sys.argv[1:])
