"""Showback and chargeback: which teams are charged from when (`team_modes:` of meterbook.yaml), and when one may be (`readiness:`).

In showback a team sees what it costs and pays nothing; in chargeback its posted lines go to the journal. A mode begins with a month.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from meterbook.assets.dated import FIRST_DAY, OPEN
from meterbook.assets.sources import Name, Strict
from meterbook.reports.codes import NOBODY

Mode = Literal["showback", "chargeback"]
EVERYONE = "*"
"""In book.team_mode, every team without an entry of its own."""
Share = Annotated[Decimal, Field(ge=0, le=1)]


class TeamMode(Strict):
    """A team's mode, from the first day of a month until its next entry."""

    mode: Mode
    starts_on: date

    @field_validator("starts_on")
    @classmethod
    def _begins_a_month(cls, value: date) -> date:
        if value.day != 1:
            raise ValueError(f"a mode begins with a month; say {value.replace(day=1)} or the first of the next")
        return value


def _one_or_several(value: object) -> object:
    return [value] if isinstance(value, Mapping | TeamMode) else value


def _in_order(value: tuple[TeamMode, ...]) -> tuple[TeamMode, ...]:
    starts = [entry.starts_on for entry in value]
    if not starts or starts != sorted(set(starts)):
        raise ValueError("give each mode the day it starts on, the earliest first, and no day twice")
    return value


def _of_teams(value: Mapping[str, object]) -> Mapping[str, object]:
    for team in value:
        if team in {*NOBODY, EVERYONE}:
            raise ValueError(f"{team!r} is no team: what nobody owns is charged to nobody, and `mode:` is for all teams without an entry")
    return value


TeamModes = Annotated[
    Mapping[Name, Annotated[tuple[TeamMode, ...], BeforeValidator(_one_or_several), AfterValidator(_in_order)]],
    AfterValidator(_of_teams),
    Field(description="team -> mode and the month it starts on, or several of them; before the first, the book's `mode:` holds"),
]


class Readiness(Strict):
    """What a team needs before it moves from showback to chargeback.

    Args:
        coverage: least share of its own use that has a price and is known to be its own.
        unexplained: most that may be unexplained of what its providers bill.
        open_disputes: most disputes of its statements that may be open.
        months: fewest months it has seen in showback.
    """

    coverage: Share = Decimal("0.95")
    unexplained: Share = Decimal("0.01")
    open_disputes: int = Field(default=0, ge=0)
    months: int = Field(default=2, ge=0)


def mode_rows(default: Mode, modes: Mapping[str, Sequence[TeamMode]]) -> Iterator[dict[str, object]]:
    """book.team_mode: the book's mode for everyone, and each team's own from its first entry on."""
    yield {"team": EVERYONE, "mode": default, "starts_on": FIRST_DAY, "ends_on": OPEN}
    for team, entries in modes.items():
        for entry, after in zip_longest(entries, entries[1:]):
            yield {"team": team, "mode": entry.mode, "starts_on": entry.starts_on, "ends_on": after.starts_on if after else OPEN}
