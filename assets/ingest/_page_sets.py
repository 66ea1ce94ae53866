"""How usage was cut: which pages of a file belong together, and by what width and dimensions they split the usage."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

SIGNED = {"bucket_seconds": "BIGINT", "signature": "VARCHAR", "dimensions": "BIGINT"}
"""Columns by which exports of the same usage with other groupings or widths are told apart; `dimensions` is how many are named."""
_WIDTHS = {86_400: "1d", 3_600: "1h", 60: "1m"}


class Sets:
    """Sets of pages in a file, by kind: buckets that follow each other. A bucket that steps back in time begins another set."""

    def __init__(self) -> None:
        self._bucket, self._is_item = 0, False
        self._last: dict[str, tuple[int, datetime]] = {}
        self._number: dict[str, int] = defaultdict(int)
        self._names: dict[tuple[str, int], set[str]] = defaultdict(set)

    def next(self, *, is_item: bool) -> None:
        """A bucket begins."""
        self._bucket, self._is_item = self._bucket + 1, is_item

    def add(self, kind: str, starts: datetime, names: Mapping[str, object]) -> tuple[str, int]:
        """The set of a result of the bucket."""
        bucket, last = self._last.get(kind, (self._bucket, starts))
        if not self._is_item and bucket != self._bucket and starts <= last:
            self._number[kind] += 1
        self._last[kind] = self._bucket, starts
        where = kind, self._number[kind]
        self._names[where].update(names)
        return where

    def signature(self, where: tuple[str, int], seconds: int) -> dict[str, str | int]:
        """The signature of a row, once all are read."""
        return signature(self._names[where], seconds)


def signature(names: Collection[str], seconds: int) -> dict[str, str | int]:
    """Columns that say how usage was cut.

    Args:
        names: dimensions that have a value.
        seconds: width of the bucket.
    """
    width = _WIDTHS.get(seconds, f"{seconds}s")
    return {"bucket_seconds": seconds, "signature": f"{width} {','.join(sorted(names))}", "dimensions": len(names)}
