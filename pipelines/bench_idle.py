"""`meterbook bench idle`: `meterbook run` on a book in which nothing changed, as it is typed, start-up included.

That it writes nothing is part of the measurement: a file that is another one afterwards, or was touched, is an error.
"""

import subprocess
import sys
from pathlib import Path

from meterbook.pipelines.bench import Case, told, warm
from meterbook.pipelines.bench_book import files_of
from meterbook.pipelines.bench_history import run_before

ROWS, DAYS = 20_000, 365
SECONDS = 10
_MODULE = "meterbook.pipelines.bench_idle"
_RUN = "import sys; from meterbook.pipelines.cli import main; sys.exit(main())"
State = dict[str, tuple[int, int, int]]


def cases(folder: Path, rows: int = ROWS, days: int = DAYS) -> list[Case]:
    """The run; its book is made first, where it is not there yet.

    Args:
        folder: where to keep it.
        rows: requests a day.
        days: of the book.
    """
    book = run_before(folder, days, rows)
    return [Case("nothing changed", _MODULE, [str(book), str(days * rows)], at_most_seconds=SECONDS)]


def state_of(book: Path) -> State:
    """Every file of a book: which one it is, when it was written and how long it is."""
    found = ((str(path.relative_to(book)), path.stat()) for path in files_of(book))
    return {name: (stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in found}


def refuse_writes(before: State, after: State) -> None:
    """Compare the states of a book.

    Raises:
        RuntimeError: a file was written, made or removed; the message names the first of them.
    """
    if changed := sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)):
        raise RuntimeError(f"nothing changed, but a run wrote {len(changed)} files: {', '.join(changed[:5])}")


def _main(folder: str, rows: str) -> None:
    book = Path(folder)
    warm(files_of(book))
    before = state_of(book)

    def work() -> int:
        done = subprocess.run(  # noqa: S603 -- this very interpreter
            [sys.executable, "-c", _RUN, "--book", str(book), "run"], check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{done.stdout}{done.stderr}")
        return int(rows)

    told(work, lambda: {"files": len(before)})
    refuse_writes(before, state_of(book))


if __name__ == "__main__":
    _main(*sys.argv[1:])
