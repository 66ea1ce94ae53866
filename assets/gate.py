"""The gate before publication: a period of which too little has a price is not published, and what was published of it stays."""

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
    """Why a publication is held back: a line with the figure, and one for each of the largest things without a price; None where it is not.

    Args:
        con: a connection in which the marts are views.
        key: name of the publication.
        span: half-open days of its period.
        target: the least share that has to have a price, of tokens, of requests and of reported dollars.
    """
    found = Coverage(con, *span)
    lowest = found.short_of(target)
    if lowest is None:
        return None
    lines = list(found.lines())
    more = [f"and {len(lines) - NAMED:,} more: meterbook query \"from marts.priced_use where reason <> 'priced'\""] if lines[NAMED:] else []
    told = "".join(f"\n  {line}" for line in [*lines[:NAMED], *more])
    return f"{key}: {lowest.said} have a price, less than coverage_target {shown(target)} of meterbook.yaml{told}"
