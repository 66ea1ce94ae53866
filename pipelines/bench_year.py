"""`meterbook bench year`: a year made in one run from its logs, beside a quarter and half of it.

What a request costs in time and in disk is to be the same in a year as in a quarter: the whole run grows with its days and with nothing
else. Pages and statements of every week and month are part of it.
"""

import shutil
import sys
import tempfile
from datetime import date
from pathlib import Path

from meterbook.pipelines.bench import Case, told
from meterbook.pipelines.bench_book import LAST_DAY, bytes_of, days_until, linked, write_book
from meterbook.pipelines.bench_history import run

ROWS, DAYS = 1_000_000, (91, 182, 365)
BAR = 1.15
_MODULE = "meterbook.pipelines.bench_year"


def cases(folder: Path, rows: int = ROWS, days: tuple[int, ...] = DAYS) -> list[Case]:
    """The parts of a year and the year; logs are generated first, where they are not there yet.

    Args:
        folder: where to keep them.
        rows: requests a day.
        days: of each part, the shortest first: the others are held against it.
    """
    book = write_book(folder / f"logs-{days[-1]}-{rows}", days[-1], rows)
    return [
        Case(f"{count} days", _MODULE, [str(book), str(count), str(rows)], at_most=BAR if number else None)
        for number, count in enumerate(days)
    ]


def _main(book: str, days: str, rows: str) -> None:
    import meterbook.pipelines.executing  # noqa: PLC0415 -- start-up is not measured
    import meterbook.pipelines.runner  # noqa: F401, PLC0415

    kept = Path(book)
    beside = Path(tempfile.mkdtemp(dir=kept.parent))
    try:
        copy = linked(kept, beside / "book")
        wanted = set(days_until(LAST_DAY, int(days)))
        for path in (copy / "inbox").iterdir():
            if date.fromisoformat(path.name.split(".")[0]) not in wanted:
                path.unlink()

        def work() -> int:
            run(copy)
            return int(days) * int(rows)

        told(work, lambda: {f"{part}_bytes": bytes_of(copy / part) for part in ("inbox", "lake", "reports", "chargeback")})
    finally:
        shutil.rmtree(beside)


if __name__ == "__main__":
    _main(*sys.argv[1:])
