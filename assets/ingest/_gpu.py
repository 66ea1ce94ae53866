"""What all GPU samples share: lines of text, instants, intervals, units, and figures that a device does not have."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import FIRST_YEAR, LARGEST, LAST_YEAR
from meterbook.assets.sources import Reading

LONGEST, DEFAULT = 3600, 60
"""A sample stands for an hour at most, and for a minute where nothing tells."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- naive UTC, as all instants of samples
_WORDLESS = frozenset({"", "-", "N/A", "Not Supported", "Unknown Error", "ERR!"})
_UNITS = {"": 2**20, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "MB": 2**20}
"""Bytes of a unit of memory; what NVIDIA's tools call MB is a MiB."""
_MEMORY = re.compile(r"(\d{1,15}) ?([A-Za-z]*)")
_PERCENT = re.compile(r"(\d{1,15}) ?%?")
TEXT_COLUMNS = {
    "uuid": "VARCHAR",
    "gpu_index": "BIGINT",
    "sampled_at": "TIMESTAMP",
    "sampled_second": "BIGINT",
    "interval_seconds": "BIGINT",
    "host": "VARCHAR",
    "pool": "VARCHAR",
    "gpu_model": "VARCHAR",
    "utilization_percent": "BIGINT",
    "memory_used_bytes": "BIGINT",
    "processes": "BIGINT",
    "mig_mode": "BIGINT",
}
"""Columns of the raw tables of nvidia-smi's text formats."""


class TextSample(NamedTuple):
    """One GPU at one instant, as a text of nvidia-smi has it."""

    line: int
    sampled_at: datetime
    uuid: str | None
    gpu_index: int | None
    gpu_model: str | None = None
    utilization_percent: int | None = None
    memory_used_bytes: int | None = None
    processes: int | None = None
    mig_mode: int | None = None


_SCHEMA = {
    "line": pl.Int64(),
    "sampled_at": pl.Datetime("us"),
    "uuid": pl.String(),
    "gpu_index": pl.Int64(),
    "gpu_model": pl.String(),
    "utilization_percent": pl.Int64(),
    "memory_used_bytes": pl.Int64(),
    "processes": pl.Int64(),
    "mig_mode": pl.Int64(),
}


def add_text_samples(samples: list[TextSample], rows: Rows, reading: Reading) -> None:
    """Keep samples as rows of `TEXT_COLUMNS`; `host` is what the options say."""
    if samples:
        frame = pl.DataFrame(samples, schema=_SCHEMA, orient="row").with_columns(host=pl.lit(reading.options.host, pl.String()))
        device = pl.coalesce("uuid", pl.col("gpu_index").cast(pl.String))
        rows.add(timed(frame, device, rows, reading))


def timed(frame: pl.DataFrame, device: pl.Expr, rows: Rows, reading: Reading) -> pl.DataFrame:
    """The frame with `sampled_second`, `interval_seconds` and `pool`.

    Args:
        frame: rows with `sampled_at`, naive UTC.
        device: what tells devices apart.
        rows: takes a flag where the interval is a guess.
        reading: its options' interval and pool come first.
    """
    ticks = frame.select(device.alias("device"), "sampled_at")
    seconds = reading.options.interval_seconds or _interval(ticks, rows)
    rows.flags += set_back(ticks)
    return frame.with_columns(
        sampled_second=pl.col("sampled_at").dt.epoch("s"),
        interval_seconds=pl.lit(seconds, pl.Int64()),
        pool=pl.lit(reading.options.pool, pl.String()),
    )


def set_back(ticks: pl.DataFrame) -> list[str]:
    """What is odd about a file in which the time of a device goes back: its clock was set.

    Args:
        ticks: `device` and `sampled_at` of samples, in the order of the file.
    """
    back = int((ticks.select(pl.col("sampled_at").diff().over("device"))["sampled_at"] < timedelta(0)).sum())
    return [f"has {back:,} samples that are earlier than the one before: a clock was set back; a second counts once"] * bool(back)


