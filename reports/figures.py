"""What pages of a week and of a month are made of alike: read once from the marts, exactly, by the sections that show it.

A section that takes `Figures` stands on either page; what differs, such as what a period is compared with, each page says itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, ClassVar

import duckdb

from meterbook.reports.anomaly_cards import cards_within
from meterbook.reports.budget_status import Status, rates_of, statuses
from meterbook.reports.gpu_evidence import Pool, pools

ZERO = Decimal(0)
Span = tuple[date, date]
Row = dict[str, Any]


def rows_of(con: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[Row]:
    """Rows of a query, by column name."""
    result = con.execute(query, list(values))
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@dataclass(frozen=True)
class Counted:
    """Rows that are summed where they lie: only how many there are is known of them here."""

    rows: int

    def __len__(self) -> int:
        """How many."""
        return self.rows


@dataclass(frozen=True)
class PageFacts:
    """What a page says of the book and the run, beside the marts."""

    company: str
    mode: str
    rate_cards: Sequence[tuple[str, str]]
    checks_passed: int
    checks_total: int
    data_through: date
    run_hash: str
    is_closed: bool
    owner_target: Decimal
    coverage_target: Decimal | None = None
    """The least share with a price that is published, where the page says it."""
    draft: str = ""
    """Which expectation the period fails, where it fails one: the page is a draft then."""
    team_pages: Mapping[str, str] = field(default_factory=dict)
    """Addresses of the pages of teams, from this page."""
    beside: Mapping[str, str] = field(default_factory=dict)
    """Addresses of the pages that are there and have the evidence of this one, by kind."""


class Figures:
    """The figures of a period.

    Args:
        con: a connection in which the marts are views.
        facts: what else the page says.
        span: half-open days that are shown: of the period, to the last one with data.
        earlier: half-open days that the period is compared with.
        since: the first day whose cost is read, where that is before `earlier`.
    """

    noun: ClassVar[str] = "period"
    """What a sentence calls the period: week, month."""
    owner: ClassVar[str] = ""
    """The column that says whose a row is, where the page is about one owner's."""

    def __init__(self, con: duckdb.DuckDBPyConnection, facts: PageFacts, span: Span, earlier: Span, since: date | None = None) -> None:
        self.con, self.facts, self.span, self.earlier = con, facts, span, earlier
        self._since = since or earlier[0]
        self._summed: dict[tuple[object, ...], list[Row]] = {}

    @property
    def rival(self) -> str:
        """What the period is compared with, in words."""
        raise NotImplementedError

    @property
    def when(self) -> str:
        """When what it is compared with was, as a sentence ends: in September, last week."""
        return f"in {self.rival}"

    @property
    def names(self) -> tuple[str, str]:
        """What a figure calls what it is compared with, and the period."""
        raise NotImplementedError

    @property
    def basis(self) -> str:
        """What a change is against, in words."""
        return f"vs {self.rival}"

    @property
    def last(self) -> date:
        """The last day shown."""
        return self.span[1] - timedelta(days=1)

    def rows(self, query: str, *values: object) -> list[Row]:
        """Rows of a query, by column name."""
        return rows_of(self.con, query, *values)

    def own(self, _column: str, query: str, *values: object) -> list[Row]:
        """Rows of a query that the page is about: all of them, unless it is one team's, named in a column."""
        return self.rows(query, *values)

    def sums(self, table: str, amount: str, columns: Sequence[str], where: str, *values: object) -> list[Row]:
        """Sums of an amount by some columns, made where the rows lie and asked for once: a company's rows would fill the memory.

        Args:
            table: it is read from.
            amount: column that is summed, exactly.
            columns: it is summed by, and in whose order the sums come.
            where: which rows, with a `?` for each value.
            *values: of `where`.

        Returns:
            Columns, the sum, and `rows`: how many rows it is of. Of rows that the page is about, as `own` has them.
        """
        key = (table, amount, *columns, where, *values)
        if key not in self._summed:
            whose = [self.owner] if self.owner else []
            listed = ", ".join(dict.fromkeys([*whose, *columns]))
            query = f"select {listed}, sum({amount}) as {amount}, count(*) as rows from {table} where {where} group by all order by all"
            self._summed[key] = self.own(self.owner, query, *values)
        return self._summed[key]

    def costs(self, columns: Sequence[str], span: Span, **where: str) -> list[Row]:
        """Cost of a span of days by some columns of marts.cost, of a line, team or feature where one is named."""
        named = "".join(f" and {name} = ?" for name in where)
        return self.sums("marts.cost", "cost_usd", columns, f"day >= ? and day < ?{named}", *span, *where.values())

    def total(self, span: Span, **where: str) -> Decimal:
        """Cost of a span of days, of a line, team or feature where one is named."""
        return sum((row["cost_usd"] for row in self.costs(("line",), span, **where)), ZERO)

    def by(self, column: str, span: Span, **where: str) -> dict[str, Decimal]:
        """Cost of a span of days by line, team or feature, of a line, team or feature where one is named."""
        return {row[column]: row["cost_usd"] for row in self.costs((column,), span, **where)}

    @cached_property
    def days(self) -> dict[date, Decimal]:
        """Cost by day, of the period and of what is shown before it; days without a row are not in it."""
        return {row["day"]: row["cost_usd"] for row in self.costs(("day",), (self._since, self.span[1]))}

    @cached_property
    def cost(self) -> Counted:
        """The rows of marts.cost that the page is made of."""
        return Counted(sum(row["rows"] for row in self.costs(("day",), (self._since, self.span[1]))))

    @cached_property
    def now(self) -> Decimal:
        """What the period cost, in USD."""
        return self.total(self.span)

    @cached_property
    def before(self) -> Decimal:
        """What the days it is compared with cost, in USD."""
        return self.total(self.earlier)

    def units(self, span: Span) -> dict[str, Row]:
        """Units of value of a span, without those that are always there; those of which any was attempted, the dearest first.

        Their feature is the one that costs most of it.
        """
        query = """
            with unit as (
                select unit, feature, max(label) as label, max(target_usd) as target_usd, sum(units) as units, sum(successes) as successes,
                    sum(escalations) as escalations, sum(quality_count) as quality_count, sum(quality_sum) as quality_sum,
                    sum(cost_usd) as cost_usd, bool_or(is_part) as is_part
                from marts.unit_cost where day >= ? and day < ? and unit not in ('inference', '(no unit)') group by unit, feature
            )
            select unit, max(label) as label, arg_max(feature, (cost_usd, feature)) as feature, cast(sum(units) as bigint) as units,
                cast(sum(successes) as bigint) as successes, cast(sum(escalations) as bigint) as escalations,
                cast(sum(quality_count) as bigint) as quality_count, sum(quality_sum) as quality_sum, sum(cost_usd) as cost_usd,
                max(target_usd) as target_usd, bool_or(is_part) as is_part, count(case when units > 0 then 1 end) as features
            from unit group by unit having sum(units) > 0 order by cost_usd desc, unit
        """
        return {row["unit"]: row for row in self.rows(query, *span)}

    def gpus(self, span: Span) -> list[Row]:
        """GPU seconds and dollars of a span by pool."""
        states = ("used", "warm_idle", "free_idle", "unknown")
        seconds = ", ".join(f"cast(sum({state}_seconds) as bigint) as {state}_seconds" for state in states)
        costs = ", ".join(f"coalesce(sum({state}_cost_usd), 0) as {state}_cost_usd" for state in states)
        query = f"""
            select pool, max(owner) as owner, cast(sum(capacity_seconds) as bigint) as capacity_seconds, {seconds}, {costs},
                coalesce(sum(cost_usd), 0) as cost_usd
            from marts.gpu_use where day >= ? and day < ? group by pool order by cost_usd desc, pool
        """
        return self.own("owner", query, *span)

    @cached_property
    def gpu_pools(self) -> list[Pool]:
        """What four weeks say of each GPU pool."""
        return pools(self)

    @cached_property
    def budgets(self) -> list[Row]:
        """Every budget of dollars as it stands at the end of the period, with where it lands."""
        query = """
            select use.*, use.amount as amount_usd, use.used as used_usd, cast(outlook.point as decimal(38,12)) as forecast_usd,
                cast(outlook.low as decimal(38,12)) as low_usd, cast(outlook.high as decimal(38,12)) as high_usd, outlook.method
            from marts.budget_use as use
            left join marts.budget_outlook as outlook on outlook.series = use.budget and outlook.day = use.day
            where use.measure = 'dollars' and use.day = (select max(day) from marts.budget_use where day >= ? and day < ?)
            order by use.budget
        """
        return self.own("team", query, *self.span)

    @cached_property
    def statuses(self) -> list[Status]:
        """How every budget and quota stands at the end of the period."""
        return statuses(partial(self.own, "of_team"), self.span)

    @cached_property
    def rates(self) -> Sequence[Mapping[str, Any]]:
        """How near calls of the period came to each limit of rate."""
        return rates_of(partial(self.own, "owner"), self.span)

    @cached_property
    def plan(self) -> Row | None:
        """The monthly budget of everything, where there is one."""
        whole = [row for row in self.budgets if row["period"] == "month" and row["scope"] == "everything"]
        return whole[0] if whole else None

    @cached_property
    def cards(self) -> list[Row]:
        """What stood out in the period, one card per cause, as `cards_within` gives them."""
        return cards_within(partial(self.own, "owner"), *self.span)

    @cached_property
    def coverage(self) -> list[Row]:
        """Requests and tokens of the period by whether they have a price, and why not; of them, those with estimated tokens."""
        query = """
            select reason, cast(sum(requests) as bigint) as requests, cast(sum(tokens) as bigint) as tokens,
                cast(coalesce(sum(estimated_requests), 0) as bigint) as estimated_requests,
                cast(coalesce(sum(estimated_tokens), 0) as bigint) as estimated_tokens
            from marts.coverage where day >= ? and day < ? group by reason order by reason
        """
        return self.rows(query, *self.span)

    @cached_property
    def reconciliation(self) -> Row:
        """What was billed and priced on the days and providers of the period that have a bill."""
        query = """
            select coalesce(sum(billed_usd), 0) as billed_usd,
                coalesce(sum(case when billed_usd is not null then priced_usd end), 0) as priced_usd,
                coalesce(sum(difference_usd), 0) as difference_usd, count(billed_usd) as bills, count(*) as pairs
            from marts.reconciliation where day >= ? and day < ?
        """
        return self.rows(query, *self.span)[0]

    @cached_property
    def files(self) -> Row:
        """Input files with rows of the period, and the records of theirs that were set aside."""
        query = """
            select count(*) as files, cast(coalesce(sum(rows_in), 0) as bigint) as rows_in,
                cast(coalesce(sum(rows_out), 0) as bigint) as rows_out,
                cast(coalesce(sum(quarantined), 0) as bigint) as quarantined, cast(coalesce(sum(duplicates), 0) as bigint) as duplicates,
                cast(coalesce(sum(filtered), 0) as bigint) as filtered
            from marts.input_file where first_day < ? and last_day >= ?
        """
        return self.rows(query, self.span[1], self.span[0])[0]

    @cached_property
    def set_aside(self) -> list[Row]:
        """Input files with rows of the period of which records were set aside, the worst first."""
        query = """
            select file, quarantined from marts.input_file where first_day < ? and last_day >= ? and quarantined > 0
            order by quarantined desc, file
        """
        return self.rows(query, self.span[1], self.span[0])

    def owned(self, span: Span) -> tuple[Decimal, Decimal]:
        """What the calls and GPU hours of a span cost that have an owner, and what they all cost: none is below zero."""
        query = """
            select coalesce(sum(case when is_owned then cost_usd end), 0) as owned_usd, coalesce(sum(cost_usd), 0) as cost_usd
            from marts.owner_coverage where day >= ? and day < ?
        """
        [row] = self.rows(query, *span)
        return row["owned_usd"], row["cost_usd"]

    @property
    def elapsed(self) -> timedelta:
        """Length of what is shown."""
        return self.span[1] - self.span[0]
