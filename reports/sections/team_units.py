"""Units of value of a team's features: cost against target, with quality beside it."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.section import Section
from meterbook.reports.sections.units import told
from meterbook.reports.team_frame import TeamFrame


def _build(frame: TeamFrame) -> Mapping[str, Any] | None:
    now = frame.units(frame.span)
    return {**told(frame, now, frame.units(frame.earlier)), "inference": None} if now else None


SECTION = Section("team_units", _build, "No outcomes of its features arrived for these days.", "Cost per unit of value", "units")
