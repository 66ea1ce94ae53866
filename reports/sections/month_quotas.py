"""Quotas to rebalance: who ran into theirs, who sits on one, and the command that proposes what to move."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.budget_status import amount
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import percent, plural
from meterbook.reports.quota_use import IDLE, STARVED, Quota, quotas
from meterbook.reports.section import Section


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    # Budgets that no longer hold are no quota of this month.
    found = [one for one in quotas(frame.rows, frame.span[1]) if one.last["period_start"] >= frame.earlier[0]]
    starved, unused = [one for one in found if one.is_starved], [one for one in found if one.is_unused]
    if not starved and not unused:
        return None
    rows = [_row(one, "starved", "over") for one in sorted(starved, key=_fullest)]
    rows += [_row(one, "unused", "") for one in sorted(unused, key=_fullest, reverse=True)]
    following = frame.whole[1]
    command = f"meterbook quota rebalance --month {following:%Y-%m}"
    return {"rows": rows, "command": command, "note": _note(len(starved), len(unused)), "has_spare": bool(unused)}


def _fullest(one: Quota) -> tuple[bool, object, str]:
    share = one.shares[-1]
    return share is not None, -(share or 0), one.last["budget"]


def _row(one: Quota, state: str, mood: str) -> Mapping[str, str]:
    row = one.last
    return {
        "budget": row["budget"],
        "about": f"a {row['period']}" + ("" if row["owner"] == row["budget"] else f", {row['owner']}"),
        "amount": amount(row["amount"], row["measure"], named=True),
        "shares": ", ".join(percent(share) for share in one.shares),
        "state": state,
        "mood": mood,
        "spare": amount(one.spare, row["measure"], named=True) if state == "unused" else "",
    }


def _note(starved: int, unused: int) -> str:
    if starved and unused:
        return f"{plural(starved, 'quota')} starved and {plural(unused, 'quota')} unused."
    if starved:
        return f"{plural(starved, 'quota')} starved and none unused: what is lacking has to come from elsewhere."
    return f"{plural(unused, 'quota')} unused and none starved: what is spare can be given back."


SECTION = Section(
    "month_quotas",
    _build,
    f"No quota is to be moved: none reached {STARVED * 100:.0f} % of its amount in its last whole period, and none stayed below "
    f"{IDLE * 100:.0f} % in each of three.",
    "Which quotas should be rebalanced?",
)
