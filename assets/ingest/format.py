"""What a format is, and what reading one file of it gives."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec
import polars as pl

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.sources import Reading

FIRST_YEAR, LAST_YEAR = 2015, 2099
LARGEST = 10**15
"""No count of a single record is larger; what is, is a broken record, and would not fit the sums."""
Rule = tuple[pl.Expr, pl.Expr]
"""A condition under which a row is set aside, and the reason given."""


@dataclass(frozen=True)
class Sample:
    """What recognition looks at: the head of a file, and the keys of its first records."""

    content: Content
    keys: frozenset[str]
    text: str


@dataclass(frozen=True)
class About:
    """What docs/formats.md says of a format.

    Args:
        obtain: how a user gets such a file.
        taken: what is read of it, and what is left out.
        key: what makes two records the same, and which of them counts.
        tokens: whether input holds cached tokens and output holds reasoning, as written in the file.
        money: unit and meaning of amounts, and whether they are a bill or an estimate.
        options: which settings of `sources: options:` it heeds.
        limits: what such files do not tell, and what is not verified.
    """

    obtain: str
    taken: str
    key: str
    tokens: str = "no tokens"
    money: str = "no money"
    options: str = "none"
    limits: str = "none known"


@dataclass(frozen=True)
class Format:
    """One input format.

    Args:
        name: table of schema raw, and name of the staging model.
        description: one line for people.
        columns: columns of the raw table with their DuckDB types; file_id, source, line and day are added.
        day: the TIMESTAMP column whose UTC day a row falls on.
        recognises: whether a file is of this format, by its content.
        names: names that stand in such files, to guess what an unknown file was meant to be.
        read: reads one file.
        about: what docs/formats.md says of it.
        delivery: the VARCHAR column that names what an export replaces as a whole, such as `aws 111122223333 2026-10`; of several
            exports of one such unit only the latest counts. NULL for formats whose rows have keys of their own.
        cap: rows at which the source cuts an export without saying so.
        version: raised when the reader gives other rows for the same bytes.
    """

    name: str
    description: str
    columns: Mapping[str, str]
    day: str
    recognises: Callable[[Sample], bool]
    read: Callable[[Content, Reading], Rows]
    about: About
    names: frozenset[str] = frozenset()
    delivery: str | None = None
    cap: int | None = None
    version: str = "1"


def sample_of(content: Content) -> Sample:
    """Look at the head of a file.

    Raises:
        FileRefused: it cannot be read.
    """
    if content.is_parquet:
        return Sample(content, frozenset(_parquet_names(content)), "")
    if content.framing:
        return Sample(content, frozenset(), "")
    text = content.head.decode("utf-8-sig", "replace")
    if not text.strip():
        raise FileRefused("holds nothing")
    if text.lstrip()[:1] in {"{", "["}:
        return Sample(content, _json_keys(text), text)
    header = text.lstrip().splitlines()[0]
    return Sample(content, frozenset(name.strip().strip('"') for name in header.split(",")), text)


def _parquet_names(content: Content) -> Sequence[str]:
    try:
        return list(pl.read_parquet_schema(content.path))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FileRefused(f"is a Parquet file that cannot be read: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """An error in one line."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]


def _json_keys(text: str) -> frozenset[str]:
    for line in text.splitlines()[:50]:
        try:
            record = msgspec.json.decode(line.strip().strip("[],"))
        except (msgspec.DecodeError, RecursionError):
            continue
        if isinstance(record, dict):
            return frozenset(record)
    return frozenset(re.findall(r'"([^"\\]{1,80})"\s*:', text))


def has_keys(*names: str) -> Callable[[Sample], bool]:
    """Recognition by keys that every record has."""
    return lambda sample: sample.keys.issuperset(names)


def instant(column: str) -> pl.Expr:
    """Text as a naive UTC instant; NULL where it is none.

    ISO 8601 with T or a space; with Z, an offset, or nothing (then UTC); without seconds or without a time (then midnight).
    """
    return pl.col(column).map_batches(_instants, return_dtype=pl.Datetime("us"))


def _instants(given: pl.Series) -> pl.Series:
    text = given.str.replace(" ", "T", literal=True).str.strip_suffix("Z")
    found = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
    for other in (_zoned, _short):
        if found.null_count() > given.null_count():
            found = found.zip_with(found.is_not_null(), other(text))
    return found


def _zoned(text: pl.Series) -> pl.Series:
    # Databases write +00 and +0000 where ISO 8601 has +00:00.
    offset = text.str.replace(r"(T\d{2}:\d{2}.*?)\s*([+-]\d{2}):?(\d{2})?$", "${1}${2}:${3}").str.replace(":$", ":00")
    return offset.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="us").dt.replace_time_zone(None)


def _short(text: pl.Series) -> pl.Series:
    minutes = text.str.to_datetime("%Y-%m-%dT%H:%M", strict=False, time_unit="us")
    return minutes.zip_with(minutes.is_not_null(), text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")))


def exact(value: Decimal | None, places: int, digits: int, what: str) -> Decimal | None:
    """A decimal at a fixed number of places, rounded half to even.

    Args:
        value: any decimal.
        places: digits after the point.
        digits: digits in all.
        what: name of the figure.

    Raises:
        ValueError: not a finite number, or too large for the column.
    """
    if value is None:
        return None
    if not value.is_finite():
        raise ValueError(f"{what} {value} is not a number")
    if abs(value) >= 10 ** (digits - places) or value.adjusted() >= digits - places:
        raise ValueError(f"{what} {value} is too large")
    return value.quantize(Decimal(1).scaleb(-places))


@dataclass
class Places:
    """Identities for records that have none: their content, and their place among equal records of the file."""

    _seen: dict[str, int] = field(default_factory=dict)

    def name(self, content: str) -> str:
        """The identity of the next record with this content."""
        self._seen[content] = place = self._seen.get(content, 0) + 1
        return f"{content}-{place}"


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
    if not rules or not frame.height:
        return frame
    reason = pl.coalesce(*(pl.when(bad).then(why) for bad, why in rules))
    judged = frame.with_columns(reason.alias("_reason"))
    bad = judged.filter(pl.col("_reason").is_not_null())
    if not bad.height:
        return frame
    for line, why in bad.select("line", "_reason").iter_rows():
        rows.reject(line, why, raw_of(line))
    return judged.filter(pl.col("_reason").is_null()).drop("_reason")
