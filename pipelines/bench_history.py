"""`meterbook bench history`: a run over one new day, of a book with a month, half a year and a year before it.

Measured is what ships: the whole run from the inbox to the pages, in this process, without start-up. What a run does beside the new day
(looking at what is there, tables that are one whole, pages of the week and the month) is what may grow.
"""

import io
import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from meterbook.pipelines.bench import Case, told, warm
from meterbook.pipelines.bench_book import LAST_DAY, files_of, linked, write_book, write_day

ROWS, DAYS = 20_000, (30, 180, 365)
BAR = 1.15
_MODULE = "meterbook.pipelines.bench_history"


def cases(folder: Path, rows: int = ROWS, days: tuple[int, ...] = DAYS) -> list[Case]:
    """A new day after each length of history; books are made first, where they are not there yet.

    Args:
        folder: where to keep them.
        rows: requests a day.
        days: days before the new one; the first is what the others are held against.
    """
    return [
        Case(f"a day after {count}", _MODULE, [str(run_before(folder, count, rows)), str(rows)], at_most=BAR if number else None)
        for number, count in enumerate(days)
    ]


def run_before(folder: Path, days: int, rows: int) -> Path:
    """A book of so many days in which everything is made.

    Args:
        folder: where it is kept.
        days: of its inbox.
        rows: requests of each day.
    """
    book = write_book(folder / f"book-{days}-{rows}", days, rows)
    run(book)
    return book


def run(book: Path) -> None:
    """A run of a book as the command line makes it.

    Raises:
        RuntimeError: it did not end well; with what it said.
    """
    from meterbook.pipelines.runner import run_book  # noqa: PLC0415 -- it takes a second to load

    said = io.StringIO()
    if run_book(book, Console(file=said, highlight=False)):
        raise RuntimeError(f"{book}: {said.getvalue()}")


def _main(book: str, rows: str) -> None:
    import meterbook.pipelines.executing  # noqa: PLC0415 -- start-up is not measured
    import meterbook.pipelines.runner  # noqa: F401, PLC0415

    kept = Path(book)
    beside = Path(tempfile.mkdtemp(dir=kept.parent))
    try:
        copy = linked(kept, beside / "book")
        write_day(copy, LAST_DAY + timedelta(days=1), int(rows))
        warm(files_of(copy))

        def add() -> int:
            run(copy)
            return int(rows)

        told(add)
    finally:
        shutil.rmtree(beside)


if __name__ == "__main__":
    _main(*sys.argv[1:])
