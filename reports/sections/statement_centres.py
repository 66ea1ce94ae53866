"""A team's lines by cost centre and account, as its ledger will have them."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.codes import NOTHING
from meterbook.reports.section import Section
from meterbook.reports.statements import Statement, shown


def _build(statement: Statement) -> Mapping[str, Any]:
    named = []
    for row in map(shown, statement.centres):
        account = "no account of its own" if row["note"] == NOTHING else f"account {row['note']}"
        named.append({**row, "name": "no cost centre" if row["name"] == NOTHING else row["name"], "note": account})
    return {
        "what": "Cost centre, and account",
        "before": statement.month.title_before,
        "rows": named,
        "sums": [shown(statement.total)],
        "banner": statement.banner,
    }


SECTION = Section("statement_centres", _build, title="By cost centre", template="statement_lines")
