"""The opening of the savings page: what levers could spare of the month, and what was realised; the two are never added."""

from collections.abc import Iterator, Mapping
from typing import Any

from meterbook.reports.kicker import kicker
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import dollars, head
from meterbook.reports.section import Section

_NAMED = 3
_CALLS = """
    select sum(before_usd) as before_usd from marts.lever where day >= ? and day < ? and scenario = 'point'
        and place = (select min(place) from marts.lever where day >= ? and day < ?)
"""


def _build(frame: MonthFrame) -> Mapping[str, Any]:
    return {**kicker(frame, frame.title), "headline": headline(frame), "causes": list(causes(frame))}


def headline(frame: MonthFrame) -> str:
    """The verdict: what levers could spare of the month's cost, and what was realised."""
    if not frame.now:
        return f"No cost was recorded in {frame.span[0]:%B}."
    spent = f"{frame.span[0]:%B}'s {head(frame.now)}" + ("" if frame.is_whole else " so far")
    found = frame.potential
    could = f"Levers could spare {head(found.low)} to {head(found.high)} of {spent}" if found else f"No lever could be reckoned on {spent}"
    return f"{could}; {head(frame.ledger.realised_usd)} was realised."


def causes(frame: MonthFrame) -> Iterator[str]:
    """What the figures are: estimates on one side, measured on the other."""
    if frame.potential:
        [calls] = frame.rows(_CALLS, *frame.span, *frame.span)
        yield (
            f"The likely figure is {dollars(frame.potential.point)}, "
            f"estimated on the {head(calls['before_usd'])} that calls of models cost; "
            "GPUs and shared costs are not among them."
        )
    realised = [f"{one.saving} ({one.owner}) {dollars(one.realised_usd)}" for one in frame.ledger.entries if one.realised_usd]
    if realised:
        yield f"Realised, measured and no part of that range: {'; '.join(realised[:_NAMED])}."
    refused = [one for one in frame.ledger.entries if one.status != one.state]
    if refused:
        names = ", ".join(one.saving for one in refused)
        yield f"Said to be verified and refused, for quality fell or cannot be told: {names}."


SECTION = Section("savings_opening", _build, template="opening")
