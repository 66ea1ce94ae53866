"""The prices a team's use was computed at, after the company's contracts."""

from collections.abc import Iterator, Mapping
from typing import Any

from meterbook.reports.frame import Row
from meterbook.reports.section import Section
from meterbook.reports.statements import Statement
from meterbook.reports.workbook import priced_per, str_of


def _build(statement: Statement) -> Mapping[str, Any] | None:
    rows = list(_rows(statement.rates))
    return {"rows": rows, "banner": statement.banner} if rows else None


def _rows(rates: list[Row]) -> Iterator[Mapping[str, Any]]:
    """One row per price; the same price in another version of a card is told once."""
    seen = set()
    for rate in rates:
        per, unit = priced_per(rate["meter"])
        row = {
            "model": f"{rate['provider']}/{rate['model']}",
            "tier": " ".join(filter(None, (rate["served_tier"], rate["region"]))),
            "meter": rate["meter"].replace("_", " "),
            "price": str_of(rate["effective_usd"], per),
            "unit": unit,
            "starts": f"{rate['starts_at']:%Y-%m-%d}",
        }
        if tuple(row.values()) not in seen:
            seen.add(tuple(row.values()))
            yield row


SECTION = Section(
    "statement_rates",
    _build,
    "None of it was priced by a rate card.",
    "Rates in force for what it used",
)
