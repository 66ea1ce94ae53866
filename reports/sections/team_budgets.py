"""A team's budgets and quotas, all of them."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.section import Section
from meterbook.reports.sections.budgets import told
from meterbook.reports.team_frame import TeamFrame


def _build(frame: TeamFrame) -> Mapping[str, Any] | None:
    found, rates = frame.statuses, frame.rates
    return told(found, rates, found) if found or rates else None


SECTION = Section("team_budgets", _build, "No budget or quota is of this team.", "Budgets and quotas", "budgets")
