"""How a file of Azure costs writes its days: found once for the whole file, because 10/05/2026 alone says nothing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest._rows import BATCH, csv_rows, parquet_batches
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import Rule, instant
from meterbook.assets.sources import Reading

_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4}(?!\d)", re.ASCII)
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONTHS = 12
_ISO, _US, _EUROPE = "YYYY-MM-DD", "MM/DD/YYYY", "DD/MM/YYYY"
_PATTERNS = {_US: "%m/%d/%Y", _EUROPE: "%d/%m/%Y"}
_COLUMNS = (("starts_at", "date"), ("period_at", "period_start"), ("period_end_at", "period_end"))


@dataclass(frozen=True)
class Days:
    """How days are written: `words`, for people."""

    words: str

    def instants(self) -> Iterator[pl.Expr]:
        """`starts_at`, `period_at` and `period_end_at`, from the texts `date`, `period_start` and `period_end`."""
        return (self._instant(given).alias(name) for name, given in _COLUMNS)

    def _instant(self, given: str) -> pl.Expr:
        if self.words == _ISO:
            return instant(given).dt.truncate("1d")
        day = pl.col(given).str.extract(r"^(\d{1,2}/\d{1,2}/\d{4})(?:$|[ T])")
        return day.str.to_date(_PATTERNS[self.words], strict=False).cast(pl.Datetime("us"))

    def rules(self) -> Iterator[Rule]:
        """Rules for days that are written otherwise than the rest of the file."""
        for name, given in _COLUMNS:
            why = pl.format("{} '{}' is not {}, as in the rest of the file", pl.lit(given), pl.col(given), pl.lit(self.words))
            yield pl.col(name).is_null() & pl.col(given).is_not_null(), why

    def judge(self, rows: Rows) -> None:
        """Doubt the layout where a day can only be read in the other one.

        Raises:
            FileRefused: so that no other day of the file can be trusted either.
        """
        months = [_SLASHES.search(one.reason) for one in rows.rejected if one.reason.endswith("as in the rest of the file")]
        if self.words != _ISO and any(found and _layout(found) not in {None, self.words} for found in months):
            raise FileRefused(f"holds days as {_US} and as {_EUROPE}: no day of it can be trusted")


def _layout(day: re.Match[str]) -> str | None:
    """The only layout in which a day makes sense; None where both do, or neither does."""
    first, second = int(day[1]) > _MONTHS, int(day[2]) > _MONTHS
    return None if first == second else _EUROPE if first else _US


def days_of(content: Content, reading: Reading, *names: str) -> Days:
    """Find how a file writes its days, by the first one that can be read in one way only.

    Args:
        content: the file.
        reading: names the delimiter of a CSV.
        names: columns of days, whatever their case.
    """
    assumed = _ISO
    for text in _texts(content, reading, {name.lower() for name in names}):
        if _ISO_DAY.match(text):
            return Days(_ISO)
        if found := _SLASHES.match(text):
            assumed = _US
            if layout := _layout(found):
                return Days(layout)
    return Days(assumed)


def _texts(content: Content, reading: Reading, wanted: set[str]) -> Iterator[str]:
    """Days of the first rows as they are written."""
    for row in islice(_rows(content, reading), BATCH):
        yield from (str(value) for name, value in row.items() if value is not None and str(name).lower() in wanted)


def _rows(content: Content, reading: Reading) -> Iterator[Mapping[str, Any]]:
    if content.is_parquet:
        for frame in islice(parquet_batches(content), 1):
            yield from frame.iter_rows(named=True)
    elif content.head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] not in {b"{", b"["}:
        yield from (row for _, row in csv_rows(content, reading.options.delimiter or ","))
