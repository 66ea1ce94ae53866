"""What follows from files that ship, kept between processes: lineage and columns of all models take three seconds to find.

An entry is named by a hash of all it follows from, so one that is there is right, and one that is lost or broken is found anew. The folder
is METERBOOK_CACHE, otherwise `meterbook` in XDG_CACHE_HOME or in ~/.cache; nothing in it is of a book.
"""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

KEPT = 8
"""Entries of one kind: those of older versions go as new ones come."""
_ENGINES = ("duckdb", "pyarrow", "polars", "numpy")


def remembered(kind: str, source: object, find: Callable[[], Any]) -> Any:  # noqa: ANN401 -- any JSON value
    """What `find` gives, which is asked only where no process has asked before.

    Args:
        kind: which function it is.
        source: all it follows from beside this room's code and the engines, as a JSON value.
        find: gives a JSON value; may raise, and then nothing is kept.
    """
    said = json.dumps([_code(), kind, source], separators=(",", ":"))
    path = _folder() / f"{kind}-{hashlib.sha256(said.encode()).hexdigest()}.json"
    try:
        digest, _, text = path.read_text("utf-8").partition("\n")
        if digest == hashlib.sha256(text.encode()).hexdigest():
            return json.loads(text)
    except (OSError, ValueError):
        pass
    value = find()
    # A machine without a folder to write to works as well, only slower.
    with suppress(OSError):
        _keep(path, kind, json.dumps(value, separators=(",", ":")))
    return value


def _keep(path: Path, kind: str, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Of its own name: two processes may find the same at once.
    beside = path.with_name(f".{uuid4().hex}.part")
    beside.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}", "utf-8")
    beside.replace(path)
    for old in sorted(path.parent.glob(f"{kind}-*.json"), key=lambda one: one.stat().st_mtime_ns)[:-KEPT]:
        old.unlink(missing_ok=True)


def _folder() -> Path:
    own = os.environ.get("METERBOOK_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "meterbook"


@cache
def _code() -> list[str]:
    """This room's code, and the versions of what it works with."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return [hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest(), *map(version, _ENGINES)]
