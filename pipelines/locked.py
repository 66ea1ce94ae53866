"""One command at work on a book at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from meterbook.assets.book import BookError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other commands from writing to a book meanwhile.

    Raises:
        BookError: another one is at work on it.
    """
    lock = FileLock(folder / ".meterbook.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as busy:
        raise BookError(f"another run is at work on {folder}; wait for it, or remove {lock.lock_file} if there is none") from busy
    try:
        yield
    finally:
        lock.release()
