"""Where samples go: packed JSON lines, one file a turn, which is hidden from an inbox until it is whole.

While it grows, a file is `.nvml-<host>-<first tick>.jsonl.zst.part`, a series of small zstd frames, each appended as a whole: what a
crash leaves behind can be read up to its last frame. Finished, it is packed into one frame, synced and renamed.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import zstandard

from meterbook.pipelines.collector_clock import Say

SUFFIX, PART, BESIDE = ".jsonl.zst", ".part", ".whole.part"
FLUSH = 30
"""Seconds of samples that a crash may lose."""
SHARE = 8
"""A file ends early at an eighth of the bound, so that the oldest can make room for the newest."""
_STAMPED = f"{'[0-9]' * 8}T{'[0-9]' * 6}Z*"
"""Instants in names; a looser pattern would take files of host a-b for those of host a."""
_CHUNK = 2**16


class Files:
    """Files of one host in one folder.

    Args:
        folder: made where it is not there.
        host: part of the names; files of other hosts are left alone.
        interval: seconds between ticks.
        rotate: seconds of a file; it ends at their multiples.
        max_bytes: what the host's files may take.
        say: takes a line for people.

    Raises:
        OSError: the folder cannot be made.
    """

    def __init__(self, folder: Path, host: str, interval: int, *, rotate: int, max_bytes: int, say: Say) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._say, self._rotate, self._max_bytes = folder, say, rotate, max_bytes
        self._stem = f"nvml-{re.sub(r'[^A-Za-z0-9._-]', '_', host)}-"
        self._every = max(1, FLUSH // interval)
        self._packer = zstandard.ZstdCompressor(level=3)
        self._waiting: list[bytes] = []
        self._ticks = self._first = self._finished = self._lost = 0
        self._part: _Part | None = None
        self._left: set[str] = set()
        self.rows = 0
        self.salvage()

    def add(self, tick: int, lines: bytes) -> None:
        """Take a tick's rows; a disk that is full costs them, and nothing else.

        Args:
            tick: unix seconds.
            lines: JSON lines; none where there was nothing to sample.
        """
        is_large = self._part is not None and self._part.size * SHARE >= self._max_bytes
        if is_large or tick // self._rotate != self._first // self._rotate:
            self.finish()
            self._first = tick
        self._waiting.append(lines)
        self._ticks += 1
        if self._ticks >= self._every:
            self.flush()

    def flush(self) -> None:
        """Hand what waits to the operating system."""
        block = b"".join(self._waiting)
        self._waiting.clear()
        self._ticks = 0
        if not block:
            return
        rows = block.count(b"\n")
        try:
            self._append(self._packer.compress(block))
        except OSError as error:
            if not self._lost:
                self._say(f"{self._folder} cannot be written ({error.strerror}); samples are dropped until it can")
            self._lost += rows
            return
        self.rows += rows
        if self._lost:
            self._say(f"{self._folder} is written again; {self._lost:,} rows were dropped")
            self._lost = 0

    def finish(self) -> None:
        """End the file that grows; one that cannot be ended is left for later."""
        self.flush()
        if self._part:
            self._publish(self._part)
            self._part = None

    def salvage(self) -> None:
        """End the files that dead runs left behind: their whole lines are kept."""
        for path in sorted(self._folder.glob(f".{self._stem}{_STAMPED}{SUFFIX}{PART}")):
            part = _Part.of_dead_run(path)
            if part and self._publish(part):
                self._say(f"{path.name} of a run that did not end was finished")
        self._finished = sum(size for _, size in self._held())

    def _append(self, frame: bytes) -> None:
        if self._part is None:
            self.salvage()
            self._part = _Part(self._folder / f".{self._free_name()}{PART}")
        self._make_room(len(frame))
        self._part.append(frame)

    def _free_name(self) -> str:
        stem = f"{self._stem}{datetime.fromtimestamp(self._first, UTC):%Y%m%dT%H%M%SZ}"
        number, name = 1, f"{stem}{SUFFIX}"
        while (self._folder / name).exists() or (self._folder / f".{name}{PART}").exists():
            number += 1
            name = f"{stem}-{number}{SUFFIX}"
        return name

    def _publish(self, part: "_Part") -> bool:
        name = part.path.name.removeprefix(".").removesuffix(PART)
        final, beside = self._folder / name, part.path.with_name(f".{name}{BESIDE}")
        try:
            self._make_room(part.size)
            has_lines = _repack(part.path, beside)
            if has_lines:
                # A run that died before it could take its part away left the same file here.
                beside.rename(final)
                _sync(self._folder)
                self._finished += final.stat().st_size
            part.path.unlink()
        except OSError as error:
            if part.path.name not in self._left:
                self._say(f"{part.path.name} cannot be finished now ({error.strerror}); it is tried again with the next file")
            self._left.add(part.path.name)
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            return False
        finally:
            part.close()
        return has_lines

    def _make_room(self, needed: int) -> None:
        """Remove the oldest finished files until there is room within the bound."""
        own = self._part.size if self._part else 0
        if self._finished + own + needed <= self._max_bytes:
            return
        held = self._held()
        self._finished = sum(size for _, size in held)
        for path, size in held:
            if self._finished + own + needed <= self._max_bytes:
                return
            path.unlink(missing_ok=True)
            self._finished -= size
            self._say(f"removed {path.name}, the oldest, to stay within {self._max_bytes:,} bytes (--max-bytes)")

    def _held(self) -> list[tuple[Path, int]]:
        """Finished files with their bytes, the oldest first; an inbox may take one away at any time."""
        found = []
        for path in sorted(self._folder.glob(f"{self._stem}{_STAMPED}{SUFFIX}")):
            with suppress(FileNotFoundError):
                found.append((path, path.stat().st_size))
        return found


class _Part:
    """A file that grows. Its lock, which ends with the process, tells a live run from a dead one."""

    def __init__(self, path: Path, flags: int = os.O_CREAT | os.O_EXCL) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | flags, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise
        self.size = os.fstat(self._file).st_size

    @classmethod
    def of_dead_run(cls, path: Path) -> "_Part | None":
        """The part, where no run holds it and it may be opened."""
        try:
            return cls(path, 0)
        except OSError:
            return None

    def append(self, frame: bytes) -> None:
        """Write a frame as a whole, or nothing of it."""
        left = memoryview(frame)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self.size)
            raise
        self.size += len(frame)

    def close(self) -> None:
        """Give up the lock."""
        os.close(self._file)


def _repack(part: Path, beside: Path) -> bool:
    """Pack the whole lines of a part into one frame, on disk for good; False where there are none."""
    size = 0
    with beside.open("wb") as handle:
        with zstandard.ZstdCompressor(level=6).stream_writer(handle, closefd=False) as packed:
            for lines in _whole_lines(part):
                size += len(lines)
                packed.write(lines)
        handle.flush()
        os.fsync(handle.fileno())
    if not size:
        beside.unlink()
    return bool(size)


def _whole_lines(part: Path) -> Iterator[bytes]:
    rest = b""
    with part.open("rb") as handle, zstandard.ZstdDecompressor().stream_reader(handle, read_across_frames=True) as unpacked:
        while True:
            try:
                piece = unpacked.read(_CHUNK)
            except zstandard.ZstdError:
                return  # a crash cut it here
            if not piece:
                return
            lines, newline, rest = (rest + piece).rpartition(b"\n")
            yield lines + newline


def _sync(folder: Path) -> None:
    """Make a rename last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
