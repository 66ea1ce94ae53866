"""Dated rates of exchange, as a book states them in fx_rates.csv: what one unit of a currency is worth in dollars, from a day on.

A rate holds until the next entry of its currency. Entries are appended: what held before an entry stays as it was.
"""

import csv
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

COLUMNS = ("date", "currency", "usd")
USD = "USD"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
_PLACES, _LIMIT = 12, 10**6
"""What DECIMAL(18,12) holds."""


class FxError(ValueError):
    """fx_rates.csv is wrong; the message is one line that names file, line and what to do."""


@dataclass(frozen=True, order=True)
class FxRate:
    """USD per one unit of a currency (ISO 4217), from a day until the next entry of that currency."""

    currency: str
    starts_on: date
    usd: Decimal


def load_fx(path: Path) -> tuple[FxRate, ...]:
    """Read fx_rates.csv: columns `date,currency,usd` in any order; lines that begin with `#` are remarks.

    Args:
        path: the file; where there is none, there are no rates.

    Returns:
        The rates by currency and day.

    Raises:
        FxError: it cannot be read, or a line of it is wrong.
    """
    if not path.is_file():
        return ()
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            return tuple(sorted(_rates(path, handle)))
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise FxError(f"{path}: is no CSV in UTF-8 ({error}); save it as one") from error


def _rates(path: Path, text: Iterable[str]) -> Iterator[FxRate]:
    lines = csv.reader(text, strict=True)
    header: list[str] | None = None
    seen: dict[tuple[str, date], int] = {}
    for cells in lines:
        if not cells or cells[0].lstrip().startswith("#"):
            continue
        where = f"{path}:{lines.line_num}"
        values = [cell.strip() for cell in cells]
        if header is None:
            header = _header(where, values)
            continue
        if len(values) != len(header):
            raise FxError(f"{where}: has {len(values)} fields where the header has {len(header)}; write {','.join(header)}")
        rate = _rate(where, dict(zip(header, values, strict=True)))
        first = seen.setdefault((rate.currency, rate.starts_on), lines.line_num)
        if first != lines.line_num:
            raise FxError(f"{where}: {rate.currency} from {rate.starts_on} is also in line {first}; keep one")
        yield rate
    if header is None:
        raise FxError(f"{path}:1: has no header; begin with {','.join(COLUMNS)}")


def _header(where: str, names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in COLUMNS:
            guess = difflib.get_close_matches(name, COLUMNS, 1)
            hint = f"did you mean {guess[0]}?" if guess else f"the columns are {', '.join(COLUMNS)}"
            raise FxError(f"{where}: unknown column {name!r}; {hint}")
    if sorted(names) != sorted(COLUMNS):
        missing = [name for name in COLUMNS if name not in names]
        what = f"column {missing[0]!r} is missing" if missing else "a column is given twice"
        raise FxError(f"{where}: {what}; the columns are {', '.join(COLUMNS)}")
    return list(names)


def _rate(where: str, row: Mapping[str, str]) -> FxRate:
    if not _CURRENCY.fullmatch(row["currency"]):
        raise FxError(f"{where}: currency {row['currency']!r} is no ISO 4217 code; write three capital letters, such as EUR")
    if row["currency"] == USD:
        raise FxError(f"{where}: USD is what all rates are in; delete the line")
    return FxRate(row["currency"], _day(where, row["date"]), _usd(where, row["usd"]))


def _day(where: str, text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError as error:
        raise FxError(f"{where}: there is no day {text}; write one as 2026-01-31") from error
    raise FxError(f"{where}: date {text!r} is no day; write one as 2026-01-31")


def _usd(where: str, text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise FxError(f"{where}: usd {text!r} is no positive number; write dollars for one unit of the currency, such as 1.1743")
    if len(text.partition(".")[2]) > _PLACES:
        raise FxError(f"{where}: usd {text} has more than {_PLACES} decimals; round it")
    usd = Decimal(text)
    if not 0 < usd < _LIMIT:
        raise FxError(f"{where}: usd {text} is not between 0 and {_LIMIT:,}; write dollars for one unit of the currency")
    return usd
