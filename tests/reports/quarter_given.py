"""Rows of a quarter's marts, put one by one: what tests of the quarterly page are given."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from meterbook.reports.figures import PageFacts
from meterbook.reports.quarter_frame import QuarterFrame

Con = duckdb.DuckDBPyConnection
QUARTER, FIRST, LAST = "2026-Q4", date(2026, 10, 1), date(2026, 12, 31)
BEFORE = date(2026, 7, 1)
"""The first day of the quarter before."""
OPEN = date(9999, 12, 31)
_MONTHS = {"month": 1, "quarter": 3}


def put(con: Con, table: str, **row: Any) -> None:
    """A row; columns that are not named are NULL."""
    con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def cost(con: Con, day: date, usd: str, *, team: str = "support", line: str = "Model usage") -> None:
    """Cost of a team on a day."""
    put(con, "marts.cost", day=day, line=line, team=team, feature="assistant", tenant="(none)", cost_usd=Decimal(usd))


def budget(con: Con, amount: str, used: str, *, period: str = "month", first: date = FIRST, gone: bool = True, point: str = "") -> None:
    """The budget of everything of a month or quarter, as it stands on its last day or on its tenth."""
    end = (first + timedelta(days=31 * _MONTHS[period])).replace(day=1)
    days = (end - first).days
    day = end - timedelta(days=1) if gone else first + timedelta(days=9)
    span = {"period": period, "period_start": first, "period_end": end, "day_of_period": days if gone else 10, "days_in_period": days}
    use = {"measure": "dollars", "amount": Decimal(amount), "used": Decimal(used), "peak": Decimal(used), "unpriced_requests": 0}
    put(con, "marts.budget_use", budget=period, scope="everything", owner="finance", at_limit="it is told", day=day, **span, **use)
    if point:
        put(con, "marts.budget_outlook", series=period, day=day, point=float(point), low=float(point), high=float(point))


def unit(con: Con, day: date, usd: str, *, name: str = "ticket", quality: str = "0.9", target: str | None = None) -> None:
    """Twelve units of a day, ten of them delivered."""
    counts = {"units": 12, "successes": 10, "escalations": 0, "quality_count": 10, "quality_sum": Decimal(quality) * 10}
    place = {"feature": "assistant", "tenant": "(none)", "model": "m", "experiment_arm": "(none)", "label": f"resolved {name}"}
    wanted = Decimal(target) if target else None
    put(con, "marts.unit_cost", day=day, unit=name, is_part=True, cost_usd=Decimal(usd), target_usd=wanted, **place, **counts)


def paid(con: Con, day: date, usd: str, price: str, *, name: str = "ticket", done: int = 10) -> None:
    """What customers paid for the units of a day."""
    revenue = Decimal(price) * done
    money = {"price_usd": Decimal(price), "cost_usd": Decimal(usd), "revenue_usd": revenue, "margin_usd": revenue - Decimal(usd)}
    put(con, "marts.unit_margin", day=day, unit=name, label=f"resolved {name}", units=done, successes=done, **money)


def forecast(con: Con, month: str, days_left: int, point: str, landed: str | None = None) -> None:
    """A forecast of everything, ten dollars either way; of a month that is over with what it cost."""
    first = date.fromisoformat(f"{month}-01")
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    band = {"low_usd": Decimal(point) - 10, "point_usd": Decimal(point), "high_usd": Decimal(point) + 10}
    place = {"period": month, "dimension": "total", "scope": "all", "days_left": days_left}
    put(con, "marts.forecast", day=last - timedelta(days=days_left), period_start=first, used_usd=Decimal(1), **place, **band)
    if landed:
        error = {"landed_usd": Decimal(landed), "error_usd": abs(Decimal(point) - Decimal(landed)), "is_inside": True}
        put(con, "marts.landing_error", **place, **band, **error)


def frame_of(con: Con, facts: PageFacts) -> QuarterFrame:
    """The quarter's figures."""
    return QuarterFrame(con, QUARTER, facts)


def plain(words: str | Sequence[str]) -> str:
    """Words as one text, with plain spaces."""
    return (words if isinstance(words, str) else " ".join(words)).replace("\N{NO-BREAK SPACE}", " ")
