"""A team's shares of what several teams use, each with the key it was split by."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.section import Section
from meterbook.reports.sections.statement_lines import table
from meterbook.reports.statements import PARTS, Statement


def _build(statement: Statement) -> Mapping[str, Any] | None:
    return table(statement, "shared", "Pool, and the key it was split by")


SECTION = Section("statement_shared", _build, "Nothing of what is shared was split on this team.", PARTS["shared"], "statement_lines")
