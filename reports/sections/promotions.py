"""What should become a default of the platform: savings that are verified and not promoted, arms of experiments that graduate."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.actions import Action, exactly, per_year
from meterbook.reports.experiments import Advice, Experiment, Judged
from meterbook.reports.figures import Figures
from meterbook.reports.numbers import change, dollars, percent, price
from meterbook.reports.review import Review
from meterbook.reports.saving_ledger import Entry
from meterbook.reports.section import Section
from meterbook.reports.sections.savings_ledger import shown_quality

Graduate = tuple[Experiment, Judged]


def _build(frame: Review) -> Mapping[str, Any] | None:
    rows = [*(_saving(one, frame.told_as) for one in ready(frame)), *(_arm(*one) for one in graduates(frame))]
    return {"rows": rows, "refused": _refused(frame), "month": frame.told_as} if rows else None


def ready(frame: Review) -> list[Entry]:
    """Savings whose quality held and that are no default yet."""
    return [one for one in frame.ledger.entries if one.state == one.status == "verified"]


def graduates(frame: Review) -> list[Graduate]:
    """Arms that are cheaper beyond chance and no worse, of experiments that ran in the period."""
    return [(one, judged) for one in frame.experiments for judged in one.judged if judged.advice == Advice.GRADUATE]


def proposals(frame: Review) -> Iterator[Action]:
    """What to decide of them, with what a year would save; of what is live already it is what it saved of the month."""
    for entry in ready(frame):
        usd = exactly(per_year(entry.realised_usd, frame.elapsed.days)) if entry.realised_usd is not None else None
        text = f"Make {entry.saving} a default of the platform"
        yield Action(text, entry.owner, usd, effort="low", topic="promotions", evidence=f"realised in this {frame.noun}", status="verified")
    for one, judged in graduates(frame):
        text = f"Graduate arm {judged.arm.name} of experiment {one.name} on {one.feature}"
        owner = _owner(frame, one.feature)
        yield Action(text, owner, _yearly(one, judged), effort="low", topic="promotions", evidence=judged.reason)


def _owner(frame: Figures, feature: str) -> str:
    """The team that bears most of a feature's cost; the feature where none does."""
    teams = frame.by("team", frame.span, feature=feature)
    return max(sorted(teams), key=lambda name: teams[name]) if teams else feature


def _yearly(one: Experiment, judged: Judged) -> tuple[Decimal, Decimal, Decimal] | None:
    """What the units of the control would cost less a year, at the difference per unit and its interval."""
    found, units = judged.difference, one.judged[0].arm.total["successes"]
    if found is None:
        return None
    days = (one.last - one.first).days + 1
    low, point, high = (per_year(Decimal(repr(-value)) * units, days) for value in (found.high, found.point, found.low))
    return low, point, high


def _saving(entry: Entry, when: str) -> Mapping[str, str]:
    return {
        "what": entry.saving,
        "about": f"{entry.lever}, {entry.owner}",
        "kind": "saving, verified",
        "gain": dollars(entry.realised_usd),
        "of": f"realised in {when}",
        "quality": shown_quality(entry.quality) or "not asked of GPUs",
    }


def _arm(one: Experiment, judged: Judged) -> Mapping[str, str]:
    control = one.judged[0].arm
    cost, was = judged.arm.unit_cost, control.unit_cost
    moved = change(cost, was) if cost is not None and was else None
    is_scored = judged.arm.quality is not None and control.quality is not None
    before, since = (control.quality, judged.arm.quality) if is_scored else (control.success, judged.arm.success)
    return {
        "what": f"{one.name}: {judged.arm.name}",
        "about": f"{one.feature}, {one.unit}",
        "kind": "experiment, graduates",
        "gain": percent(moved, plus=True),
        "of": f"{price(cost)} per success, control {price(was)}",
        "quality": f"{'rating' if is_scored else 'success'} {percent(before)} to {percent(since)}",
    }


def _refused(frame: Review) -> str:
    names = [one.saving for one in frame.ledger.entries if one.state == "verified" and one.status != one.state]
    return ", ".join(names)


SECTION = Section(
    "promotions",
    _build,
    "Nothing is ready: no saving is verified and not promoted yet, and no arm of an experiment is cheaper beyond chance and no worse.",
    "What should become the default?",
)
