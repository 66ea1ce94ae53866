"""What stands in the results of paged APIs: counts, text, amounts and instants, read strictly."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

from meterbook.assets.ingest.format import LARGEST, exact

Row = dict[str, Any]
_TYPES = {"VARCHAR": pl.String(), "BIGINT": pl.Int64(), "BOOLEAN": pl.Boolean(), "TIMESTAMP": pl.Datetime("us")}


class Numbered(Row):
    """A result that knows its place in the file, where results are not read in the file's order."""

    def __init__(self, given: Mapping[str, Any], line: int) -> None:
        super().__init__(given)
        self.line = line


def schema_of(columns: Mapping[str, str]) -> dict[str, pl.DataType]:
    """The polars types of DuckDB columns."""
    return {name: _TYPES[dtype] if dtype in _TYPES else _decimal_type(dtype) for name, dtype in columns.items()}


def _decimal_type(dtype: str) -> pl.Decimal:
    precision, scale = re.findall(r"\d+", dtype)
    return pl.Decimal(int(precision), int(scale))


def whole_number(result: Row, key: str) -> int | None:
    """A count, strictly: a whole number (59200.0 is one, as some tools write it), absent or null.

    Raises:
        ValueError: anything else.
    """
    value = result.get(key)
    if value is None:
        return None
    found = Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
    if found is None or not found.is_finite():
        raise ValueError(f"{key} {value} is not a whole number")
    if abs(found) > LARGEST:
        raise ValueError(f"{key} {value} is too large")
    if found != int(found):
        raise ValueError(f"{key} {value} is not a whole number")
    return int(found)


def text(result: Row, key: str) -> str | None:
    """Text, absent or null.

    Raises:
        ValueError: anything else.
    """
    value = result.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} {value} is not text")
    return value


def decimal(value: object, what: str, places: int = 12, digits: int = 28) -> Decimal:
    """An amount from a number or text, exact to a number of decimals.

    Raises:
        ValueError: not a finite number, or too large.
    """
    try:
        found = Decimal(str(value)) if isinstance(value, int | str | Decimal) and not isinstance(value, bool) else None
    except InvalidOperation:
        found = None
    rounded = exact(found, places, digits, what)
    if rounded is None:
        raise ValueError(f"{what} {value} is not an amount")
    return rounded


def utc(value: object) -> datetime:
    """An instant from unix seconds or RFC 3339, naive UTC.

    Raises:
        ValueError: neither.
    """
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        if not -LARGEST <= value <= LARGEST:
            raise ValueError(f"{str(value)[:20]} is not an instant")
        return datetime.fromtimestamp(int(value), UTC).replace(tzinfo=None)
    if value is None:
        raise ValueError("the time of the bucket is missing")
    found = datetime.fromisoformat(str(value))
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
