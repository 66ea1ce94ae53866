"""The opening of a quarter's page: what it cost against plan and the quarter before, what a unit costs with its quality, and the causes."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from meterbook.reports.causes import listed
from meterbook.reports.change_text import VISIBLE, amount, difference, is_level, relative
from meterbook.reports.figures import ZERO
from meterbook.reports.kicker import kicker
from meterbook.reports.numbers import dollars, head, percent, plural
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.quarter_units import chosen
from meterbook.reports.quarter_units import told as told_unit
from meterbook.reports.section import Section
from meterbook.reports.sections.moved import bridge, named

_NAMED = 3
_FLAT = Decimal("0.005")
"""A change below this is none to speak of."""


def _build(frame: QuarterFrame) -> Mapping[str, Any]:
    said = kicker(frame, frame.title)
    if not frame.is_whole:
        said["state"] += f", {(frame.span[1] - frame.span[0]).days} of {frame.days_whole} days"
    return {**said, "headline": headline(frame), "causes": list(causes(frame))}


def headline(frame: QuarterFrame) -> str:
    """The verdict, from the same figures as the charts below it."""
    if not frame.now:
        was = f", against {amount(frame.before)} {frame.when}" if frame.before else ""
        return f"No cost was recorded in {frame.title}{was}."
    has = "" if frame.is_whole else "has "
    verb = "cost" if frame.now > 0 else "come to" if has else "came to"
    days = "" if frame.is_whole else f" in {plural((frame.span[1] - frame.span[0]).days, 'day')}"
    parts = [f"{frame.title} {has}{verb} {amount(frame.now)}{days}", *_against_plan(frame), *_against_before(frame)]
    unit = chosen(frame.valued)
    return ", ".join(parts) + (f"; {told_unit(unit)}" if unit else "") + "."


def _against_plan(frame: QuarterFrame) -> Iterator[str]:
    plan = frame.planned
    if plan is None or plan.lands_usd is None:
        return
    gap = plan.lands_usd - plan.amount_usd
    of = "plan" if frame.is_whole and (plan.is_own or len(plan.rows) == len(frame.months)) else plan.name
    heads = "" if plan.is_over else "heading for "
    yield f"{heads}exactly {of}" if abs(gap) <= VISIBLE else f"{heads}{head(abs(gap))} {'over' if gap > 0 else 'under'} {of}"


def _against_before(frame: QuarterFrame) -> Iterator[str]:
    """How it stands to the quarter before; nothing where that has no cost, and dollars where a percentage says nothing."""
    if not frame.before:
        return
    moved = relative(frame.now, frame.before)
    if moved is None:
        yield f"against {amount(frame.before)} in {frame.rival}"
    elif is_level(frame.now, frame.before, _FLAT):
        yield f"level with {frame.rival}"
    else:
        yield f"{percent(abs(moved))} {'more' if moved > 0 else 'less'} than {frame.rival}"


def causes(frame: QuarterFrame) -> Iterator[str]:
    """Which lines of cost moved it, then which teams; what cannot be compared is said."""
    if not frame.before:
        if frame.now:
            yield f"Nothing was recorded {frame.when} to compare it with{_late(frame)}."
        return
    lines = [f"{named(name)} {dollars(value, plus=True)}" for name, value in _largest(bridge(frame))]
    yield f"{difference(frame.now, frame.before, frame.rival, lines, held=_FLAT).rstrip('.')}{_late(frame)}."
    teams = [f"{name} {dollars(value, plus=True)}" for name, value in _largest(_teams(frame))]
    if len(frame.by("team", frame.span)) > 1 and teams:
        yield f"By team: {listed(teams)}."


def _late(frame: QuarterFrame) -> str:
    return f"; its own data begins on {frame.began.day} {frame.began:%B}" if frame.is_late else ""


def _teams(frame: QuarterFrame) -> Sequence[tuple[str, Decimal]]:
    now, before = frame.by("team", frame.span), frame.by("team", frame.earlier)
    return [(name, now.get(name, ZERO) - before.get(name, ZERO)) for name in sorted(now.keys() | before.keys())]


def _largest(parts: Sequence[tuple[str, Decimal]]) -> list[tuple[str, Decimal]]:
    """The parts that moved most, the largest first."""
    moved = [part for part in parts if abs(part[1]) >= VISIBLE]
    return sorted(moved, key=lambda part: (-abs(part[1]), part[0]))[:_NAMED]


SECTION = Section("quarter_opening", _build, template="opening")
