"""The opening: period and state, the verdict as one sentence, and its causes in dollars."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.change_text import VISIBLE, amount, capital, difference, verdict
from meterbook.reports.frame import Frame
from meterbook.reports.kicker import kicker
from meterbook.reports.numbers import dollars, head
from meterbook.reports.section import Section
from meterbook.reports.sections.moved import movers


def _build(frame: Frame) -> Mapping[str, Any]:
    return {**kicker(frame, f"Week {frame.week.name[-2:]}, {frame.week.title}"), "headline": headline(frame), "causes": causes(frame)}


def headline(frame: Frame) -> str:
    """The verdict, from the same figures as the charts below it."""
    return f"{capital(verdict('AI cost', frame.now, frame.before, frame.when))}{landing_said(frame)}."


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
    said = f"; {frame.week.last:%B} {'came to' if frame.week.ends_month else 'is heading for'} {amount(landing['point_usd'])}"
    if not plan:
        return said
    gap = landing["point_usd"] - plan["amount_usd"]
    return f"{said}, {met}" if abs(gap) <= VISIBLE else f"{said}, {head(abs(gap))} {'over' if gap > 0 else 'under'} {against}"


def causes(frame: Frame) -> list[str]:
    """Two sentences in dollars: what moved most, and what idle GPUs cost."""
    found = []
    biggest = movers(frame)[:3]
    if biggest and frame.before:
        found.append(difference(frame.now, frame.before, frame.rival, [f"{name} {dollars(value, plus=True)}" for name, value in biggest]))
    elif biggest:
        found.append(f"Nothing was recorded {frame.when}; it is mainly {', '.join(f'{name} {dollars(value)}' for name, value in biggest)}.")
    pools = frame.gpus(frame.span)
    warm, free = (sum((pool[f"{state}_idle_cost_usd"] for pool in pools), Decimal(0)) for state in ("warm", "free"))
    if warm + free:
        found.append(f"GPUs without work cost {dollars(warm + free)}, of which {dollars(free)} on GPUs nobody held.")
    return found


SECTION = Section("opening", _build)
