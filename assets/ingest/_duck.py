"""What `_lines` asks of DuckDB: to type lines of JSON by SQL as they come, and to write the typed rows.

The lines go through named pipes, so that they are neither kept nor written to disk, and DuckDB works while the next ones are looked at.
DuckDB keeps all it reads from one pipe until that ends, so a large file goes through many, one after the other.
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
from typing import IO, Any, Self

import duckdb

from meterbook.sql.lake import COPY, quoted
from meterbook.sql.limits import memory

NUMBER, OWN, SKIP = "meterbook_line", "meterbook", "meterbook_skip"
"""Keys of our own in a line: its number, what settling adds to it, and that it is only there to be counted."""
MEMORY = "400MB"
PIPE, PIPES = 2**27, 4_096
"""Bytes for one pipe, and pipes at most: the last one takes what is left of a file of over 512 GiB."""
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


def pipes(folder: Path, largest: int) -> list[Path]:
    """Names of the pipes for so many bytes of lines."""
    return [folder / f"{number}.jsonl" for number in range(min(largest // PIPE + 1, PIPES))]


def judged(paths: Sequence[Path], fields: Mapping[str, str], shape: Shape, rules: Rules, *, is_numbered: bool) -> str:
    """SQL that types lines and gives each a reason, or NULL where it is sound.

    Args:
        paths: of JSON lines.
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
    listed = ", ".join(quoted(str(path)) for path in paths)
    return (
        f"with line as (select {number} as line, * from read_json([{listed}], {options})), "
        f"given as (select *, {first} from line where {SKIP} is null), "
        f"found as (select line, {then}, columns('^_') from given) "
        f"select *, case {reason} end as _reason from found"
    )


def copied(chunks: Iterable[bytes], paths: Sequence[Path], query: str, target: Path) -> tuple[int, Broken]:
    """Write what a query makes of lines as Parquet.

    Args:
        chunks: the lines.
        paths: pipes from which the query reads them; made here.
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

    for path in paths:
        os.mkfifo(path)
    try:
        with connection(target.parent) as con, ThreadPoolExecutor(1) as pool:
            con.create_function("set_aside", set_aside, ["BIGINT", "VARCHAR"], "BOOLEAN", side_effects=True)
            copying = pool.submit(lambda: con.execute(f"copy ({query}) to {quoted(str(target))} ({COPY})").fetchall())
            with _Feed(paths, copying) as feed:
                for chunk in chunks:
                    if not feed.takes(chunk):
                        break
            [(count,)] = copying.result()
    finally:
        for path in paths:
            path.unlink()
    return count, sorted(broken)


class _Feed:
    """Writes chunks to pipes, in a thread of its own: a pipe holds little, and who fills it would wait.

    Args:
        paths: named pipes, in the order in which they are read.
        reading: what reads them; when that is done, nothing more is written.
    """

    def __init__(self, paths: Sequence[Path], reading: Future[Any]) -> None:
        self._paths, self._reading, self._is_over = paths, reading, False
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
            for path in self._paths:
                # Every pipe has to be opened, or who reads them would wait for it.
                with open(self._opened(path), "wb", buffering=0) as out:  # noqa: PTH123 -- a file descriptor
                    self._fill(out, is_last=path == self._paths[-1])
        except BrokenPipeError:
            # The reader has an error of its own to tell; what still comes is not wanted.
            while not self._is_over:
                self._is_over = self._waiting.get() is None

    def _fill(self, out: IO[bytes], *, is_last: bool) -> None:
        written = 0
        while not self._is_over and (written < PIPE or is_last):
            chunk = self._waiting.get()
            self._is_over = chunk is None
            left = memoryview(chunk or b"")
            written += len(left)
            while left:
                left = left[out.write(left) :]

    def _opened(self, path: Path) -> int:
        while not self._reading.done():
            try:
                found = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody reads yet
                sleep(0.0002)
                continue
            os.set_blocking(found, True)
            return found
        raise BrokenPipeError


@contextmanager
def connection(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of its own, in UTC, that works in a folder where memory does not do."""
    with duckdb.connect(config={"memory_limit": memory(MEMORY), "threads": "1", "temp_directory": str(folder)}) as con:
        # One thread keeps the order by itself; told to keep it, DuckDB would hold back batches until memory is short.
        con.execute("set timezone = 'UTC'")
        yield con
