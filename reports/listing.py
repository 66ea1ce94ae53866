"""What the index of a book's pages is made of: every page with its period, its verdict and its state, as it was when it was published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

KINDS = ("quality", "quarterly", "monthly", "savings", "chargeback", "ratecard", "weekly")
"""Kinds in the order of a month; pages of teams stand with their week's."""
NAMES = {
    "weekly": "Week",
    "monthly": "Month",
    "quarterly": "Quarter",
    "savings": "Savings",
    "chargeback": "Statements",
    "ratecard": "Rate card",
    "quality": "Quality of the data",
}


@dataclass(frozen=True)
class Page:
    """One page.

    Args:
        kind: of the publication.
        name: of its period, for people, or of its team.
        address: from the index; empty where it is a set without a page of its own.
        day: the last day it is of, for the order.
        verdict: its headline; empty where none is kept.
        state: open or closed; empty where there is no such thing.
        draft: which expectation it fails.
        is_former: of a team that has no cost in the week any more.
        parts: pages that belong to it: of teams, or statements.
    """

    kind: str
    name: str
    address: str
    day: date
    verdict: str = ""
    state: str = ""
    draft: str = ""
    is_former: bool = False
    parts: Sequence["Page"] = ()


@dataclass(frozen=True)
class Listing:
    """All pages of a book.

    Args:
        company: its name.
        data_through: the last day with data; None where there is none.
        pages: in any order.
    """

    company: str
    data_through: date | None
    pages: Sequence[Page]

    @cached_property
    def ordered(self) -> list[Page]:
        """The newest first."""
        return sorted(self.pages, key=lambda page: (-page.day.toordinal(), KINDS.index(page.kind), page.name))

    @property
    def latest(self) -> Page | None:
        """The page of the newest week."""
        return next((page for page in self.ordered if page.kind == "weekly"), None)

    @property
    def all(self) -> list[Page]:
        """Every page, parts too."""
        return [one for page in self.pages for one in (page, *page.parts) if one.address]
