"""The GPU collector: samples every device at each tick and writes what it finds, until it is told to stop. It needs no book."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from meterbook.pipelines.collector_clock import Clock, Say, SystemClock, ticks
from meterbook.pipelines.collector_files import Files
from meterbook.pipelines.collector_jobs import Jobs
from meterbook.pipelines.collector_nvml import library
from meterbook.pipelines.collector_rows import lines_of
from meterbook.pipelines.collector_sampler import Labels, Sampler


@dataclass(frozen=True)
class Wanted:
    """What a user asks of the collector.

    Args:
        folder: where files go.
        interval: seconds between samples.
        rotate: seconds of a file.
        max_bytes: what the files may take.
        count: ticks after which it ends; None goes on.
        host, pool, team: written on every row; the host's own name where it is None.
    """

    folder: Path
    interval: int
    rotate: int
    max_bytes: int
    count: int | None = None
    host: str | None = None
    pool: str | None = None
    team: str | None = None


def collect(sampler: Sampler, files: Files, clock: Clock, interval: int, *, count: int | None, say: Say) -> None:
    """Sample and write at every tick; at the end, however it comes, the file is finished.

    Args:
        sampler: gives rows.
        files: takes them.
        clock: ticks, and says when to stop.
        interval: seconds.
        count: ticks; None goes on until the clock says stop.
        say: takes a line for people.
    """
    try:
        for number, tick in enumerate(ticks(clock, interval, say), 1):
            files.add(tick, lines_of(sampler.sample(tick)))
            if number == count:
                break
    finally:
        files.finish()
        sampler.close()


def run(wanted: Wanted, say: Say) -> int:
    """Collect on this machine until SIGTERM or SIGINT, or for so many ticks.

    Args:
        wanted: by the user.
        say: takes a line for people.

    Returns:
        Rows written.

    Raises:
        ModuleNotFoundError: NVML's bindings are not installed.
        DriverReplacedError: another version of the driver was installed; what was sampled is written.
        OSError: the folder cannot be made.
    """
    nvml, clock = library(), SystemClock()
    labels = Labels(wanted.host or socket.gethostname(), wanted.interval, wanted.pool, wanted.team)
    files = Files(wanted.folder, labels.host, wanted.interval, rotate=wanted.rotate, max_bytes=wanted.max_bytes, say=say)
    sampler = Sampler(nvml, Jobs(), labels, clock, say)
    with _stopped_by_signals(clock):
        collect(sampler, files, clock, wanted.interval, count=wanted.count, say=say)
    return files.rows


@contextmanager
def _stopped_by_signals(clock: SystemClock) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        clock.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
