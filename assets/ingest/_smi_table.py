"""The scrolling tables of `nvidia-smi dmon` and `pmon`: columns by the most recent header, `-` where there is no value."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _gpu
from meterbook.assets.ingest._gpu import Clock, Ticks
from meterbook.assets.ingest.format import Sample
from meterbook.assets.sources import Reading

_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)")
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)")
_FIGURE = re.compile(r" *[-\d./:%]*[A-Za-z+]{0,4} *")
_COMMAND = "command"


class Header:
    """One header of a table, and its units.

    Args:
        names: column names, small.
        separator: between columns: blanks (None), or a comma where the table was asked for as CSV.
    """

    def __init__(self, names: Sequence[str], separator: str | None) -> None:
        self.names, self._separator = names, separator
        self.units: Mapping[str, str] = {}

    def row(self, text: str) -> dict[str, str]:
        """A row's cells by column; the command, which may hold blanks, is left out.

        Raises:
            ValueError: another number of columns.
        """
        cells = self._cells(text)
        if len(cells) != len(self.names):
            raise ValueError("the row has another number of columns than the header")
        return {name: cell.strip() for name, cell in zip(self.names, cells, strict=True) if name != _COMMAND}

    def without_command(self, text: str) -> str:
        """The text of a row up to its command; where a row lacks columns, up to the first word."""
        return " ".join(takewhile(_FIGURE.fullmatch, self._cells(text)[: len(self.names) - 1])) if _COMMAND in self.names else text

    def _cells(self, text: str) -> list[str]:
        return text.split(self._separator, len(self.names) - 1 if self.names[-1] == _COMMAND else -1)


class Row(NamedTuple):
    """A line below a header."""

    line: int
    text: str
    header: Header


def head_names(sample: Sample) -> frozenset[str]:
    """Column names of a file that begins with a table's header; none of any other."""
    first = next((line.strip() for line in sample.text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}").splitlines() if line.strip()), "")
    names = _names(first)
    # A comment may have any words; a header begins with the GPU, or with when it was looked at.
    return frozenset(names) if first.startswith("#") and names[:1] in (["gpu"], ["date"], ["time"]) else frozenset()


def _names(line: str) -> list[str]:
    return line.lstrip("# ").lower().replace(",", " ").split()


def rows_of(content: Content, needed: Sequence[str], reading: Reading) -> Iterator[Row]:
    """Lines of a table that are no header.

    Args:
        content: the file.
        needed: columns it must have.
        reading: its options name the columns of a file without a header.

    Raises:
        FileRefused: no header, a column missing, or not UTF-8.
    """
    given = reading.options
    header = _checked([name.lower() for name in given.columns], given.delimiter, needed) if given.columns else None
    for line, text in _gpu.lines(content):
        if text.lstrip().startswith("#"):
            header = _headed(text, header, needed)
        elif header is None:
            raise FileRefused("has no header, a line that begins with #: give its `columns` in order in the options of its source")
        else:
            yield Row(line, text.strip(), header)


def _headed(text: str, header: Header | None, needed: Sequence[str]) -> Header:
    """The header a line begins, or the same one with the units the line gives."""
    names = _names(text)
    if "gpu" not in names and header:
        units = text.strip().lstrip("# ").replace(",", " ").split()
        header.units = dict(zip(header.names, units, strict=True)) if len(units) == len(header.names) else {}
        return header
    return _checked(names, "," if "," in text else None, needed)


def _checked(names: Sequence[str], separator: str | None, needed: Sequence[str]) -> Header:
    missing = [name for name in ("gpu", *needed) if name not in names]
    if missing:
        raise FileRefused(f"has no column {missing[0]}")
    return Header(names, separator)


class Times:
    """Instants of a table's rows, from what it has of date and time.

    Args:
        reading: its options fill in what is missing.
    """

    def __init__(self, reading: Reading) -> None:
        self.clock, self._reading = Clock(reading), reading
        self._ticks: Ticks | None = None
        self._last = -1

    def at(self, cells: Mapping[str, str], gpu: int, device: str) -> datetime:
        """The instant of a row, naive UTC.

        Args:
            cells: the row's.
            gpu: number of the GPU; rows of one tick stand in its order.
            device: what stands in one tick but once.

        Raises:
            FileRefused: the options do not say what the table leaves out.
            ValueError: no such time.
        """
        if "time" not in cells:
            self._ticks = self._ticks or Ticks(self._reading)
            if gpu < self._last:
                self._ticks.turn()
            self._last = gpu
            return self._ticks.at(device)
        time = _parts(_TIME, cells["time"], "time", "HH:MM:SS")
        if "date" not in cells:
            return self.clock.on_day(timedelta(hours=time[0], minutes=time[1], seconds=time[2]), "")
        year, month, day = _parts(_DATE, cells["date"], "date", "YYYYMMDD")
        return self.clock.utc(datetime(year, month, day, *time), "")  # noqa: DTZ001 -- local, as given


def _parts(shape: re.Pattern[str], text: str, name: str, as_text: str) -> tuple[int, int, int]:
    found = shape.fullmatch(text)
    if not found:
        raise ValueError(f"{name} {text[:80]!r} is not {as_text}")
    first, second, third = (int(part) for part in found.groups())
    if name == "time" and (first > 23 or second > 59 or third > 59):  # noqa: PLR2004 -- the clock
        raise ValueError(f"{name} {text!r} is not {as_text}")
    return first, second, third


def number(cells: Mapping[str, str]) -> int:
    """The number of a row's GPU.

    Raises:
        ValueError: it names none.
    """
    found = _gpu.index(cells["gpu"])
    if found is None:
        raise ValueError("names no gpu")
    return found
