"""The opening of a team's page: the verdict as one sentence, and its causes in dollars."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.kicker import kicker
from meterbook.reports.numbers import change, head, percent
from meterbook.reports.section import Section
from meterbook.reports.sections.opening import causes, landing_said
from meterbook.reports.team_frame import NOBODY, TeamFrame

HELD = Decimal("0.02")
"""Less of a change than this is none."""


def _build(frame: TeamFrame) -> Mapping[str, Any]:
    week, who = frame.week, frame.team if frame.team in NOBODY else f"Team {frame.team}"
    period = f"{who} \N{MIDDLE DOT} Week {week.name[-2:]}, {week.title}"
    return {**kicker(frame, period), "headline": headline(frame), "causes": causes(frame)}


def headline(frame: TeamFrame) -> str:
    """The verdict, from the same figures as the tables below it."""
    return f"{frame.subject}: {_moved(frame)}{landing_said(frame, 'its budget', 'its budget')}."


def _moved(frame: TeamFrame) -> str:
    now, before, rival = frame.now, frame.before, frame.week.rival
    if not now and not before:
        return "no cost in this week"
    # Percent of nothing or of a credit says nothing.
    moved = change(now, before) if before > 0 and now >= 0 else None
    if moved is None:
        was = "nothing" if not before else _said(before)
        return f"{_said(now)} in this week, against {was} {rival if frame.week.is_whole else f'on {rival}'}"
    if abs(moved) < HELD:
        return f"cost held at {head(now)}"
    return f"cost {'rose' if moved > 0 else 'fell'} {percent(abs(moved))} to {head(now)}"


def _said(value: Decimal) -> str:
    return f"a credit of {head(abs(value))}" if value < 0 else head(value)


SECTION = Section("team_opening", _build, template="opening")
