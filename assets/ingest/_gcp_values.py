"""Values of a row of a Google Cloud bill: instants, amounts, labels, in the notations of BigQuery's exports and of its REST API."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Any

import msgspec

from meterbook.assets.ingest._currency import USD, is_too_large
from meterbook.assets.ingest._tables import json_object
from meterbook.assets.ingest.format import LARGEST

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"\d+(\.\d*)?([eE]\+?\d{1,2})?", re.ASCII)
_MILLISECONDS, _MICROSECONDS = 10**11, 10**14
_LIST = msgspec.json.Decoder(list[dict[str, Any]], float_hook=str)
_NO_LIST = (msgspec.DecodeError, RecursionError)
_PICO = Decimal("1E-12")
_IN_USD = {"cost_in_usd": "cost", "billed_in_usd": "billed", "list_in_usd": "list_cost"}


@lru_cache(maxsize=65_536)
def iso(text: str | None) -> str | None:
    """An instant as ISO 8601: epoch seconds, milliseconds or microseconds in any notation, or a time whose zone stands in letters."""
    if text is None or not _NUMBER.fullmatch(text):
        return text and text.removesuffix(" UTC")
    number = Decimal(text)
    parts = 1_000_000 if number >= _MICROSECONDS else 1_000 if number >= _MILLISECONDS else 1
    try:
        return (_EPOCH + timedelta(microseconds=int(number / parts * 1_000_000))).replace(tzinfo=None).isoformat()
    except OverflowError:
        return text


def amounts(row: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """The figures of a row in its currency: cost, credited, promotion, billed, list_cost; and in US dollars, as the row states its rate.

    Args:
        row: `cost`, `list_cost` and `rate` (units of the currency for a dollar) as decimals, `credits` and `currency` as texts.

    Raises:
        ValueError: the row has no cost, or one that cannot be meant.
    """
    if row["cost"] is None:
        raise ValueError("cost is missing")
    credit, promotion = _credits(row["credits"])
    currency = (row["currency"] or "").upper()
    given = {"cost": row["cost"], "credited": credit, "promotion": promotion, "billed": row["cost"] + credit, "list_cost": row["list_cost"]}
    rate = row["rate"] if currency != USD and row["rate"] and row["rate"] > 0 else None
    with localcontext(prec=80):
        found = {name: _pico(amount) for name, amount in given.items()}
        in_usd = {name: _pico(given[of], rate) if rate else None for name, of in _IN_USD.items()}
    if any(is_too_large(amount, currency) for amount in found.values() if amount is not None):
        raise ValueError(f"cost {row['cost']} {currency} is too large")
    if any(is_too_large(amount, USD) for amount in in_usd.values() if amount is not None):
        raise ValueError(f"cost {row['cost']} {currency} is too large at a rate of {rate:f}")
    return {**found, **in_usd}


def _pico(amount: Decimal | None, rate: Decimal = Decimal(1)) -> Decimal | None:
    return None if amount is None else (amount / rate).quantize(_PICO)


def _credits(text: str | None) -> tuple[Decimal, Decimal]:
    """All credits of a row, and the promotions among them, in the row's currency.

    Raises:
        ValueError: neither a list of credits nor, as people write who cannot export a list, their sum.
    """
    if text is None or text == "[]":
        return Decimal(0), Decimal(0)
    try:
        if not text.startswith(("[", "{")):
            return _finite(text), Decimal(0)
        found = [(_finite(one["amount"]), one.get("type")) for one in _listed(text)]
    except (*_NO_LIST, InvalidOperation, KeyError, ValueError) as error:
        raise ValueError("credits are no list of amounts") from error
    return sum((amount for amount, _ in found), Decimal(0)), sum((amount for amount, kind in found if kind == "PROMOTION"), Decimal(0))


def _finite(value: object) -> Decimal:
    found = Decimal(str(value))
    if not found.is_finite() or abs(found) > LARGEST:
        raise ValueError(f"{value} is no amount")
    return found


def _listed(text: str) -> list[Mapping[str, Any]]:
    """The records of a list; some writers of Parquet wrap lists as `{"list": [{"element": ...}]}`."""
    if text.startswith("{"):
        text = msgspec.json.encode(json_object(text)["list"]).decode()
    return [json_object(one.get("element", one)) for one in _LIST.decode(text)]


@lru_cache(maxsize=65_536)
def tags(labels: str | None, others: str | None) -> str | None:
    """Labels and tags as one JSON object; a label wins over a tag of its name."""
    found = {**_pairs(others), **_pairs(labels)}
    return json.dumps(found, sort_keys=True, ensure_ascii=False) if found else None


def _pairs(text: str | None) -> dict[str, Any]:
    """Keys with values, of an object or of a list of pairs; nothing where it is neither."""
    given = json_object(text)
    if text is None or (given and "list" not in given):
        return dict(given)
    try:
        return {str(one["key"]): one.get("value") for one in _listed(text) if "key" in one}
    except (*_NO_LIST, KeyError):
        return {}
