"""Values of a row of a Google Cloud bill: instants, dollars, labels, in the notations of BigQuery's exports and of its REST API."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Any

import msgspec

from meterbook.assets.ingest._tables import json_object
from meterbook.assets.ingest.format import LARGEST

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"\d+(\.\d*)?([eE]\+?\d{1,2})?", re.ASCII)
_MILLISECONDS, _MICROSECONDS = 10**11, 10**14
_LIST = msgspec.json.Decoder(list[dict[str, Any]], float_hook=str)
_NO_LIST = (msgspec.DecodeError, RecursionError)
_PICO = Decimal("1E-12")


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


def dollars(row: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """The figures of a row in US dollars: cost_usd, credits_usd, promotion_usd, billed_usd, list_usd.

    Args:
        row: `cost`, `list_cost` and `rate` as decimals, `credits` and `currency` as texts.

    Raises:
        ValueError: the row does not say how many dollars it is.
    """
    if row["cost"] is None:
        raise ValueError("cost is missing")
    credit, promotion = _credits(row["credits"])
    rate = Decimal(1) if (row["currency"] or "").upper() == "USD" else row["rate"]
    if rate is None or rate <= 0:
        raise ValueError(f"currency {row['currency']} has no conversion rate")
    given = {"cost_usd": row["cost"], "credits_usd": credit, "promotion_usd": promotion, "billed_usd": row["cost"] + credit}
    if row["list_cost"] is not None:
        given["list_usd"] = row["list_cost"]
    with localcontext(prec=80):
        found = {name: (amount / rate).quantize(_PICO) for name, amount in given.items()}
    if any(abs(amount) > LARGEST for amount in found.values()):
        raise ValueError(f"cost {row['cost']} {row['currency']} is too large at a rate of {rate}")
    return {"list_usd": None, **found}


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
