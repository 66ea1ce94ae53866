"""Wide tables such as bills: CSV, JSON lines or Parquet, columns found by name whatever their case, typed column by column.

A user may leave out columns of a bill, and vendors add some; so a column is taken where it is there, and NULL where it is not.
Amounts are read from their text, scientific notation included, and rounded half to even at the last kept place.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

import polars as pl
import polars.selectors as cs

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest._batches import Batch, Path, batches, json_object, texts_of
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import Rule, exact, instant, keep_sound
from meterbook.assets.sources import Reading

__all__ = ["Column", "Tables", "json_object", "typed_series"]
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
Finish = Callable[[pl.DataFrame, Reading], pl.DataFrame]
"""Adds what follows from typed columns; ValueError refuses the batch's records one by one."""


@dataclass(frozen=True)
class Column:
    """One column of a raw table.

    Args:
        dtype: its DuckDB type: VARCHAR, BIGINT, BOOLEAN, TIMESTAMP or DECIMAL(p,s).
        names: the file's names for it; the first that is there is taken. Dots reach into objects, also into those a CSV holds as JSON
            text: `usage.amount`. A star gathers what begins alike into a JSON object: `resourceTags/*`.
    """

    dtype: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Tables:
    """How the rows of a wide table are read.

    Args:
        columns: raw columns by name.
        needed: raw columns of which a file must have one of the names, or it is refused.
        rules: what a sound row must not be, over typed columns.
        finish: adds columns and changes typed ones, row by row.
        made: columns `finish` adds, with their DuckDB types.
        inside: keys under which a page of an API holds its rows.
        present: BOOLEAN columns for `finish` alone: whether the file has the raw column named. Vendors leave out whole views of a bill.
    """

    columns: Mapping[str, Column]
    needed: tuple[str, ...] = ()
    rules: Sequence[Rule] = ()
    finish: Finish = field(default=lambda frame, _reading: frame)
    made: Mapping[str, str] = field(default_factory=dict)
    inside: tuple[str, ...] = ()
    present: Mapping[str, str] = field(default_factory=dict)

    @property
    def types(self) -> dict[str, str]:
        """Columns of the raw table with their DuckDB types."""
        return {**{name: column.dtype for name, column in self.columns.items()}, **self.made}

    def read(self, content: Content, reading: Reading) -> Rows:
        """Read one file.

        Raises:
            FileRefused: cut short, not a table, or without a column that is needed.
        """
        rows = Rows()
        for batch in batches(content, self.inside, reading.options.delimiter or ",", rows):
            self._take(batch, reading, rows)
        return rows

    def _take(self, batch: Batch, reading: Reading, rows: Rows) -> None:
        names = {name.lower(): name for name in batch.names()}
        self._refuse_missing(names)
        given = {name: texts_of(batch, _source(column, names)) for name, column in self.columns.items()}
        typed = [typed_series(name, values, self.columns[name].dtype) for name, values in given.items()]
        texts = [values.alias(f"given {name}") for name, values in given.items() if self.columns[name].dtype != "VARCHAR"]
        places = {line: place for place, line in enumerate(batch.lines)}
        frame = pl.DataFrame([*typed, *texts, pl.Series("line", batch.lines, dtype=pl.Int64)])
        there = {name: _source(self.columns[column], names) is not None for name, column in self.present.items()}
        frame = frame.with_columns(pl.lit(value).alias(name) for name, value in there.items())
        sound = keep_sound(frame, self._misfits(), rows, lambda line: batch.raw(places[line])).drop(cs.starts_with("given "))
        done = self.finish(sound, reading).drop(self.present)
        rows.add(keep_sound(done, self.rules, rows, lambda line: batch.raw(places[line])))

    def _misfits(self) -> list[Rule]:
        """Rules for text that does not become what its column holds."""
        return [
            (
                pl.col(name).is_null() & pl.col(f"given {name}").is_not_null(),
                pl.format("{} '{}' is not {}", pl.lit(name), pl.col(f"given {name}").str.slice(0, 80), pl.lit(_WORDS[_base(column.dtype)])),
            )
            for name, column in self.columns.items()
            if column.dtype != "VARCHAR"
        ]

    def _refuse_missing(self, names: Mapping[str, str]) -> None:
        for name in self.needed:
            if _source(self.columns[name], names) is None:
                raise FileRefused(f"has no column {self.columns[name].names[0]}")


_WORDS = {"BIGINT": "a whole number", "BOOLEAN": "true or false", "TIMESTAMP": "an instant", "DECIMAL": "an amount"}


def _base(dtype: str) -> str:
    return dtype.split("(")[0]


def _source(column: Column, names: Mapping[str, str]) -> Path | None:
    """The path of the first of a column's names that the file has."""
    for name in column.names:
        if name.lower() in names:
            return (names[name.lower()],)
        if name.endswith("*") and any(key.startswith(name[:-1].lower()) for key in names):
            return (name,)
        first, *rest = name.split(".")
        if rest and first.lower() in names:
            return (names[first.lower()], *rest)
    return None


def typed_series(name: str, values: pl.Series, dtype: str) -> pl.Series:
    """Text as one of the types of a raw table; NULL where it is not one.

    Args:
        name: of the column.
        values: text.
        dtype: DuckDB type.
    """
    match _base(dtype):
        case "VARCHAR":
            return values.alias(name)
        case "TIMESTAMP":
            # BigQuery writes the zone in letters.
            return pl.DataFrame({"given": values.str.strip_suffix(" UTC")}).select(instant("given").alias(name))[name]
        case "BOOLEAN":
            return pl.Series(name, [_BOOLEANS.get((value or "").lower()) for value in values], dtype=pl.Boolean())
        case "BIGINT":
            return pl.Series(name, [_whole(value) for value in values], dtype=pl.Int64())
        case _:
            digits, places = (int(one) for one in re.findall(r"\d+", dtype))
            return _amounts(values, digits, places).alias(name)


def _amounts(values: pl.Series, digits: int, places: int) -> pl.Series:
    """Text as decimals; what is plain and fits goes the fast way, which is as exact."""
    plain = values.str.contains(rf"^-?\d{{1,{digits - places}}}(\.\d{{0,{places}}})?$").fill_null(value=True)
    dtype = pl.Decimal(digits, places)
    fast = values.zip_with(plain, pl.Series([None], dtype=pl.String())).cast(dtype)
    if plain.all():
        return fast
    return fast.zip_with(plain, pl.Series([_amount(value, places, digits) for value in values], dtype=dtype))


def _whole(value: str | None) -> int | None:
    found = _amount(value, 0, 15)
    # Exports write counts as 59200.0; 9.7 is none.
    return int(found) if found is not None and found == Decimal(str(value)) else None


def _amount(value: str | None, places: int, digits: int) -> Decimal | None:
    try:
        # Python would also read 1_000 and digits of other scripts.
        return exact(Decimal(value), places, digits, "") if value is not None and _NUMBER.fullmatch(value) else None
    except (ValueError, InvalidOperation):
        return None
