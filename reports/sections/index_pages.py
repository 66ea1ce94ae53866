"""Every page by date and kind, with its verdict and its state."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from meterbook.reports.listing import NAMES, Listing, Page
from meterbook.reports.numbers import plural
from meterbook.reports.section import Section

MOST = 2000
"""Pages of teams and statements that are listed one by one, the newest; of older weeks the week's own page lists its teams."""


def _build(listing: Listing) -> Mapping[str, Any] | None:
    months = groupby(_rows(listing), key=lambda row: row["month"])
    found = [{"name": name, "rows": list(rows)} for name, rows in months]
    return {"months": found} if found else None


def _rows(listing: Listing) -> Iterator[dict[str, Any]]:
    left = MOST
    for page in listing.ordered:
        listed = page.parts if len(page.parts) <= left else ()
        left -= len(listed)
        yield {
            "month": f"{page.day:%B %Y}",
            "kind": NAMES[page.kind],
            "page": page,
            "state": _state(page),
            "parts": [{"page": one, "state": _state(one)} for one in listed],
            "said": _said(page),
            "is_cut": len(listed) < len(page.parts),
        }


def _said(page: Page) -> str:
    what = "statement" if page.kind == "chargeback" else "page of a team"
    if len(page.parts) == 1 or page.kind == "chargeback":
        return plural(len(page.parts), what)
    return f"{len(page.parts):,} pages of teams"


def _state(page: Page) -> str:
    """A draft is said first; a page under a name that its team has no more is told apart."""
    return ", ".join(filter(None, ("DRAFT" if page.draft else "", page.state, "former name" if page.is_former else "")))


SECTION = Section("index_pages", _build, "Nothing is published yet: `meterbook run` makes pages.")
