"""How far a unit of value is from its target, how sure that is, and whether its quality held: the tracker of `meterbook unit track`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from meterbook.reports.intervals import Interval, Verdict, difference_interval, judge, ratio_interval
from meterbook.reports.numbers import percent, points, ratio
from meterbook.reports.unit_figures import UnitDay

BASELINE_DAYS = timedelta(days=14)
"""Length of a baseline where none is said: its first two weeks with data."""


class Standing(StrEnum):
    """What the cost of a unit is against its target."""

    IMPROVED = "improved"
    NOT_YET = "not yet"
    UNKNOWN = "cannot tell"
    REFUSED = "not an improvement"


@dataclass(frozen=True)
class Goal:
    """What a unit is held against.

    Args:
        target_usd: what one should cost; or
        improve: by which share it should become cheaper than in the baseline; neither is any cheaper than that.
        margin: how far quality, 0 to 1, may fall.
        per_units: units a price is of.
    """

    target_usd: Decimal | None = None
    improve: Decimal | None = None
    margin: Decimal = Decimal("0.01")
    per_units: int = 1


@dataclass(frozen=True)
class Track:
    """Where a unit stands.

    Args:
        cost_usd: fully loaded cost per successful unit.
        baseline_usd: the same in the baseline.
        target_usd: what it should be.
        distance: from the target, as a share of it; below zero is better than the target.
        quality: mean quality, 0 to 1.
        baseline_quality: the same in the baseline.
        standing: the verdict.
        why: beside it, where it needs a word.
    """

    cost_usd: Decimal | None
    baseline_usd: Decimal | None
    target_usd: Decimal | None
    distance: Interval | None
    quality: Decimal | None
    baseline_quality: Decimal | None
    standing: Standing
    why: str = ""

    @property
    def verdict(self) -> str:
        """In words."""
        return f"{self.standing}: {self.why}" if self.why else str(self.standing)


def track(unit: str, now: Sequence[UnitDay], before: Sequence[UnitDay], goal: Goal) -> Track:
    """Hold a unit against its target and its baseline.

    It improved where a 95 % interval of its cost, by a bootstrap over days, is at or below the target and its quality is not below that of
    the baseline by more than the margin; a lower cost with less quality is none, and one whose quality is not known is not told.

    Args:
        unit: its name, which seeds the interval.
        now: the days looked at.
        before: the days of the baseline; none where there is none.
        goal: the target and the margin.
    """
    cost, base = _cost(now, goal), _cost(before, goal)
    target = _target(base, goal)
    spread = ratio_interval([day.cost_usd for day in now], [day.successes for day in now], seed=_seed(unit, now))
    distance = None
    if spread and target:
        low, point, high = (value * goal.per_units / float(target) - 1 for value in (spread.low, spread.point, spread.high))
        distance = Interval(low, point, high)
    standing, why = _standing(distance, target)
    if standing is Standing.IMPROVED:
        standing, why = _held(unit, now, before, goal.margin)
    return Track(cost, base, target, distance, _quality(now), _quality(before), standing, why)


def baseline_span(first: date, last: date, said: tuple[date, date] | None) -> tuple[date, date]:
    """The half-open days of a baseline: as said, else the first two weeks there is data of."""
    return said or (first, min(first + BASELINE_DAYS, last + timedelta(days=1)))


def _standing(distance: Interval | None, target: Decimal | None) -> tuple[Standing, str]:
    if target is None:
        return Standing.UNKNOWN, "no target and no baseline"
    if distance is None:
        return Standing.UNKNOWN, "too few days" if target else "its target is nothing"
    if distance.high <= 0:
        return Standing.IMPROVED, ""
    return (Standing.NOT_YET, "") if distance.low > 0 else (Standing.UNKNOWN, "its interval holds the target")


def _held(unit: str, now: Sequence[UnitDay], before: Sequence[UnitDay], margin: Decimal) -> tuple[Standing, str]:
    """Whether quality lets a lower cost be an improvement."""
    if not before:
        return Standing.UNKNOWN, "no baseline to hold its quality against"
    was, is_now = _quality(before), _quality(now)
    if was is None or is_now is None:
        return Standing.UNKNOWN, "its quality is not measured"
    if was - is_now > margin:
        return Standing.REFUSED, f"quality fell from {percent(was)} to {percent(is_now)}, beyond its margin of {_margin(margin)}"
    sides = [[getattr(day, name) for day in side] for side in (now, before) for name in ("quality_sum", "quality_count")]
    difference = difference_interval(sides[0], sides[1], sides[2], sides[3], seed=f"{_seed(unit, now)} quality")
    if difference is None or judge(difference, float(margin)).verdict is not Verdict.NOT_WORSE:
        return Standing.UNKNOWN, f"its quality may have fallen by more than {_margin(margin)}"
    return Standing.IMPROVED, ""


def _margin(margin: Decimal) -> str:
    return points(margin).removeprefix("+")


def _target(base: Decimal | None, goal: Goal) -> Decimal | None:
    if goal.target_usd is not None:
        return goal.target_usd
    return None if base is None else base * (1 - (goal.improve or Decimal(0)))


def _cost(days: Sequence[UnitDay], goal: Goal) -> Decimal | None:
    return ratio(sum((day.cost_usd for day in days), Decimal(0)) * goal.per_units, sum(day.successes for day in days))


def _quality(days: Sequence[UnitDay]) -> Decimal | None:
    return ratio(sum((day.quality_sum for day in days), Decimal(0)), sum(day.quality_count for day in days))


def _seed(unit: str, days: Sequence[UnitDay]) -> str:
    return f"{unit} {days[0].day} {days[-1].day}" if days else unit
