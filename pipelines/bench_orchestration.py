"""`meterbook bench orchestration`: a run as Dagster makes it, beside the same work as plain functions.

The same work: take in the inbox, build every model that has anything to read, publish what is due. One day holds all requests, or thirty
days do: a backfill is one run over their range, not one for each.
"""

import shutil
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from meterbook.pipelines.bench import Case, told, warm
from meterbook.pipelines.bench_book import files_of, linked, write_book
from meterbook.pipelines.bench_history import run

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS, DAYS = 10_000_000, 30
BAR = 1.1
_MODULE = "meterbook.pipelines.bench_orchestration"


def cases(folder: Path, rows: int = ROWS, days: int = DAYS) -> list[Case]:
    """A day and a backfill, each as plain functions and by Dagster; logs are generated first, where they are not there yet.

    Args:
        folder: where to keep them.
        rows: requests of the day, and of all days of the backfill.
        days: of the backfill.
    """
    found = []
    for name, count in (("one day", 1), (f"{days} days", days)):
        book = write_book(folder / f"logs-{count}-{rows // count}", count, rows // count)
        plain = Case(f"{name}, plain functions", _MODULE, ["plain", str(book), str(rows)], against=f"{name}, plain functions")
        found += [plain, Case(f"{name}, Dagster", _MODULE, ["dagster", str(book), str(rows)], at_most=BAR, against=plain.name)]
    return found


def plainly(book: Path) -> None:
    """A run without Dagster."""
    from meterbook.assets.publishing import Publisher  # noqa: PLC0415 -- start-up is not measured
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415

    workspace = Workspace(book)
    workspace.ingest()
    if plan := workspace.plan():
        for model in workspace.project.regular.values():
            if workspace.catalog.is_active(model.name) or workspace.engine.orphans(model):
                workspace.build(model, (plan.from_day, plan.to_day))
    with workspace.catalog.sharing():
        for _, items in groupby(Publisher(workspace).stale(), lambda item: item.kind):
            # Each kind by a publisher of its own: what a page says of others is asked when they are there.
            for _ in Publisher(workspace).publish(items):
                pass


def _main(what: str, book: str, rows: str) -> None:
    import meterbook.assets.publishing  # noqa: PLC0415
    import meterbook.pipelines.executing  # noqa: PLC0415
    import meterbook.pipelines.runner  # noqa: F401, PLC0415

    kept = Path(book)
    beside = Path(tempfile.mkdtemp(dir=kept.parent))
    work: Callable[[Path], None] = {"plain": plainly, "dagster": run}[what]
    try:
        copy = linked(kept, beside / "book")
        warm(files_of(copy))

        def done() -> int:
            work(copy)
            return int(rows)

        told(done)
    finally:
        shutil.rmtree(beside)


if __name__ == "__main__":
    _main(*sys.argv[1:])
