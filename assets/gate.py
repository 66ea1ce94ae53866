"""The gate before publication: of a period of which too little has a price no finance file is published, and its pages are drafts."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import duckdb

from meterbook.reports.coverage import Coverage, shown

NAMED = 3
"""Things without a price that are named with a period, the largest first."""


class HeldBackError(RuntimeError):
    """Periods that were held back; the message says of each which figure is too low, and what to do.

    Args:
        held: why, by the key of the publication.
    """

    def __init__(self, held: Mapping[str, str]) -> None:
        super().__init__("\n".join(held.values()))
        self.held = held


def why_held(con: duckdb.DuckDBPyConnection, key: str, span: tuple[date, date], target: Decimal) -> str | None:
    """Why a publication is held back, or is a draft: as `shortfall`, with its name before; None where it is not."""
    found = shortfall(con, span, target)
    return f"{key}: {found}" if found else None


def shortfall(con: duckdb.DuckDBPyConnection, span: tuple[date, date], target: Decimal) -> str | None:
    """Which expectation a period fails: a line with the figure, and one for each of the largest things without a price; None where none.

    Args:
        con: a connection in which the marts are views.
        span: half-open days of the period.
        target: the least share that has to have a price, of tokens, of requests and of reported dollars.
    """
    found = Coverage(con, *span)
    lowest = found.short_of(target)
    if lowest is None:
        return None
    lines = list(found.lines())
    more = [f"and {len(lines) - NAMED:,} more: meterbook query \"from marts.priced_use where reason <> 'priced'\""] if lines[NAMED:] else []
    told = "".join(f"\n  {line}" for line in [*lines[:NAMED], *more])
    return f"{lowest.said} have a price, less than coverage_target {shown(target)} of meterbook.yaml{told}"
