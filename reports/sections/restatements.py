"""What changed of months that are closed: what they were closed at, what they would cost now, and where the difference is posted."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.budget_status import day_of
from meterbook.reports.charts import Read, how
from meterbook.reports.figures import ZERO, Row
from meterbook.reports.numbers import dollars, plural
from meterbook.reports.review import Review
from meterbook.reports.section import Section

SHOWN = 6
_LINES = """
    select corrects_period, reason, count(*) as lines, sum(amount_usd) as amount_usd from book.correction
    where day >= ? and day < ? group by corrects_period, reason order by corrects_period, reason
"""
_NOTE = "A closed month stays as it was closed; what it would cost now, less what later months hold of it, is due in the first open one."


def _build(frame: Review) -> Mapping[str, Any] | None:
    months = frame.rows("select * from marts.closed_month where period < ? order by period desc", frame.closed_before)
    lines = frame.rows(_LINES, *frame.span)
    if not months and not lines:
        return None
    return {
        "sentence": sentence(months),
        "rows": [_row(row) for row in months if row["corrected_usd"] or row["due_usd"]][:SHOWN],
        "lines": [_line(row) for row in lines],
        "how": how([Read("marts.closed_month", months), Read("book.correction", lines)], _NOTE),
    }


def sentence(months: list[Row]) -> str:
    """What the section says first: which closed months would now cost more or less, and what is still to be posted of it."""
    moved = [row for row in months if row["now_usd"] != row["closed_usd"]]
    if not months:
        return "No earlier month is closed."
    if not moved:
        count = "The closed month costs" if len(months) == 1 else f"All {len(months)} closed months cost"
        return f"{count} to the last digit what was closed: nothing was restated."
    change = sum((row["now_usd"] - row["closed_usd"] for row in moved), ZERO)
    due = sum((row["due_usd"] for row in moved), ZERO)
    which = f"{len(moved)} of {plural(len(months), 'closed month')}"
    said = f"{which} would now cost {_money(abs(change))} {'more' if change > 0 else 'less'} than was closed"
    return f"{said}; {_money(due)} of it is still to be posted." if due else f"{said}; all of it is posted."


def _money(value: Decimal) -> str:
    """Dollars of a correction, which may be small: never nothing where there is something."""
    text = dollars(value)
    return text if not value or any(digit in text for digit in "123456789") else "under $1"


def _row(row: Row) -> Mapping[str, str]:
    return {
        "period": row["period"],
        "closed": dollars(row["closed_usd"]),
        "now": dollars(row["now_usd"]),
        "corrected": _money(row["corrected_usd"]),
        "due": _money(row["due_usd"]),
        "posts": day_of(row["posts_on"]) if row["due_usd"] else "",
    }


def _line(row: Row) -> str:
    lines, amount = plural(row["lines"], "correction line"), _money(row["amount_usd"])
    return f"{lines} of {row['corrects_period']} came to {amount}: {row['reason']}."


SECTION = Section("restatements", _build, "No earlier month is closed, so that nothing can be restated.", "What was restated?")
