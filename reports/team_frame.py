"""What a page of one team and week is made of: the week's figures, cut to what is the team's; all teams of a week share what is read."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import duckdb

from meterbook.reports.figures import PageFacts, Row, Span
from meterbook.reports.forecasts import landings
from meterbook.reports.frame import Frame
from meterbook.reports.gpu_evidence import Pool, reservations
from meterbook.reports.gpu_levers import Advice, advice
from meterbook.reports.periods import Week

NOBODY = {"unowned": "Cost that nobody owns", "unallocated": "Cost that is shared by nobody"}
"""Teams that are none, as a subject."""


class TeamWeeks(Frame):
    """The figures of a week of all teams: each query is asked once, and its rows are found by team.

    Args:
        con: a connection in which the marts are views.
        week: the week.
        facts: what else the pages say.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, week: Week, facts: PageFacts) -> None:
        super().__init__(con, week, facts)
        self._asked: dict[tuple[object, ...], list[Row]] = {}
        self._by: dict[tuple[object, ...], Mapping[str, list[Row]]] = {}

    def rows(self, query: str, *values: object) -> list[Row]:
        """Rows of a query, read once."""
        key = (query, *values)
        if key not in self._asked:
            self._asked[key] = super().rows(query, *values)
        return self._asked[key]

    def of(self, team: str, column: str, query: str, *values: object) -> list[Row]:
        """Rows of a query that name a team in a column."""
        key = (column, query, *values)
        if key not in self._by:
            found: dict[str, list[Row]] = defaultdict(list)
            for row in self.rows(query, *values):
                found[row[column]].append(row)
            self._by[key] = dict(found)
        return self._by[key].get(team, [])

    @cached_property
    def teams(self) -> list[str]:
        """Teams with any cost in the week, the dearest first; what nobody owns is last."""
        found = self.by("team", self.span)
        return sorted((name for name, cost in found.items() if cost), key=lambda name: (name in NOBODY, -found[name], name))

    @cached_property
    def advice(self) -> list[Advice]:
        """What can be done about every GPU pool."""
        return advice(self.gpu_pools, reservations(self))


@dataclass(frozen=True)
class TeamFacts:
    """What a team's page is made of.

    Args:
        page: what pages say of the book and the run.
        team: whose page it is.
        week: the figures of all teams, read once.
        links: other pages about the same: what each is, and its address from this page.
    """

    page: PageFacts
    team: str
    week: TeamWeeks
    links: Sequence[tuple[str, str]] = field(default=())

    @property
    def company(self) -> str:
        """Name of the book."""
        return self.page.company

    @property
    def draft(self) -> str:
        """Which expectation the week fails."""
        return self.page.draft

    @property
    def title(self) -> str:
        """Whose and of when, for the document's title."""
        return f"{self.team}, week {self.week.week.name}"


class TeamFrame(Frame):
    """The figures of a team's week.

    Args:
        facts: whose, and the figures of all.
    """

    whose, owner = "of its own", "team"

    def __init__(self, facts: TeamFacts) -> None:
        super().__init__(facts.week.con, facts.week.week, facts.page)
        self.team, self.all, self.links = facts.team, facts.week, facts.links

    def rows(self, query: str, *values: object) -> list[Row]:
        """Rows of a query, read once for all teams."""
        return self.all.rows(query, *values)

    def own(self, column: str, query: str, *values: object) -> list[Row]:
        """Rows of a query that name the team in a column."""
        return self.all.of(self.team, column, query, *values)

    @property
    def subject(self) -> str:
        """What the page is about, as a sentence begins."""
        return NOBODY.get(self.team, self.team)

    def units(self, span: Span) -> dict[str, Row]:
        """Units of value of features that the team has most of."""
        return {name: row for name, row in super().units(span).items() if self.all.team_of_feature.get(row["feature"]) == self.team}

    @property
    def gpu_pools(self) -> list[Pool]:
        """What four weeks say of its GPU pools."""
        return [pool for pool in self.all.gpu_pools if pool.owner == self.team]

    @cached_property
    def plan(self) -> Row | None:
        """The team's own monthly budget of dollars, where there is one."""
        return next((row for row in self.budgets if row["period"] == "month" and row["scope"] == self.team), None)

    @cached_property
    def landing(self) -> Row | None:
        """Where the team's month lands, as the last day with data knew it; None where nothing can be said yet."""
        first = max(self.week.first, self.week.last.replace(day=1))
        found = landings(partial(self.own, "scope"), "team", first, self.week.end)
        return found[0] if found and found[0]["point_usd"] is not None else None
