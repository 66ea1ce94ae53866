"""What corrects closed months: late data, or owners, pools and prices that were changed since; each with the line it corrects."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.section import Section
from meterbook.reports.sections.statement_lines import table
from meterbook.reports.statements import PARTS, Statement


def _build(statement: Statement) -> Mapping[str, Any] | None:
    return table(statement, "corrections", "Closed month, and the line it corrects")


SECTION = Section("statement_corrections", _build, "No closed month is corrected.", PARTS["corrections"], "statement_lines")
