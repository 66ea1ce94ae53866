"""What was saved in the quarter, month by month, beside what is identified and not live yet."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from meterbook.reports.charts import ACCENT, MUTED, Chart, Read, bars
from meterbook.reports.figures import ZERO, Row
from meterbook.reports.numbers import NONE, dollars, head, plural
from meterbook.reports.periods import days_of
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.saving_ledger import Entry, Range
from meterbook.reports.section import Section
from meterbook.reports.sections.savings_ledger import shown_quality, spread

_SAVED = """
    select saving, strftime(day, '%Y-%m') as month, sum(saving_usd) as saving_usd,
        cast(sum(unknown_requests) as bigint) as unknown_requests
    from marts.savings where day >= ? and day < ? group by saving, strftime(day, '%Y-%m') order by saving, month
"""
Months = Sequence[tuple[str, Decimal | None]]
"""What was realised by month, USD; None where it is not known."""
_NOTE = (
    "Realised: the same tokens at the behaviour before, less what they cost. Identified: of ideas that are not live. They are never added."
)


def _build(frame: QuarterFrame) -> Mapping[str, Any] | None:
    entries = frame.ledger.entries
    if not entries:
        return None
    saved = frame.rows(_SAVED, *frame.span)
    months = [(month, _of(saved, "month", month)) for month in frame.months]
    left = [one.identified for one in entries if one.identified]
    identified = sum(left, Range(ZERO, ZERO, ZERO)) if left else None
    return {
        "chart": _chart(frame, months, identified, saved),
        "rows": [_row(one, saved, frame.months) for one in entries],
        "names": [f"{days_of(month)[0]:%b}" for month in frame.months],
        "total": [dollars(usd) for _, usd in months],
        "whole": dollars(frame.ledger.realised_usd if any(usd is not None for _, usd in months) else None),
        "sentences": list(sentences(frame, months, identified)),
    }


def _chart(frame: QuarterFrame, months: Months, identified: Range | None, saved: Sequence[Row]) -> Chart | None:
    drawn = [(f"{days_of(month)[0]:%B}", head(usd), float(usd), ACCENT) for month, usd in months if usd is not None]
    if identified:
        drawn.append(("Identified, a month", head(identified.point), float(identified.point), MUTED))
    if not drawn:
        return None
    rows = [(f"Realised in {days_of(month)[0]:%B}", dollars(usd) if usd is not None else "unknown") for month, usd in months]
    rows.append(("Identified and not live, a month", spread(identified)))
    return Chart(
        name="quarter_savings",
        question="What was saved, and what could be?",
        label="; ".join(f"{name} {text}" for name, text, _, _ in drawn),
        figure=bars([(name, text) for name, text, _, _ in drawn], [size for *_, size, _ in drawn], [colour for *_, colour in drawn]),
        header=("What", "Dollars"),
        rows=rows,
        read=[Read("marts.savings", saved), Read("book.saving", frame.ledger.read)],
        note=_NOTE,
    )


def _of(saved: Sequence[Row], column: str, value: str) -> Decimal | None:
    """What some rows saved; None where there is none, for that is unknown."""
    found = [row["saving_usd"] for row in saved if row[column] == value and row["saving_usd"] is not None]
    return sum(found, ZERO) if found else None


def _row(one: Entry, saved: Sequence[Row], months: Sequence[str]) -> Mapping[str, Any]:
    own = [row for row in saved if row["saving"] == one.saving]
    return {
        "name": one.saving,
        "about": f"{one.lever}, {one.owner}",
        "status": one.status,
        "mood": "over" if one.status != one.state else "",
        "quality": shown_quality(one.quality),
        "months": [dollars(_of(own, "month", month)) if one.is_live else NONE for month in months],
        "total": dollars(one.realised_usd) if one.is_live else NONE,
        "identified": spread(one.identified),
        "unknown": f"{plural(one.unknown_requests, 'request')} unknown: {one.unknown_reason}" if one.unknown_requests else "",
    }


def sentences(frame: QuarterFrame, months: Months, identified: Range | None) -> Iterator[str]:
    """What was realised, of how many ideas, and how that stands to what is identified; what did not hold its quality."""
    entries = frame.ledger.entries
    live = [one for one in entries if one.is_live]
    known = any(usd is not None for _, usd in months)
    if live and known:
        verb = "is" if len(live) == 1 else "are"
        yield f"{len(live)} of {plural(len(entries), 'idea')} {verb} live and saved {head(frame.ledger.realised_usd)}."
    elif live:
        yield f"What the {plural(len(live), 'live idea')} saved in this quarter is not known."
    else:
        yield f"None of {plural(len(entries), 'idea')} is live: nothing was realised."
    if identified:
        yield f"{head(identified.point)} a month is identified and not live."
    refused = [one.saving for one in entries if one.status != one.state]
    if refused:
        yield f"Said to be verified, and not so by their quality: {', '.join(refused)}."


SECTION = Section("quarter_savings", _build, "The ledger is empty: `meterbook savings ideas` proposes entries of savings.yaml.", "Savings")
