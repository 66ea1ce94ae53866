"""How far one factor of cost moved between two spans of days, and since when."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from meterbook.reports.explanations import REQUESTS
from meterbook.sql import lmdi
from meterbook.sql.change_point import change_point

_PROMPT = lmdi.TOKENS[:3]
Measure = Callable[[Mapping[str, float]], tuple[float, float]]
FACTORS: Mapping[str, Measure] = {
    REQUESTS: lambda row: (row["operations"], 1.0),
    lmdi.INPUT: lambda row: (sum(row[name] for name in _PROMPT), row["attempts"]),
    lmdi.OUTPUT: lambda row: (row["output_tokens"], row["attempts"]),
    lmdi.RETRIES: lambda row: (row["attempts"], row["calls"]),
    lmdi.CACHE: lambda row: (row["cache_read_tokens"], sum(row[name] for name in _PROMPT)),
    lmdi.PRICE: lambda row: (row["input_cost_usd"] + row["output_cost_usd"], row["input_tokens"] + row["output_tokens"]),
}
"""Each factor as a numerator and a denominator of a day's counts."""


def ratio(factor: Measure, rows: Sequence[Mapping[str, Any]], first: date, end: date, days: int) -> float | None:
    """A factor over a span; None where there is nothing to divide by.

    Args:
        factor: of `FACTORS`.
        rows: counts by day.
        first: the span's first day.
        end: the day after its last.
        days: how many of its days have cost.
    """
    found = [factor(row) for row in rows if first <= row["day"] < end]
    below = sum(part[1] for part in found)
    if not below:
        return None
    # Requests are counted by the day: their denominator is one for each day they have, and days without any count too.
    return sum(part[0] for part in found) / (days if factor is FACTORS[REQUESTS] else below)


def since_of(factor: Measure, rows: Sequence[Mapping[str, Any]], effect: str) -> date | None:
    """The first day of a factor's new level, where one day splits the rows of both spans clearly."""
    known = [(row["day"], part[0] / part[1]) for row in rows if (part := factor(row))[1] and (part[0] or effect == lmdi.CACHE)]
    place = change_point([value for _, value in known])
    return known[place][0] if place is not None else None
