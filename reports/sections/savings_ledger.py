"""The ledger of savings: each idea with its state, what is identified, what was realised and its quality; then by owner."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import NONE, dollars, plural
from meterbook.reports.saving_ledger import Entry, Quality, Range
from meterbook.reports.section import Section

PLACES = Decimal("0.001")


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    ledger = frame.ledger
    if not ledger.entries:
        return None
    owners = [
        {"owner": owner, "ideas": plural(count, "idea"), "identified": spread(identified), "realised": dollars(realised)}
        for owner, count, identified, realised in ledger.owners
    ]
    return {"rows": list(_rows(ledger.entries)), "owners": owners, "total": dollars(ledger.realised_usd), "month": f"{frame.span[0]:%B}"}


def _rows(entries: list[Entry]) -> Iterator[Mapping[str, Any]]:
    for one in entries:
        yield {
            "name": one.saving,
            "about": f"{one.lever}, {one.owner}",
            "status": one.status,
            "mood": "over" if one.status != one.state else "",
            "identified": spread(one.identified),
            "basis": "" if one.is_live else {"stated": "as stated", "levers": "by its lever"}.get(one.estimated_by, one.estimated_by),
            "realised": dollars(one.realised_usd),
            "how": "estimated" if one.basis.startswith("against") and one.realised_usd is not None else "",
            "total": dollars(one.total_usd),
            "unknown": f"{plural(one.unknown_requests, 'request')} unknown: {one.unknown_reason}" if one.unknown_requests else "",
            "quality": shown_quality(one.quality),
        }


def spread(found: Range | None) -> str:
    """A range with its point: $900 ($400 to $1,200).

    A lever alone can have its least where the levers before it leave it more: the ends are those of all three.
    """
    if found is None:
        return NONE
    ends = (found.low, found.point, found.high)
    return f"{dollars(found.point)} ({dollars(min(ends))} to {dollars(max(ends))})"


def shown_quality(quality: Quality | None) -> str:
    """A signal before and since: rating 0.912 to 0.907."""
    if quality is None:
        return ""
    before, since = (NONE if value is None else f"{value.quantize(PLACES)}" for value in (quality.before, quality.since))
    return f"{quality.signal} {before} to {since}"


SECTION = Section(
    "savings_ledger", _build, "The ledger is empty: `meterbook savings ideas` proposes entries of savings.yaml.", "Savings ledger"
)
