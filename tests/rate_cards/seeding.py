"""What the tests of seeding share: a source made of plain rates, and one call of seed."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from meterbook.rate_cards.card import BEGINNING
from meterbook.rate_cards.offers import Source
from meterbook.rate_cards.seed import Seeded, seed

TODAY = date(2026, 11, 28)
SAID = {"source": "https://prices.example", "checked_on": TODAY}

HAND = """\
# My card. Ask finance before touching it.
provider: acme
models:
  m:   # the cheap one
    aliases: ["m-*"]
    rates:
      - {starts_on: 2026-01-01, input: 1, cache_read: 0.1, output: 4, source: "https://old.example", checked_on: 2026-01-05}  # signed
      - tier: batch
        starts_on: 2026-01-01  # from the mail of Jo
        input: 0.5
        output: 2
        source: https://old.example
        checked_on: 2026-01-05
        note: half
  # the other one
  n:
    rates:
    - {starts_on: 2026-01-01, input: 2, output: 2, source: "https://old.example", checked_on: 2026-01-05}

# Anything below this line is mine.
"""
"""A card somebody wrote and commented."""


def rate(**prices: Any) -> dict[str, Any]:
    """A rate of the source, from the beginning."""
    return {"starts_on": BEGINNING, **prices, **SAID}


def source(models: Mapping[str, Sequence[Mapping[str, Any]]], aliases: Mapping[str, Sequence[str]] | None = None) -> Source:
    """A source of provider acme."""
    made = Source("the test")
    for name, rates in models.items():
        made.offer("acme", name, {"aliases": list((aliases or {}).get(name, ())), "rates": list(rates)}, rates)
    return made


def seeded(folder: Path, models: Mapping[str, Sequence[Mapping[str, Any]]], today: date = TODAY, **options: Any) -> Seeded:
    """What became of acme's card."""
    [done] = seed(folder, source(models), ["acme"], today, **options)
    return done
