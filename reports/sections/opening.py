"""The opening: period and state, the verdict as one sentence, and its causes in dollars."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import Frame
from meterbook.reports.kicker import kicker
from meterbook.reports.numbers import change, dollars, head, percent
from meterbook.reports.section import Section
from meterbook.reports.sections.moved import movers


def _build(frame: Frame) -> Mapping[str, Any]:
    return {**kicker(frame, f"Week {frame.week.name[-2:]}, {frame.week.title}"), "headline": headline(frame), "causes": causes(frame)}


def headline(frame: Frame) -> str:
    """The verdict, from the same figures as the charts below it."""
    if not frame.now and not frame.before:
        return "No cost was recorded in this week."
    moved = change(frame.now, frame.before)
    if moved is None:
        first = f"AI cost was {head(frame.now)}"
    elif abs(moved) < Decimal("0.02"):
        first = f"AI cost held at {head(frame.now)}"
    else:
        first = f"AI cost {'rose' if moved > 0 else 'fell'} {percent(abs(moved))} to {head(frame.now)}"
    return f"{first}{landing_said(frame)}."


def landing_said(frame: Frame, against: str = "plan", met: str = "as planned") -> str:
    """Where the month lands, as the end of a verdict; empty where it is not forecast.

    Args:
        frame: the figures.
        against: what the budget is called.
        met: what is said where the month lands on it.
    """
    plan, landing = frame.plan, frame.landing
    if not landing:
        return ""
    said = f"; {frame.week.last:%B} {'came to' if frame.week.ends_month else 'is heading for'} {head(landing['point_usd'])}"
    if not plan:
        return said
    gap = landing["point_usd"] - plan["amount_usd"]
    # Less than half a dollar is no side of it.
    return f"{said}, {met}" if dollars(gap) == "$0" else f"{said}, {head(abs(gap))} {'over' if gap > 0 else 'under'} {against}"


def causes(frame: Frame) -> list[str]:
    """Two sentences in dollars: what moved most, and what idle GPUs cost."""
    found = []
    biggest = movers(frame)[:3]
    if biggest:
        listed = ", ".join(f"{name} {dollars(value, plus=True)}" for name, value in biggest)
        gap = frame.now - frame.before
        found.append(f"{dollars(abs(gap))} {'more' if gap > 0 else 'less'} than {frame.week.rival}, mainly {listed}.")
    pools = frame.gpus(frame.span)
    warm, free = (sum((pool[f"{state}_idle_cost_usd"] for pool in pools), Decimal(0)) for state in ("warm", "free"))
    if warm + free:
        found.append(f"GPUs without work cost {dollars(warm + free)}, of which {dollars(free)} on GPUs nobody held.")
    return found


SECTION = Section("opening", _build)
