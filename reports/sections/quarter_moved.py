"""What moved the cost since the quarter before, by line of cost; nothing is drawn where there is no quarter before."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.section import Section
from meterbook.reports.sections import moved


def _build(frame: QuarterFrame) -> Mapping[str, Any] | None:
    return moved.SECTION.build(frame) if frame.before else None


SECTION = Section(
    "quarter_moved", _build, "There is no cost of the quarter before, so that nothing is said of what moved.", template="moved"
)
