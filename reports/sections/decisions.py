"""What needs a decision: each with an amount, an action and an owner, all of it from the data."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import Frame
from meterbook.reports.gpu_evidence import reservations
from meterbook.reports.gpu_levers import Advice, advice
from meterbook.reports.numbers import count, dollars, head, percent, ratio
from meterbook.reports.section import Section

YEAR_DAYS = Decimal(365)
IDLE_SHARE = Decimal("0.3")
GPU_ACTIONS = 3


def _build(frame: Frame) -> Mapping[str, Any] | None:
    gpus = _largest(frame)
    found = sorted((*_gpus(gpus), *_idle(frame, gpus), *_budgets(frame), *_unowned(frame)), key=lambda item: -item["amount"])
    found += list(_unpriced(frame))
    if not found:
        return None
    return {"rows": [{**item, "amount": f"{head(item['amount'])}{item['per']}" if item["amount"] else "unknown"} for item in found]}


def _per_year(frame: Frame, amount: Decimal) -> Decimal:
    return amount * YEAR_DAYS / frame.elapsed.days


def _largest(frame: Frame) -> list[Advice]:
    """The GPU actions that save most a year, as far as it can be told: one of a pool, for those of a pool overlap."""
    found: list[Advice] = []
    for one in advice(frame.gpu_pools, reservations(frame)):
        told = {pool for other in found for pool in other.pools}
        if one.usd and one.usd.point > 0 and not told & set(one.pools):
            found.append(one)
    return found[:GPU_ACTIONS]


def _gpus(found: Sequence[Advice]) -> Iterator[dict[str, Any]]:
    for one in found:
        if one.usd:
            said = f"{one.action}: low {head(one.usd.low)}, high {head(one.usd.high)}, {one.effort} effort."
            yield {"amount": one.usd.point, "per": " a year", "action": said, "owner": one.owner}


def _idle(frame: Frame, told: Sequence[Advice]) -> Iterator[dict[str, Any]]:
    # What is owned or reserved costs the same where it is given back; that is for the section of the fleet to weigh.
    names = {name for one in told for name in one.pools} | {one.name for one in frame.gpu_pools if one.committed}
    for pool in frame.gpus(frame.span):
        if pool["pool"] in names:
            continue
        share = ratio(pool["free_idle_seconds"], pool["capacity_seconds"])
        if share is not None and share >= IDLE_SHARE and pool["free_idle_cost_usd"]:
            yield {
                "amount": _per_year(frame, pool["free_idle_cost_usd"]),
                "per": " a year",
                "action": f"Release or share GPUs of pool {pool['pool']}: {percent(share)} of its hours nobody held them.",
                "owner": pool["owner"] or "nobody",
            }


def _budgets(frame: Frame) -> Iterator[dict[str, Any]]:
    for row in frame.budgets:
        landing = row["forecast_usd"]
        if landing is not None and landing > row["amount_usd"] and row["period"] != "day":
            state = "is spent" if row["used_usd"] >= row["amount_usd"] else "will be spent"
            yield {
                "amount": landing - row["amount_usd"],
                "per": f" this {row['period']}",
                "action": f"Raise or hold budget {row['budget']}: {dollars(row['amount_usd'])} {state}, {dollars(landing)} expected.",
                "owner": row["team"] or "finance",
            }


def _unowned(frame: Frame) -> Iterator[dict[str, Any]]:
    lost = frame.by("team", frame.span).get("unowned", Decimal(0))
    if lost >= 1:
        yield {
            "amount": _per_year(frame, lost),
            "per": " a year",
            "action": f"Give the keys nobody owns an owner in owners.csv: {dollars(lost)} in this week.",
            "owner": "platform",
        }


def _unpriced(frame: Frame) -> Iterator[dict[str, Any]]:
    for row in frame.coverage:
        if row["reason"] != "priced" and row["requests"]:
            todo = "Have logs count tokens" if row["reason"] == "no tokens" else f"Add a rate card ({row['reason']})"
            yield {
                "amount": Decimal(0),
                "per": "",
                "action": f"{todo}: {count(row['requests'])} requests, {count(row['tokens'])} tokens unpriced.",
                "owner": "finance",
            }


SECTION = Section("decisions", _build, "Nothing needs a decision this week.", "Needs a decision")
