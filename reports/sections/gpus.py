"""What GPUs did and cost: used, warm idle, free idle, unknown."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import Frame
from meterbook.reports.numbers import dollars, percent, ratio
from meterbook.reports.section import Section
from meterbook.reports.svg import stacked

STATES = (("used", "used"), ("warm idle", "warm_idle"), ("free idle", "free_idle"), ("unknown", "unknown"))
MEANINGS = (("used", ""), ("warm idle", "held, without work"), ("free idle", "held by nobody"), ("unknown", "no utilisation known"))


def _build(frame: Frame) -> Mapping[str, Any] | None:
    pools = frame.gpus(frame.span)
    if not pools:
        return None
    rows = [
        {
            "pool": pool["pool"],
            "owner": pool["owner"] or "nobody",
            "hours": f"{Decimal(pool['capacity_seconds']) / 3600:,.0f}",
            "bar": stacked([(name, Decimal(pool[f"{state}_seconds"])) for name, state in STATES], pool["pool"]),
            "used": percent(ratio(pool["used_seconds"], pool["capacity_seconds"])),
            "cost": dollars(pool["cost_usd"]),
            "idle_cost": dollars(pool["warm_idle_cost_usd"] + pool["free_idle_cost_usd"]),
        }
        for pool in pools
    ]
    idle = sum((pool["warm_idle_cost_usd"] + pool["free_idle_cost_usd"] for pool in pools), Decimal(0))
    total = sum((pool["cost_usd"] for pool in pools), Decimal(0))
    return {"rows": rows, "states": MEANINGS, "total": dollars(total), "idle_total": dollars(idle)}


SECTION = Section("gpus", _build, "No GPU samples in this week.", "GPUs")
