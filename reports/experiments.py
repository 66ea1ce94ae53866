"""What an experiment says: each arm's cost per successful unit against the control's, and whether quality held.

Read from marts.experiment; docs/experiments.md has the method. Dollars of an arm are exact, intervals and verdicts are statistics.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal

from meterbook.reports.frame import Row
from meterbook.reports.intervals import (
    LEVEL,
    Comparison,
    Interval,
    Moments,
    Verdict,
    difference_interval,
    mean_not_worse,
    not_worse,
    ratio_interval,
)
from meterbook.reports.numbers import ratio

CONTROLS = ("control", "baseline", "off", "a")
"""Names of the arm that others are held against, the first that an experiment has; else the arm that comes first by name."""
LOOK_BACK = timedelta(weeks=8)
"""How long before the end of a page's period an experiment may have begun to be told whole."""
NO_UNIT = "(none)"
MARGIN = 0.01
"""By how much quality may fall before it is worse: one point of a hundred."""
Blocks = Literal["tenant-day", "day", "tenant"]
_BLOCK: Mapping[Blocks, Sequence[str]] = {"tenant-day": ("tenant", "day"), "day": ("day",), "tenant": ("tenant",)}
_SUMS = ("units", "successes", "quality_count", "quality_sum", "quality_sum_of_squares", "requests", "unpriced_requests", "cost_usd")


class Advice(StrEnum):
    """What to do with an arm."""

    GRADUATE = "graduate"
    KEEP = "keep running"
    WORSE = "stop: quality fell"
    DEARER = "stop: it costs more"
    BETTER = "decide: better, and dearer"
    UNKNOWN = "cannot tell yet"


@dataclass(frozen=True)
class Arm:
    """What one arm did: totals, and by block the dollars and the successful units."""

    name: str
    total: Mapping[str, Any]
    blocks: Mapping[tuple[Any, ...], tuple[Decimal, int]]

    @property
    def unit_cost(self) -> Decimal | None:
        """Dollars per successful unit; None without any."""
        return ratio(self.total["cost_usd"], self.total["successes"])

    @property
    def success(self) -> Decimal | None:
        """Share of its units that succeeded."""
        return ratio(self.total["successes"], self.total["units"])

    @property
    def quality(self) -> Decimal | None:
        """Mean score; None where nothing was scored."""
        return ratio(self.total["quality_sum"], self.total["quality_count"])

    @property
    def moments(self) -> Moments:
        """Of its scores."""
        return Moments(self.total["quality_count"], self.total["quality_sum"], self.total["quality_sum_of_squares"])


@dataclass(frozen=True)
class Judged:
    """An arm against the control; the control itself has no comparison and no advice.

    Args:
        arm: what it did.
        cost: dollars per successful unit.
        difference: the arm's less the control's.
        quality: of the scores, else of the share of successes where nothing is scored.
        success: of the share of successes.
        advice: what to do.
        reason: why, in a few words.
    """

    arm: Arm
    cost: Interval | None
    difference: Interval | None = None
    quality: Comparison | None = None
    success: Comparison | None = None
    advice: Advice | None = None
    reason: str = ""


@dataclass(frozen=True)
class Experiment:
    """One experiment on one unit of a feature, its control first."""

    name: str
    feature: str
    unit: str
    first: date
    last: date
    arms: Sequence[Arm]
    margin: float = MARGIN
    level: float = LEVEL

    @cached_property
    def judged(self) -> Sequence[Judged]:
        """Every arm, the control first."""
        control, *others = self.arms
        return [Judged(control, self._cost(control)), *(self._judge(arm, control) for arm in others)]

    def _cost(self, arm: Arm) -> Interval | None:
        pairs = list(arm.blocks.values())
        return ratio_interval([cost for cost, _ in pairs], [done for _, done in pairs], seed=self._seed(arm), level=self.level)

    def _seed(self, arm: Arm) -> str:
        return f"{self.feature} {self.name} {self.unit} {arm.name}"

    def _judge(self, arm: Arm, control: Arm) -> Judged:
        keys = sorted({*arm.blocks, *control.blocks})
        sides = [[one.blocks.get(key, (Decimal(0), 0))[part] for key in keys] for one in (arm, control) for part in (0, 1)]
        difference = difference_interval(*sides, seed=self._seed(arm), level=self.level, is_paired=True)
        counts = (arm.total["successes"], arm.total["units"], control.total["successes"], control.total["units"])
        success = not_worse(*counts, self.margin, self.level)
        is_scored = arm.quality is not None and control.quality is not None
        quality = mean_not_worse(arm.moments, control.moments, self.margin, self.level) if is_scored else success
        advice, reason = advise(difference, quality, success, arm.total["unpriced_requests"] + control.total["unpriced_requests"])
        return Judged(arm, self._cost(arm), difference, quality, success, advice, reason)


