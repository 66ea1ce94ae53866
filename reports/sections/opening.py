"""The opening: period and state, the verdict as one sentence, and its causes in dollars."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import Frame
from meterbook.reports.numbers import change, dollars, head, percent
from meterbook.reports.section import Section
from meterbook.reports.sections.moved import movers


def _build(frame: Frame) -> Mapping[str, Any]:
    facts, week = frame.facts, frame.week
    return {
        "company": facts.company,
        "period": f"Week {week.name[-2:]}, {week.title}",
        "state": "closed" if facts.is_closed else "open",
        "checks": f"{facts.checks_passed} of {facts.checks_total} checks pass",
        "through": f"data through {week.last.day} {week.last:%B}",
        "headline": headline(frame),
        "causes": causes(frame),
    }


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
    return f"{first}{_landing(frame)}."


def _landing(frame: Frame) -> str:
    plan = frame.plan
    if not plan or plan["forecast_usd"] is None:
        return ""
    month = f"{frame.week.last:%B}"
    gap = plan["forecast_usd"] - plan["amount_usd"]
    verdict = "over" if gap > 0 else "under"
    return f"; {month} is heading for {head(plan['forecast_usd'])}, {head(abs(gap))} {verdict} plan"


def causes(frame: Frame) -> list[str]:
    """Two sentences: what moved most, and what idle GPUs cost."""
    found = []
    biggest = movers(frame)[:3]
    if biggest:
        listed = ", ".join(f"{name} {dollars(value, plus=True)}" for name, value in biggest)
        found.append(f"The change of {dollars(frame.now - frame.before, plus=True)} {frame.week.basis} is mostly {listed}.")
    idle = sum((pool["warm_idle_cost_usd"] + pool["free_idle_cost_usd"] for pool in frame.gpus(frame.span)), Decimal(0))
    if idle:
        found.append(f"GPUs that were held or free without work cost {dollars(idle)}.")
    return found


SECTION = Section("opening", _build)
