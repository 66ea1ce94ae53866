"""The sample company's Google Cloud bill: in euro, from the month on in which its export was switched on."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

from meterbook.pipelines.demo_company import EURO_USD, price_on
from meterbook.pipelines.demo_gaps import BILLED, Gap, Key, Sums, Usage

SINCE = date(2026, 10, 1)
EURO_FOR_DOLLAR = Decimal("0.92")
"""Google's own rate of the month, which is not the book's."""
PLACES, PICO = Decimal("0.000001"), Decimal("1E-12")
CORRECTED_DAY, CORRECTED, CORRECTED_IN, CORRECTED_EURO = date(2026, 10, 9), ("proj_research", "gemini-2.5-pro"), "202611", Decimal("-1.85")
"""A day of which a part was given back on the next month's invoice."""
_SKUS = ("Text Input - Predictions", "Input Text Caching", "", "Text Output - Predictions")
_NAMES = {"gemini-2.5-pro": "Gemini 2.5 Pro GA", "gemini-2.5-flash": "Gemini 2.5 Flash GA"}


def write_google(folder: Path, usage: Usage) -> dict[str, dict[str, int]]:
    """One file a month of exported rows, and one of the row that came with the next invoice.

    Returns:
        Rows in each file, by its name in the inbox.
    """
    files: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for day in sorted(usage):
        for line in _lines(day, usage[day].get("google", {})):
            files[f"google/billing_{day:%Y-%m}.jsonl"].append(line)
        if day == CORRECTED_DAY:
            files["google/billing_2026-11.jsonl"].append(_correction())
    for name, lines in files.items():
        path = folder / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return {name: {"rows_in": len(lines), "quarantined": 0} for name, lines in files.items()}


def _lines(day: date, sums: Sums) -> Iterator[dict[str, Any]]:
    if day >= SINCE:
        for key, meter, tokens, dollars in _meters(day, sums):
            yield _row(day, key, meter, tokens, _euro(dollars))


def _meters(day: date, sums: Sums) -> Iterator[tuple[Key, int, int, Decimal]]:
    for key, (_, *buckets) in sorted(sums.items()):
        price = price_on(key[1], day)
        for meter, (rate, tokens) in enumerate(zip(price.meters if price else (), buckets, strict=True)):
            if tokens:
                yield key, meter, tokens, Decimal(rate * tokens).scaleb(-12)


def _euro(dollars: Decimal) -> Decimal:
    return (dollars * EURO_FOR_DOLLAR).quantize(PLACES)


def _stated(euro: Decimal) -> Decimal:
    """What the bill itself says its euro are in dollars."""
    with localcontext(prec=80):
        return (euro / EURO_FOR_DOLLAR).quantize(PICO)


def billed_on(day: date, sums: Sums) -> Decimal:
    """All that is billed for a day, in dollars of the book."""
    euro = sum((_euro(dollars) for *_, dollars in _meters(day, sums)), Decimal(0)) if day >= SINCE else Decimal(0)
    return EURO_USD * (euro + (CORRECTED_EURO if day == CORRECTED_DAY else 0))


def gaps_of(usage: Usage) -> Iterator[Gap]:
    """What exchange, rounding and the correction come to, by day and key."""
    for day in sorted(usage):
        found: dict[tuple[str, Key], Decimal] = defaultdict(Decimal)
        for key, _, _, dollars in _meters(day, usage[day].get("google", {}) if day >= SINCE else {}):
            euro = _euro(dollars)
            found["FX", key] += EURO_USD * euro - _stated(euro)
            found["rounding", key] += _stated(euro) - dollars
        if day == CORRECTED_DAY:
            found["late", CORRECTED] = EURO_USD * CORRECTED_EURO
        for (cause, key), amount in sorted(found.items()):
            if amount:
                yield Gap(BILLED, cause, day, "google", key[0], key[1], amount)


def _row(day: date, key: Key, meter: int, tokens: int, euro: Decimal) -> dict[str, Any]:
    end = day + timedelta(days=1)
    return {
        "billing_account_id": "01A2B3-C4D5E6-F70809",
        "service": {"id": "C7E2-9256-1C43", "description": "Vertex AI"},
        "sku": {"id": f"{key[1]}-{meter}", "description": f"{_NAMES[key[1]]} {_SKUS[meter]}"},
        "usage_start_time": f"{day} 00:00:00 UTC",
        "usage_end_time": f"{end} 00:00:00 UTC",
        "project": {"id": key[0], "name": key[0]},
        "labels": [],
        "tags": [],
        "export_time": f"{end} 09:00:00 UTC",
        "cost": float(euro),
        "cost_at_list": float(euro),
        "currency": "EUR",
        "currency_conversion_rate": float(EURO_FOR_DOLLAR),
        "usage": {"amount": tokens, "unit": "requests"},
        "credits": [],
        "invoice": {"month": f"{day:%Y%m}"},
        "cost_type": "regular",
        "adjustment_info": {"id": None, "type": None},
        "resource": {"name": None, "global_name": None},
    }


def _correction() -> dict[str, Any]:
    row = _row(CORRECTED_DAY, CORRECTED, 3, 0, CORRECTED_EURO)
    adjusted = {"id": "adj-1", "description": "usage counted too high", "mode": "MANUAL_ADJUSTMENT", "type": "USAGE_CORRECTION"}
    return {**row, "export_time": "2026-11-04 09:00:00 UTC", "invoice": {"month": CORRECTED_IN}, "adjustment_info": adjusted}
