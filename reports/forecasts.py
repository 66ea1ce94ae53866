"""Where a month lands, as pages and `meterbook forecast` say it: figures out of marts.forecast, and the words beside them."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from meterbook.reports.numbers import NONE, dollars, percent

Row = dict[str, Any]
Ask = Callable[..., list[Row]]
"""Rows of a query with its values."""
TOTAL = "total"
DIMENSIONS = (TOTAL, "team", "feature", "provider")
TABLES = ("marts.forecast", "core.price_ahead", "core.fixed_ahead")
METHODS = {
    "none": "needs 2 days",
    "peer": "weekdays of others",
    "own": "own level, wide band",
    "conformal": "four weeks",
    "driver": "plan x unit cost",
}
"""How a landing is reckoned, in words."""


def landings(ask: Ask, dimension: str, first: date, end: date) -> list[Row]:
    """What the last day with a forecast in a span of days said, the dearest first."""
    query = """
        select * from marts.forecast
        where dimension = ? and day = (select max(day) from marts.forecast where day >= ? and day < ?)
        order by point_usd desc nulls last, scope
    """
    return ask(query, dimension, first, end)


def tried(row: Row) -> tuple[str, str]:
    """What such landings were off by before, and how many lay in their band."""
    off = NONE if row["error"] is None else percent(Decimal(str(row["error"])))
    return off, NONE if not row["tests"] else percent(Decimal(row["covered"]) / row["tests"])


def told(row: Row) -> str:
    """How sure a landing of everything is, as a clause."""
    band = f"80 % between {dollars(row['low_usd'])} and {dollars(row['high_usd'])}"
    off, _ = tried(row)
    return band if off == NONE else f"{band}; with {row['days_left']} days left landings were off by {off} before, in the median"


def ahead(ask: Ask, day: date) -> list[str]:
    """What is known of the rest of the month on a day: a sentence for each price and each fixed amount that changes."""
    prices = ask(
        """
        select on_day, provider, model, sum(recent_usd) as recent_usd, sum(change_usd) as change_usd
        from core.price_ahead where day = ? group by on_day, provider, model having sum(change_usd) <> 0 order by on_day, provider, model
        """,
        day,
    )
    fixed = ask(
        """
        select kind, name, min(on_day) as on_day, sum(change_usd) as change_usd
        from core.fixed_ahead where day = ? group by kind, name order by min(on_day), kind, name
        """,
        day,
    )
    return [_price(row) for row in prices] + [_fixed(row) for row in fixed]


def _price(row: Row) -> str:
    share = row["change_usd"] / row["recent_usd"] if row["recent_usd"] else Decimal(0)
    costs = f"{percent(abs(share))} {'more' if share > 0 else 'less'}"
    return f"From {_day(row['on_day'])} the same use of {row['model']} ({row['provider']}) costs {costs}."


def _fixed(row: Row) -> str:
    amount = f"{dollars(abs(row['change_usd']))} {'more' if row['change_usd'] > 0 else 'less'}"
    return f"From {_day(row['on_day'])} the {row['kind']} {row['name']} costs {amount} in the month than it runs at now."


def _day(day: date) -> str:
    return f"{day.day} {day:%B}"


def exact(rows: Sequence[Row]) -> list[Row]:
    """Rows for a machine: dollars as exact text, days as ISO text."""
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: object) -> object:
    return f"{value:f}" if isinstance(value, Decimal) else str(value) if isinstance(value, date) else value
