"""What a million tokens of the book's own models cost on both bases, beside an API; and how busy a pool must be to be worth it.

Break-even is u* = u x C / A: at utilisation u the hours of the pool cost C and the API would have cost A for its tokens, which are taken to
grow with the time it works. A pool is safely worth it where the tenth percentile of its hours lies above u*. Hours of which no state is
known may have been work or not: u and u* are given for none of them, for all, and for the known ones alone; what these disagree on is not
told.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from math import ceil
from typing import Any

from meterbook.reports.frame import Frame, Row
from meterbook.reports.numbers import NONE, count, percent, plural, price, ratio
from meterbook.reports.section import Section
from meterbook.reports.svg import sparkline

NOBODY = "(none)"
MILLION = Decimal(1_000_000)
_TENTH = Decimal("0.1")
_MODELS = """
    select pool, model, api, cast(sum(tokens) as bigint) as tokens, cast(sum(costed_tokens) as bigint) as costed_tokens,
        cast(sum(priced_tokens) as bigint) as priced_tokens, cast(sum(uncounted_requests) as bigint) as uncounted_requests,
        coalesce(sum(allocation_cost_usd), 0) as allocation_cost_usd, coalesce(sum(usage_cost_usd), 0) as usage_cost_usd,
        coalesce(sum(api_cost_usd), 0) as api_cost_usd
    from marts.self_hosted where day >= ? and day < ? group by pool, model, api order by pool, tokens desc, model, api
"""
_HOURS = """
    select pool, cast(extract(hour from started_at) as integer) as hour, capacity_seconds, used_seconds, unknown_seconds,
        allocation_cost_usd, api_cost_usd
    from marts.self_hosted_load where day >= ? and day < ? and capacity_seconds > 0 order by pool, started_at
"""
Share = Callable[[int, int, int], Decimal | None]
"""Utilisation of used, unknown and all seconds."""
SCENARIOS: Mapping[str, Share] = {
    "low": lambda used, _unknown, whole: ratio(used, whole),
    "point": lambda used, unknown, whole: ratio(used, whole - unknown),
    "high": lambda used, unknown, whole: ratio(used + unknown, whole),
}
VERDICTS = {
    "worth it": "cheaper than the API, and busy enough in nine of ten hours",
    "on the whole": "cheaper than the API on the whole, but not in its quiet hours",
    "api": "the API would have cost less; busier, the pool would be worth it",
    "never": "the API would cost less even if the pool were never idle",
    "unpriced": "no price of the API to hold it against",
    "unknown": "cannot be told: too much of its time is unknown",
}


def _build(frame: Frame) -> Mapping[str, Any] | None:
    models, hours = frame.rows(_MODELS, *frame.span), frame.rows(_HOURS, *frame.span)
    served = [row for row in models if row["model"] != NOBODY]
    if not served:
        return None
    uncounted = sum(row["uncounted_requests"] for row in served)
    return {
        "models": [_model(row, models) for row in served],
        "pools": [_pool(pool, [row for row in hours if row["pool"] == pool]) for pool in dict.fromkeys(row["pool"] for row in served)],
        "uncounted": plural(uncounted, "call") if uncounted else "",
    }


def _model(row: Row, models: Sequence[Row]) -> Mapping[str, str]:
    mates = [one for one in models if one["pool"] == row["pool"]]
    own = sum((one["allocation_cost_usd"] for one in mates if one["model"] != NOBODY), Decimal(0))
    idle = sum((one["allocation_cost_usd"] for one in mates if one["model"] == NOBODY), Decimal(0))
    # Models bear the hours in which their pool served none as they share the others.
    allocated = row["allocation_cost_usd"] * (own + idle) / own if own else Decimal(0)
    return {
        "model": row["model"],
        "pool": row["pool"],
        "api": row["api"],
        "tokens": count(row["tokens"]),
        "usage": _per_million(row["usage_cost_usd"], row["costed_tokens"]),
        "allocation": _per_million(allocated, row["costed_tokens"]),
        "beside": _per_million(row["api_cost_usd"], row["priced_tokens"]),
    }


def _per_million(cost: Decimal, tokens: int) -> str:
    return price(cost * MILLION / tokens) if tokens else NONE


def _pool(pool: str, hours: Sequence[Row]) -> Mapping[str, Any]:
    # A break-even needs both prices of an hour.
    known = [row for row in hours if row["allocation_cost_usd"] is not None and row["api_cost_usd"] is not None]
    found = {name: _judged(known, share) for name, share in SCENARIOS.items()}
    verdicts = {verdict for verdict, _, _, _ in found.values()}
    verdict, used, quiet, even = found["point"]
    return {
        "pool": pool,
        "used": percent(used),
        "quiet": percent(quiet),
        "even": percent(even),
        "used_range": _range(found["low"][1], found["high"][1]),
        "even_range": _range(found["low"][3], found["high"][3]),
        "verdict": VERDICTS[verdict if len(verdicts) == 1 else "unknown"],
        "curve": sparkline(_by_hour(hours), f"{pool}: used by hour of day, UTC", show=percent),
        "left_out": plural(len(hours) - len(known), "hour") if len(hours) > len(known) else "",
    }


Judged = tuple[str, Decimal | None, Decimal | None, Decimal | None]
"""The verdict; utilisation, its tenth percentile over the hours, and the one that breaks even."""


def _judged(hours: Sequence[Row], share: Share) -> Judged:
    cost = sum((row["allocation_cost_usd"] for row in hours), Decimal(0))
    beside = sum((row["api_cost_usd"] for row in hours), Decimal(0))
    used = _share(hours, share)
    each = sorted(value for row in hours if (value := _share([row], share)) is not None)
    quiet = each[ceil(_TENTH * len(each)) - 1] if each else None
    if used is None or quiet is None:
        return "unknown", None, None, None
    if not beside:
        return "unpriced", used, quiet, None
    even = used * cost / beside
    return _verdict(used, quiet, even), used, quiet, even


def _verdict(used: Decimal, quiet: Decimal, even: Decimal) -> str:
    if even > 1:
        return "never"
    if used <= even:
        return "api"
    return "worth it" if quiet > even else "on the whole"


def _share(hours: Sequence[Row], share: Share) -> Decimal | None:
    return share(*(sum(row[f"{name}_seconds"] for row in hours) for name in ("used", "unknown", "capacity")))


def _range(low: Decimal | None, high: Decimal | None) -> str:
    return "" if low == high else f"{percent(low)} to {percent(high)}"


def _by_hour(hours: Sequence[Row]) -> list[Decimal]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in hours:
        found[row["hour"]].append(row)
    return [_share(found[hour], SCENARIOS["low"]) or Decimal(0) for hour in range(24)]


SECTION = Section("self_hosted", _build, "No calls of self-hosted models in this week.", "Self-hosted models beside an API")
