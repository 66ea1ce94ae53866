"""Every budget of a month beside what was used of it, with the cause of a variance that is large enough to ask for one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from meterbook.reports.budget_status import Status, amount, day_of, statuses
from meterbook.reports.change_text import VISIBLE
from meterbook.reports.charts import Read, how
from meterbook.reports.figures import ZERO
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import NBSP, NONE, change, dollars, percent
from meterbook.reports.section import Section
from meterbook.reports.sections.moved import LABELS, OF_PERIOD, effects, explained, named, of_period

BANDS = (Decimal("0.2"), Decimal("0.1"), Decimal("0.05"))
"""Shares off a budget from which it is told as such; from the least of them on a cause is written."""
_NAMED = 2
EVERYTHING = "everything"
_NOTE = "Of a month that is not over, off budget is where it lands. Budgets of a whole and of its parts overlap: they are not summed."
Effects = Mapping[str, Mapping[str, Decimal]]


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    found = [one for one in statuses(frame.rows, frame.span) if one.row["period"] == "month"]
    if not found:
        return None
    causes = _by_scope(frame, sorted({one.row["scope"] for one in found}))
    rows = [_row(one, frame, causes) for one in sorted(found, key=_order)]
    over = sum(one.row["used"] > one.row["amount"] for one in found)
    return {
        "rows": rows,
        "month": f"{frame.span[0]:%B}",
        "rival": frame.rival,
        "sentence": _told(over, len(found), frame),
        "how": how([Read("marts.budget_use", found), explained(frame)], _NOTE),
    }


def _order(one: Status) -> tuple[bool, Decimal, str]:
    """The budget of everything first, then the one that is furthest over."""
    off = change(one.row["used"], one.row["amount"])
    return one.row["scope"] != EVERYTHING, -(Decimal(10**9) if off is None else off), one.row["budget"]


def _told(over: int, count: int, frame: MonthFrame) -> str:
    when = "ended over" if frame.is_whole else f"{'is' if over == 1 else 'are'} used up by {day_of(frame.last)}"
    if not over:
        return f"None of {count} budgets {'ended over its amount' if frame.is_whole else 'is used up so far'}."
    return f"{over} of {count} budgets {when}{' their amount' if frame.is_whole and over > 1 else ' its amount' if frame.is_whole else ''}."


def _row(one: Status, frame: MonthFrame, causes: Effects) -> Mapping[str, str]:
    row = one.row
    measure, lands = row["measure"], row["used"] if frame.is_whole else row["point"]
    gap = None if lands is None else lands - row["amount"]
    off = None if lands is None else change(lands, row["amount"])
    return {
        "budget": row["budget"],
        "scope": "" if row["scope"] == row["budget"] else row["scope"],
        "owner": row["owner"],
        "amount": amount(row["amount"], measure),
        "used": amount(row["used"], measure, named=measure != "dollars"),
        "unpriced": f"{row['unpriced_requests']:,} calls unpriced" if row["unpriced_requests"] else "",
        "gap": NONE if gap is None else _signed(gap, measure),
        "off": percent(off, plus=True) if off is not None else "",
        "band": _band(off),
        "mood": "" if gap is None or not off else "over" if gap > 0 else "under",
        "cause": _cause(row["scope"], causes) if off is not None and abs(off) >= BANDS[-1] else "",
    }


def _signed(gap: Decimal, measure: str) -> str:
    if measure == "dollars":
        return dollars(gap, plus=True)
    return f"+{amount(gap, measure)}" if gap > 0 else amount(gap, measure)


def _band(off: Decimal | None) -> str:
    """Where a variance stands: 5, 10 and 20 % are asked about by more and more people."""
    if off is None:
        return ""
    step = next((band for band in BANDS if abs(off) >= band), None)
    side = "over" if off > 0 else "under"
    return f"within {BANDS[-1] * 100:.0f}{NBSP}%" if step is None else f"{side} by {step * 100:.0f}{NBSP}% or more"


def _by_scope(frame: MonthFrame, scopes: Sequence[str]) -> Effects:
    """Effects by the scope of a budget that they are part of: everything, a team, a feature."""
    query = f"""
        with part as (select team, feature, effect, sum(change_usd) as change_usd from marts.cost_change where {OF_PERIOD} group by all),
        told as (
            select '{EVERYTHING}' as scope, effect, change_usd from part
            union all
            select team as scope, effect, change_usd from part where team <> '{EVERYTHING}'
            union all
            select feature as scope, effect, change_usd from part where feature not in (team, '{EVERYTHING}')
        )
        select scope, effect, sum(change_usd) as change_usd from told where scope in (select unnest(?)) group by all order by all
    """
    found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    rows = frame.rows(query, *of_period(frame), scopes)
    if not rows:
        rows = [{"scope": EVERYTHING, "effect": name, "change_usd": usd} for name, usd in effects(frame).items()]
    for row in rows:
        found[row["scope"]][LABELS.get(row["effect"], row["effect"])] += row["change_usd"]
    return found


def _cause(scope: str, causes: Effects) -> str:
    """The effects that moved a scope most since the month before; nothing where the scope is none that effects are told by."""
    sums = causes.get(scope, {})
    largest = sorted((item for item in sums.items() if abs(item[1]) >= VISIBLE), key=lambda item: (-abs(item[1]), item[0]))[:_NAMED]
    if largest:
        return ", ".join(f"{named(name)} {dollars(value, plus=True)}" for name, value in largest)
    return "nothing moved" if sums else "not told by this scope"


SECTION = Section(
    "month_budgets",
    _build,
    "No monthly budget held in this month: add some to budgets.yaml.",
    "Which budgets were kept, and why were others not?",
)
