"""Budgets and quotas that need a look: how much is used, where they land, when they are used up, and what happens then."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from meterbook.reports.budget_status import Row, Status, amount, day_of
from meterbook.reports.figures import Figures
from meterbook.reports.numbers import NONE, count, plural
from meterbook.reports.section import Section
from meterbook.reports.svg import bullet


def _build(frame: Figures) -> Mapping[str, Any] | None:
    found, rates = frame.statuses, frame.rates
    if not found and not rates:
        return None
    return told(found, rates, [one for one in found if one.needs_a_look])


def told(found: Sequence[Status], rates: Sequence[Row], named: Sequence[Status]) -> dict[str, Any]:
    """Some budgets by name, in the order in which they need a look, how many others there are, and the limits of rate."""
    shown = sorted(named, key=_first)
    return {
        "rows": [_row(one) for one in shown],
        "day": day_of(found[0].row["day"]) if found else "",
        "others": _others(len(found) - len(shown), len(shown)),
        "rates": list(_rates(rates)) or (["No minute went over a limit of rate."] if rates else []),
    }


def _first(one: Status) -> tuple[bool, Decimal, str]:
    """Used up before expected to be; of each the one whose landing is furthest over its amount."""
    lands = one.row["used"] if one.row["point"] is None else one.row["point"]
    return not one.is_spent, -(lands / one.row["amount"] if one.row["amount"] else Decimal(10**9)), one.row["budget"]


def _row(one: Status) -> Mapping[str, Any]:
    row = one.row
    return {
        "budget": row["budget"],
        "scope": _whose(row),
        "picture": bullet(one.share, one.elapsed, row["budget"]) if one.share is not None else "",
        "used": one.used,
        "unpriced": f"{plural(row['unpriced_requests'], 'call')} unpriced" if row["unpriced_requests"] else "",
        "point": NONE if row["point"] is None else amount(row["point"], row["measure"]),
        "band": one.band,
        "exhaustion": _exhaustion(one),
        "mood": "over" if one.is_spent or one.is_expected_to_be else "",
        "level": f"{row['level_percent']} %" if row["level_percent"] is not None else NONE,
        "at_limit": row["at_limit"],
    }


def _exhaustion(one: Status) -> str:
    if one.is_spent or one.row["point"] is None:
        return "used up" if one.is_spent else ""
    return f"used up {one.exhaustion}" if one.row["reached_low"] or one.row["reached_point"] else "not used up"


def _whose(row: Row) -> str:
    """Scope, period and owner, without what the name says already."""
    named = [row["scope"]] if row["scope"] != row["budget"] else []
    owner = [row["owner"]] if row["owner"] not in {row["scope"], row["budget"]} else []
    return ", ".join([*named, f"a {row['period']}", *owner])


def _others(others: int, shown: int) -> str:
    if not others:
        return ""
    which = f"{others} other{'' if others == 1 else 's'}" if shown else "All" if others > 1 else "The one budget"
    return f"{which} {'is' if others == 1 else 'are'} where the period is, or below, and expected to stay within."


def _rates(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if not row["minutes_over"]:
            continue
        asked = (
            ("requests", row["busiest_requests"], row["requests_per_minute"]),
            ("tokens", row["busiest_tokens"], row["tokens_per_minute"]),
        )
        said = " and ".join(f"{count(most)} {name} where {count(limit)} are agreed" for name, most, limit in asked if limit is not None)
        yield (
            f"Rate limit {row['limit_name']} ({row['scope']}): {plural(row['minutes_over'], 'minute')} over it, of "
            f"{plural(row['minutes'], 'minute')} with calls; at most {said}. Owner {row['owner']}."
        )


SECTION = Section("budgets", _build, "There are no budgets: add some to budgets.yaml.", "Budgets and quotas")
