"""What a weekly page is made of: read once from the marts, exactly, and shared by headline, figures and tables."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import ClassVar

import duckdb

from meterbook.reports.figures import ZERO, Figures, PageFacts, Row, Span, rows_of
from meterbook.reports.forecasts import TOTAL, landings
from meterbook.reports.periods import WEEK, Week

__all__ = ["WEEKS", "ZERO", "Frame", "PageFacts", "Row", "Span", "rows_of"]

WEEKS = 13


class Frame(Figures):
    """The figures of a week.

    Args:
        con: a connection in which the marts are views.
        week: the week.
        facts: what else the page says.
    """

    noun = "week"
    whose: ClassVar[str] = "for everything"
    """What the plan is of, in words."""

    def __init__(self, con: duckdb.DuckDBPyConnection, week: Week, facts: PageFacts) -> None:
        super().__init__(con, facts, (week.first, week.end), week.before, since=week.first - WEEK * (WEEKS - 1))
        self.week = week

    @property
    def rival(self) -> str:
        """What the week is compared with."""
        return self.week.rival

    @property
    def when(self) -> str:
        """When it was: last week, on the same days last week."""
        return self.rival if self.week.is_whole else f"on {self.rival}"

    @property
    def names(self) -> tuple[str, str]:
        """What a figure calls what it is compared with, and the week."""
        return "Last week" if self.week.is_whole else "Same days last week", "This week"

    @cached_property
    def weekly(self) -> Mapping[str, Sequence[Decimal | None]]:
        """Cost of each of the last thirteen weeks by team, oldest first; the last one as far as it goes.

        Weeks before the first with any cost are not in it, and one without any cost of anybody between them is None: nothing is known.
        """
        first = self.week.first - WEEK * (WEEKS - 1)
        rows = self.costs(("team", f"(day - date '{first}') // {WEEK.days} as week"), (first, self.week.end))
        seen = {row["week"] for row in rows}
        begun = min(seen, default=0)
        sums: dict[str, list[Decimal | None]] = defaultdict(lambda: [ZERO if week in seen else None for week in range(begun, WEEKS)])
        for row in rows:
            sums[row["team"]][row["week"] - begun] = row["cost_usd"]
        return dict(sums)

    @cached_property
    def team_of_feature(self) -> Mapping[str, str]:
        """The team that has most of each feature's cost in the week: a unit of value is of the team of its feature."""
        query = """
            with cost as (
                select feature, team, sum(cost_usd) as cost_usd from marts.cost where day >= ? and day < ? group by feature, team
            )
            select feature, arg_min(team, (-cost_usd, team)) as team from cost group by feature order by feature
        """
        return {row["feature"]: row["team"] for row in self.rows(query, *self.span)}

    @cached_property
    def unit_of_team(self) -> Mapping[str, Row]:
        """The dearest unit of value of named features by team; a unit is of the team that has most of its feature's cost."""
        found: dict[str, Row] = {}
        for row in self.units(self.span).values():
            if row["is_part"] and row["feature"] in self.team_of_feature:
                found.setdefault(self.team_of_feature[row["feature"]], row)
        return found

    def requests(self, span: Span) -> dict[str, int]:
        """Requests of a span by feature."""
        query = """
            select feature, cast(sum(requests) as bigint) as requests from marts.spend where day >= ? and day < ? group by feature
        """
        return {row["feature"]: row["requests"] for row in self.rows(query, *span)}

    @cached_property
    def landing(self) -> Row | None:
        """Where the month the week ends in lands, as its last day with data knew it; None where nothing can be said yet."""
        found = landings(self.rows, TOTAL, max(self.week.first, self.week.last.replace(day=1)), self.week.end)
        return found[0] if found and found[0]["point_usd"] is not None else None

    @cached_property
    def month(self) -> list[Row]:
        """Cost by day of the month the week ends in, to the end of the week."""
        return self.costs(("day",), (self.week.last.replace(day=1), self.week.end))

    def caching(self, span: Span) -> Row:
        """Tokens of a span by kind and what the cache saved."""
        query = """
            select cast(coalesce(sum(requests), 0) as bigint) as requests, cast(coalesce(sum(input_tokens), 0) as bigint) as input_tokens,
                cast(coalesce(sum(cache_read_tokens), 0) as bigint) as cache_read_tokens,
                cast(coalesce(sum(cache_write_tokens), 0) as bigint) as cache_write_tokens,
                cast(coalesce(sum(output_tokens), 0) as bigint) as output_tokens, coalesce(sum(cache_saving_usd), 0) as cache_saving_usd,
                coalesce(sum(cost_usd), 0) as cost_usd
            from marts.token_use where day >= ? and day < ?
        """
        return self.rows(query, *span)[0]
