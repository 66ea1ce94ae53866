"""Any CSV, JSON lines or Parquet whose columns a mapping in the book names.

The mapping of a source (`meterbook.yaml`) says the kind of record and, for our columns (sql/kinds.yaml), where their values stand: a column
or a dotted path into JSON, a constant, or a product `{multiply: [a, b]}` (NULL where a factor is NULL; counts rounded half up). `where`
keeps the rows whose columns have given values; the others are counted as filtered. `time_format` is iso, unix_s, unix_ms, offset_s (seconds
after `epoch`) or a strptime pattern; instants without a zone are UTC. `tokens: inclusive` says that input_tokens contains what was read
from and written to a cache, audio, images and video, and output_tokens audio and images, each where it is mapped; parts never contain each
other. `money_unit` is usd, cents or nanousd; of charges with a `currency`, usd stands for its whole units and cents for hundredths of them.
A record without an id is known by its content and its place among equal records of its file, so that equal rows of one file all count, and
a file given twice counts once. Only columns that the mapping names are read; of a record that is set aside, only they are kept.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import duckdb
import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _typing
from meterbook.assets.ingest._rows import csv_rows, csv_text, json_records, whole_row
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Places, first_line
from meterbook.assets.sources import Mapped, Reading
from meterbook.sql.scratch import scratch

BATCH = 100_000
_DECODER = msgspec.json.Decoder(float_hook=str)
"""Numbers stay text: neither counts nor money pass through a float."""
_MONEY = ("_usd", "_cost")
"""How columns of money end: in dollars, and in the currency of a charge."""
Values = Mapping[str, Sequence[Any] | pl.Series]
"""Values of a batch, by the path the mapping names."""


def read(content: Content, reading: Reading) -> Rows:
    """Read one file through its mapping.

    Raises:
        FileRefused: no mapping, a mapping that names what is not there, or a file that cannot be read.
    """
    mapping = reading.mapping
    if mapping is None:
        raise FileRefused("needs a mapping; name the file in `sources:` of meterbook.yaml")
    _refuse_unknown(mapping)
    rows, places = Rows(), Places()
    with scratch() as con:
        for lines, values in _batches(content, _paths(mapping), rows):
            _take(con, mapping, _given(mapping, lines, values), rows, places)
    return rows


def _refuse_unknown(mapping: Mapped) -> None:
    known = _typing.columns_of(mapping.kind)
    for name in (*mapping.columns, *mapping.constants):
        if name not in known:
            guess = difflib.get_close_matches(name, known, 1)
            raise FileRefused(f"is mapped to {name!r}, no column of kind {mapping.kind}{f'; did you mean {guess[0]}?' if guess else ''}")
    if mapping.time_format == "offset_s" and mapping.epoch is None:
        raise FileRefused("has `time_format: offset_s` without the `epoch:` it counts from")


def _paths(mapping: Mapped) -> list[str]:
    named = (paths for value in mapping.columns.values() for paths in ([value] if isinstance(value, str) else value["multiply"]))
    return sorted({*named, *mapping.where})


def _batches(content: Content, paths: Sequence[str], rows: Rows) -> Iterator[tuple[Sequence[int], Values]]:
    """Line numbers and values of a file, some rows at a time; what is no record is set aside."""
    if content.is_parquet:
        yield from _parquet(content, paths, rows)
        return
    is_json = content.head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in {b"{", b"["}
    records = _json(content, rows) if is_json else _csv(content, paths, rows)
    is_first = True
    while batch := list(islice(records, BATCH)):
        values = {path: [_at(record, path) for _, record in batch] for path in paths}
        if is_first and all(value is None for path in paths for value in values[path]):
            raise FileRefused(f"has none of the columns its mapping names: {', '.join(paths)}")
        is_first = False
        yield [line for line, _ in batch], values


def _parquet(content: Content, paths: Sequence[str], rows: Rows) -> Iterator[tuple[Sequence[int], Values]]:
    try:
        with pq.ParquetFile(content.path) as file:
            _refuse_missing(paths, file.schema_arrow.names)
            for batch in file.iter_batches(BATCH, columns=list(paths)):
                before, rows.rows_in = rows.rows_in, rows.rows_in + batch.num_rows
                # Native types stay: a timestamp need not become text and be read again.
                frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
                yield range(before + 1, rows.rows_in + 1), {path: frame[path] for path in paths}
    except (pa.ArrowException, OSError) as error:
        raise FileRefused(f"is a Parquet file that cannot be read: {first_line(error)}") from error


def _json(content: Content, rows: Rows) -> Iterator[tuple[int, Any]]:
    for number, line in _json_lines(content):
        rows.rows_in += 1
        try:
            record = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            rows.reject(number, f"not JSON: {first_line(error)}", line)
        else:
            yield number, record


def _json_lines(content: Content) -> Iterable[tuple[int, bytes]]:
    if content.head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"["):
        yield from enumerate(json_records(content), 1)
        return
    number = 0
    for chunk in content.chunks():
        for line in chunk.removesuffix(b"\n").split(b"\n"):
            number += 1
            if line.strip():
                yield number, line


def _csv(content: Content, paths: Sequence[str], rows: Rows) -> Iterator[tuple[int, Any]]:
    for number, row in csv_rows(content):
        if not rows.rows_in:
            _refuse_missing(paths, [name for name in row if name])
        rows.rows_in += 1
        try:
            yield number, whole_row(row)
        except ValueError as error:
            rows.reject(number, str(error), csv_text(row))


def _refuse_missing(paths: Sequence[str], names: Sequence[str]) -> None:
    unknown = [path for path in paths if path not in names]
    if unknown:
        raise FileRefused(f"has no column {', '.join(unknown)}; it has {', '.join(names)}")


def _at(record: Any, path: str) -> Any:  # noqa: ANN401 -- any JSON value
    if isinstance(record, dict) and path in record:
        return record[path]
    for step in path.split("."):
        record = record.get(step) if isinstance(record, dict) else None
    return record


def _given(mapping: Mapped, lines: Sequence[int], values: Values) -> pl.DataFrame:
    """A column for each of ours that the mapping fills, and one for each filter."""
    columns = {name: _column(name, value, mapping, values) for name, value in mapping.columns.items()}
    wheres = {f"where_{n}": _series(values[path]) for n, path in enumerate(mapping.where)}
    return pl.DataFrame({"line": pl.Series(lines, dtype=pl.Int64()), **columns, **wheres})


def _column(name: str, value: "str | Mapping[str, Sequence[str]]", mapping: Mapped, values: Values) -> pl.Series:
    cents = {"usd": 0, "cents": -2, "nanousd": -9}[mapping.money_unit] if name.endswith(_MONEY) else 0
    if isinstance(value, str) and not cents:
        return _series(values[value])
    paths = [value] if isinstance(value, str) else value["multiply"]
    is_count = _typing.columns_of(mapping.kind)[name] == "BIGINT"
    factors = zip(*(_series(values[path]).cast(pl.String) for path in paths), strict=True)
    return pl.Series([_typing.product(given, cents, is_count=is_count) for given in factors], dtype=pl.String())


def _series(values: Sequence[Any] | pl.Series) -> pl.Series:
    return values if isinstance(values, pl.Series) else pl.Series([_text(value) for value in values], dtype=pl.String())


def _text(value: Any) -> str | None:  # noqa: ANN401 -- any JSON value
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _take(con: duckdb.DuckDBPyConnection, mapping: Mapped, given: pl.DataFrame, rows: Rows, places: Places) -> None:
    con.register("given", given.to_arrow())
    try:
        con.execute(f"create or replace temp table judged as {_typing.judged(mapping)}")
        typed = pl.DataFrame(pl.from_arrow(con.sql(_typing.SOUND).to_arrow_table()))
        broken = con.execute(_typing.BROKEN).fetchall()
        [(kept,)] = con.execute("select count(*) from judged").fetchall()
    except duckdb.Error as error:
        raise FileRefused(f"does not fit its mapping: {first_line(error)}") from error
    rows.filtered += given.height - kept
    texts = _texts(given, [line for line, _ in broken])
    for line, why in broken:
        rows.reject(line, why, texts[line])
    rows.add(_named(typed, mapping, places))


def _texts(given: pl.DataFrame, lines: Sequence[int]) -> dict[int, bytes]:
    found = given.filter(pl.col("line").is_in(lines))
    return {
        line: msgspec.json.encode(row, enc_hook=str) for line, row in zip(found["line"], found.drop("line").rows(named=True), strict=True)
    }


def _named(typed: pl.DataFrame, mapping: Mapped, places: Places) -> pl.DataFrame:
    identity = _typing.IDENTITY[mapping.kind]
    if identity:
        ids = [given or places.name(content) for given, content in typed.select(identity, "_content").iter_rows()]
        typed = typed.with_columns(pl.Series(identity, ids, dtype=pl.String()))
    return typed.select("line", *_typing.columns_of(mapping.kind))


def _format(kind: str) -> Format:
    return Format(
        name=f"mapped_{kind}",
        description=f"{kind} records of any CSV, JSON lines or Parquet, through a mapping in the book",
        columns=_typing.columns_of(kind),
        day=_typing.INSTANT[kind],
        recognises=lambda _sample: False,
        read=read,
        about=About(
            obtain="Any export of your own; name the file and its columns under `sources:` of meterbook.yaml.",
            taken="The columns the mapping names, the rows its `where:` keeps; nothing else is read.",
            key=f"`{_typing.IDENTITY[kind]}` where it is mapped, else the content of the mapped columns and the place among equal rows."
            if _typing.IDENTITY[kind]
            else "device and instant; the sample with the most used GPUs counts.",
            tokens="`tokens: inclusive` (default: input holds cache reads and writes, audio, images and video where they are mapped, "
            "output holds audio and images) or `exclusive`.",
            money="`money_unit: usd` (default), `cents` or `nanousd`."
            + (" In `currency`, a mapped column or a constant; USD without one." if kind == "charge" else ""),
            options="`mapping:`",
        ),
    )


FORMATS = tuple(_format(kind) for kind in _typing.IDENTITY)
