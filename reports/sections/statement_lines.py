"""The lines a team caused itself, each with what it was allocated by, beside the month before."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.section import Section
from meterbook.reports.statements import PARTS, Statement, shown


def table(statement: Statement, part: str, what: str) -> Mapping[str, Any] | None:
    """A table of a part's lines with its sum, and after the last part the total; None where there are none."""
    if part not in statement.parts:
        return None
    sums = [statement.subtotal(part)]
    if statement.parts[1:] and part == statement.parts[-1]:
        sums.append(statement.total)
    return {
        "what": what,
        "before": statement.month.title_before,
        "rows": [shown(row) for row in statement.rows(part)],
        "sums": [shown(row) for row in sums],
        "banner": statement.banner,
    }


def _build(statement: Statement) -> Mapping[str, Any] | None:
    return table(statement, "own", "Line, and what it was measured by")


SECTION = Section("statement_lines", _build, "There is no line of its own in this month.", PARTS["own"])
