"""Cards of what stood out, as pages and commands tell them."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from meterbook.reports.numbers import dollars

Row = dict[str, Any]
Rows = Callable[..., list[Row]]
"""Rows of a query, by column name."""
PRICE = "price change"
FALSE = "false"
AFFECTED = frozenset({"swapped share", "truncated share", "busiest hour"})
"""Measures whose dollars are of the use that it happened to: none of them was spent more."""


def cards_within(rows: Rows, first: date, end: date) -> list[Row]:
    """Cards with days in a half-open range, those that matter most first.

    Dollars, kind, cause and culprit are of the days in the range, so that later days change nothing that was told; `first_day` is the
    card's, `last_day` its last in the range. Owner, event, status, verdict and note are those that hold now.

    Args:
        rows: asks the lake.
        first: first day.
        end: the day after the last.
    """
    query = """
        with told as (
            select card_id, min(first_day) as first_day, max(day) as last_day, max(dimension) as dimension, max(scope) as scope,
                max(measure) as measure, sum(excess_usd) as excess_usd, max(severity) as severity,
                arg_max(kind, (abs(excess_usd), day)) as kind, arg_max(cause, (abs(excess_usd), day)) as cause,
                arg_max(culprit, (abs(excess_usd), day)) as culprit, arg_max(suspect, (abs(excess_usd), day)) as suspect,
                arg_max(parts, (abs(excess_usd), day)) as parts, max(children) as children
            from marts.anomaly_episode where day >= ? and day < ? group by card_id
        )
        select told.*, card.owner, card.event, card.status, card.verdict, card.note, card.acknowledged_by, card.muted_until
        from told inner join marts.anomaly_card as card on card.card_id = told.card_id
        order by told.severity * sqrt(abs(cast(told.excess_usd as double))) desc, told.card_id
    """
    return rows(query, first, end)


def is_told(card: Mapping[str, Any]) -> bool:
    """Whether a card is still worth a reader's time: neither muted nor a false alarm."""
    return bool(card["status"] == "open" or card["verdict"] == "real")


def what(dimension: str, scope: str) -> str:
    """A scope for people: all cost, tenant harbor, tenant harbor and feature agent."""
    if dimension in {"total", "gpu pool"}:
        return "all cost" if dimension == "total" else f"GPU pool {scope}"
    names, values = dimension.split(", "), scope.split(", ")
    if len(names) != len(values):
        return f"{dimension} {scope}"
    return " and ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))


def amount(card: Mapping[str, Any]) -> str:
    """The dollars of a card: more or less than expected, or those of the use that it happened to."""
    if card["measure"] in AFFECTED:
        return f"{dollars(abs(card['excess_usd']))} affected"
    return dollars(card["excess_usd"], plus=True)


def owner_of(card: Mapping[str, Any]) -> str:
    """Whose a card is, for people."""
    return {"(several)": "several teams", "(none)": "nobody"}.get(card["owner"], str(card["owner"]))


def culprit_of(card: Mapping[str, Any]) -> str:
    """What of the combination a card comes from its scope and its owner do not say already; empty where that is nothing."""
    known = {*what(card["dimension"], card["scope"]).split(" and "), f"team {card['owner']}"}
    return ", ".join(part for part in (card["culprit"] or "").split(", ") if part not in known)


def days(first: date, last: date) -> str:
    """Days of a card: 21 Oct, 21 to 24 Oct, 30 Sep to 2 Oct."""
    if first == last:
        return f"{first.day} {first:%b}"
    start = f"{first.day}" if (first.year, first.month) == (last.year, last.month) else f"{first.day} {first:%b}"
    return f"{start} to {last.day} {last:%b}"