def _interval(ticks: pl.DataFrame, rows: Rows) -> int:
    """The median gap between samples of one device, in whole seconds; of two middle ones the lower."""
    gap = pl.col("sampled_at").diff().over("device").dt.total_microseconds()
    gaps = ticks.unique().sort("device", "sampled_at").select(gap.alias("gap"))["gap"].drop_nulls().sort()
    if not len(gaps):
        rows.flags.append(
            f"has one sample of a GPU only, taken to stand for {DEFAULT} seconds; give `interval_seconds` in the options of its source"
        )
        return DEFAULT
    seconds = max(1, (int(gaps[(len(gaps) - 1) // 2]) + 500_000) // 1_000_000)
    if seconds > LONGEST:
        rows.flags.append(f"has samples {seconds:,} seconds apart; each stands for an hour at most, the rest is unknown")
    return min(seconds, LONGEST)


def starts_at(reading: Reading) -> datetime | None:
    """The option `starts_at`, naive UTC."""
    given = reading.options.starts_at
    return given.astimezone(UTC).replace(tzinfo=None) if given and given.tzinfo else given


class Ticks:
    """Instants of samples without times: from `starts_at` on, one tick each `interval_seconds`.

    Raises:
        FileRefused: one of the options is missing.
    """

    def __init__(self, reading: Reading) -> None:
        start, seconds = starts_at(reading), reading.options.interval_seconds
        if start is None or seconds is None:
            raise FileRefused("has samples without times: give `starts_at` and `interval_seconds` in the options of its source")
        self._now, self._step = start, timedelta(seconds=seconds)
        self._seen: set[str] = set()

    def at(self, device: str) -> datetime:
        """The instant of the next sample of a device; where it was seen in this tick, a new one has begun."""
        if device in self._seen:
            self.turn()
        self._seen.add(device)
        return self._now

    def turn(self) -> None:
        """Begin the next tick."""
        self._now += self._step
        self._seen.clear()


class Clock:
    """Local times of one file as naive UTC instants; the order of samples tells which of two repeated hours is meant.

    Args:
        reading: its options' time zone, UTC where not given; and the first instant, where given.
    """

    def __init__(self, reading: Reading) -> None:
        self._name = reading.options.time_zone
        self._zone, self._start = ZoneInfo(self._name or "UTC"), starts_at(reading)
        self._last: dict[str, datetime] = {}
        self._is_used = self._is_repeated = False

    def utc(self, local: datetime, device: str) -> datetime:
        """The instant of a local time.

        Args:
            local: wall-clock time.
            device: whose sample it is; its samples stand in order.

        Raises:
            ValueError: there is no such time, for clocks were put forward, or it is out of the calendar.
        """
        if not FIRST_YEAR <= local.year <= LAST_YEAR:
            raise ValueError(f"day {local.date()} is outside {FIRST_YEAR} to {LAST_YEAR}")
        found, later = (local.replace(tzinfo=self._zone, fold=fold).astimezone(UTC).replace(tzinfo=None) for fold in (0, 1))
        if found > later:
            raise ValueError(f"{local} did not exist in {self._name}: clocks were put forward")
        before = self._last.get(device, self._start)
        if found < later:
            self._is_repeated = True
            found = later if before is not None and found < before else found
        self._is_used, self._last[device] = True, found
        return found

    def after(self, instant: datetime | None) -> None:
        """Forget what was read; of a repeated hour the next time is not before this instant."""
        self._last = {} if instant is None else {"": instant}

    def on_day(self, time: timedelta, device: str) -> datetime:
        """The instant of a time of day without a date: the first such time after the sample before.

        Raises:
            FileRefused: the option that dates the first one is missing.
            ValueError: there is no such time.
        """
        before = self._last.get(device, self._start)
        if before is None:
            raise FileRefused("has times without dates: give `starts_at` in the options of its source")
        midnight = before.replace(tzinfo=UTC).astimezone(self._zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        found = self.utc(midnight + time, device)
        # A clock that was set back a little is not a new day.
        return found if found > before - timedelta(hours=1) else self.utc(midnight + timedelta(days=1) + time, device)

    def flags(self) -> list[str]:
        """What is odd about the times read."""
        assumed = "has local times that name no zone; UTC was assumed: give `time_zone` in the options of its source"
        repeated = f"has times in the hour that {self._name} has twice; they were told apart by the order of the samples"
        return [assumed] * (self._is_used and self._name is None) + [repeated] * self._is_repeated


def lines(content: Content) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers.

    Raises:
        FileRefused: not UTF-8.
    """
    number = 0
    for chunk in content.chunks():
        try:
            text = chunk.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FileRefused(f"is not UTF-8 text ({error.reason}: byte {chunk[error.start]:#x})") from error
        for line in text.removesuffix("\n").split("\n"):
            number += 1
            if line.strip():
                yield number, line.rstrip("\r")


def figure(text: str | None) -> str | None:
    """A figure's text; None where a device has none, whatever a tool writes for that."""
    if text is None or text in _WORDLESS or (text.startswith("[") and text.endswith("]")):
        return None
    return text


def percent(text: str | None, name: str) -> int | None:
    """A whole percentage, with or without its sign.

    Raises:
        ValueError: neither a figure that is missing nor 0 to 100.
    """
    given = figure(text)
    if given is None:
        return None
    found = _PERCENT.fullmatch(given)
    if not found or int(found[1]) > 100:  # noqa: PLR2004 -- a hundred percent
        raise ValueError(f"{name} {given[:80]!r} is not 0 to 100")
    return int(found[1])


def memory(text: str | None, unit: str | None, name: str) -> int | None:
    """Bytes of a figure such as `70873 MiB`.

    Args:
        text: the figure.
        unit: the one of the column, where the figure has none; MiB where neither says.
        name: of the column.

    Raises:
        ValueError: not a whole figure in a known unit.
    """
    given = figure(text)
    if given is None:
        return None
    found = _MEMORY.fullmatch(given)
    size = _UNITS.get(found[2] or unit or "") if found else None
    if not found or size is None or int(found[1]) * size > LARGEST:
        raise ValueError(f"{name} {given[:80]!r} is not an amount of memory")
    return int(found[1]) * size


def index(text: str | None) -> int | None:
    """A GPU's number.

    Raises:
        ValueError: not a small whole number.
    """
    given = figure(text)
    if given is not None and not re.fullmatch(r"[0-9]{1,4}", given):
        raise ValueError(f"gpu {given[:80]!r} is not the number of a GPU")
    return None if given is None else int(given)


def micros(instant: datetime) -> int:
    """A naive UTC instant in unix microseconds."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def by_index(reading: Reading) -> list[str]:
    """What is odd about a file that knows GPUs by their number."""
    host = "" if reading.options.host else "; it names no host either: give `host` in the options of its source"
    return [f"knows GPUs by number, which a restart may change{host}"]


def joined(names: Iterable[str | None]) -> str | None:
    """Different names as one text, in order; None where there is none."""
    return ", ".join(sorted({name for name in names if name})) or None
