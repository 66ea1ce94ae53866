"""Any CSV, JSON lines or Parquet whose columns a mapping in the book names.

The mapping of a source (`meterbook.yaml`) says the kind of record and, for our columns (sql/kinds.yaml), where their values stand:
a column or a dotted path into JSON, a constant, or a product `{multiply: [a, b]}` (NULL where a factor is NULL; token counts rounded half up). `where`
keeps the rows whose columns have given values; the others are counted as filtered. `time_format` is iso, unix_s, unix_ms, offset_s (seconds
after `epoch`) or a strptime pattern; instants without a zone are UTC. `tokens: inclusive` says that input_tokens contains what was read
from and written to a cache. `money_unit` is usd, cents or nanousd. A record without an id is known by its content and its place among
equal records of its file, so that equal rows of one file all count, and a file given twice counts once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec
import polars as pl

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest._records import csv_rows, csv_text
from meterbook.assets.ingest.format import FIRST_YEAR, LAST_YEAR, Format, Rows
from meterbook.sql.models import read_kinds

if TYPE_CHECKING:
    from meterbook.assets.book import Mapped

IDENTITY = {"request": "request_id", "usage": "usage_id", "charge": "charge_id", "outcome": "outcome_id", "gpu_sample": None}
INSTANT = {"request": "started_at", "usage": "starts_at", "charge": "starts_at", "outcome": "occurred_at", "gpu_sample": "sampled_at"}
MADE_HERE = {"file_id", "copies", "day", "source", "cost_basis"}
SCALE = {"usd": "1", "cents": "100", "nanousd": "1000000000"}
_CACHES = ("cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")


@dataclass(frozen=True)
class _Source:
    """The rows of a file as a DuckDB relation: text columns c0, c1, ... (typed for Parquet), line, and their raw text."""

    frame: Any
    columns: Mapping[str, str]
    raw_of: Callable[[int], str | bytes]


def columns_of(kind: str) -> dict[str, str]:
    """Columns of a mapped raw table."""
    return {name: dtype for name, (dtype, _) in read_kinds()[kind].items() if name not in MADE_HERE}


def read(content: Content, mapping: "Mapped | None") -> Rows:
    """Read one file through its mapping.

    Raises:
        FileRefused: no mapping, not readable, or a column the mapping names is nowhere in the file.
    """
    if mapping is None:
        raise FileRefused("needs a mapping; name the file in `sources:` of meterbook.yaml")
    rows = Rows()
    paths = sorted({path for value in mapping.columns.values() for path in _paths(value)} | set(mapping.where))
    source = _load(content, paths, rows)
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.register("given", source.frame)
        _type(con, mapping, source, rows)
    return rows


def _paths(value: "str | Mapping[str, tuple[str, ...]]") -> Sequence[str]:
    return [value] if isinstance(value, str) else [path for paths in value.values() for path in paths]


def _load(content: Content, paths: Sequence[str], rows: Rows) -> _Source:
    names = {path: f"c{n}" for n, path in enumerate(paths)}
    if content.is_parquet:
        return _parquet(content, names, rows)
    head = content.head.lstrip(b"\xef\xbb\xbf \r\n\t")
    records = _json(content, rows) if head[:1] in {b"{", b"["} else _csv(content, rows)
    missing = [path for path in paths if not any(_at(record, path) is not None for _, record, _ in records)]
    if records and missing == list(paths):
        raise FileRefused(f"has none of the columns its mapping names: {', '.join(missing)}")
    texts = {name: pl.Series([_text(_at(record, path)) for _, record, _ in records], dtype=pl.String()) for path, name in names.items()}
    frame = pl.DataFrame({"line": pl.Series([line for line, _, _ in records], dtype=pl.Int64()), **texts})
    raw = {line: text for line, _, text in records}
    return _Source(frame.to_arrow(), names, raw.__getitem__)


def _parquet(content: Content, names: Mapping[str, str], rows: Rows) -> _Source:
    try:
        frame = pl.read_parquet(content.path)
    except pl.exceptions.PolarsError as error:
        raise FileRefused(f"is a Parquet file that cannot be read: {error}") from error
    unknown = sorted(set(names) - set(frame.columns))
    if unknown:
        raise FileRefused(f"has no column {', '.join(unknown)}; it has {', '.join(frame.columns)}")
    rows.rows_in = frame.height
    numbered = frame.with_row_index("line", offset=1).select(
        pl.col("line").cast(pl.Int64), *(pl.col(path).alias(name) for path, name in names.items())
    )
    return _Source(numbered.to_arrow(), names, lambda line: frame.slice(line - 1, 1).write_ndjson().strip())


def _json(content: Content, rows: Rows) -> list[tuple[int, Any, bytes]]:
    # Numbers stay text: neither counts nor money pass through a float.
    decoder = msgspec.json.Decoder(float_hook=str)
    text = content.whole()
    if text.lstrip().startswith(b"["):
        lines = [bytes(raw) for raw in msgspec.json.decode(text, type=list[msgspec.Raw])]
    else:
        lines = text.split(b"\n")
    records = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        rows.rows_in += 1
        try:
            records.append((number, decoder.decode(line), line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            rows.reject(number, f"not JSON: {error}", line)
    return records


def _csv(content: Content, rows: Rows) -> list[tuple[int, Any, bytes]]:
    records = []
    for number, row in csv_rows(content):
        rows.rows_in += 1
        if None in row or None in row.values():
            rows.reject(number, "the row has another number of fields than the header", csv_text(row))
        else:
            records.append((number, row, csv_text(row).encode()))
    return records


def _at(record: Any, path: str) -> Any:  # noqa: ANN401 -- any JSON value
    if isinstance(record, dict) and path in record:
        return record[path]
    for step in path.split("."):
        record = record.get(step) if isinstance(record, dict) else None
    return record


def _text(value: Any) -> str | None:  # noqa: ANN401
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _type(con: duckdb.DuckDBPyConnection, mapping: "Mapped", source: _Source, rows: Rows) -> None:
    con.execute(f"create temp table kept as select * from given where {_where(mapping, source.columns)}")
    [(total, kept)] = con.execute("select (select count(*) from given), (select count(*) from kept)").fetchall()
    rows.filtered += total - kept
    shape = columns_of(mapping.kind)
    typed = {name: _expression(name, dtype, mapping, source.columns) for name, dtype in shape.items()}
    selected = ", ".join(f"{sql} as {name}" for name, sql in typed.items())
    con.execute(f"create temp table typed as select line, {selected} from kept")
    con.execute(
        f"create temp table judged as select typed.*, {_reason(mapping, shape, source.columns)} as _reason from typed join kept using (line)"
    )
    for line, why in con.execute("select line, _reason from judged where _reason is not null order by line").fetchall():
        rows.reject(line, why, source.raw_of(line))
    final = ", ".join(f"{_finish(name, mapping)} as {name}" for name in shape)
    frame = pl.from_arrow(con.sql(f"select line, {final} from judged where _reason is null order by line").to_arrow_table())
    rows.frames.append(frame if isinstance(frame, pl.DataFrame) else frame.to_frame())


def _where(mapping: "Mapped", names: Mapping[str, str]) -> str:
    tests = ["true"]
    for path, wanted in mapping.where.items():
        values = wanted if isinstance(wanted, tuple) else (wanted,)
        listed = ", ".join(_quoted(_text(value) or "") for value in values)
        tests.append(f"coalesce(cast({names[path]} as varchar) in ({listed}), false)")
    return " and ".join(tests)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _expression(name: str, dtype: str, mapping: "Mapped", names: Mapping[str, str]) -> str:
    value = mapping.columns.get(name)
    if value is None:
        constant = mapping.constants.get(name)
        return f"cast(null as {dtype})" if constant is None else f"cast({_quoted(_text(constant) or '')} as {dtype})"
    if isinstance(value, str):
        return _cast(names[value], name, dtype, mapping)
    factors = " * ".join(f"try_cast({names[path]} as double)" for path in value["multiply"])
    return f"cast(floor({factors} + 0.5) as bigint)" if dtype == "BIGINT" else f"cast({factors} as {dtype})"


def _cast(column: str, name: str, dtype: str, mapping: "Mapped") -> str:
    text = f"cast({column} as varchar)"
    if dtype == "TIMESTAMP":
        return _instant(column, mapping)
    if dtype in {"BIGINT", "INTEGER"}:
        # A cast alone would round 9.7 to 10.
        return f"case when regexp_full_match({text}, '[-+]?[0-9]+([.]0*)?') then try_cast({text} as {dtype}) end"
    if name.endswith("_usd"):
        return (
            f"try_cast(try_cast({text} as decimal(38,18)) / {SCALE[mapping.money_unit]} as {dtype})"
            if mapping.money_unit != "usd"
            else f"try_cast({text} as {dtype})"
        )
    return f"try_cast({text} as {dtype})"


def _instant(column: str, mapping: "Mapped") -> str:
    seconds = f"try_cast({column} as decimal(20,6))"
    match mapping.time_format:
        case "unix_s":
            return f"make_timestamp(cast({seconds} * 1000000 as bigint))"
        case "unix_ms":
            return f"make_timestamp(cast({seconds} * 1000 as bigint))"
        case "offset_s":
            return f"cast('{mapping.epoch}' as timestamp) + to_microseconds(cast({seconds} * 1000000 as bigint))"
        case "iso":
            return f"cast(try_cast(cast({column} as varchar) as timestamptz) as timestamp)"
        case pattern:
            return f"try_strptime(cast({column} as varchar), {_quoted(pattern)})"


def _reason(mapping: "Mapped", shape: Mapping[str, str], names: Mapping[str, str]) -> str:
    instant = INSTANT[mapping.kind]
    tests = [
        (
            f"kept.{names[value]} is not null and typed.{name} is null",
            f"'{name}: ' || left(cast(kept.{names[value]} as varchar), 80) || ' is not {_words(shape[name])}'",
        )
        for name, value in mapping.columns.items()
        if isinstance(value, str) and name in shape
    ]
    tests.append((f"typed.{instant} is null", f"'{instant} is missing'"))
    outside = f"year(typed.{instant}) < {FIRST_YEAR} or year(typed.{instant}) > {LAST_YEAR}"
    tests.append((outside, f"'day ' || cast(typed.{instant} as date) || ' is outside {FIRST_YEAR} to {LAST_YEAR}'"))
    tests += [
        (f"typed.{name} < 0", f"'{name} is negative (' || typed.{name} || ')'")
        for name in shape
        if name.endswith(("_tokens", "requests", "gpus"))
    ]
    if mapping.tokens == "inclusive" and "input_tokens" in shape:
        cached = " + ".join(f"coalesce(typed.{name}, 0)" for name in _CACHES)
        tests.append(
            (f"{cached} > typed.input_tokens", f"'cached tokens (' || ({cached}) || ') exceed input tokens (' || typed.input_tokens || ')'")
        )
    return "case " + " ".join(f"when {test} then {why}" for test, why in tests) + " end"


def _words(dtype: str) -> str:
    return {"BIGINT": "a whole number", "INTEGER": "a whole number", "TIMESTAMP": "an instant", "BOOLEAN": "true or false"}.get(
        dtype, "a number"
    )


def _finish(name: str, mapping: "Mapped") -> str:
    if name == IDENTITY[mapping.kind] and name not in mapping.columns:
        packed = ", ".join(f"{column} := {column}" for column in columns_of(mapping.kind))
        content = f"md5(cast(struct_pack({packed}) as varchar))"
        return f"{content} || '-' || row_number() over (partition by {content} order by line)"
    if name == "sampled_second":
        return "cast(epoch_us(sampled_at) // 1000000 as bigint)"
    if name == "input_tokens" and mapping.tokens == "inclusive":
        return f"input_tokens - {' - '.join(f'coalesce({cache}, 0)' for cache in _CACHES)}"
    return name


def _format(kind: str) -> Format:
    return Format(
        name=f"mapped_{kind}",
        description=f"{kind} records of any CSV, JSON lines or Parquet, through a mapping in the book",
        columns=columns_of(kind),
        day=INSTANT[kind],
        recognises=lambda _sample: False,
        read=read,
    )


FORMATS = tuple(_format(kind) for kind in IDENTITY)
