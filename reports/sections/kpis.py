"""Five figures, each with its change and what it is compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from meterbook.reports.change_text import amount, delta, relative
from meterbook.reports.figures import Figures
from meterbook.reports.frame import Frame
from meterbook.reports.numbers import NONE, head, percent, points, price, ratio, share
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
    return {"kpis": [spend(frame, "Cost of the week"), forecast(frame), unit(frame), idle(frame), owned(frame)]}


def mood(value: Decimal | None, *, up_is_bad: bool = True) -> str:
    """How a change reads: over is bad, under is good."""
    # What is shown as no change has no colour.
    if value is None or abs(value) < Decimal("0.0005"):
        return ""
    return "over" if (value > 0) == up_is_bad else "under"


def spend(frame: Figures, name: str) -> Kpi:
    """What the period cost."""
    if not frame.now:
        was = f"; {amount(frame.before)} {frame.when}" if frame.before else ""
        return Kpi(name, NONE, "", f"nothing was recorded in this {frame.noun}{was}")
    if not frame.before:
        return Kpi(name, head(frame.now), "", f"nothing was recorded {frame.when}")
    return against(name, frame.now, frame.before, f"{frame.basis}, {head(frame.before)}")


def against(name: str, now: Decimal, before: Decimal, basis: str) -> Kpi:
    """An amount of dollars with its change; more is bad."""
    moved = relative(now, before)
    return Kpi(name, head(now), delta(now, before), basis, mood(now - before if moved is None else moved))


def forecast(frame: Frame) -> Kpi:
    """Where its month lands, against the plan."""
    plan, landing, name = frame.plan, frame.landing, f"{frame.week.last:%B} {'total' if frame.week.ends_month else 'forecast'}"
    if not landing:
        return Kpi(name, NONE, "", "needs 2 days of history")
    if not plan:
        return Kpi(name, head(landing["point_usd"]), "", f"no monthly budget {frame.whose}")
    return against(name, landing["point_usd"], plan["amount_usd"], f"vs plan, {head(plan['amount_usd'])}")


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
    moved = relative(cost, was) if cost is not None else None
    told = "" if moved is None else percent(moved, plus=True)
    return Kpi(f"Cost per {row['label']}", price(cost), told, f"{frame.week.basis}, {price(was)}", mood(moved))


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
