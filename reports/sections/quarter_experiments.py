"""What can graduate: arms of experiments, and verified savings that are no default yet, with their worth a year; what became one."""

from collections.abc import Iterator, Mapping
from typing import Any

from meterbook.reports.actions import Action
from meterbook.reports.charts import Read, how
from meterbook.reports.experiments import Advice, Experiment, Judged
from meterbook.reports.numbers import NONE, change, head, percent, plural, price
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.section import Section
from meterbook.reports.sections.promotions import proposals

_MOODS = {Advice.GRADUATE: "under", Advice.WORSE: "over", Advice.DEARER: "over"}
_NOTE = "An arm graduates where it is cheaper beyond chance and its quality is not worse; a year is 365 days like those it ran."
_PROMOTED = "select saving, owner, promoted_on from book.saving where promoted_on >= ? and promoted_on < ? order by promoted_on, place"


def _build(frame: QuarterFrame) -> Mapping[str, Any] | None:
    found, ready = frame.experiments, list(proposals(frame))
    promoted = frame.rows(_PROMOTED, *frame.span)
    if not found and not ready and not promoted:
        return None
    return {
        "arms": [_arm(one, judged) for one in found for judged in one.judged if judged.advice],
        "ready": [_ready(one) for one in ready],
        "sentences": list(_sentences(found, ready, promoted)),
        "how": how([Read("marts.experiment", frame.experiment_rows), Read("book.saving", promoted)], _NOTE),
    }


def _sentences(found: list[Experiment], ready: list[Action], promoted: list[dict[str, Any]]) -> Iterator[str]:
    advice = [judged.advice for one in found for judged in one.judged if judged.advice]
    if found:
        graduates = sum(one == Advice.GRADUATE for one in advice)
        said = f"{graduates} of {plural(len(advice), 'arm')} can graduate" if graduates else "no arm can graduate yet"
        yield f"{plural(len(found), 'experiment')} ran: {said}."
    known = [one.usd for one in ready if one.usd]
    if known:
        low, point, high = (sum(values) for values in zip(*known, strict=True))
        ends = f" ({head(min(low, high))} to {head(max(low, high))})" if low != high else ""
        yield f"What is ready to become a default is worth {head(point)}{ends} a year."
    if promoted:
        names = ", ".join(f"{row['saving']} ({row['owner']})" for row in promoted)
        yield f"Became a default of the platform in the quarter: {names}."


def _arm(one: Experiment, judged: Judged) -> Mapping[str, Any]:
    control = one.judged[0].arm
    cost, was = judged.arm.unit_cost, control.unit_cost
    is_scored = judged.arm.quality is not None and control.quality is not None
    before, since = (control.quality, judged.arm.quality) if is_scored else (control.success, judged.arm.success)
    return {
        "what": f"{one.name}: {judged.arm.name}",
        "about": f"{one.feature}, {one.unit}",
        "cost": price(cost),
        "was": price(was),
        "change": percent(change(cost, was), plus=True) if cost is not None and was else NONE,
        "quality": f"{'rating' if is_scored else 'success'} {percent(before)} to {percent(since)}",
        "advice": str(judged.advice),
        "mood": _MOODS.get(judged.advice, "") if judged.advice else "",
    }


def _ready(one: Action) -> Mapping[str, str]:
    ends = f"{head(min(one.usd))} to {head(max(one.usd))}" if one.usd and min(one.usd) != max(one.usd) else ""
    return {
        "text": one.text,
        "owner": one.owner,
        "year": head(one.usd[1]) if one.usd else "unknown",
        "ends": ends,
        "evidence": one.evidence,
    }


SECTION = Section(
    "quarter_experiments",
    _build,
    "No experiment ran in this quarter, and no saving is verified and not a default yet.",
    "What can graduate?",
)
