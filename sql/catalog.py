"""What is in the lake: the content behind every table, by day, and connections that read it.

Each connection works in an in-memory database of its own with views over Parquet files; there is no database file to lock or to lose.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb

from meterbook.sql import limits
from meterbook.sql.day_ranges import around, between, bounds, domain, touched
from meterbook.sql.lake import Lake, Token, quoted, token_text
from meterbook.sql.models import Columns, Model, Project
from meterbook.sql.months import Months
from meterbook.sql.raw_files import RawFile, by_day
from meterbook.sql.schemas import columns_of, empty_table_sql
from meterbook.sql.scratch import make_empty, scratch

CHUNK_BYTES = 64_000_000
"""Parquet bytes read at once: days are joined into one query up to this, so that small days are not paid one by one."""
_MEMORY_TIMES = 15
"""DuckDB's memory has to hold so many times as much: what is read at once lies there open, and what is made of it beside it."""
WHOLE = "all"


@dataclass(frozen=True)
class Settings:
    """What a run may use of the machine."""

    memory_limit: str = field(default_factory=limits.memory)
    threads: int = field(default_factory=limits.threads)
    chunk_bytes: int = CHUNK_BYTES
    side: int = 0
    """Where the book's zone lies: 1 ahead of UTC, -1 behind. A day of the book then holds a part of the UTC day before or after its own."""
    temp_directory: str = ""
    """For what memory does not hold; among the machine's temporary files where not given."""
    max_temp_directory_size: str = ""

    @property
    def window_bytes(self) -> int:
        """Parquet bytes that are read at once: `chunk_bytes`, or less where there is less memory."""
        return min(self.chunk_bytes, limits.bytes_of(self.memory_limit) // _MEMORY_TIMES)


class Catalog:
    """The tables there are, with their content.

    Args:
        lake: where tables lie.
        project: the models and the shapes they build on.
        raw: the ingested files of each raw table, by format name.
        settings: memory, threads, window size.
        columns: of every table, where they are known already.
    """

    def __init__(
        self,
        lake: Lake,
        project: Project,
        raw: Mapping[str, Sequence[RawFile]],
        settings: Settings | None = None,
        columns: Mapping[str, Columns] | None = None,
    ) -> None:
        self.lake, self.project, self.raw = lake, project, raw
        self.settings = settings or Settings()
        self.columns = columns or columns_of(project)
        self.months = Months(lake)
        self._active: dict[str, bool] = {}
        self._shared: duckdb.DuckDBPyConnection | None = None
        self._by_day = {name: by_day(files) for name, files in raw.items()}
        self.days = touched(domain({day for index in self._by_day.values() for day in index}), self.settings.side)

    def is_active(self, name: str) -> bool:
        """Whether a model can have rows, of a raw file or of what it reads; what has none costs nothing."""
        if name not in self._active:
            model = self.project.models[name]
            if model.layer == "staging":
                found = any(self.raw.get(table.removeprefix("raw.")) for table in model.inputs)
            else:
                found = bool(model.inputs) and any(all(map(self._may_have_rows, way)) for way in model.ways)
            self._active[name] = found
        return self._active[name]

    def _may_have_rows(self, name: str) -> bool:
        if self.project.is_kind_view(name):
            return any(map(self.is_active, self.project.of_kind(name.split(".")[1])))
        if name in self.project.models:
            return self.is_active(name)
        files = self.raw.get(name.removeprefix("raw.")) if name.startswith("raw.") else None
        # A table of the book that is not there yet may come to have rows.
        known = self.lake.table(name).partitions
        return bool(files) if files is not None else not known or any(partition.rows for partition in known.values())

    def given(self) -> None:
        """A table of the book or the inbox was given anew: which models can have rows is another question now."""
        self._active.clear()

    def upstream(self, model: Model) -> list[str]:
        """Tables whose content a model depends on."""
        return [name for name in self.project.upstream(model) if name not in self.project.models or self.is_active(name)]

    def tokens(self, name: str, from_day: str | None = None, to_day: str | None = None) -> list[Token]:
        """Hashes of a table's content, in a range of days where it is cut by day or by month."""
        if self._is_taken(name):
            return [(day, file.token) for day, file in self._taken(name, from_day, to_day)]
        return self.lake.table(name).tokens(*self._range(name, from_day, to_day))

    def teller(self, name: str) -> Callable[[str | None, str | None], str]:
        """`tokens` of a table by its range of days, as JSON as `digest` has it: what a table is, is asked once for all its days."""
        if self._is_taken(name):
            return lambda from_day, to_day: f"[{','.join(map(token_text, self.tokens(name, from_day, to_day)))}]"
        table = self.lake.table(name)
        return table.tokens_text if self.is_daily(name) else lambda *days: table.tokens_text(*self._range(name, *days))

    def files(self, name: str, from_day: str | None = None, to_day: str | None = None) -> list[Path]:
        """Parquet files of a table, in a range of days where it is cut by day or by month."""
        if self._is_taken(name):
            return sorted({file.path for _, file in self._taken(name, from_day, to_day)})
        return self.lake.table(name).files(*self._range(name, from_day, to_day))

    def size(self, name: str, from_day: str | None = None, to_day: str | None = None) -> int:
        """Bytes of these files; of a raw one that holds other days too, those of the days asked for."""
        if self._is_taken(name):
            return sum(file.size(day) for day, file in self._taken(name, from_day, to_day))
        return sum(path.stat().st_size for path in self.files(name, from_day, to_day))

    def rows(self, name: str, from_day: str, to_day: str) -> int:
        """Rows of a table that `is_cut`, in a range of days."""
        if self._is_taken(name):
            return sum(file.days[day] for day, file in self._taken(name, from_day, to_day))
        known = self.lake.table(name).partitions
        return sum(known[day].rows for day in between(known, from_day, to_day))

    def _is_taken(self, name: str) -> bool:
        """Whether a table is ingested files, which lie beside the lake."""
        return name.startswith("raw.") and name.removeprefix("raw.") in self._by_day

    def _taken(self, name: str, from_day: str | None, to_day: str | None) -> Iterator[tuple[str, RawFile]]:
        """The days of ingested files in a range, each with those that have rows of it."""
        index = self._by_day[name.removeprefix("raw.")]
        return ((day, file) for day in between(index, from_day, to_day) for file in index[day])

    def partitions(self, model: Model) -> list[str]:
        """Every partition a model should have, given the days there is data for."""
        if model.layer == "staging":
            days = sorted({day for table in model.inputs for day in self._by_day.get(table.removeprefix("raw."), {})})
            # Days between are made too, empty: one window then holds them all.
            return [day for day in self.days if days[0] <= day <= days[-1]] if days else []
        if model.clock == "day":
            return self.days
        return sorted({day[:7] for day in self.days}) if model.clock == "month" else [WHOLE]

    def window(self, model: Model, partitions: Sequence[str]) -> tuple[str, str] | tuple[None, None]:
        """Half-open range of days a model reads to make some partitions, its lookback included."""
        if model.clock == "all":
            return (None, None)
        side = abs(self.settings.side) if model.header.book_days else 0
        return around(partitions[0], partitions[-1], model.header.lookback_days + side, side)

    def is_daily(self, name: str) -> bool:
        """Whether a table is a model cut by day."""
        return name in self.project.models and self.project.models[name].clock == "day"

    def is_cut(self, name: str) -> bool:
        """Whether rows of a table are found by their day: ingested files, and models cut by day."""
        return self._is_taken(name) or self.is_daily(name)

    def _range(self, name: str, from_day: str | None, to_day: str | None) -> tuple[str, str] | tuple[()]:
        """The partitions of a table that a half-open range of days touches, as a half-open range of their names."""
        clock = self.project.models[name].clock if name in self.project.models else "all"
        if from_day is None or to_day is None or clock == "all":
            return ()
        if clock == "day":
            return from_day, to_day
        # A month is read whole where one of its days is asked for.
        last = date.fromisoformat(to_day) - timedelta(days=1)
        return from_day[:7], f"{last.replace(day=1) + timedelta(days=31):%Y-%m}"

    def renew_months(self, model: Model) -> None:
        """Keep what a model has of months that are over in one file each: pages read it over years, or open it beside what they read."""
        if self.is_daily(model.name):
            self.months.renew(model.name, self.days[-1][:7], self.scratch)

    @contextmanager
    def connect(self, model: Model | None = None, partitions: Sequence[str] = ()) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with views over the lake.

        With a model: what it reads for these partitions, and the window's variables. Without: every table that has files.
        """
        if model is None and self._shared:
            yield self._shared
            return
        with self.scratch() as con, limits.within(model.name if model else "what is asked of the lake"):
            if model is None:
                self._open_all(con)
            else:
                self._open(con, model, partitions)
            yield con

    @contextmanager
    def sharing(self) -> Iterator[None]:
        """While nothing is written to the lake: all who ask for every table get one connection, opened once."""
        with self.connect() as con:
            self._shared = con
            try:
                yield
            finally:
                self._shared = None

    @contextmanager
    def reading(self, names: Sequence[str]) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with views of a few tables, those of kinds too: to open all there are takes a tenth of a second."""
        kinds = [name for name in names if self.project.is_kind_view(name)]
        behind = [one for name in kinds for one in self.project.of_kind(name.split(".")[1])]
        with self.scratch() as con, limits.within("what is asked of the lake"):
            self._views(con, [*dict.fromkeys(name for name in (*names, *behind) if name not in kinds)])
            self._view_kinds(con, kinds)
            yield con

    @contextmanager
    def scratch(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to an empty database, within what the settings allow."""
        own = self.settings
        with scratch(own.memory_limit, own.threads, own.temp_directory, own.max_temp_directory_size) as con:
            yield con

    def _open(self, con: duckdb.DuckDBPyConnection, model: Model, partitions: Sequence[str]) -> None:
        window = self.window(model, partitions)
        if model.clock != "all":
            first, last = bounds(partitions)
            con.execute(f"set variable from_day = date '{first}'; set variable to_day = date '{last}'")
        inactive = [name for name in model.inputs if name in self.project.models and not self.is_active(name)]
        self._views(con, [*self.upstream(model), *inactive], *window)
        self._view_kinds(con, model.inputs)

    def _open_all(self, con: duckdb.DuckDBPyConnection) -> None:
        names = (*self.project.inputs, *self.project.models)
        make_empty(con, {name: self.columns[name] for name in names})
        views = ((name, self._view(name)) for name in names)
        con.execute("; ".join(("create schema if not exists staging", *(f"drop table {name}; {view}" for name, view in views if view))))
        self._view_kinds(con, [f"staging.{kind}" for kind in self.project.kinds])

    def _views(self, con: duckdb.DuckDBPyConnection, names: Sequence[str], from_day: str | None = None, to_day: str | None = None) -> None:
        """Views of tables, in one go: as many statements as there are tables cost more than what they say."""
        schemas = ("staging", *(name.split(".")[0] for name in names))
        created = (f"create schema if not exists {schema}" for schema in dict.fromkeys(schemas))
        made = (self._view(name, from_day, to_day) or empty_table_sql(name, self.columns[name]) for name in names)
        con.execute("; ".join((*created, *made)))

    def _view(self, name: str, from_day: str | None = None, to_day: str | None = None) -> str:
        """The statement that opens a table's files; empty where it has none."""
        # What was made of an inactive model before may not be gone yet.
        is_made = name not in self.project.models or self.is_active(name)
        files = self._opened(name, from_day, to_day) if is_made else []
        if not files:
            return ""
        cut = {file.path: file.query for file in self.raw.get(name.removeprefix("raw."), ()) if file.without[1]}
        whole = ", ".join(quoted(str(path)) for path in files if path not in cut)
        parts = [f"select * from read_parquet([{whole}])"] if whole else []
        return f"create view {name} as {' union all '.join([*parts, *(cut[path] for path in files if path in cut)])}"

    def _opened(self, name: str, from_day: str | None, to_day: str | None) -> list[Path]:
        """Files that a view opens: as `files`, by months where there are such."""
        return self.months.files(name, *self._range(name, from_day, to_day)) if self.is_daily(name) else self.files(name, from_day, to_day)

    def _view_kinds(self, con: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
        for name in names:
            if self.project.is_kind_view(name):
                kind = name.split(".")[1]
                view_of_kind(con, kind, self.project.kinds[kind], [n for n in self.project.of_kind(kind) if self.is_active(n)])


def view_of_kind(con: duckdb.DuckDBPyConnection, kind: str, columns: Columns, tables: Iterable[str]) -> None:
    """One view over the staging tables of a kind, in the kind's columns, with what a table lacks as NULL."""
    shape = ", ".join(f"cast(null as {dtype}) as {column}" for column, dtype in columns.items())
    parts = " union all by name ".join((f"select {shape} where false", *(f"select * from {table}" for table in tables)))
    con.execute(f"create view staging.{kind} as {parts}")
