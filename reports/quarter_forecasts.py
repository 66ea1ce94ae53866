"""What was forecast of each month on two of its days, beside what it cost: how far a forecast can be relied on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from meterbook.reports.figures import ZERO, Row
from meterbook.reports.forecasts import TOTAL
from meterbook.reports.numbers import ratio
from meterbook.reports.periods import days_of

ALL = "all"
"""The scope of a forecast of everything."""
EARLY, LATER = 3, 10
"""Days of a month whose forecasts are held against what it cost: the first that a plan could follow, and one that leaves time to act."""
_SAID = """
    select period, days_left, used_usd, low_usd, point_usd, high_usd from marts.forecast
    where dimension = ? and scope = ? and day >= ? and day < ? and point_usd is not null order by day
"""
_LANDED = """
    select period, days_left, low_usd, point_usd, high_usd, landed_usd, error_usd, is_inside from marts.landing_error
    where dimension = ? and scope = ? order by period, days_left desc
"""


@dataclass(frozen=True)
class Said:
    """A forecast of a month.

    Args:
        month: `2026-10`.
        day: of the month, on which it was said.
        row: low, point and high in USD.
        landed_usd: what the month cost; None where it is not over.
    """

    month: str
    day: int
    row: Row
    landed_usd: Decimal | None

    @property
    def error(self) -> Decimal | None:
        """How far it was off, as a share of what the month cost: above zero is too high. None where that is not known."""
        return None if self.landed_usd is None else ratio(self.row["point_usd"] - self.landed_usd, self.landed_usd)

    @property
    def is_inside(self) -> bool | None:
        """Whether its 80 % band held what the month cost; None where that is not known."""
        return None if self.landed_usd is None else bool(self.row["low_usd"] <= self.landed_usd <= self.row["high_usd"])


@dataclass(frozen=True)
class Told:
    """The forecasts of some months, and the rows they are from."""

    said: Sequence[Said]
    forecasts: Sequence[Row]
    errors: Sequence[Row]

    def on(self, day: int, months: Sequence[str]) -> list[Said]:
        """Those of one day of some months that are over."""
        return [one for one in self.said if one.day == day and one.month in months and one.landed_usd is not None]

    def error(self, day: int, months: Sequence[str]) -> Decimal | None:
        """The mean size of what they were off by; None where no month of these is over or was forecast."""
        found = [abs(one.error) for one in self.on(day, months) if one.error is not None]
        return sum(found, ZERO) / len(found) if found else None


def forecasts_of(ask: Callable[..., list[Row]], months: Sequence[str]) -> Told:
    """What was forecast of some months, `2026-10`, in order, on days `EARLY` and `LATER`.

    Args:
        ask: gives the rows of a query and its values, from where the marts are views.
        months: in order.
    """
    first, end = days_of(months[0])[0], days_of(months[-1])[1]
    forecasts, errors = ask(_SAID, TOTAL, ALL, first, end), ask(_LANDED, TOTAL, ALL)
    landed = {row["period"]: row["landed_usd"] for row in errors}
    said = {(row["period"], row["days_left"]): row for row in forecasts}
    found = []
    for month in months:
        days = (days_of(month)[1] - days_of(month)[0]) // timedelta(days=1)
        rows = [(day, said.get((month, days - day))) for day in (EARLY, LATER)]
        found += [Said(month, day, row, landed.get(month)) for day, row in rows if row]
    return Told(found, forecasts, errors)
