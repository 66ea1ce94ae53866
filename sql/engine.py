"""Run one model over a window: checks on what it gives, publication of the whole window, and what need not be done again.

What a file was made from (the model's text, the content of every input) is its fingerprint; a partition whose fingerprint has not
changed is not made again. Bytes do not depend on how a window was cut, on threads or on the clock.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from meterbook.sql.catalog import WHOLE, Catalog
from meterbook.sql.checks import check, is_rising
from meterbook.sql.day_ranges import bounds
from meterbook.sql.digests import digest, digest_of
from meterbook.sql.lake import COPY, Partition, quoted, sha256_of
from meterbook.sql.models import Model
from meterbook.sql.small_files import SMALL, batches, write_small
from meterbook.sql.steps import make_table

if TYPE_CHECKING:
    import polars as pl

VERSION = "3"
"""Raised when the engine itself changes what it writes."""
ROWS = 2_000_000
"""Rows read at once at most: what repeats lies in few bytes, and in memory is rows like any other."""
LIGHT = 8_000_000
"""Bytes of Parquet; what is made of no more is checked in memory before it is written."""


@dataclass
class Built:
    """What one model's turn did."""

    table: str
    partitions: list[str] = field(default_factory=list)
    rows: int = 0
    warnings: dict[str, int] = field(default_factory=dict)


