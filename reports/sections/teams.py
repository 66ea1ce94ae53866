"""Cost by team: the week, its change, thirteen weeks, the budget, a unit cost."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import ZERO, Frame
from meterbook.reports.numbers import NONE, dollars, percent, plural, price, ratio, share_used
from meterbook.reports.section import Section
from meterbook.reports.svg import bullet, sparkline

NOBODY = {"unowned": "no owner yet", "unallocated": "shared by nobody"}


def _build(frame: Frame) -> Mapping[str, Any] | None:
    now, before = frame.by("team", frame.span), frame.by("team", frame.week.before)
    names = sorted(now.keys() | before.keys(), key=lambda name: (name in NOBODY, -now.get(name, ZERO), name))
    if not names:
        return None
    budgets = {row["team"]: row for row in frame.budgets if row["team"] and row["period"] == "month" and row["scope"] == row["team"]}
    weeks = plural(max(map(len, frame.weekly.values())), "week")
    rows = [
        {
            "team": name,
            "page": frame.facts.team_pages.get(name, ""),
            "note": NOBODY.get(name, ""),
            "cost": dollars(now.get(name, ZERO)),
            "change": dollars(now.get(name, ZERO) - before.get(name, ZERO), plus=True),
            "mood": _mood(now.get(name, ZERO) - before.get(name, ZERO)),
            "share": percent(ratio(now.get(name, ZERO), frame.now)) if frame.now > 0 else NONE,
            "spark": sparkline(frame.weekly[name], f"{name}, {weeks}"),
            "budget": _budget(budgets.get(name)),
            "unit": _unit(frame.unit_of_team.get(name)),
        }
        for name in names
    ]
    return {
        "rows": rows,
        "total": dollars(frame.now),
        "total_change": dollars(frame.now - frame.before, plus=True),
        "basis": frame.week.basis,
        "weeks": weeks,
        "month": f"{frame.week.last:%B}",
    }


def _mood(value: Decimal) -> str:
    return "over" if value >= 1 else "under" if value <= -1 else ""


def _unit(row: Mapping[str, Any] | None) -> Mapping[str, str] | None:
    cost = ratio(row["cost_usd"], row["successes"]) if row else None
    return {"cost": price(cost), "per": f"per {row['label']}"} if row and cost is not None else None


def _budget(row: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    spent = ratio(row["used_usd"], row["amount_usd"]) if row else None
    if row is None or spent is None:
        return None
    elapsed = Decimal(row["day_of_period"]) / row["days_in_period"]
    return {"picture": bullet(spent, elapsed, row["budget"]), "text": f"{share_used(spent)} of {dollars(row['amount_usd'])}"}


SECTION = Section("teams", _build, "No team had any cost.", "By team")
