"""The opening of the index: the verdict of the newest week, and how many pages there are."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.listing import Listing
from meterbook.reports.numbers import plural
from meterbook.reports.section import Section


def _build(listing: Listing) -> Mapping[str, Any]:
    latest, day = listing.latest, listing.data_through
    return {
        "kicker": " \N{MIDDLE DOT} ".join([listing.company, "all pages", f"data through {day.day} {day:%B %Y}" if day else "no data yet"]),
        "headline": latest.verdict if latest and latest.verdict else "No week has been published yet." if latest is None else latest.name,
        "latest": latest,
        "counts": _counts(listing),
    }


def _counts(listing: Listing) -> str:
    drafts = sum(1 for page in listing.all if page.draft)
    said = f"{plural(len(listing.all), 'page')}, the newest first"
    return f"{said}; {plural(drafts, 'page')} {'is a draft' if drafts == 1 else 'are drafts'}." if drafts else f"{said}."


SECTION = Section("index_opening", _build)
