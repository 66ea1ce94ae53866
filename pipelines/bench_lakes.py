"""The lake that a benchmark generates its days into."""

from collections.abc import Mapping
from pathlib import Path

from meterbook.assets.workspace import columns, project
from meterbook.pipelines.bench_price import MEMORY, THREADS
from meterbook.sql.catalog import Catalog, RawFile, Settings
from meterbook.sql.engine import Engine
from meterbook.sql.lake import Lake


def engine_over(kept: Path, form: str, days: Mapping[str, int], memory: str = MEMORY) -> Engine:
    """The engine over such a lake, as far as it is made.

    Args:
        kept: folder of what is generated.
        form: format whose rows the days seem to hold.
        days: rows of each day.
        memory: what DuckDB may take.
    """
    raw = {form: [RawFile("generated", kept, days)]}
    return Engine(Catalog(Lake(kept / "lake"), project(), raw, Settings(memory, THREADS), columns()))
