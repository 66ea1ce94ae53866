"""What a scenario makes of some days: what each saves by feature and change, their sums, and what 30 days like these would save."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from meterbook.reports.intervals import sum_ahead
from meterbook.reports.saving_ledger import Range

PICO, _CENT = Decimal("1e-12"), Decimal("0.01")
NOTHING = Range(Decimal(0), Decimal(0), Decimal(0))
AHEAD = 30
"""Days to come that are told of."""
Group = tuple[str, str, str, str]
"""Day, feature, provider and model."""
Found = dict[tuple[Group, str], Range]
"""What is saved by group and change, in USD."""
Series = Mapping[date, Range]


@dataclass
class Outcome:
    """What a scenario makes of some days. Amounts are USD; those of the days are exact to the pico-dollar."""

    first: date
    last: date
    before: dict[str, Decimal]
    """Cost of the calls by feature."""
    daily: dict[tuple[str, str], dict[date, Range]] = field(default_factory=dict)
    """What is saved by feature and change, and day; signed. What is left out saves nothing."""
    requests: int = 0
    unknown_requests: int = 0
    """Calls that would have no price; they are left as they are."""
    assumptions: list[str] = field(default_factory=list)

    def add(self, found: Found) -> None:
        """Take in what is saved."""
        for ((day, feature, _, _), change), usd in found.items():
            of = self.daily.setdefault((feature, change), {})
            of[date.fromisoformat(day)] = of.get(date.fromisoformat(day), NOTHING) + usd

    @property
    def savings(self) -> dict[tuple[str, str], Range]:
        """By feature and change, of all days."""
        return {key: sum(of.values(), NOTHING) for key, of in self.daily.items()}

    @cached_property
    def days(self) -> list[date]:
        """The days that are looked at."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    def saving(self, feature: str | None = None) -> Range:
        """What all changes save of a feature, or in all."""
        return sum((found for (name, _), found in self.savings.items() if feature in {None, name}), NOTHING)

    def after(self, feature: str | None = None) -> Range:
        """What a feature would have cost, or all: least first, which is where most is saved."""
        cost = self.before[feature] if feature else sum(self.before.values(), Decimal(0))
        saved = self.saving(feature)
        return Range(*sorted(cost - value for value in (saved.low, saved.point, saved.high)))

    def ahead(self, feature: str | None = None, change: str | None = None) -> Range | None:
        """What would be saved of 30 days like these: by a feature or a change of it where given, else in all; in cents.

        The point is the mean day 30 times over. Low and high are the outer ends of two 95 % intervals, of what is least and of what is
        most saved: how much one sum of 30 days differs from another, days being drawn at random from those that were.

        Returns:
            None where it is too few days to tell how much they differ.
        """
        chosen = [of for (name, kind), of in self.daily.items() if feature in {None, name} and change in {None, kind}]
        sums = _summed(chosen)
        days = [sums.get(day, NOTHING) for day in self.days]
        seed = f"whatif {self.first} {self.last}"
        sides = [sum_ahead([getattr(day, name) for day in days], AHEAD, seed=seed) for name in ("low", "high")]
        if sides[0] is None or sides[1] is None:
            return None
        point = sum((day.point for day in days), Decimal(0)) * AHEAD / len(days)
        bounds = [_cents(bound) for side in sides if side for bound in (side.low, side.high)]
        middle = point.quantize(_CENT)
        return Range(min(*bounds, middle), middle, max(*bounds, middle))


def _summed(series: Iterable[Series]) -> dict[date, Range]:
    found: dict[date, Range] = defaultdict(lambda: NOTHING)
    for of in series:
        for day, usd in of.items():
            found[day] += usd
    return found


def _cents(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_CENT)
