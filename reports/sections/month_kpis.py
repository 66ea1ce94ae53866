"""Five figures of a month: cost, budget, forecast error, cost with an owner, savings; each with what it is compared with."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from meterbook.reports.change_text import VISIBLE, delta
from meterbook.reports.month_frame import EARLY_DAY, MonthFrame
from meterbook.reports.numbers import NONE, head
from meterbook.reports.section import Section
from meterbook.reports.sections.kpis import Kpi, against, owned, spend


def _build(frame: MonthFrame) -> Mapping[str, Any]:
    return {"kpis": [_cost(frame), _budget(frame), _forecast(frame), owned(frame), _savings(frame)]}


def _cost(frame: MonthFrame) -> Kpi:
    return spend(frame, "Cost of the month" if frame.is_whole else "Cost so far")


def _budget(frame: MonthFrame) -> Kpi:
    name = "Against budget" if frame.is_whole else "Landing against budget"
    lands = frame.now if frame.is_whole else frame.landing["point_usd"] if frame.landing else None
    if frame.plan is None:
        return Kpi(name, NONE, "", "no monthly budget for everything")
    if lands is None:
        return Kpi(name, NONE, "", f"needs 2 days of history; budget {head(frame.plan['amount_usd'])}")
    plan = frame.plan["amount_usd"]
    gap, found = head(lands - plan), against(name, lands, plan, f"vs budget, {head(plan)}")
    return replace(found, value=f"+{gap}" if lands - plan > VISIBLE else gap)


def _forecast(frame: MonthFrame) -> Kpi:
    name, early = f"Forecast of day {EARLY_DAY}", frame.early
    if early is None:
        return Kpi(name, NONE, "", f"nothing was forecast on day {EARLY_DAY}")
    if not frame.is_whole:
        return Kpi(name, head(early["point_usd"]), "", f"{frame.span[0]:%B} is not over: nothing to hold it against yet")
    inside = early["low_usd"] <= frame.now <= early["high_usd"]
    held = f"actual {'inside' if inside else 'outside'} its 80{chr(160)}% band"
    return Kpi(name, head(early["point_usd"]), delta(early["point_usd"], frame.now), f"off actual; {held}", "" if inside else "over")


def _savings(frame: MonthFrame) -> Kpi:
    ledger = frame.ledger
    if not ledger.entries:
        return Kpi("Savings realised", NONE, "", "the ledger of savings is empty")
    live = [one for one in ledger.entries if one.is_live]
    ideas = len(ledger.entries) - len(live)
    return Kpi("Savings realised", head(ledger.realised_usd), "", f"measured on {len(live)} live; {ideas} more in the ledger")


SECTION = Section("month_kpis", _build, template="kpis")
