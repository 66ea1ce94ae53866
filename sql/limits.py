"""What a process may take of the machine: memory, threads and disk of its DuckDBs; in a container a part of what that has, not its host.

What is set wins: METERBOOK_MEMORY_LIMIT, METERBOOK_THREADS, METERBOOK_TEMP_DIRECTORY and METERBOOK_MAX_TEMP_DIRECTORY_SIZE, then the
book's settings of these names, which are DuckDB's.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb

MEMORY, THREADS = "1GB", 2
"""What a run's models take where the machine has it and nothing is set."""
LEAST = "64MB"
"""What DuckDB needs to work at all."""
_UNITS = {f"{prefix}{end}": base**power for end, base in (("B", 1000), ("IB", 1024)) for power, prefix in enumerate("KMGT", 1)}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]I?B)", re.IGNORECASE)


class LimitError(ValueError):
    """A limit is wrong, or work does not fit into it; the message says what to set."""


@dataclass(frozen=True)
class Machine:
    """What there is for this process: its container's part, where it runs in one."""

    memory_bytes: int
    cpus: int


def bytes_of(text: str) -> int:
    """Bytes of an amount as DuckDB writes it: `512MB`, `1.5 GB`, `2GiB`.

    Raises:
        ValueError: it is none, or none with its unit.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no amount such as 512MB, 1.5GB or 2GiB")
    return int(Decimal(found[1]) * _UNITS[found[2].upper()])


def memory_of(text: str) -> str:
    """An amount that a DuckDB can work with, as it was given.

    Raises:
        ValueError: it is none, or less than `LEAST`.
    """
    if bytes_of(text) < bytes_of(LEAST):
        raise ValueError(f"{text} is too little to work with: at least {LEAST}")
    return text


def _count_of(text: str) -> None:
    if not re.fullmatch(r"[1-9]\d{0,2}", text):
        raise ValueError(f"{text!r} is no number of threads from 1 to 999")


def set_outside(name: str) -> str | None:
    """What the environment says of a limit, such as `memory_limit`.

    Raises:
        LimitError: it says what cannot be.
    """
    variable = f"METERBOOK_{name.upper()}"
    text = os.environ.get(variable)
    if not text:
        return None
    try:
        if name == "memory_limit":
            memory_of(text)
        elif name == "max_temp_directory_size":
            bytes_of(text)
        elif name == "threads":
            _count_of(text)
    except ValueError as error:
        raise LimitError(f"{variable}: {error}") from error
    return text


def memory(most: str = MEMORY) -> str:
    """What work of a kind may take: what is set for a process, at most half of what the machine has, and never more than it needs.

    The other half is for Python, Arrow and Polars beside DuckDB, and for the page cache of the files they read.
    """
    part = machine().memory_bytes // 2
    limit = set_outside("memory_limit") or f"{max(part // 1_000_000, bytes_of(LEAST) // 1_000_000)}MB"
    return min(most, limit, key=bytes_of)


def threads() -> int:
    """Threads of a DuckDB: what is set, else as many as the machine has processors, up to `THREADS`."""
    return int(set_outside("threads") or min(THREADS, machine().cpus))


@cache
def machine(root: Path = Path("/")) -> Machine:
    """What this process has, by its control group (version 2 or 1) and its machine.

    Args:
        root: where `proc` and `sys` lie.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for folder in _groups(root):
        for name in ("memory.max", "memory.limit_in_bytes"):
            # A group without a limit says so: "max", or in version 1 a number beyond all memory.
            memory = min([memory, *_numbers(folder / name)[:1]])
        quota = _numbers(folder / "cpu.max") or [*_numbers(folder / "cpu.cfs_quota_us"), *_numbers(folder / "cpu.cfs_period_us")]
        if len(quota) == 2:  # noqa: PLR2004 -- of each period
            cpus = min(cpus, max(1, -(-quota[0] // quota[1])))
    return Machine(memory, cpus)


def _groups(root: Path) -> Iterator[Path]:
    """Folders of the control groups this process is in: its own, those above it, and the mount itself, which in a container is its own."""
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return
    mounted = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            own = Path(path.lstrip("/"))
            yield from (mounted / controller / folder for folder in (own, *own.parents))


def _numbers(path: Path) -> list[int]:
    """Positive numbers of a file of the control group; none where there is no such file, or no limit."""
    try:
        return [int(word) for word in path.read_text("utf-8").split() if word.isdigit()]
    except OSError:
        return []


@contextmanager
def within(what: str) -> Iterator[None]:
    """Let work that needs more than its limits end with what to do.

    Args:
        what: the table or the question that is at work.

    Raises:
        LimitError: instead of DuckDB's own error, whose remedies are none of this program's.
    """
    try:
        yield
    except duckdb.Error as error:
        if said := _told(error, what):
            # Not `from error`: a run tells the innermost reason.
            raise said from None
        raise


def _told(error: duckdb.Error, what: str) -> LimitError | None:
    said = str(error).splitlines()[0]
    if "max_temp_directory_size" in str(error) or "No space left on device" in said:
        remedy = "free some, or name a larger one with temp_directory"
        return LimitError(f"{what} needs more disk than there is for what memory does not hold: {remedy} in meterbook.yaml ({said})")
    if isinstance(error, duckdb.OutOfMemoryException):
        remedy = "raise memory_limit or lower threads"
        return LimitError(f"{what} needs more memory than DuckDB may take here: {remedy} in meterbook.yaml ({said})")
    return None
