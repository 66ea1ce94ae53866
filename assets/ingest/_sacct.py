"""The table of Slurm's `sacct -P` or `-p`: its header, its rows, and what its cells say."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _gpu
from meterbook.assets.ingest._gpu import Clock
from meterbook.assets.ingest.format import FIRST_YEAR, LAST_YEAR

COMMAND = (
    "sacct -a -X -P --noconvert -o Cluster,JobIDRaw,JobID,User,Account,Partition,QOS,Submit,Eligible,Start,End,ElapsedRaw,"
    "ReqTRES,AllocTRES,State,NodeList"
)
_NEEDED = (("JobIDRaw", "JobID"), ("Submit",), ("Start",), ("End",), ("ElapsedRaw", "Elapsed"), ("AllocTRES",), ("State",))
_READ = {
    *("cluster", "jobidraw", "jobid", "user", "account", "partition", "qos", "submit", "eligible", "start", "end", "nodelist"),
    *("elapsedraw", "elapsed", "planned", "reserved", "reqtres", "alloctres", "state"),
}
_FREE = {"jobname", "comment", "admincomment", "systemcomment", "submitline", "workdir", "extra", "stdin", "stdout", "stderr"}
"""Columns with text of people, which may hold the delimiter."""
_NOTHING = frozenset({"", "Unknown", "None", "N/A", "None assigned"})
_SPAN = re.compile(r"(?:(\d{1,6})-)?(?:(\d{1,6}):)?(\d{1,6}):(\d\d)(?:\.\d+)?", re.ASCII)
_STATES = {
    **dict.fromkeys(("PENDING", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT"), "waiting"),
    **dict.fromkeys(("RUNNING", "SUSPENDED", "RESIZING", "COMPLETING", "CONFIGURING", "SIGNALING", "STAGE_OUT", "STOPPED"), "running"),
    "COMPLETED": "completed",
    **dict.fromkeys(("FAILED", "BOOT_FAIL", "NODE_FAIL", "OUT_OF_MEMORY"), "failed"),
    "CANCELLED": "cancelled",
    **dict.fromkeys(("PREEMPTED", "REQUEUED"), "preempted"),
    **dict.fromkeys(("TIMEOUT", "DEADLINE"), "timeout"),
    "REVOKED": "revoked",
}


class Table:
    """A header and the rows below it.

    Args:
        text: the line of the header.
        delimiter: between cells; None takes what stands behind the first name.

    Raises:
        FileRefused: a table for people, or a column is missing.
    """

    def __init__(self, text: str, delimiter: str | None) -> None:
        found = re.match(r"\s*\w+?([^A-Za-z0-9]+)[A-Za-z]", text)
        self._delimiter = delimiter or (found[1] if found else "|")
        if not self._delimiter.strip(" "):
            raise FileRefused(f"is sacct's table for people, which cuts values off: export it with `{COMMAND}`")
        names = [name.strip().lower() for name in text.split(self._delimiter)]
        self._ends = names[-1] == ""
        self._names = names[:-1] if self._ends else names
        self._free = [place for place, name in enumerate(self._names) if name in _FREE]
        for ways in _NEEDED:
            if not any(way.lower() in self._names for way in ways):
                raise FileRefused(f"has no column {ways[0]}: export it with `{COMMAND}`")

    def row(self, text: str) -> dict[str, str]:
        """The cells that are read, by column; one column of free text may hold the delimiter.

        Raises:
            ValueError: it cannot be told which cell is which.
        """
        cells = self._cells(text)
        more = len(cells) - len(self._names)
        if more > 0 and len(self._free) == 1:
            [place] = self._free
            cells[place : place + more + 1] = [""]
        if len(cells) != len(self._names):
            raise ValueError("the row has another number of fields than the header")
        return {name: cell.strip() for name, cell in zip(self._names, cells, strict=True) if name in _READ}

    def kept(self, text: str) -> str:
        """What is kept of a row that is set aside: what stands before any text of people."""
        cells = self._cells(text)
        if self._free and len(cells) < len(self._names):
            return "(the row is not kept: its names cannot be told from its figures)"
        return self._delimiter.join(cells[: min(self._free, default=None)])

    def _cells(self, text: str) -> list[str]:
        return (text.removesuffix(self._delimiter) if self._ends else text).split(self._delimiter)


class Line(NamedTuple):
    """A line below a header."""

    number: int
    text: str
    table: Table


def is_header(text: str) -> bool:
    """Whether a line names columns of sacct."""
    names = set(re.findall(r"[a-z]+", text.lower()[:5000]))
    # No column has a digit in its name; no row is without one.
    return bool(names & {"jobid", "jobidraw"} and "state" in names and names & {"submit", "exitcode"}) and not re.search(r"\d", text)


def lines(content: Content, delimiter: str | None) -> Iterator[Line]:
    """Lines that are no header; a file may hold several tables.

    Raises:
        FileRefused: no header, or one that will not do.
    """
    table: Table | None = None
    for number, text in _gpu.lines(content):
        if is_header(text):
            table = Table(text, delimiter)
        elif table is None:
            raise FileRefused(f"has no header of sacct: export it with `{COMMAND}`")
        else:
            yield Line(number, text, table)


def given(text: str | None) -> str | None:
    """A cell's text; None where it says that there is nothing."""
    return None if text is None or text in _NOTHING else text


