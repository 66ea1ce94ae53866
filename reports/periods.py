"""Periods: ISO weeks with what they are compared with, months and quarters."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

WEEK = timedelta(days=7)
MONTH = r"20\d{2}-(0[1-9]|1[0-2])"
"""How a month is written."""
QUARTER = r"20\d{2}-Q[1-4]"
"""How a quarter is written."""


@dataclass(frozen=True)
class Week:
    """An ISO week, as far as there is data for it.

    Args:
        name: `2026-W43`.
        first: its Monday.
        end: the day after the last day shown.
    """

    name: str
    first: date
    end: date

    @property
    def is_whole(self) -> bool:
        """Whether all seven days are there."""
        return self.end - self.first == WEEK

    @property
    def before(self) -> tuple[date, date]:
        """The same days of the week before."""
        return self.first - WEEK, self.end - WEEK

    @property
    def basis(self) -> str:
        """What a change is against, in words."""
        return f"vs {self.rival}"

    @property
    def rival(self) -> str:
        """What the week is compared with."""
        return "last week" if self.is_whole else "the same days last week"

    @property
    def last(self) -> date:
        """The last day shown."""
        return self.end - timedelta(days=1)

    @property
    def ends_month(self) -> bool:
        """Whether the last day shown is the last of its month: nothing is left to forecast."""
        return self.end.day == 1

    @property
    def title(self) -> str:
        """For people: 19 to 25 October 2026."""
        sunday = self.first + WEEK - timedelta(days=1)
        start = f"{self.first.day}" if self.first.month == sunday.month else f"{self.first.day} {self.first:%B}"
        return f"{start} to {sunday.day} {sunday:%B %Y}"


def week(name: str, data_through: date) -> Week:
    """An ISO week by its name.

    Raises:
        ValueError: not of the form 2026-W43.
    """
    parts = re.fullmatch(r"(\d{4})-W(\d{2})", name, re.ASCII)
    if parts is None:
        raise ValueError(f"{name!r} is not a week such as 2026-W43")
    first = date.fromisocalendar(int(parts[1]), int(parts[2]), 1)
    return Week(name, first, max(first + timedelta(days=1), min(first + WEEK, data_through + timedelta(days=1))))


def is_month(text: str) -> bool:
    """Whether a text is a month, such as 2026-10."""
    return bool(re.fullmatch(MONTH, text, re.ASCII))


def days_of(month: str) -> tuple[date, date]:
    """First day of a month, and the day after its last."""
    first = date.fromisoformat(f"{month}-01")
    return first, (first + timedelta(days=31)).replace(day=1)


def is_quarter(text: str) -> bool:
    """Whether a text is a quarter, such as 2026-Q4."""
    return bool(re.fullmatch(QUARTER, text, re.ASCII))


def quarter_of(day: date) -> str:
    """Calendar quarter of a day, `2026-Q4`."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def months_of_quarter(quarter: str) -> list[str]:
    """The three months of a quarter, `2026-10` first.

    Raises:
        ValueError: not of the form 2026-Q4.
    """
    if not is_quarter(quarter):
        raise ValueError(f"{quarter!r} is not a quarter such as 2026-Q4")
    return [f"{quarter[:4]}-{3 * int(quarter[-1]) - 2 + number:02d}" for number in range(3)]


def days_of_quarter(quarter: str) -> tuple[date, date]:
    """First day of a quarter, and the day after its last.

    Raises:
        ValueError: not of the form 2026-Q4.
    """
    months = months_of_quarter(quarter)
    return days_of(months[0])[0], days_of(months[-1])[1]
