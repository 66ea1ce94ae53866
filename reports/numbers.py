"""How figures are written for people: the only place where money is rounded for display."""

from decimal import ROUND_HALF_EVEN, Decimal

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"
NBSP = "\N{NO-BREAK SPACE}"
_THOUSAND, _MILLION, _BILLION = Decimal(1000), Decimal(1_000_000), Decimal(1_000_000_000)
_ROUNDS_UP = Decimal("0.99995")
"""From this share of a unit on, one decimal of the unit below would read 1,000.0."""


def _fixed(value: Decimal, places: int) -> str:
    rounded = abs(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return f"{rounded:,.{places}f}"


def _sign(value: Decimal, text: str, *, plus: bool = False) -> str:
    if not any(char in "123456789" for char in text):
        return text
    return f"{MINUS}{text}" if value < 0 else f"+{text}" if plus else text


def head(value: Decimal | None) -> str:
    """Money in a headline: $98.5k, $1.23M, $742."""
    if value is None:
        return NONE
    size = abs(value)
    if size >= Decimal(999_950):
        text = f"${_fixed(value / _MILLION, 2)}M"
    elif size >= Decimal("9999.5"):
        text = f"${_fixed(value / _THOUSAND, 1)}k"
    else:
        text = f"${_fixed(value, 0)}"
    return _sign(value, text)


def dollars(value: Decimal | None, *, plus: bool = False) -> str:
    """Money in a table: whole dollars."""
    return NONE if value is None else _sign(value, f"${_fixed(value, 0)}", plus=plus)


def price(value: Decimal | None) -> str:
    """A unit cost: cents, and two or three significant digits where it is small: $3.11, $0.409, $0.0021."""
    if value is None:
        return NONE
    places = 2 if abs(value) >= 1 else 3 if abs(value) >= Decimal("0.01") else 4
    return _sign(value, f"${_fixed(value, places)}")


def percent(value: Decimal | None, *, plus: bool = False) -> str:
    """A ratio as a percentage with one decimal."""
    return NONE if value is None else _sign(value, f"{_fixed(value * 100, 1)}{NBSP}%", plus=plus)


def share_used(value: Decimal | None) -> str:
    """What is used of an amount, as a percentage as far as one can be pictured: 64.2 %, over 1,000 %."""
    most = Decimal(10)
    return percent(value) if value is None or value <= most else f"over {_fixed(most * 100, 0)}{NBSP}%"


def share(part: int, whole: int) -> str:
    """A count as a percentage of another; what is not nothing never reads 0.0, what is not all never 100.0."""
    value = ratio(part, whole)
    if value is None or part in {0, whole}:
        return percent(value)
    low, high = Decimal("0.001"), Decimal("0.999")
    return f"under {percent(low)}" if value < low else f"over {percent(high)}" if value > high else percent(value)


def points(value: Decimal | None) -> str:
    """A difference of two percentages."""
    return NONE if value is None else _sign(value, f"{_fixed(value * 100, 1)}{NBSP}pts", plus=True)


def count(value: Decimal | int | None) -> str:
    """A count: 312k, 6.7M, 742."""
    if value is None:
        return NONE
    number = Decimal(value)
    for unit, name, start in (
        (_BILLION, "B", _BILLION * _ROUNDS_UP),
        (_MILLION, "M", _MILLION * _ROUNDS_UP),
        (_THOUSAND, "k", _THOUSAND * 10),
    ):
        if abs(number) >= start:
            return _sign(number, f"{_fixed(number / unit, 1)}{name}")
    return _sign(number, _fixed(number, 0))


def plural(value: int, noun: str) -> str:
    """A count with its noun: 1 file, 1,204 files."""
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def ratio(part: Decimal | int | None, whole: Decimal | int | None) -> Decimal | None:
    """A quotient for display; None where there is nothing to divide by."""
    return None if part is None or not whole else Decimal(part) / Decimal(whole)


def change(now: Decimal, before: Decimal) -> Decimal | None:
    """Relative change; None where there was nothing before."""
    return ratio(now - before, before)