def instant(cells: Mapping[str, str], name: str, clock: Clock) -> datetime | None:
    """An instant, naive UTC: local time of the cluster, or with an offset or in unix seconds where SLURM_TIME_FORMAT says so.

    Raises:
        ValueError: it is none.
    """
    text = given(cells.get(name))
    if text is None:
        return None
    found = _parsed(text, name)
    if found.tzinfo is None:
        return clock.utc(found, "")
    found = found.astimezone(UTC).replace(tzinfo=None)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"day {found.date()} is outside {FIRST_YEAR} to {LAST_YEAR}")
    return found


def _parsed(text: str, name: str) -> datetime:
    try:
        is_unix = text.isascii() and text.isdecimal() and len(text) in range(9, 12)
        return datetime.fromtimestamp(int(text), UTC) if is_unix else datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name} '{text[:80]}' is not an instant") from error


def seconds(cells: Mapping[str, str], *names: str) -> int | None:
    """A time span in whole seconds, from the first column that has one: a count of seconds, or [DD-]HH:MM:SS.

    Raises:
        ValueError: it is none.
    """
    name = next((name for name in names if given(cells.get(name)) is not None), None)
    if name is None:
        return None
    text = cells[name]
    if text.isascii() and text.isdecimal() and len(text) < 12:  # noqa: PLR2004 -- 3,000 years
        return int(text)
    found = _SPAN.fullmatch(text)
    if not found:
        raise ValueError(f"{name} '{text[:80]}' is not a time span")
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=rest) // timedelta(seconds=1)


def state(text: str) -> str:
    """A state in our words; `revoked` for a copy of a job that another cluster of a federation ran.

    Raises:
        ValueError: it is not known.
    """
    word = text.split(" ")[0]
    # A width in --format cuts a word and marks that with +.
    known = [name for name in _STATES if name == word or (word.endswith("+") and name.startswith(word[:-1]) and len(word) > 1)]
    if len({_STATES[name] for name in known}) != 1:
        raise ValueError(f"state '{text[:80]}' is not known")
    return _STATES[known[0]]


def gpus(text: str | None) -> tuple[int | None, str | None]:
    """GPUs and their types of a TRES list; None where there is no list.

    `gres/gpu` and `gres/gpu:<type>` are the same devices: the types are added up only where the first is missing.

    Raises:
        ValueError: a count is not whole.
    """
    if given(text) is None:
        return None, None
    total, types = None, dict[str, int]()
    for part in (text or "").split(","):
        name, _, count = part.strip().partition("=")
        if name != "gres/gpu" and not name.startswith("gres/gpu:"):
            continue
        if not re.fullmatch(r"[0-9]{1,7}", count):
            raise ValueError(f"TRES '{part[:80]}' is not a count of GPUs")
        if name == "gres/gpu":
            total = int(count)
        else:
            types[name.removeprefix("gres/gpu:")] = int(count)
    return sum(types.values()) if total is None else total, _gpu.joined(types)
