"""What of a book may be handed out: its pages, and its finance files where asked for. Never the lake, the inbox or a setting."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

PAGES, FINANCE = "reports", "chargeback"
PAGE = ".html"
FINANCE_SUFFIXES = frozenset({PAGE, ".csv"})


def pages_of(folder: Path) -> list[str]:
    """Pages and statements of a book as HTML: paths below it, sorted; no link is followed, nothing hidden is listed."""
    found = (path for room in (PAGES, FINANCE) for path in _files(folder / room) if path.suffix == PAGE)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _files(room: Path) -> Iterator[Path]:
    for at, folders, files in os.walk(room) if not room.is_symlink() else ():
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (path for name in files if not name.startswith(".") and not (path := Path(at, name)).is_symlink())


def is_handed_out(path: str, *, finance: bool) -> bool:
    """Whether a path below a book is one of those that are: a page, or a statement or table of finance where `finance` says so."""
    parts = PurePosixPath(path).parts
    is_plain = len(parts) > 1 and "/".join(parts) == path and not any(part.startswith(".") or set(part) & set("\\:\0") for part in parts)
    suffix = PurePosixPath(path).suffix
    wanted = suffix == PAGE if parts[:1] == (PAGES,) else finance and parts[:1] == (FINANCE,) and suffix in FINANCE_SUFFIXES
    return is_plain and wanted


def open_below(folder: Path, path: str) -> BinaryIO:
    """Open a file below a folder without following a link on the way, also one that is put there meanwhile.

    Raises:
        OSError: there is no such file, or a link lies on the way.
    """
    *rooms, name = PurePosixPath(path).parts
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for room in rooms:
            above, at = at, os.open(room, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(above)
        # A pipe would keep whoever opens it waiting.
        return os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at), "rb")
    finally:
        os.close(at)
