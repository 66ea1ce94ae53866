"""Commitments and their expiry: how far each was used over a quarter, what it spared against list, when it ends and what then."""

import html
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from meterbook.reports.charts import ACCENT, MUTED, Chart, Read, figure, how, text_at
from meterbook.reports.commitment_words import advice, cost, last, next_end
from meterbook.reports.commitments import (
    MONTH,
    OPEN,
    OWNED,
    RECENT,
    RESERVED,
    TOKENS,
    Commitment,
    Commitments,
    Minimum,
    Use,
    ending,
)
from meterbook.reports.numbers import NONE, dollars, percent, plural
from meterbook.reports.periods import days_of_quarter, quarter_of
from meterbook.reports.quality import brief
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.section import Section

KINDS = {
    TOKENS: "provisioned throughput",
    RESERVED: "reserved GPUs",
    OWNED: "GPUs of our own",
}
DRAWN, NAME = 12, 20
"""Commitments of the figure, and letters of a name in it."""
_NOTE = (
    "Used is use over capacity; GPUs are used where there was a device for them, idle or not."
    " Covered is what was served of what could have been: of GPUs in hours, of tokens in dollars at list."
    " Against list is the effective savings rate: list less cost, unused hours in it, over list."
)
_ENDS_NOTE = f"A month is {MONTH:.1f} days at the use of the last {RECENT.days}; of what ends in part, in proportion."


def _build(frame: QuarterFrame) -> Mapping[str, Any] | None:
    held = Commitments(frame.rows, frame.span)
    if not held.all and not held.minimums:
        return None
    soon = ending(held.all, horizon(frame))
    when = frame.title if frame.is_whole else f"{frame.title} so far"
    read = [Read("marts.commitment", held.days), Read("book.commitment", held.terms), Read("marts.minimum_spend", held.spent)]
    return {
        "lead": [*cost(when, held), *next_end(held, frame.span[1], horizon(frame))],
        "chart": _chart(frame, soon, read[:2]) if soon else None,
        "rows": [_row(frame, one) for one in held.all],
        "minimums": [_minimum(frame, one) for one in held.minimums],
        "how": how(read, _NOTE),
    }


def horizon(frame: QuarterFrame) -> date:
    """The end of the second quarter after this one: what ends before it has to be decided on."""
    _, following = days_of_quarter(quarter_of(frame.whole[1]))
    return days_of_quarter(quarter_of(following))[1]


def _row(frame: QuarterFrame, one: Commitment) -> Mapping[str, str]:
    parts = {name: _use_of(one, frame.span_of(month)) for name, month in _months(frame)}
    return {
        "name": one.name,
        "about": ", ".join([KINDS[one.kind], *([] if one.provider == "gpu" else [one.provider]), one.owner or "no owner"]),
        "used": percent(one.use.used),
        "used_months": ", ".join(f"{name} {percent(part.used)}" for name, part in parts.items()),
        "covered": percent(one.use.covered),
        "covered_months": ", ".join(f"{name} {percent(part.covered)}" for name, part in parts.items()),
        "cost": dollars(one.use.sum("cost_usd")) if one.use.days else NONE,
        "unused": dollars(one.use.sum("unused_cost_usd")) if one.use.days else NONE,
        "against": _rate(one.use.savings_rate),
        "ends": _ends(frame, one),
        "advice": advice(one),
    }


def _months(frame: QuarterFrame) -> list[tuple[str, str]]:
    return [(f"{frame.span_of(month)[0]:%b}", month) for month in frame.months]


def _use_of(one: Commitment, span: tuple[date, date]) -> Use:
    return Use([row for row in one.use.days if span[0] <= row["day"] < span[1]])


def _rate(value: Decimal | None) -> str:
    if value is None:
        return "unknown"
    return f"{percent(abs(value))} {'under' if value >= 0 else 'over'}"


def _ends(frame: QuarterFrame, one: Commitment) -> str:
    if one.ended:
        return f"ended {last(one.ended)}"
    if not one.ends:
        return "no end"
    end = one.ends[0]
    part = f", {percent(end.share)} of it" if end.share < 1 else ""
    return f"{last(end.on)} ({plural((end.on - frame.span[1]).days, 'day')}{part})"


