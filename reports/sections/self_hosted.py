"""What a million tokens of the book's own models cost on both bases, beside an API; and how busy a pool must be to be worth it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from meterbook.reports.break_even import SCENARIOS, Load, ModelCost, loads, model_costs, utilisation
from meterbook.reports.frame import Frame, Row
from meterbook.reports.numbers import count, percent, plural, price
from meterbook.reports.section import Section
from meterbook.reports.svg import sparkline

VERDICTS = {
    "worth it": "cheaper than the API, and busy enough in nine of ten hours",
    "on the whole": "cheaper than the API on the whole, but not in its quiet hours",
    "api": "the API would have cost less; busier, the pool would be worth it",
    "never": "the API would cost less even if the pool were never idle",
    "unpriced": "no price of the API to hold it against",
    "unknown": "cannot be told: too much of its time is unknown",
}


def _build(frame: Frame) -> Mapping[str, Any] | None:
    served = model_costs(frame.rows, frame.span)
    if not served:
        return None
    uncounted = sum(one.uncounted_requests for one in served)
    return {
        "models": [_model(one) for one in served],
        "pools": [_pool(one) for one in loads(frame.rows, frame.span, list(dict.fromkeys(one.pool for one in served)))],
        "uncounted": plural(uncounted, "call") if uncounted else "",
    }


def _model(one: ModelCost) -> Mapping[str, str]:
    return {
        "model": one.model,
        "pool": one.pool,
        "api": one.api,
        "tokens": count(one.tokens),
        "usage": price(one.usage_usd),
        "allocation": price(one.allocation_usd),
        "beside": price(one.beside_usd),
    }


def _pool(load: Load) -> Mapping[str, Any]:
    low, point, high = (load.judged[name] for name in ("low", "point", "high"))
    return {
        "pool": load.pool,
        "used": percent(point.used),
        "quiet": percent(point.quiet),
        "even": percent(point.even),
        "used_range": _range(low.used, high.used),
        "even_range": _range(low.even, high.even),
        "verdict": VERDICTS[load.verdict],
        "curve": sparkline(_by_hour(load.hours), f"{load.pool}: used by hour of day, UTC", show=percent),
        "left_out": plural(load.left_out, "hour") if load.left_out else "",
    }


def _range(low: Decimal | None, high: Decimal | None) -> str:
    return "" if low == high else f"{percent(low)} to {percent(high)}"


def _by_hour(hours: Sequence[Row]) -> list[Decimal]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in hours:
        found[row["hour"]].append(row)
    return [utilisation(found[hour], SCENARIOS["low"]) or Decimal(0) for hour in range(24)]


SECTION = Section("self_hosted", _build, "No calls of self-hosted models in this week.", "Self-hosted models beside an API")
