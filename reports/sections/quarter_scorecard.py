"""The quarter's key figures: each beside the quarter before and its target, with a verdict in words."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.scorecard import scores
from meterbook.reports.section import Section


def _build(frame: QuarterFrame) -> Mapping[str, Any] | None:
    rows = scores(frame)
    before, now = frame.names
    return {"rows": rows, "now": now, "before": before} if rows else None


SECTION = Section("quarter_scorecard", _build, "Nothing is known of this quarter yet.", "How is the quarter doing?")
