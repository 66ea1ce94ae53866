"""One team's statement of a month: its own lines, its shares of what is shared, beside the month before, and what they rest on.

A team sees its own lines only. Every figure is a sum of the lines that chargeback.csv has of the team.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from meterbook.reports.charges import CHARGED, ZERO, Charge, Edition, Month, banner, cost_of, posted_of
from meterbook.reports.codes import NOBODY, FinanceError
from meterbook.reports.frame import PageFacts, Row
from meterbook.reports.numbers import MINUS, NONE, change, percent

FOLDER = "statements"
PARTS = {"own": "Own use", "corrections": "Corrections", "shared": "Shared"}
"""The parts of a statement, in order: what a team caused itself, what corrects closed months, its shares of what several teams use."""
TOTAL = "Total"
LONGEST = 60
"""Characters of a file's name before its ending; every file system takes 255 bytes."""
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")
"""Names Windows keeps for devices."""
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class StatementFacts:
    """What a statement is made of.

    Args:
        page: what pages say of the book and the run.
        team: whose it is.
        edition: state and version of the set it belongs to.
        month: the lines of all teams.
    """

    page: PageFacts
    team: str
    edition: Edition
    month: Month

    @property
    def company(self) -> str:
        """Name of the book."""
        return self.page.company

    @property
    def title(self) -> str:
        """Whose and of when, for the document's title."""
        return f"{self.team}, {self.month.first:%B %Y}"


@dataclass(frozen=True)
class Shown:
    """A row of a statement: what it is, what was posted, exactly, and in the month before (None where that is not in the lake)."""

    name: str
    note: str
    posted: Decimal
    cost: Decimal
    before: Decimal | None

    @property
    def change(self) -> Decimal | None:
        """Dollars more than in the month before."""
        return None if self.before is None else self.posted - self.before


class Statement:
    """The figures of a statement."""

    def __init__(self, facts: StatementFacts) -> None:
        self.facts, self.month = facts, facts.month
        self.charges = self.month.of(facts.team)
        self.previous = self.month.previous_of(facts.team)

    @property
    def is_charged(self) -> bool:
        """Whether the team pays."""
        return self.charges[0].mode == CHARGED

    @property
    def banner(self) -> str | None:
        """What a statement of a team in showback says on every page."""
        return banner([self.charges[0].mode])

    @property
    def is_nobodys(self) -> bool:
        """Whether it shows what nobody owns."""
        return self.facts.team in NOBODY

    def rows(self, part: str) -> list[Shown]:
        """Its lines of one part, by line and basis, the largest first; lines of the month before that are gone too."""
        now, before = ([one for one in found if one.part == part] for found in (self.charges, self.previous))
        return self._rows(lambda one: (one.line, one.basis), now, before)

    @cached_property
    def parts(self) -> list[str]:
        """The parts it has lines of, in the order in which they are shown."""
        return [part for part in PARTS if self.rows(part)]

    @cached_property
    def centres(self) -> list[Shown]:
        """Its lines by cost centre and account."""
        return self._rows(lambda one: (one.cost_centre, one.gl_account), self.charges, self.previous)

    @cached_property
    def total(self) -> Shown:
        """All its lines."""
        return self.sum_of(self.charges, self.previous, TOTAL)

    @cached_property
    def rates(self) -> list[Row]:
        """Prices its use was computed at."""
        return [rate for rate in self.month.rates if rate["team"] == self.facts.team]

    def subtotal(self, part: str) -> Shown:
        """The sum of a part's lines; under the name of the whole where there is no other part."""
        now, before = ([one for one in found if one.part == part] for found in (self.charges, self.previous))
        return self.sum_of(now, before, PARTS[part] if self.parts[1:] else TOTAL)

    def sum_of(self, now: Sequence[Charge], before: Sequence[Charge], name: str, note: str = "") -> Shown:
        """Some lines as one row."""
        return Shown(name, note, posted_of(now), cost_of(now), posted_of(before) if self.month.previous else None)

    def _rows(self, key: Callable[[Charge], tuple[str, str]], now: Iterable[Charge], before: Iterable[Charge]) -> list[Shown]:
        groups: dict[tuple[str, str], tuple[list[Charge], list[Charge]]] = defaultdict(lambda: ([], []))
        for place, charges in enumerate((now, before)):
            for charge in charges:
                groups[key(charge)][place].append(charge)
        rows = [self.sum_of(*found, *names) for names, found in groups.items()]
        return sorted(rows, key=lambda row: (-row.posted, -(row.before or ZERO), row.name, row.note))

    @property
    def moved(self) -> Decimal | None:
        """Relative change against the month before; None where that came to nothing or a credit."""
        before = self.total.before
        return change(self.total.posted, before) if before and before > 0 else None


def stems(teams: Iterable[str]) -> Mapping[str, str]:
    """Path of each team's statement without its ending: safe on every file system, and never the same for two teams.

    Raises:
        FinanceError: two teams come to one name, which takes a collision of hashes.
    """
    found = {team: f"{FOLDER}/{_stem(team)}" for team in teams}
    if len(set(found.values())) < len(found):
        raise FinanceError(f"the statements of two teams would have one name: {sorted(found.values())}")
    return found


def _stem(team: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", team.lower()).strip("-")[:LONGEST]
    if slug == team and not _RESERVED.fullmatch(slug):
        return slug
    return f"{slug or 'team'}-{hashlib.sha256(team.encode()).hexdigest()[:8]}"


def cents(value: Decimal | None, *, plus: bool = False) -> str:
    """Money of a statement, to the cent."""
    if value is None:
        return NONE
    text = f"${abs(value).quantize(_CENT):,.2f}"
    return f"{MINUS}{text}" if value < 0 else f"+{text}" if plus and value else text


def exact(value: Decimal) -> str:
    """Money in full."""
    return f"{MINUS if value < 0 else ''}${abs(value):,f}"


def against(row: Shown) -> Mapping[str, str]:
    """How a row moved, in dollars and percent."""
    # Percent of a credit, or of nothing, says nothing.
    moved = change(row.posted, row.before) if row.before and row.before > 0 else None
    rate = "" if moved is None else percent(moved, plus=True)
    return {"before": cents(row.before), "change": cents(row.change, plus=True), "percent": rate}


def shown(row: Shown) -> Mapping[str, str]:
    """A row as a statement's tables show it."""
    return {"name": row.name, "note": row.note, "posted": cents(row.posted), "exact": exact(row.cost), **against(row)}
