"""What a format is, and what reading one file of it gives."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from meterbook.assets.content import Content, FileRefused

if TYPE_CHECKING:
    from meterbook.assets.book import Mapped

KEPT_REJECTS = 10_000
KEPT_CHARACTERS = 4096
FIRST_YEAR, LAST_YEAR = 2015, 2099
Rule = tuple[pl.Expr, pl.Expr]
"""A condition under which a row is set aside, and the reason given."""


@dataclass(frozen=True)
class Rejected:
    """A record set aside."""

    line: int
    reason: str
    raw_text: str


@dataclass
class Rows:
    """What one file gave: typed rows with their line numbers, and the account of the others."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    rows_in: int = 0
    quarantined: int = 0
    filtered: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    def reject(self, line: int, reason: str, raw: bytes | str) -> None:
        """Set a record aside; all are counted, the first 10,000 kept, each cut at 4,096 characters."""
        self.quarantined += 1
        if len(self.rejected) < KEPT_REJECTS:
            text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
            self.rejected.append(Rejected(line, reason[:500], text[:KEPT_CHARACTERS].replace("\x00", "\N{REPLACEMENT CHARACTER}")))


@dataclass(frozen=True)
class Sample:
    """What recognition looks at: the head of a file, and the keys of its first records."""

    content: Content
    keys: frozenset[str]
    text: str


@dataclass(frozen=True)
class Format:
    """One input format.

    Args:
        name: table of schema raw, and name of the staging model.
        description: one line for people.
        columns: columns of the raw table with their DuckDB types; file_id, source, line and day are added.
        day: the TIMESTAMP column whose UTC day a row falls on.
        recognises: whether a file is of this format, by its content.
        read: reads one file.
        version: raised when the reader gives other rows for the same bytes.
    """

    name: str
    description: str
    columns: Mapping[str, str]
    day: str
    recognises: Callable[[Sample], bool]
    read: Callable[[Content, "Mapped | None"], Rows]
    version: str = "1"


def sample_of(content: Content) -> Sample:
    """Look at the head of a file.

    Raises:
        FileRefused: it cannot be read.
    """
    if content.is_parquet:
        return Sample(content, frozenset(pl.read_parquet_schema(content.path)), "")
    text = content.head.decode("utf-8-sig", "replace")
    if text.lstrip()[:1] in {"{", "["}:
        return Sample(content, _json_keys(text), text)
    header = text.splitlines()[0] if text.strip() else ""
    return Sample(content, frozenset(name.strip().strip('"') for name in header.split(",")), text)


def _json_keys(text: str) -> frozenset[str]:
    for line in text.splitlines()[:50]:
        try:
            record = msgspec.json.decode(line.strip().strip("[],"))
        except msgspec.DecodeError:
            continue
        if isinstance(record, dict):
            return frozenset(record)
    return frozenset(re.findall(r'"([^"\\]{1,80})"\s*:', text))


def has_keys(*names: str) -> Callable[[Sample], bool]:
    """Recognition by keys that every record has."""
    return lambda sample: sample.keys.issuperset(names)


def instant(column: str) -> pl.Expr:
    """Text as a naive UTC instant: ISO 8601 with T or a space, with Z, an offset, or nothing (then UTC); NULL where it is none."""
    text = pl.col(column).str.replace(" ", "T").str.strip_suffix("Z")
    naive = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
    zoned = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="us").dt.replace_time_zone(None)
    return naive.fill_null(zoned)


def not_an_instant(column: str, given: str, name: str = "") -> list[Rule]:
    """Rules for an instant: it has to be there, to be one, and to lie in the calendar; `given` is the text it was read from."""
    name = name or given
    year = pl.col(column).dt.year()
    return [
        (pl.col(given).is_null(), pl.lit(f"{name} is missing")),
        (pl.col(column).is_null(), pl.format("{} '{}' is not an instant", pl.lit(name), pl.col(given))),
        (
            (year < FIRST_YEAR) | (year > LAST_YEAR),
            pl.format("day {} is outside {} to {}", pl.col(column).dt.date(), pl.lit(FIRST_YEAR), pl.lit(LAST_YEAR)),
        ),
    ]


def missing(column: str) -> Rule:
    """A rule for a column that has to be there."""
    return pl.col(column).is_null() | (pl.col(column).cast(pl.String) == ""), pl.lit(f"{column} is missing")


def negative(*columns: str) -> list[Rule]:
    """Rules for figures that are never below zero."""
    return [(pl.col(column) < 0, pl.format("{} is negative ({})", pl.lit(column), pl.col(column))) for column in columns]


def keep_sound(frame: pl.DataFrame, rules: Sequence[Rule], rows: Rows, raw_of: Callable[[int], bytes | str]) -> pl.DataFrame:
    """Set aside the rows that break a rule, for the first reason that holds.

    Args:
        frame: typed rows with a column `line`.
        rules: conditions and reasons.
        rows: takes the rejected rows.
        raw_of: the raw text of a line.
    """
    reason = pl.coalesce(*(pl.when(bad).then(why) for bad, why in rules))
    judged = frame.with_columns(reason.alias("_reason"))
    bad = judged.filter(pl.col("_reason").is_not_null())
    if not bad.height:
        return frame
    for line, why in bad.select("line", "_reason").iter_rows():
        rows.reject(line, why, raw_of(line))
    return judged.filter(pl.col("_reason").is_null()).drop("_reason")


def refuse_empty(value: Any, what: str) -> None:  # noqa: ANN401 -- any parsed document
    """Refuse a document without content."""
    if not value:
        raise FileRefused(f"holds no {what}")
