"""Five figures of a team, each with its change and what it is compared with."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.numbers import NONE, head, percent, points, ratio
from meterbook.reports.section import Section
from meterbook.reports.sections.kpis import Kpi, forecast, idle, spend, unit
from meterbook.reports.team_frame import TeamFrame


def _build(frame: TeamFrame) -> Mapping[str, Any]:
    return {"kpis": [spend(frame, "Cost of the week"), forecast(frame), unit(frame), idle(frame), _share(frame)]}


def _share(frame: TeamFrame) -> Kpi:
    """Of what all teams cost; a share of a credit says nothing."""
    now, before = (ratio(own, whole) if whole > 0 else None for own, whole in _pairs(frame))
    name = "Share of all cost"
    if now is None:
        return Kpi(name, NONE, "", "no cost in this week")
    moved = None if before is None else now - before
    return Kpi(name, percent(now), points(moved), f"{frame.week.basis}; of {head(frame.all.now)}")


def _pairs(frame: TeamFrame) -> tuple[tuple[Any, Any], ...]:
    return (frame.now, frame.all.now), (frame.before, frame.all.before)


SECTION = Section("team_kpis", _build, template="kpis")
