"""What `_lines` asks of DuckDB: to type lines of JSON by SQL as they come, and to write the typed rows.

The lines go through a named pipe, so that they are neither kept nor written to disk, and DuckDB works while the next ones are looked at.
"""

import os
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from types import TracebackType
from typing import Any, Self

import duckdb

from meterbook.sql.lake import COPY

NUMBER, SKIP = "meterbook_line", "meterbook_skip"
"""Keys of our own in a line: its number, and that it is only there to be counted."""
MEMORY = "400MB"
AHEAD = 2
"""Chunks that wait for DuckDB."""
Shape = Mapping[str, tuple[str, str]]
"""Columns with their DuckDB types and SQL over a record; those that begin with `_` come first, for the others, and are not kept."""
Rules = Sequence[tuple[str, str]]
"""Conditions under which a row is set aside, and SQL for the reason."""
Broken = list[tuple[int, str]]
"""Rows that break a rule: their numbers, and why."""


def kept(shape: Shape) -> dict[str, str]:
    """Columns of the raw table with their DuckDB types."""
    return {name: dtype for name, (dtype, _) in shape.items() if not name.startswith("_")}


def judged(path: Path, fields: Mapping[str, str], shape: Shape, rules: Rules, *, is_numbered: bool) -> str:
    """SQL that types lines and gives each a reason, or NULL where it is sound.

    Args:
        path: of JSON lines.
        fields: what a line holds, as columns of `read_json`.
        shape: typed columns.
        rules: what a sound row must not be.
        is_numbered: whether every line bears its number; else it is the place of the line.
    """
    number = NUMBER if is_numbered else "row_number() over ()"
    columns = ", ".join(f"'{name}': '{dtype}'" for name, dtype in {NUMBER: "BIGINT", SKIP: "BOOLEAN", **fields}.items())
    options = f"format = 'newline_delimited', compression = 'none', columns = {{{columns}}}"
    first = ", ".join(f"{sql} as {name}" for name, (_, sql) in shape.items() if name.startswith("_"))
    then = ", ".join(f"{sql} as {name}" for name, (_, sql) in shape.items() if not name.startswith("_"))
    reason = " ".join(f"when {condition} then {why}" for condition, why in rules)
    return (
        f"with line as (select {number} as line, * from read_json({quoted(str(path))}, {options})), "
        f"given as (select *, {first} from line where {SKIP} is null), "
        f"found as (select line, {then}, columns('^_') from given) "
        f"select *, case {reason} end as _reason from found"
    )


def copied(chunks: Iterable[bytes], pipe: Path, query: str, target: Path) -> tuple[int, Broken]:
    """Write what a query makes of lines as Parquet.

    Args:
        chunks: the lines.
        pipe: where the query reads them.
        query: gives a column `_reason`, for rows that are not written, as `set_aside(line, _reason)` in its filter says.
        target: the file.

    Returns:
        Rows written, and those set aside.

    Raises:
        duckdb.Error: DuckDB does not take the lines.
    """
    broken: Broken = []

    def set_aside(line: int, reason: str) -> bool:
        broken.append((line, reason))
        return False

    os.mkfifo(pipe)
    try:
        with connection(target.parent) as con, ThreadPoolExecutor(1) as pool:
            con.create_function("set_aside", set_aside, ["BIGINT", "VARCHAR"], "BOOLEAN", side_effects=True)
            copying = pool.submit(lambda: con.execute(f"copy ({query}) to {quoted(str(target))} ({COPY})").fetchall())
            with _Feed(pipe, copying) as feed:
                for chunk in chunks:
                    if not feed.takes(chunk):
                        break
            [(count,)] = copying.result()
    finally:
        pipe.unlink()
    return count, sorted(broken)


class _Feed:
    """Writes chunks to a pipe, in a thread of its own: the pipe holds little, and who fills it would wait.

    Args:
        pipe: a named pipe.
        reading: what reads it; when that is done, nothing more is written.
    """

    def __init__(self, pipe: Path, reading: Future[Any]) -> None:
        self._pipe, self._reading = pipe, reading
        self._waiting: queue.Queue[bytes | None] = queue.Queue(AHEAD)
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._waiting.put(None)
        self._thread.join()

    def takes(self, chunk: bytes) -> bool:
        """Pass a chunk on; whether more is wanted."""
        self._waiting.put(chunk)
        return self._thread.is_alive() and not self._reading.done()

    def _run(self) -> None:
        try:
            with open(self._opened(), "wb", buffering=0) as out:  # noqa: PTH123 -- a file descriptor
                while (chunk := self._waiting.get()) is not None:
                    left = memoryview(chunk)
                    while left:
                        left = left[out.write(left) :]
        except BrokenPipeError:
            # The reader has an error of its own to tell; what still comes is not wanted.
            while self._waiting.get() is not None:
                pass

    def _opened(self) -> int:
        while not self._reading.done():
            try:
                found = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody reads yet
                sleep(0.001)
                continue
            os.set_blocking(found, True)
            return found
        raise BrokenPipeError


def quoted(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def connection(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of its own, in UTC, that works in a folder where memory does not do."""
    with duckdb.connect(config={"memory_limit": MEMORY, "threads": "1", "temp_directory": str(folder)}) as con:
        con.execute("set timezone = 'UTC'")
        yield con
