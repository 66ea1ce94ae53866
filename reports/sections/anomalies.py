"""What stood out, with owner and dollars; one card per cause. Changes of price are known, and told apart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meterbook.reports.anomaly_cards import AFFECTED, PRICE, amount, culprit_of, days, is_told, owner_of, what
from meterbook.reports.figures import Figures
from meterbook.reports.numbers import plural
from meterbook.reports.section import Section

SHOWN = 8


def _build(frame: Figures) -> Mapping[str, Any] | None:
    cards = frame.cards
    if not cards:
        return None
    told = [card for card in cards if is_told(card) and card["kind"] != PRICE]
    prices = [card for card in cards if is_told(card) and card["kind"] == PRICE]
    return {
        "rows": [_row(card) for card in told[:SHOWN]],
        "more": max(0, len(told) - SHOWN),
        "prices": [_row(card) for card in prices[:SHOWN]],
        "more_prices": max(0, len(prices) - SHOWN),
        "quiet": ", ".join(_quiet(cards)),
    }


def _row(card: Mapping[str, Any]) -> Mapping[str, str]:
    return {
        "kind": card["kind"],
        "what": what(card["dimension"], card["scope"]),
        "culprit": culprit_of(card),
        "cause": card["cause"],
        "when": days(card["first_day"], card["last_day"]),
        "owner": owner_of(card),
        "event": card["event"] or "",
        "status": f"looked at, {card['verdict']}: {card['note']}" if card["verdict"] else "",
        "excess": amount(card),
        "mood": "" if card["measure"] in AFFECTED else "over" if card["excess_usd"] > 0 else "under",
    }


def _quiet(cards: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is not shown, so that it is not gone."""
    muted = sum(card["status"] == "muted" for card in cards)
    false = sum(card["verdict"] == "false" for card in cards)
    if muted:
        yield f"{plural(muted, 'card')} muted"
    if false:
        yield f"{plural(false, 'card')} looked at and found false"


SECTION = Section("anomalies", _build, "Nothing stood out in these days.", "What stood out")
