"""How values of a book's own sections are written: by the unit its chart names, else by their column's name and type."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal

from meterbook.reports.numbers import MINUS, NONE, count, dollars, percent, price
from meterbook.reports.quality import brief

UNITS: Mapping[str, Callable[[Decimal], str]] = {
    "dollars": dollars,
    "price": price,
    "percent": percent,
    "count": count,
}
"""Units with a way of their own to be written; any other is a noun behind the number."""
LONGEST = 200
HUGE = Decimal(10) ** 18
"""From here on a number is written with its power of ten."""
NAME, SHARE = "_usd", "share"


def shown(value: object, unit: str = "") -> str:
    """A value for people; what is not there is a dash, never a zero.

    Args:
        value: of a row.
        unit: of its column.
    """
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | Decimal):
        number = number_of(value)
        return NONE if number is None else _measured(number, unit)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else brief(str(value), LONGEST)


def number_of(value: object) -> Decimal | None:
    """A value as a number; None where it is none, or is not finite."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value))
    return number if number.is_finite() else None


def unit_of(column: str) -> str:
    """The unit that the name of a column says: `cost_usd` is dollars, `idle_share` percent."""
    return "dollars" if column.endswith(NAME) else "percent" if column.endswith(SHARE) else ""


def words(column: str) -> str:
    """The name of a column for people: `cost_usd` is cost."""
    return brief(column.removesuffix(NAME).replace("_", " ").strip() or column, LONGEST)


def _measured(number: Decimal, unit: str) -> str:
    if abs(number) >= HUGE:
        return f"{number:.2e}{f' {unit}' if unit else ''}"
    if unit in UNITS:
        return UNITS[unit](number)
    return f"{_plain(number)}{f' {unit}' if unit else ''}"


def _plain(number: Decimal) -> str:
    """A number with what it needs of two decimals."""
    text = f"{abs(number):,.2f}".rstrip("0").rstrip(".") if number % 1 else f"{abs(number):,.0f}"
    return f"{MINUS}{text}" if number < 0 and text.strip("0.,") else text
