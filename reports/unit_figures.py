"""Figures of a unit of value as the marts have them: sums of days, divided only where they are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from meterbook.reports.numbers import ratio

PERIODS: Mapping[str, str] = {"day": "cast(day as varchar)", "week": "strftime(day, '%G-W%V')", "month": "strftime(day, '%Y-%m')"}
CUTS = ("feature", "tenant", "model", "experiment_arm")
PICO = Decimal("0.000000000001")
"""The places of a published figure."""
_COUNTS = ("units", "successes", "escalations", "fallbacks", "completed", "quality_count")
_MONEY = ("api_cost_usd", "gpu_cost_usd", "shared_cost_usd", "cost_usd")
_SUMS = ", ".join(
    [f"cast(sum({name}) as bigint) as {name}" for name in _COUNTS] + [f"sum({name}) as {name}" for name in ("quality_sum", *_MONEY)]
)
# Inferences are of features that have any in the span; what trains and serves nobody is not spread over the others.
_FROM = """
    from marts.unit_cost where unit = $unit and day >= $first and day < $end and (unit <> 'inference' or feature in (
        select feature from marts.unit_cost where unit = 'inference' and day >= $first and day < $end and units > 0
    ))
"""


@dataclass(frozen=True)
class UnitDay:
    """A unit of value on a day of the book; dollars exact."""

    day: date
    units: int
    successes: int
    cost_usd: Decimal
    quality_sum: Decimal
    quality_count: int


def daily(con: duckdb.DuckDBPyConnection, unit: str, span: tuple[date, date]) -> list[UnitDay]:
    """The days of a half-open span that have anything of a unit, in order."""
    given = {"unit": unit, "first": span[0], "end": span[1]}
    rows = con.execute(f"select day, {_SUMS} {_FROM} group by day order by day", given)
    names = [column[0] for column in rows.description or ()]
    wanted = UnitDay.__dataclass_fields__
    return [UnitDay(**{name: value for name, value in zip(names, row, strict=True) if name in wanted}) for row in rows.fetchall()]


def cut(con: duckdb.DuckDBPyConnection, unit: str, span: tuple[date, date], by: Sequence[str]) -> list[dict[str, Any]]:
    """A unit over a half-open span by period (day, week, month) and dimension (feature, tenant, model, experiment_arm), with its ratios.

    Costs per unit are those of `per_units` successful ones, at the pico-dollar; None where there is none.
    """
    keys = [f"{PERIODS.get(name, name)} as {name}" for name in by]
    order = ", ".join(str(place) for place in range(1, len(by) + 1)) or "1"
    grouped = f"group by {order} order by {order}" if by else ""
    query = f"select {', '.join([*keys, 'max(per_units) as per_units', _SUMS])} {_FROM} {grouped}"
    result = con.execute(query, {"unit": unit, "first": span[0], "end": span[1]})
    names = [column[0] for column in result.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return [_with_ratios(row) for row in rows if row["cost_usd"] is not None]


def days_of_unit(con: duckdb.DuckDBPyConnection, unit: str) -> tuple[date, date] | None:
    """The first and the last day on which any of a unit was attempted; None where there is none."""
    [(first, last)] = con.execute("select min(day), max(day) from marts.unit_cost where unit = ? and units > 0", [unit]).fetchall()
    return (first, last) if first else None


def _with_ratios(row: dict[str, Any]) -> dict[str, Any]:
    cost = ratio(row["cost_usd"] * row["per_units"], row["successes"])
    shares = {"success_ratio": ("successes", "units"), "quality": ("quality_sum", "quality_count")}
    shares |= {
        "escalated_ratio": ("escalations", "units"),
        "fallback_ratio": ("fallbacks", "units"),
        "completed_ratio": ("completed", "units"),
    }
    found = {name: ratio(row[part], row[whole]) for name, (part, whole) in shares.items()}
    return row | {name: value and value.quantize(PICO) for name, value in {"cost_per_unit_usd": cost, **found}.items()}
