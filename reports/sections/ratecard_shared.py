"""Shared services, what they cost a month, and how they are split: for information, since pools are shared out at what they cost."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.ratecard import AT_COST, RateCard, Service
from meterbook.reports.section import Section


def _build(card: RateCard) -> Mapping[str, Any] | None:
    rows = [_row(one) for one in card.services]
    return {"what": "Service, and the key it is shared by", "head": "USD", "rows": rows} if rows else None


def _row(one: Service) -> Mapping[str, str]:
    price = AT_COST if one.monthly_usd is None else f"${one.monthly_usd:,.2f}"
    return {"name": one.pool, "note": f"by {one.key}", "price": price, "price_note": ", ".join(one.lines)}


SECTION = Section("ratecard_shared", _build, "There is no shared pool in this month.", "Shared services, a month", "ratecard_table")
