"""Days of months that are over, once more in one file a month where they are small: to open a file takes longer than to read what is in it.

A page asks some fifty questions, and each opens every file of its table: after a year 365, or one a month and those of this month's days.
The files of days stay what is published; a month's is read only while it holds what they hold, and can be thrown away.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from itertools import groupby
from pathlib import Path

import duckdb

from meterbook.sql.digests import digest_of
from meterbook.sql.lake import COPY, Lake, Partition, Table, Token, quoted, sha256_of, token_text

LIGHT = 100_000
"""Bytes of a day, on average over a month: what is larger takes longer to read than to open, and is not worth its disk twice."""


class Months:
    """The files of months of a lake.

    Args:
        lake: whose days they hold.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake, self._kept = lake, lake.months

    def files(self, name: str, from_day: str | None = None, to_day: str | None = None) -> list[Path]:
        """Files with a table's rows of a half-open range of days, in order; a month's where it holds the days asked for and no other."""
        days, kept, found = self._lake.table(name), self._kept.table(name), list[Path]()
        for month, tokens in _by_month(days.tokens(from_day, to_day)):
            one = kept.partitions.get(month)
            found += [kept.path(month)] if one and one.fingerprint == _digest(tokens) else [days.path(day) for day, _ in tokens]
        return found

    def renew(self, name: str, now: str, scratch: Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]) -> None:
        """Write the months of a table cut by day that are missing or hold something else, and drop those that it has no more.

        Args:
            name: of the table.
            now: the month that is not over yet, `2026-10`.
            scratch: gives a connection to write with.
        """
        days, kept = self._lake.table(name), self._kept.table(name)
        wanted = {month: tokens for month, tokens in _by_month(days.tokens()) if month < now and _is_worth(days, tokens)}
        known = {month: one.fingerprint for month, one in kept.partitions.items()}
        todo = {month: tokens for month, tokens in wanted.items() if known.get(month) != _digest(tokens)}
        if todo:
            with scratch() as con:
                made = {month: _written(con, days, tokens, kept.beside(month)) for month, tokens in todo.items()}
            kept.publish({month: one for month, one in made.items() if one})
        if gone := known.keys() - wanted.keys():
            kept.drop(gone)


def _written(con: duckdb.DuckDBPyConnection, days: Table, tokens: list[Token], target: Path) -> Partition | None:
    """The file of a month; None where some of its days are of another version of their model, as long as they are not made anew."""
    listed = ", ".join(quoted(str(days.path(day))) for day, _ in tokens)
    try:
        con.execute(f"copy (select * from read_parquet([{listed}])) to {quoted(str(target))} ({COPY}, preserve_order true)")
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        target.unlink(missing_ok=True)
        return None
    return Partition(_digest(tokens), sha256_of(target), sum(days.partitions[day].rows for day, _ in tokens))


def _by_month(tokens: Iterable[Token]) -> list[tuple[str, list[Token]]]:
    return [(month, list(found)) for month, found in groupby(tokens, lambda token: token[0][:7])]


def _is_worth(days: Table, tokens: list[Token]) -> bool:
    return len(tokens) > 1 and sum(days.partitions[day].bytes for day, _ in tokens) <= LIGHT * len(tokens)


def _digest(tokens: Iterable[Token]) -> str:
    return digest_of("".join(map(token_text, tokens)))
