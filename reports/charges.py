"""The lines of a month, read once: every finance file is made of the same ones, so that all come to the same cents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from functools import cached_property

import duckdb

from meterbook.reports.codes import NOBODY, NOTHING
from meterbook.reports.frame import Row, rows_of
from meterbook.reports.numbers import plural
from meterbook.reports.periods import days_of

MONEY_DIGITS = 60
"""Sums of DECIMAL(38,12) stay exact: Python's own 28 digits would round them."""
ZERO = Decimal(0)
CHARGED = "chargeback"
SHARED = "Shared: "
"""How lines of shared pools begin."""
CORRECTION = "Correction of "
"""How lines begin that correct a closed month."""
SHOWBACK = "Showback \N{EN DASH} for information, nothing is charged"
"""What every file of a team in showback says."""


@dataclass(frozen=True)
class Charge:
    """A line of a month as marts.chargeback has it: exact cost, and the cents that are posted."""

    period: str
    team: str
    mode: str
    cost_centre: str
    gl_account: str
    line: str
    basis: str
    cost_usd: Decimal
    posted_usd: Decimal
    rate_card: str = NOTHING
    """The internal rate card in force, with its edition."""

    @property
    def row(self) -> tuple[object, ...]:
        """Its values, in the order of the columns of chargeback.csv."""
        return tuple(getattr(self, name) for name in COLUMNS)

    @property
    def is_shared(self) -> bool:
        """Whether it is a share of what several teams use."""
        return self.line.startswith(SHARED)

    @property
    def part(self) -> str:
        """Which part of a statement it belongs to."""
        return "shared" if self.is_shared else "corrections" if self.line.startswith(CORRECTION) else "own"


COLUMNS = tuple(Charge.__dataclass_fields__)
_ORDER = "team, line, basis, cost_centre, gl_account"


@dataclass(frozen=True)
class Edition:
    """Which edition of a month's files this is.

    Args:
        state: open months are made anew when something changes; closed ones are not.
        version: 1, and one more for each edition after the first that was closed.
        supersedes: sha256 of the manifest of the edition it replaces.
    """

    state: str = "open"
    version: int = 1
    supersedes: str | None = None


class Month:
    """A month's lines, and those of the month before.

    Args:
        con: a connection in which the marts are views.
        period: YYYY-MM.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, period: str) -> None:
        self._con, self.period = con, period
        self.first, end = days_of(period)
        self.last = end - timedelta(days=1)
        self.before = self.first - timedelta(days=1)

    @cached_property
    def charges(self) -> list[Charge]:
        """Every line, in the order of the files."""
        return self._read(self.period)

    @cached_property
    def previous(self) -> list[Charge]:
        """The lines of the month before."""
        return self._read(f"{self.before:%Y-%m}")

    @cached_property
    def _of_team(self) -> dict[str, list[Charge]]:
        return by_team(self.charges)

    @cached_property
    def _previous_of_team(self) -> dict[str, list[Charge]]:
        return by_team(self.previous)

    @cached_property
    def teams(self) -> list[str]:
        """Teams with a line, and what nobody owns where there is such cost."""
        return sorted(self._of_team)

    @cached_property
    def rates(self) -> list[Row]:
        """Prices that were used, by team: marts.rate_used."""
        query = """
            select team, provider, model, served_tier, region, meter, card, card_version, rate_id, starts_at, list_usd, contracted_usd,
                effective_usd, max(days) as days
            from marts.rate_used where period = ? group by all
            order by team, provider, model, served_tier, region, starts_at, rate_id, meter, effective_usd
        """
        return rows_of(self._con, query, self.period)

    @cached_property
    def days(self) -> int:
        """Days of the month that the lake reaches over."""
        return self._reached(self.first, self.last)

    @cached_property
    def days_before(self) -> int:
        """The same of the month before."""
        return self._reached(self.before.replace(day=1), self.before)

    @property
    def is_whole(self) -> bool:
        """Whether both months are there to their last day: only then is one compared with the other in words."""
        return self.days == self.last.day and self.days_before == self.before.day

    @property
    def title_before(self) -> str:
        """The month before, and how many of its days there are where that is not all."""
        is_part = self.previous and self.days_before < self.before.day
        return f"{self.before:%B}" + (f", {plural(self.days_before, 'day')}" if is_part else "")

    def of(self, team: str) -> list[Charge]:
        """A team's lines."""
        return self._of_team.get(team, [])

    def previous_of(self, team: str) -> list[Charge]:
        """A team's lines of the month before."""
        return self._previous_of_team.get(team, [])

    def mode_of(self, team: str) -> str:
        """A team's mode of this month."""
        return self._of_team[team][0].mode

    @property
    def shown_teams(self) -> list[str]:
        """Teams in showback, without what nobody owns."""
        return [team for team in self.teams if self.mode_of(team) != CHARGED and team not in NOBODY]

    def _reached(self, first: date, last: date) -> int:
        since, until = self._reach
        return max((min(until, last) - max(since, first)).days + 1, 0) if since and until else 0

    @cached_property
    def _reach(self) -> tuple[date | None, date | None]:
        [(since, until)] = self._con.execute("select min(day), max(day) from marts.cost").fetchall()
        return since, until

    def _read(self, period: str) -> list[Charge]:
        query = f"select {', '.join(COLUMNS)} from marts.chargeback where period = ? order by {_ORDER}"
        return [Charge(*row) for row in self._con.execute(query, [period]).fetchall()]


def by_team(charges: Iterable[Charge]) -> dict[str, list[Charge]]:
    """Lines by team, each in the order in which they come."""
    found: dict[str, list[Charge]] = {}
    for charge in charges:
        found.setdefault(charge.team, []).append(charge)
    return found


def cost_of(charges: Iterable[Charge]) -> Decimal:
    """Their exact cost."""
    return total(charge.cost_usd for charge in charges)


def posted_of(charges: Iterable[Charge]) -> Decimal:
    """What they post, in whole cents."""
    return total(charge.posted_usd for charge in charges)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """An exact sum."""
    with localcontext(prec=MONEY_DIGITS):
        return sum(amounts, ZERO)


def banner(modes: Sequence[str]) -> str | None:
    """What a file of lines of these modes has to say; None where all are charged."""
    return None if all(mode == CHARGED for mode in modes) else SHOWBACK
