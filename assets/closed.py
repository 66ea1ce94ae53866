"""Closed months of a book: `closed/<month>/` holds what a month was closed with, and nothing changes it.

`close.json` names every input, every settings file, the versions of the cards and every finance file by its hash; `lines.parquet` is the
month's cost by day, line and owner, and `files/` the finance files as they were posted. Later runs read the lines from here, and post what
would differ as corrections in the open month.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import polars as pl
from pydantic import Field

from meterbook.assets.frozen import REPAIR, holds, read_record
from meterbook.assets.sources import Strict
from meterbook.reports.periods import MONTH, days_of
from meterbook.sql.raw_files import RawFile

FOLDER, RECORD, LINES, FILES = "closed", "close.json", "lines.parquet", "files"
REOPENED = ".reopened"
RAW = "closed_line"
"""The raw table the lines are."""
_ALTERED = f"is not what {{}} was closed with; {REPAIR}"


class CloseError(ValueError):
    """A month cannot be closed or reopened, or what it was closed with is not as it was; the message says what to do."""


class CloseRecord(Strict):
    """close.json.

    Args:
        period: the month.
        version: 1, and one more each time it was reopened and closed again.
        supersedes: sha256 of the close.json before.
        meterbook: version of the program.
        prices: versions of the cards that price days of the month.
        cost_usd: of all lines, exact; posted_usd: to the cent.
        days: rows of lines.parquet by day.
        lines: sha256 of lines.parquet.
        inputs: files that have rows of the month, with their sha256.
        book: settings files with their sha256.
        files: finance files with their sha256, the manifest among them.
    """

    period: str = Field(pattern=f"^{MONTH}$")
    version: int = Field(ge=1)
    supersedes: str | None
    meterbook: str
    prices: tuple[str, ...]
    cost_usd: str
    posted_usd: str
    days: Mapping[str, int]
    lines: str
    inputs: Mapping[str, str]
    book: Mapping[str, str]
    files: Mapping[str, str]


@dataclass(frozen=True)
class Closed:
    """A closed month.

    Args:
        folder: where it lies.
        record: what close.json says.
        digest: sha256 of close.json; the audit names it.
    """

    folder: Path
    record: CloseRecord
    digest: str

    @property
    def period(self) -> str:
        """The month."""
        return self.record.period

    @property
    def days(self) -> tuple[date, date]:
        """First day, and the day after the last."""
        return days_of(self.record.period)

    @property
    def raw_file(self) -> RawFile:
        """Its lines, as the lake reads them."""
        return RawFile(self.record.lines[:16], self.folder / LINES, self.record.days)

    def contents(self) -> dict[str, bytes]:
        """The finance files as they were posted, by path.

        Raises:
            CloseError: one of them was altered.
        """
        found = {}
        for name, digest in self.record.files.items():
            path = self.folder / FILES / name
            if not holds(path, digest):
                raise CloseError(f"{path}: {_ALTERED.format(self.period)}")
            found[name] = path.read_bytes()
        return found


def load_closed(folder: Path) -> tuple[Closed, ...]:
    """Every closed month of a book, in order.

    Raises:
        CloseError: a record is not readable, its lines are not what was closed, or a month between two closed ones is open.
    """
    found = tuple(read_closed(path.parent) for path in sorted((folder / FOLDER).glob(f"20*/{RECORD}")))
    for before, after in pairwise(found):
        if before.days[1] != after.days[0]:
            raise CloseError(f"{after.folder}: the months between {before.period} and {after.period} are not closed")
    return found


def read_closed(folder: Path) -> Closed:
    """One closed month.

    Raises:
        CloseError: its record is not readable, or its lines are not what was closed.
    """
    path = folder / RECORD
    record, digest = read_record(path, CloseRecord, CloseError)
    if record.period != folder.name.split(".")[0]:
        raise CloseError(f"{path}: is of {record.period}, not of {folder.name}")
    lines = folder / LINES
    if not holds(lines, record.lines):
        raise CloseError(f"{lines}: {_ALTERED.format(record.period)}")
    return Closed(folder, record, digest)


def closed_table(closed: Sequence[Closed]) -> pl.DataFrame:
    """book.closed_period: each closed month, and the day on which corrections are posted."""
    posts_on = closed[-1].days[1] if closed else None
    rows = [{"period": one.period, "starts_on": one.days[0], "ends_on": one.days[1], "posts_on": posts_on} for one in closed]
    return pl.DataFrame(rows, schema={"period": pl.String, "starts_on": pl.Date, "ends_on": pl.Date, "posts_on": pl.Date})


def refuse_missing(closed: Iterable[Closed], known: set[str]) -> None:
    """Without an input that a month was closed with, all it held would be posted as a correction.

    Args:
        closed: the closed months.
        known: sha256 of every input that was taken in.

    Raises:
        CloseError: an input is missing.
    """
    for one in closed:
        for name, digest in sorted(one.record.inputs.items()):
            if digest not in known:
                raise CloseError(
                    f"inbox/{name}: {one.period} was closed with it, and it is neither in the inbox nor in the lake; restore it, "
                    f"or `meterbook reopen {one.period}`"
                )
