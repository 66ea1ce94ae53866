"""Units of value over a quarter: what one costs by week and month, against its target, its quality and what customers pay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from meterbook.reports.figures import ZERO, Figures, Row
from meterbook.reports.numbers import MINUS, change, percent, points, price, ratio
from meterbook.reports.periods import WEEK
from meterbook.reports.sections.units import days_of_units, frozen, tracked
from meterbook.reports.unit_tracking import Track

LEVEL = Decimal("0.0005")
"""A change below this is shown as none."""
_PERIODS = """
    select unit, {start} as starts_on, cast(sum(successes) as bigint) as successes, sum(cost_usd) as cost_usd,
        min(day) as first_day, max(day) as last_day
    from marts.unit_cost where day >= ? and day < ? and unit not in ('inference', '(no unit)') group by unit, {start} order by unit, {start}
"""
_PAID = """
    select unit, sum(revenue_usd) as revenue_usd, sum(cost_usd) as cost_usd, cast(sum(successes) as bigint) as successes
    from marts.unit_margin where day >= ? and day < ? group by unit order by unit
"""


@dataclass(frozen=True)
class Paid:
    """What customers paid for a unit on the days that have a price, and what it cost on these; USD, exact."""

    row: Row

    @property
    def price_usd(self) -> Decimal | None:
        """What one that was delivered brought; None where none was."""
        return ratio(self.row["revenue_usd"], self.row["successes"])

    @property
    def margin_usd(self) -> Decimal | None:
        """What is left of it, of one that was delivered."""
        return ratio(self.row["revenue_usd"] - self.row["cost_usd"], self.row["successes"])

    @property
    def margin_ratio(self) -> Decimal | None:
        """Gross margin: what is left, as a share of what was paid; None where nothing was."""
        return ratio(self.row["revenue_usd"] - self.row["cost_usd"], self.row["revenue_usd"])


@dataclass(frozen=True)
class Unit:
    """One unit over the quarter.

    Args:
        row: its sums of the quarter.
        before: of the days that are compared; None where it had none.
        track: against its target and its baseline.
        paid: what customers pay; None where it has no price.
        weeks: Monday, cost and deliveries of each whole week of the quarter before and of the quarter.
    """

    row: Row
    before: Row | None
    track: Track
    paid: Paid | None
    weeks: Sequence[tuple[date, Decimal, int]]

    @property
    def label(self) -> str:
        """Singular, for sentences."""
        return str(self.row["label"])

    @property
    def cost(self) -> Decimal | None:
        """Fully loaded cost of one that was delivered, USD; None where none was."""
        return ratio(self.row["cost_usd"], self.row["successes"])

    @property
    def was(self) -> Decimal | None:
        """The same of the days that are compared."""
        return ratio(self.before["cost_usd"], self.before["successes"]) if self.before else None

    @property
    def moved(self) -> Decimal | None:
        """By which share it became dearer; None where that cannot be told."""
        return change(self.cost, self.was) if self.cost is not None and self.was else None

    @property
    def target(self) -> Decimal | None:
        """What one should cost."""
        found: Decimal | None = self.row["target_usd"]
        return found

    @property
    def off(self) -> Decimal | None:
        """By which share it is above its target."""
        return change(self.cost, self.target) if self.cost is not None and self.target else None

    @property
    def margin_usd(self) -> Decimal | None:
        """What is left of what customers pay for one; None where it has no price."""
        return self.paid.margin_usd if self.paid else None

    @property
    def quality(self) -> Decimal | None:
        """Mean quality, 0 to 1."""
        return ratio(self.row["quality_sum"], self.row["quality_count"])

    @property
    def quality_was(self) -> Decimal | None:
        """The same of the days that are compared."""
        return ratio(self.before["quality_sum"], self.before["quality_count"]) if self.before else None

    @property
    def quality_told(self) -> str:
        """Which way its quality went, as a clause: quality down 1.2 pts."""
        now, was = self.quality, self.quality_was
        if now is None:
            return "its quality is not measured"
        if was is None:
            return f"with a quality of {percent(now)}"
        gap = now - was
        if abs(gap) < LEVEL:
            return f"with quality level at {percent(now)}"
        size = points(gap).lstrip(f"+{MINUS}")
        return f"with quality {'up' if gap > 0 else 'down'} {size} to {percent(now)}"

    @property
    def points(self) -> list[tuple[date, Decimal]]:
        """Cost per success by week; weeks in which none was delivered have none."""
        return [(day, cost / successes) for day, cost, successes in self.weeks if successes]


def units_of(frame: Figures) -> list[Unit]:
    """Every unit that was attempted in the quarter, the dearest first."""
    now, before = frame.units(frame.span), frame.units(frame.earlier)
    days, baselines, paid = days_of_units(frame, frame.span), frozen(frame), paid_of(frame)
    weeks = weeks_of(by_period(frame, "week"))
    return [
        Unit(row, before.get(name), tracked(name, row, days, baselines), paid.get(name), weeks.get(name, [])) for name, row in now.items()
    ]


def paid_of(frame: Figures) -> Mapping[str, Paid]:
    """What customers paid in the quarter, by unit that has a price."""
    return {row["unit"]: Paid(row) for row in frame.rows(_PAID, *frame.span)}


def by_period(frame: Figures, period: str) -> list[Row]:
    """Units by week or month of the quarter before and of the quarter."""
    start = f"cast(date_trunc('{period}', day) as date)"
    return frame.rows(_PERIODS.format(start=start), min(frame.earlier[0], frame.span[0]), frame.span[1])


def weeks_of(rows: Sequence[Row]) -> Mapping[str, Sequence[tuple[date, Decimal, int]]]:
    """Rows by week as each unit's course, in weeks that lie whole within the days of all units: a weekend alone says little of a week."""
    found: dict[str, list[tuple[date, Decimal, int]]] = {}
    if not rows:
        return found
    first, end = min(row["first_day"] for row in rows), max(row["last_day"] for row in rows) + timedelta(days=1)
    for row in rows:
        if first <= row["starts_on"] and row["starts_on"] + WEEK <= end:
            found.setdefault(row["unit"], []).append((row["starts_on"], row["cost_usd"], row["successes"]))
    return found


