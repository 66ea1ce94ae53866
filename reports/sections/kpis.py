"""Five figures, each with its change and what it is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from meterbook.reports.figures import Figures
from meterbook.reports.frame import Frame
from meterbook.reports.numbers import NONE, change, head, percent, points, price, ratio, share
from meterbook.reports.section import Section

_PICO = 10**12


@dataclass(frozen=True)
class Kpi:
    """One figure; `mood` is over, under or empty."""

    name: str
    value: str
    delta: str
    basis: str
    mood: str = ""


def _build(frame: Frame) -> Mapping[str, Any]:
    return {"kpis": [spend(frame), forecast(frame), unit(frame), idle(frame), owned(frame)]}


def mood(value: Decimal | None, *, up_is_bad: bool = True) -> str:
    """How a change reads: over is bad, under is good."""
    # What is shown as no change has no colour.
    if value is None or abs(value) < Decimal("0.0005"):
        return ""
    return "over" if (value > 0) == up_is_bad else "under"


def spend(frame: Frame) -> Kpi:
    """What the period cost."""
    moved = change(frame.now, frame.before)
    return Kpi("Cost of the week", head(frame.now), percent(moved, plus=True), f"{frame.week.basis}, {head(frame.before)}", mood(moved))


def forecast(frame: Frame) -> Kpi:
    """Where its month lands, against the plan."""
    plan, landing, name = frame.plan, frame.landing, f"{frame.week.last:%B} {'total' if frame.week.ends_month else 'forecast'}"
    if not landing:
        return Kpi(name, NONE, "", "needs 2 days of history")
    if not plan:
        return Kpi(name, head(landing["point_usd"]), "", f"no monthly budget {frame.whose}")
    gap = change(landing["point_usd"], plan["amount_usd"])
    return Kpi(name, head(landing["point_usd"]), percent(gap, plus=True), f"vs plan, {head(plan['amount_usd'])}", mood(gap))


def unit(frame: Frame) -> Kpi:
    """Cost per unit of value: the dearest that can be compared."""
    now, before = frame.units(frame.span), frame.units(frame.week.before)
    if not now:
        return Kpi("Cost per unit", NONE, "", "no outcomes in this week")
    # The dearest that was delivered before too, of one feature, with a target if any has: a figure with nothing beside it says little.
    known = [unit for unit in now if unit in before and before[unit]["successes"]] or list(now)
    name = min(known, key=lambda unit: (not now[unit]["is_part"], now[unit]["target_usd"] is None))
    row = now[name]
    cost = ratio(row["cost_usd"], row["successes"])
    was = ratio(before[name]["cost_usd"], before[name]["successes"]) if name in before else None
    if was is None:
        return Kpi(f"Cost per {row['label']}", price(cost), "", "none was delivered before to compare with")
    moved = change(cost, was) if cost is not None and was else None
    return Kpi(f"Cost per {row['label']}", price(cost), percent(moved, plus=True), f"{frame.week.basis}, {price(was)}", mood(moved))


def idle(frame: Frame) -> Kpi:
    """The share of GPU time without work."""
    now, before = _idle_share(frame.gpus(frame.span)), _idle_share(frame.gpus(frame.week.before))
    if now is None:
        return Kpi("GPU idle share", NONE, "", "no GPU samples in this week")
    moved = None if before is None else now - before
    return Kpi("GPU idle share", percent(now), points(moved), f"{frame.week.basis}, {percent(before)}", mood(moved))


def _idle_share(pools: list[dict[str, Any]]) -> Decimal | None:
    return ratio(
        sum(pool["warm_idle_seconds"] + pool["free_idle_seconds"] for pool in pools), sum(pool["capacity_seconds"] for pool in pools)
    )


def owned(frame: Figures) -> Kpi:
    """How much of what calls and GPU hours cost has an owner."""
    (named, whole), before = frame.owned(frame.span), ratio(*frame.owned(frame.earlier))
    now, name, target = ratio(named, whole), "Cost with an owner", percent(frame.facts.owner_target)
    if now is None:
        return Kpi(name, NONE, "", f"no call or GPU hour with a price; target {target}")
    moved = None if before is None else now - before
    tone = "over" if now < frame.facts.owner_target else mood(moved, up_is_bad=False)
    # Not all is never shown as 100 %.
    return Kpi(
        name, share(int(named * _PICO), int(whole * _PICO)), points(moved), f"target {target}; {frame.basis}, {percent(before)}", tone
    )


SECTION = Section("kpis", _build)
