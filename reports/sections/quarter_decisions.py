"""What a quarter asks to be decided: levers, what graduates, commitments that end, GPUs, budgets; and what became of what was decided."""

from collections.abc import Iterator, Mapping
from typing import Any

from meterbook.reports.actions import Action, Standing, exactly, listed
from meterbook.reports.commitment_words import advice, last
from meterbook.reports.commitments import Commitments, ending
from meterbook.reports.periods import days_of_quarter
from meterbook.reports.quarter_frame import QuarterFrame, told
from meterbook.reports.section import Section
from meterbook.reports.sections.decisions import common, promised
from meterbook.reports.sections.month_decisions import yearly_levers
from meterbook.reports.sections.promotions import proposals
from meterbook.reports.sections.quarter_commitments import horizon
from meterbook.reports.sections.savings_decisions import anchors

_ANCHORS = {
    "promotions": "#quarter_experiments",
    "ledger": "#quarter_savings",
    "budgets": "#quarter_months",
    "commitments": "#quarter_commitments",
    "owners": "#closing",
    "prices": "#closing",
}


def _build(frame: QuarterFrame) -> Mapping[str, Any] | None:
    standing = Standing(frame.rows, frame.span[1])
    actions = [*yearly_levers(frame, standing), *proposals(frame), *_commitments(frame), *common(frame, standing)]
    actions += promised(standing, actions)
    review = standing.review(days_of_quarter(frame.former), f"in {told(frame.former)}")
    return {"rows": listed(actions, anchors(_ANCHORS, frame.facts.beside)), "review": review} if actions or review else None


def _commitments(frame: QuarterFrame) -> Iterator[Action]:
    """Those that end before the quarter after next is over; with what a year of them spares against list, where that is known."""
    for one in ending(Commitments(frame.rows, frame.span).all, horizon(frame)):
        known = one.recent.list_usd is not None and not one.ends[0].is_written_off
        usd = exactly(abs(one.recent.spared_monthly_usd) * 12) if known else None
        text = f"Decide on {one.name} before it ends on {last(one.ends[0].on)}: {advice(one)}"
        evidence = "list against its price" if known else ""
        yield Action(text, one.owner or "nobody", usd, effort="medium", topic="commitments", evidence=evidence)


SECTION = Section("quarter_decisions", _build, "Nothing needs a decision this quarter.", "Needs a decision", template="decisions")
