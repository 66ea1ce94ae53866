"""The opening of a team's page: the verdict as one sentence, and its causes in dollars."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.change_text import verdict
from meterbook.reports.kicker import kicker
from meterbook.reports.section import Section
from meterbook.reports.sections.opening import causes, landing_said
from meterbook.reports.team_frame import NOBODY, TeamFrame


def _build(frame: TeamFrame) -> Mapping[str, Any]:
    week, who = frame.week, frame.team if frame.team in NOBODY else f"Team {frame.team}"
    period = f"{who} \N{MIDDLE DOT} Week {week.name[-2:]}, {week.title}"
    return {**kicker(frame, period), "headline": headline(frame), "causes": causes(frame)}


def headline(frame: TeamFrame) -> str:
    """The verdict, from the same figures as the tables below it."""
    return f"{frame.subject}: {verdict('cost', frame.now, frame.before, frame.when)}{landing_said(frame, 'its budget', 'its budget')}."


SECTION = Section("team_opening", _build, template="opening")
