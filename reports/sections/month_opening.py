"""The opening of a month's page: the verdict against budget and last forecast with the largest cause, and what is behind it in dollars."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.budget_status import day_of
from meterbook.reports.causes import listed
from meterbook.reports.change_text import VISIBLE, amount, difference, is_level
from meterbook.reports.kicker import kicker
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import dollars, head
from meterbook.reports.section import Section
from meterbook.reports.sections.moved import bridge, named

_NAMED = 3
_FLAT = Decimal("0.005")
"""A change below this is none to speak of."""


def _build(frame: MonthFrame) -> Mapping[str, Any]:
    return {**kicker(frame, frame.title), "headline": headline(frame), "causes": list(causes(frame))}


def headline(frame: MonthFrame) -> str:
    """The verdict, from the same figures as the charts below it."""
    name = f"{frame.span[0]:%B}"
    if not frame.now:
        was = f", against {amount(frame.before)} {frame.when}" if frame.before else ""
        return f"No cost was recorded in {name}{was}."
    if frame.is_whole:
        said = f"{name} {'cost' if frame.now > 0 else 'came to'} {amount(frame.now)}"
    else:
        said = f"{name} has {'cost' if frame.now > 0 else 'come to'} {amount(frame.now)} by the {_ordinal(frame.last.day)}"
        said += f" and is heading for {amount(frame.landing['point_usd'])}" if frame.landing else ""
    held = [*_against(frame)]
    return said + (f", {listed(held)}" if held else "") + _largest(frame) + "."


def _against(frame: MonthFrame) -> Iterator[str]:
    """How the month, or where it lands, stands to its budget and to the last forecast."""
    lands = frame.now if frame.is_whole else frame.landing["point_usd"] if frame.landing else None
    if frame.plan and lands is not None:
        yield _gap(lands - frame.plan["amount_usd"], "budget")
    if frame.latest and frame.is_whole:
        yield _gap(frame.now - frame.latest["point_usd"], f"the forecast of {day_of(frame.latest['day'])}")


def _gap(gap: Decimal, rival: str) -> str:
    if abs(gap) <= VISIBLE:
        return f"exactly {'on budget' if rival == 'budget' else 'as ' + rival}"
    return f"{head(abs(gap))} {'over' if gap > 0 else 'under'} {rival}"


def _largest(frame: MonthFrame) -> str:
    """The effect that moved the month most, where it had days to compare with and moved."""
    parts = [part for part in bridge(frame) if abs(part[1]) >= VISIBLE]
    if not frame.before or not parts or _is_flat(frame):
        return ""
    name, value = max(parts, key=lambda part: (abs(part[1]), part[0]))
    return f"; the largest cause of change since {frame.earlier[0]:%B} is {named(name)}, {dollars(value, plus=True)}"


def _is_flat(frame: MonthFrame) -> bool:
    return is_level(frame.now, frame.before, _FLAT)


def causes(frame: MonthFrame) -> Iterator[str]:
    """What moved the month since the one before, in dollars; then what was held against the last forecast."""
    if not frame.before:
        if frame.now:
            yield f"Nothing was recorded {frame.when} to compare it with."
        return
    parts = sorted((part for part in bridge(frame) if abs(part[1]) >= VISIBLE), key=lambda part: (-abs(part[1]), part[0]))
    most = [f"{named(name)} {dollars(value, plus=True)}" for name, value in parts[:_NAMED]]
    yield difference(frame.now, frame.before, frame.rival, most, held=_FLAT)
    if frame.plan is None:
        yield "No monthly budget for everything is in budgets.yaml, so that nothing is said of one."


def _ordinal(day: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{day}{ends.get(day % 10, 'th') if day not in {11, 12, 13} else 'th'}"


SECTION = Section("month_opening", _build, template="opening")