def advise(difference: Interval | None, quality: Comparison, success: Comparison, unpriced: int) -> tuple[Advice, str]:  # noqa: PLR0911 -- a list of rules
    """What to do with an arm, and why: quality is asked first, and a lower cost never makes up for it.

    Args:
        difference: dollars per successful unit, the arm's less the control's.
        quality: of the scores.
        success: of the share of successes.
        unpriced: requests of both without a price.
    """
    if Verdict.WORSE in {quality.verdict, success.verdict}:
        return Advice.WORSE, "quality is below the control's" if quality.verdict is Verdict.WORSE else "fewer units succeed"
    if unpriced:
        return Advice.UNKNOWN, f"{unpriced:,} requests have no price"
    if difference is None:
        return Advice.UNKNOWN, "too few successful units"
    if difference.low <= 0 <= difference.high:
        return Advice.UNKNOWN, "the difference in cost may be chance"
    if difference.low > 0:
        better = quality.difference is not None and quality.difference.low > 0
        return (
            (Advice.BETTER, "it costs more, and quality is above the control's")
            if better
            else (Advice.DEARER, "quality is not surely above the control's")
        )
    if quality.verdict is Verdict.NOT_WORSE:
        return Advice.GRADUATE, "cheaper, and quality held"
    return Advice.KEEP, "cheaper; that quality held is not sure yet"


def split(label: str, feature: str) -> tuple[str, str]:
    """The experiment and the arm that a label names: `name:arm`; a plain label is an arm of the one experiment of its feature."""
    name, colon, arm = label.partition(":")
    return (name.strip() or feature, arm.strip() or "(none)") if colon else (feature, label.strip())


def experiments(
    ask: Callable[..., list[Row]],
    first: date,
    end: date,
    *,
    feature: str | None = None,
    blocks: Blocks = "tenant-day",
    margin: float = MARGIN,
    level: float = LEVEL,
) -> list[Experiment]:
    """Experiments that ran in some days, with more than one arm, in the order of what they cost.

    Args:
        ask: gives the rows of a query and its values, by column name, from where the marts are views.
        first: first day of the book.
        end: the day after the last.
        feature: only of this feature.
        blocks: what varies together and is drawn as one.
        margin: by how much quality may fall.
        level: of intervals and verdicts, 0 to 1.
    """
    query = f"""
        select day, unit, feature, tenant, experiment_arm, {", ".join(_SUMS)} from marts.experiment
        where day >= ? and day < ? and (feature = ? or ? is null) order by feature, unit, experiment_arm, tenant, day
    """
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in ask(query, first, end, feature, feature):
        row["experiment"], row["arm"] = split(row["experiment_arm"], row["feature"])
        groups[row["experiment"], row["feature"]].append(row)
    found = [
        _experiment(name, unit, rows, blocks, margin, level)
        for (name, _), every in groups.items()
        for unit, rows in _by_unit(every).items()
        if len({row["arm"] for row in rows}) > 1
    ]
    return sorted(found, key=lambda one: (-sum(arm.total["cost_usd"] for arm in one.arms), one.feature, one.name, one.unit))


def _by_unit(rows: Sequence[Row]) -> Mapping[str, Sequence[Row]]:
    """The rows of each unit; requests of no unit are of the only one there is, else they stay apart."""
    units = sorted({row["unit"] for row in rows} - {NO_UNIT})
    if len(units) == 1:
        return {units[0]: rows}
    return {unit: [row for row in rows if row["unit"] == unit] for unit in sorted({row["unit"] for row in rows})}


def _experiment(name: str, unit: str, rows: Sequence[Row], blocks: Blocks, margin: float, level: float) -> Experiment:  # noqa: PLR0917
    arms = {arm: _arm(arm, [row for row in rows if row["arm"] == arm], _BLOCK[blocks]) for arm in sorted({row["arm"] for row in rows})}
    control = next((arm for wanted in CONTROLS for arm in arms if arm.lower() == wanted), min(arms))
    ordered = [arms.pop(control), *arms.values()]
    days = [row["day"] for row in rows]
    return Experiment(name, rows[0]["feature"], unit, min(days), max(days), ordered, margin, level)


def _arm(name: str, rows: Iterable[Row], key: Sequence[str]) -> Arm:
    total: dict[str, Any] = dict.fromkeys(_SUMS, 0)
    blocks: dict[tuple[Any, ...], tuple[Decimal, int]] = {}
    for row in rows:
        for column in _SUMS:
            total[column] += row[column]
        place = tuple(row[column] for column in key)
        cost, done = blocks.get(place, (Decimal(0), 0))
        blocks[place] = cost + row["cost_usd"], done + row["successes"]
    return Arm(name, total, blocks)
