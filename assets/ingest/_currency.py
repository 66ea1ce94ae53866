"""Currencies of bills. Lines keep the currency they are billed in; what they are in dollars is found in core.charge, at dated rates."""

from decimal import Decimal

import polars as pl

from meterbook.assets.ingest._page_values import decimal
from meterbook.assets.ingest.format import LARGEST, Rule

USD = "USD"
_LARGEST_USD = 10**12
"""No line of a bill is larger; what is, is a broken record, and would not fit the sums. In other currencies, `LARGEST`."""
_MINOR_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Decimals of a currency's lowest unit, where they are not two: ISO 4217, table A.1, column "minor unit"."""


def whole_units(amount: object, currency: str, what: str) -> Decimal:
    """An amount in the lowest unit of a currency, such as cents, as text or number, in whole units, such as dollars.

    Args:
        amount: as the file has it, fractions of the lowest unit included; kept to a hundredth of a pico-unit's worth.
        currency: ISO 4217.
        what: name of the figure.

    Raises:
        ValueError: not an amount.
    """
    digits = _MINOR_DIGITS.get(currency, 2)
    return decimal(amount, what, places=12 - digits).scaleb(-digits)


def is_too_large(amount: Decimal, currency: str) -> bool:
    """Whether no line of a bill can be of that amount."""
    return abs(amount) >= (_LARGEST_USD if currency == USD else LARGEST)


def not_a_currency() -> Rule:
    """A rule for `currency`: where one is named, its shape is that of ISO 4217."""
    currency = pl.col("currency")
    return ~currency.str.contains(r"^[A-Z]{3}$"), pl.format("currency {} is no ISO 4217 code", currency)


def too_large(column: str, *, is_usd: bool = False) -> Rule:
    """A rule for an amount in the currency of its line, which is USD where it names none, or in USD whatever that is."""
    amount, in_usd = pl.col(column).abs(), pl.lit(value=True) if is_usd else pl.col("currency").fill_null(USD) == USD
    return (amount >= LARGEST) | (in_usd & (amount >= _LARGEST_USD)), pl.format("{} {} is too large", pl.lit(column), pl.col(column))