def chosen(units: Sequence[Unit]) -> Unit | None:
    """The unit that a headline speaks of: the dearest of named features that can be compared, with a target and a price if any has."""
    known = [one for one in units if one.cost is not None]
    if not known:
        return None
    return min(known, key=lambda one: (one.was is None, not one.row["is_part"], one.paid is None, one.target is None, -one.row["cost_usd"]))


def told(unit: Unit) -> str:
    """What a unit costs against its target, or against before, with its quality: never a lower cost alone."""
    said = f"{one_of(unit.label)} cost {price(unit.cost)}"
    if unit.off is not None:
        size = f"{percent(abs(unit.off))} {'above' if unit.off > 0 else 'under'}"
        said += f", {'on' if abs(unit.off) < LEVEL else size} its target"
    elif unit.moved is not None:
        size = f"{percent(abs(unit.moved))} {'more' if unit.moved > 0 else 'less'} than"
        said += f", {'as' if abs(unit.moved) < LEVEL else size} before"
    return f"{said}, {unit.quality_told}"


def one_of(label: str) -> str:
    """One unit within a sentence: a ticket, an answer."""
    return f"{'an' if label[:1].lower() in 'aeiou' else 'a'} {label}"


def total_margin(units: Sequence[Unit]) -> tuple[Decimal, Decimal]:
    """What customers paid for units that have a price, and what these cost on those days; USD."""
    paid = [one.paid.row for one in units if one.paid]
    return sum((row["revenue_usd"] for row in paid), ZERO), sum((row["cost_usd"] for row in paid), ZERO)