class Engine:
    """Builds the tables of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.lake = catalog, catalog.lake
        self._shapes = {name: digest(list(columns.items())) for name, columns in catalog.columns.items()}

    def fingerprint(self, model: Model, partition: str) -> str:
        """Hash of everything a partition's content follows from."""
        return next(self._fingerprints(model, [partition]))

    def _fingerprints(self, model: Model, partitions: Iterable[str]) -> Iterator[str]:
        """Of one partition after the other; the digest of a JSON list, put together of text that stays the same from day to day."""
        inputs = [(f'["{name}","{self._shapes[name]}",', self.catalog.teller(name)) for name in self.catalog.upstream(model)]
        for partition in partitions:
            window = self.catalog.window(model, [partition])
            told = ",".join([f"{head}{tokens(*window)}]" for head, tokens in inputs])
            yield digest_of(f'["{VERSION}","{model.digest}",[{told}]]')

    def stale(self, model: Model, within: tuple[date, date] | None = None) -> dict[str, str]:
        """Partitions to make, with their new fingerprints; of all days, or of those of a half-open range."""
        if not self.catalog.is_active(model.name):
            return {}
        known = self.lake.table(model.name).partitions
        partitions = self.catalog.partitions(model)
        if within is not None:
            partitions = _touching(partitions, *within)
        fresh = dict(zip(partitions, self._fingerprints(model, partitions), strict=True))
        return {key: value for key, value in fresh.items() if key not in known or known[key].fingerprint != value}

    def orphans(self, model: Model) -> list[str]:
        """Published partitions that no input gives any more."""
        wanted = set(self.catalog.partitions(model)) if self.catalog.is_active(model.name) else set()
        return sorted(set(self.lake.table(model.name).partitions) - wanted)

    def build(self, model: Model, within: tuple[date, date] | None = None, progress: Callable[[int], None] | None = None) -> Built:
        """Make what is missing or stale of one table.

        Args:
            model: the model.
            within: half-open range of days to keep to; all days where not given.
            progress: called with the number of partitions made, after each window.

        Raises:
            CheckError: a `must` rule failed; earlier windows stay published, this one is not.
        """
        built = Built(model.name)
        for made in self._each(model, self.stale(model, within)):
            self.lake.table(model.name).publish(made)
            _add(built, made)
            if progress:
                progress(len(made))
        gone = self.orphans(model)
        if gone:
            self.lake.table(model.name).drop(gone)
        if built.partitions or gone:
            self.catalog.renew_months(model)
        return built

    def _each(self, model: Model, todo: Mapping[str, str]) -> Iterator[dict[str, Partition]]:
        """Make one window after the other; large days of a model that keeps its order as many at once as there are threads.

        To keep an order, a COPY takes one thread; what it holds is a group of rows.
        """
        windows = [{key: todo[key] for key in chunk} for chunk in self.windows(model, sorted(todo))]
        is_apart = model.header.keeps_order and all(len(window) == 1 for window in windows)
        at_once = self.catalog.settings.threads if is_apart else 1
        if at_once == 1:
            yield from (self._make(model, window) for window in windows)
            return
        with ThreadPoolExecutor(at_once) as pool:
            running: deque[Future[dict[str, Partition]]] = deque()
            try:
                for window in windows:
                    running.append(pool.submit(self._make, model, window))
                    if len(running) == at_once:
                        yield running.popleft().result()
                while running:
                    yield running.popleft().result()
            finally:
                for one in running:
                    one.cancel()

    def put(self, name: str, frame: "pl.DataFrame") -> bool:
        """Publish a table that comes from the book or the inbox, in its declared types and sorted by all its columns.

        Returns:
            Whether its content changed; a table that did not is not written again.
        """
        columns = self.catalog.project.inputs[name]
        table = self.lake.table(name)
        fingerprint = digest([VERSION, list(columns.items()), _content(frame)])
        known = table.partitions.get(WHOLE)
        if known and known.fingerprint == fingerprint:
            return False
        beside = table.beside(WHOLE)
        listed = ", ".join(f"cast({column} as {dtype}) as {column}" for column, dtype in columns.items())
        # Most tables of a book have no row, and a file of none is not kept.
        if frame.height or not columns.keys() <= set(frame.columns):
            with self.catalog.scratch() as con:
                con.register("given", frame.to_arrow())
                con.execute(f"copy (select {listed} from given order by all) to '{beside}' ({COPY})")
        made = self._partition(beside, fingerprint, frame.height, {})
        if known and known.sha256 == made.sha256:
            beside.unlink(missing_ok=True)
            table.note(WHOLE, fingerprint)
            return False
        table.publish({WHOLE: made})
        self.catalog.given()
        return True

    def windows(self, model: Model, partitions: Sequence[str]) -> Iterator[list[str]]:
        """Partitions in their order, parted into what is made at once."""
        chunk: list[str] = []
        size = 0
        for partition in partitions:
            weight = self._weight(model, partition) if model.clock == "day" else 0
            if chunk and (size + weight > self.catalog.settings.window_bytes or model.clock != "day" or _gap(chunk[-1], partition)):
                yield chunk
                chunk, size = [], 0
            chunk.append(partition)
            size += weight
        if chunk:
            yield chunk

    def _weight(self, model: Model, partition: str) -> int:
        """What a partition takes of a window's bytes; one that is to have a window of its own takes more than a window has."""
        most = self.catalog.settings.window_bytes
        cut = list(filter(self.catalog.is_cut, self.catalog.upstream(model)))
        size, own = self._bytes(model, partition, cut), tuple(map(str, bounds([partition])))
        rows = sum(self.catalog.rows(name, *own) for name in cut)
        # Rows of a day that is made alone go to its file at once: worth it from a quarter of a window on, if no other days are read for it.
        is_worth = size > most // 4 and self.catalog.window(model, [partition]) == own
        return most + 1 if is_worth and self._is_large(model, size) else max(size, rows * self.catalog.settings.chunk_bytes // ROWS)

    def _is_large(self, model: Model, size: int) -> bool:
        """Whether partitions of a table have many rows: by those that are there; where there are none, by the bytes that one is made of."""
        if model.header.keeps_order:
            return True
        known = self.lake.table(model.name).partitions.values()
        return max(partition.rows for partition in known) > SMALL if known else size > self.catalog.settings.chunk_bytes

    def _bytes(self, model: Model, partition: str, names: Iterable[str]) -> int:
        """Of the Parquet files of some tables that a partition is made of."""
        window = self.catalog.window(model, [partition])
        return sum(self.catalog.size(name, *window) for name in names)

    def _make(self, model: Model, fingerprints: Mapping[str, str]) -> dict[str, Partition]:
        keys = list(fingerprints)
        with self.catalog.connect(model, keys) as con:
            # What is large is written as it comes, and checked then.
            size = self._bytes(model, keys[0], self.catalog.upstream(model)) if len(keys) == 1 and not model.header.then else 0
            is_written = size > LIGHT and self._is_large(model, size)
            is_unique = is_written and self._write_large(con, model, keys[0])
            if not is_written:
                make_table(con, model, "result")
            found = check(con, model, keys, is_unique=is_unique)
            self._write(con, model, {key: rows for key, (rows, _) in found.items()}, is_written=is_written)
        table = self.lake.table(model.name)
        return {key: self._partition(table.beside(key), fingerprints[key], *found.get(key, (0, {}))) for key in keys}

    def _write(self, con: duckdb.DuckDBPyConnection, model: Model, rows: Mapping[str, int], *, is_written: bool) -> None:
        """One file per partition; how a file is written follows from its rows alone, so that its bytes do."""
        table, large = self.lake.table(model.name), list[str]()
        by = list(dict.fromkeys((*filter(None, [model.partition_column]), *model.header.key)))
        for batch in batches(rows, len(self.catalog.columns[model.name])):
            # A range is told at once of a whole group of rows, a list of days of every single one.
            within = f" where {model.partition_column} between '{batch[0]}' and '{batch[-1]}'" if model.partition_column else ""
            files = [(table.beside(key), rows[key]) for key in batch]
            if rows[batch[0]] > SMALL or not write_small(con, f"select * from result{within}", by, files, self.catalog.settings.threads):
                large += batch
        if large and not is_written:
            self._copy_all(con, model, large)

    def _copy_all(self, con: duckdb.DuckDBPyConnection, model: Model, keys: Sequence[str]) -> None:
        """One file per partition; a small COPY keeps one core busy, so as many run at once as there are threads."""
        # A cursor does not begin in the database of its connection.
        [(database,)] = con.execute("select current_database()").fetchall()

        def copy(key: str, cursor: duckdb.DuckDBPyConnection) -> None:
            within = f" where {model.partition_column} = '{key}'" if model.partition_column else ""
            self._copy(cursor, model, f"(select * from {database}.main.result{within})", key)

        def copy_beside(key: str) -> None:
            with con.cursor() as cursor:
                copy(key, cursor)

        if 1 in {self.catalog.settings.threads, len(keys)}:
            for key in keys:
                copy(key, con)
            return
        with ThreadPoolExecutor(self.catalog.settings.threads) as pool:
            deque(pool.map(copy_beside, keys), maxlen=0)

    def _write_large(self, con: duckdb.DuckDBPyConnection, model: Model, key: str) -> bool:
        """Write the rows of one partition as they come, and open them as `result`.

        Returns:
            Whether no two of them have the same key.
        """
        self._copy(con, model, f"({model.sql})", key, is_ordered=model.header.keeps_order)
        con.execute(f"create view result as select * from read_parquet({quoted(str(self.lake.table(model.name).beside(key)))})")
        is_unique = is_rising(con, model)
        if model.header.keeps_order and not is_unique:
            self._copy(con, model, f"({model.sql})", key)
            is_unique = is_rising(con, model)
        return is_unique

    def _copy(self, con: duckdb.DuckDBPyConnection, model: Model, query: str, key: str, *, is_ordered: bool = False) -> None:
        order, kept = ("", ", preserve_order true") if is_ordered else (f" order by {', '.join(model.header.key)}", "")
        con.execute(f"copy (select * from {query} as made{order}) to {quoted(str(self.lake.table(model.name).beside(key)))} ({COPY}{kept})")

    @staticmethod
    def _partition(beside: Path, fingerprint: str, rows: int, warnings: dict[str, int]) -> Partition:
        if not rows:
            beside.unlink(missing_ok=True)
        return Partition(fingerprint, sha256_of(beside) if rows else "", rows, warnings=warnings)


def _content(frame: "pl.DataFrame") -> str:
    """Hash of a frame's columns and rows, in the order it has them."""
    from polars import CompatLevel  # noqa: PLC0415 -- who has a frame has loaded it

    stream = BytesIO()
    frame.write_ipc(stream, compat_level=CompatLevel.oldest())
    return sha256(stream.getbuffer()).hexdigest()


def _touching(partitions: Sequence[str], from_day: date, to_day: date) -> list[str]:
    first, last = str(from_day), str(to_day - timedelta(days=1))
    return [key for key in partitions if key == WHOLE or first[: len(key)] <= key <= last[: len(key)]]


def _gap(before: str, after: str) -> bool:
    return date.fromisoformat(after) - date.fromisoformat(before) != timedelta(days=1)


def _add(built: Built, made: Mapping[str, Partition]) -> None:
    for key, partition in made.items():
        built.partitions.append(key)
        built.rows += partition.rows
        for rule, count in partition.warnings.items():
            built.warnings[rule] = built.warnings.get(rule, 0) + count
