"""What a month asks to be decided: levers, promotions, GPUs, budgets and what is missing, with the state of what was decided before."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from meterbook.reports.actions import YEAR, Action, Standing, listed, per_year
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.review import Review
from meterbook.reports.section import Section
from meterbook.reports.sections.decisions import common, promised
from meterbook.reports.sections.promotions import proposals
from meterbook.reports.sections.savings_decisions import anchors, levers

_ANCHORS = {
    "routing": "#routing",
    "promotions": "#promotions",
    "ledger": "#savings_ledger",
    "budgets": "#month_budgets",
    "owners": "#closing",
    "prices": "#closing",
}


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    standing = Standing(frame.rows, frame.span[1])
    actions = [*yearly_levers(frame, standing), *proposals(frame), *common(frame, standing)]
    actions += promised(standing, actions)
    before = frame.whole[0]
    last = (before.replace(year=before.year - 1, month=12) if before.month == 1 else before.replace(month=before.month - 1), before)
    review = standing.review(last, f"in {last[0]:%B}")
    return {"rows": listed(actions, anchors(_ANCHORS, frame.facts.beside)), "review": review} if actions or review else None


def yearly_levers(frame: Review, standing: Standing) -> Iterator[Action]:
    """The levers' potentials of the period's days, as of a year like them."""
    for one in levers(frame, standing):
        if one.usd:
            low, point, high = (per_year(value, frame.elapsed.days) for value in one.usd)
            yield replace(one, usd=(low, point, high), per=YEAR)


SECTION = Section("month_decisions", _build, "Nothing needs a decision this month.", "Needs a decision", template="decisions")
