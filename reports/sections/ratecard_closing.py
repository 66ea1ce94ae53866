"""How the prices of a card come about, what stays at provider cost, and by what the card is known."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.numbers import percent
from meterbook.reports.ratecard import RateCard
from meterbook.reports.section import Section


def _build(card: RateCard) -> Mapping[str, Any]:
    margin = f", with {percent(card.margin_percent / 100)} on top" if card.margin_percent else ""
    bearer = "nobody: it stays unallocated" if card.difference_to == "unallocated" else card.difference_to
    return {
        "facts": [
            ("Tokens", f"cost at provider prices after contracts in {card.source}, divided by the same tokens{margin}"),
            ("GPU hours", f"cost of hours that teams held, used or idle, in {card.source}, divided by those hours{margin}"),
            ("Rounded", "half even, to 6 decimals of USD: what is charged is tokens times price to the last digit"),
            ("At cost", "what has no price here; searches, images, audio and fees; calls that a commitment serves; shared services"),
            ("Difference", f"charge minus provider cost is a line of its own, Rate card, on the statement of each team; borne by {bearer}"),
            ("The same prices", f"card.csv, sha256 {card.table_sha256}"),
            ("Edition", f"{card.edition}; the audit names card.json, and with it this page, by its hash"),
        ]
    }


SECTION = Section("ratecard_closing", _build, template="closing")