def _minimum(frame: QuarterFrame, one: Minimum) -> Mapping[str, str]:
    months = {row["day"].replace(day=1): row for row in one.months}
    spans = [(name, frame.span_of(month)[0]) for name, month in _months(frame)]
    told = [
        f"{name} {dollars(months[first]['shortfall_usd'])} of {dollars(months[first]['due_usd'])}"
        for name, first in spans
        if first in months
    ]
    return {
        "name": one.name,
        "about": f"{one.provider}, {one.owner or 'no owner'}",
        "used": percent(one.used),
        "due": dollars(one.due_usd),
        "short": dollars(one.short_usd),
        "months": ", ".join(told),
        "ends": "no end" if one.ends_on == OPEN else last(one.ends_on),
    }


def _chart(frame: QuarterFrame, soon: Sequence[Commitment], read: Sequence[Read]) -> Chart:
    until = horizon(frame)
    told = "; ".join(f"{one.name} ends on {last(one.ends[0].on)}" for one in soon[:DRAWN])
    return Chart(
        name="quarter_commitments",
        question=f"Which commitments end by {last(until)}?",
        label=told,
        figure=_drawn(frame, soon[:DRAWN], until),
        header=("Commitment", "Last day", "Days left", "Costs a month", "At list then"),
        rows=[row for one in soon for row in _values(frame, one, until)],
        read=read,
        note=_ENDS_NOTE,
    )


def _values(frame: QuarterFrame, one: Commitment, until: date) -> Iterator[tuple[str, ...]]:
    for place, end in enumerate(one.ends):
        if end.on <= until:
            money = (dollars(one.freed_usd), dollars(one.list_after_usd)) if place == 0 else (NONE, NONE)
            part = f", {percent(end.share)} of it" if end.share < 1 else ""
            yield f"{one.name}{part}", str(end.on - timedelta(days=1)), f"{(end.on - frame.span[1]).days:,}", *money


def _drawn(frame: QuarterFrame, soon: Sequence[Commitment], until: date) -> Mapping[str, Any]:
    """A bar in time for each, from the quarter's first day to its end, and a line where the data ends."""
    first = frame.span[0]
    traces: list[dict[str, Any]] = [
        _line([str(max(first, one.starts_on)), str(one.ends[0].on)], [place, place], color=ACCENT, width=12)
        for place, one in enumerate(soon)
    ]
    traces.append(_line([str(frame.span[1])] * 2, [-0.6, len(soon) - 0.4], color=MUTED, width=1, dash="dash"))
    return figure(
        traces,
        height=70 + 34 * len(soon),
        right=96,
        annotations=[text_at(str(one.ends[0].on), place, _label(frame, one)) for place, one in enumerate(soon)],
        xaxis={
            "type": "date",
            "tickformat": "%b %Y",
            "tickangle": 0,
            "tickvals": [str(frame.whole[1]), str(until)],
            "range": [str(first), str(until)],
        },
        yaxis={
            "tickvals": list(range(len(soon))),
            "ticktext": [html.escape(brief(one.name, NAME)) for one in soon],
            "range": [len(soon) - 0.4, -0.6],
            "tickprefix": "",
            "ticks": "outside",
            "ticklen": 8,
            "tickcolor": "rgba(0,0,0,0)",
            "showgrid": False,
        },
    )


def _label(frame: QuarterFrame, one: Commitment) -> str:
    final = one.ends[0].on - timedelta(days=1)
    return f"{final.day} {final:%b}, {plural((one.ends[0].on - frame.span[1]).days, 'day')}"


def _line(x: Sequence[str], y: Sequence[float], **line: object) -> dict[str, Any]:
    return {"type": "scatter", "mode": "lines", "x": list(x), "y": list(y), "line": line, "hoverinfo": "skip", "cliponaxis": False}


SECTION = Section(
    "quarter_commitments", _build, "The book has no commitments: nothing is reserved, owned or promised.", "Commitments and their expiry"
)
