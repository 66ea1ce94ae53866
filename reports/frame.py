"""What a weekly page is made of: read once from the marts, exactly, and shared by headline, figures and tables."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import duckdb

from meterbook.reports.gpu_evidence import Pool, pools
from meterbook.reports.periods import WEEK, Week

WEEKS = 13
ZERO = Decimal(0)
Span = tuple[date, date]
Row = dict[str, Any]


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


def rows_of(con: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[Row]:
    """Rows of a query, by column name."""
    result = con.execute(query, list(values))
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


class Frame:
    """The figures of a week.

    Args:
        con: a connection in which the marts are views.
        week: the week.
        facts: what else the page says.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, week: Week, facts: PageFacts) -> None:
        self._con, self.week, self.facts = con, week, facts

    def rows(self, query: str, *values: object) -> list[Row]:
        """Rows of a query, by column name."""
        return rows_of(self._con, query, *values)

    @property
    def span(self) -> Span:
        """Half-open days of the week."""
        return self.week.first, self.week.end

    @cached_property
    def cost(self) -> list[Row]:
        """Cost by day, line, team and feature of the last thirteen weeks."""
        query = """
            select day, line, team, feature, sum(cost_usd) as cost_usd from marts.cost
            where day >= ? and day < ? group by day, line, team, feature order by day, line, team, feature
        """
        return self.rows(query, self.week.first - WEEK * (WEEKS - 1), self.week.end)

    def total(self, span: Span, **where: str) -> Decimal:
        """Cost of a span of days, of a line, team or feature where one is named."""
        first, end = span
        found = (row for row in self.cost if first <= row["day"] < end and all(row[name] == value for name, value in where.items()))
        return sum((row["cost_usd"] for row in found), ZERO)

    def by(self, column: str, span: Span, **where: str) -> dict[str, Decimal]:
        """Cost of a span of days by line, team or feature, of a line, team or feature where one is named."""
        sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for row in self.cost:
            if span[0] <= row["day"] < span[1] and all(row[name] == value for name, value in where.items()):
                sums[row[column]] += row["cost_usd"]
        return dict(sums)

    @cached_property
    def now(self) -> Decimal:
        """The week's cost."""
        return self.total(self.span)

    @cached_property
    def before(self) -> Decimal:
        """The cost of the same days a week earlier."""
        return self.total(self.week.before)

    @cached_property
    def weekly(self) -> Mapping[str, Sequence[Decimal]]:
        """Cost of each of the last thirteen weeks by team, oldest first; the last one as far as it goes."""
        sums: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO] * WEEKS)
        first = self.week.first - WEEK * (WEEKS - 1)
        for row in self.cost:
            sums[row["team"]][(row["day"] - first) // WEEK] += row["cost_usd"]
        return dict(sums)

    @cached_property
    def unit_of_team(self) -> Mapping[str, Row]:
        """The dearest unit of value of named features by team; a unit is of the team that has most of its feature's cost."""
        found: dict[str, Row] = {}
        for row in self.units(self.span).values():
            teams = self.by("team", self.span, feature=row["feature"])
            if teams and row["is_part"]:
                found.setdefault(max(sorted(teams), key=lambda name: teams[name]), row)
        return found

    def requests(self, span: Span) -> dict[str, int]:
        """Requests of a span by feature."""
        query = """
            select feature, cast(sum(requests) as bigint) as requests from marts.spend where day >= ? and day < ? group by feature
        """
        return {row["feature"]: row["requests"] for row in self.rows(query, *span)}

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
        return self.rows(query, *span)

    @cached_property
    def gpu_pools(self) -> list[Pool]:
        """What four weeks say of each GPU pool."""
        return pools(self)

    @cached_property
    def budgets(self) -> list[Row]:
        """Every budget as it stands at the end of the week."""
        query = """
            select * from marts.budget_use where day = (select max(day) from marts.budget_use where day >= ? and day < ?) order by budget
        """
        return self.rows(query, *self.span)

    @cached_property
    def plan(self) -> Row | None:
        """The monthly budget of everything, where there is one."""
        whole = [row for row in self.budgets if row["period"] == "month" and row["scope"] == "everything"]
        return whole[0] if whole else None

    @cached_property
    def month(self) -> list[Row]:
        """Cost by day of the month the week ends in, to the end of the week."""
        first = self.week.last.replace(day=1)
        return self.rows(
            "select day, sum(cost_usd) as cost_usd from marts.cost where day >= ? and day < ? group by day order by day",
            first,
            self.week.end,
        )

    @cached_property
    def anomalies(self) -> list[Row]:
        """What stood out in the week, one row per scope and kind, the dearest first; a spike or a drop is one of its day.

        A ratio that stands out in a wider scope on the same day is not told again for the narrower ones; of several measures the
        one that says most about the cause speaks.
        """
        query = """
            with wide as (
                select anomaly.*,
                    case dimension when 'total' then 1 when 'team' then 2 when 'feature' then 3 when 'tenant' then 4 else 5 end as depth,
                    case measure when 'attempts per request' then 4 when 'tokens per request' then 3
                        when 'cost per request' then 2 else 1 end as says
                from marts.anomaly as anomaly where day >= ? and day < ?
            ),
            ranked as (
                select told.*, row_number() over (partition by day, kind, dimension, scope order by abs(excess_usd) desc, measure) as place
                from wide as told
                where measure = 'cost' or not exists (
                    select 1 from wide where wide.day = told.day and wide.measure = told.measure and wide.depth < told.depth
                )
            )
            select kind, dimension, scope, max(owner) as owner, min(day) as first_day, max(day) as last_day,
                arg_max(cause, says * 1e9 + abs(excess_usd)) as cause, arg_max(parent, abs(excess_usd)) as parent,
                sum(case when place = 1 then excess_usd else 0 end) as excess_usd
            from ranked
            group by kind, dimension, scope, case when kind in ('drift', 'price change') then null else day end
        """
        return sorted(
            self.rows(query, *self.span),
            key=lambda row: (-abs(row["excess_usd"]), row["kind"], row["dimension"], row["scope"], row["first_day"]),
        )

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

    @cached_property
    def coverage(self) -> list[Row]:
        """Requests and tokens of the week by whether they have a price, and why not; of them, those with estimated tokens."""
        query = """
            select reason, cast(sum(requests) as bigint) as requests, cast(sum(tokens) as bigint) as tokens,
                cast(coalesce(sum(estimated_requests), 0) as bigint) as estimated_requests,
                cast(coalesce(sum(estimated_tokens), 0) as bigint) as estimated_tokens
            from marts.coverage where day >= ? and day < ? group by reason order by reason
        """
        return self.rows(query, *self.span)

    @cached_property
    def reconciliation(self) -> Row:
        """What was billed and priced on the days and providers of the week that have a bill."""
        query = """
            select coalesce(sum(billed_usd), 0) as billed_usd,
                coalesce(sum(case when billed_usd is not null then priced_usd end), 0) as priced_usd,
                coalesce(sum(difference_usd), 0) as difference_usd, count(billed_usd) as bills, count(*) as pairs
            from marts.reconciliation where day >= ? and day < ?
        """
        return self.rows(query, *self.span)[0]

    @cached_property
    def files(self) -> Row:
        """Input files with rows of the week, and the records of theirs that were set aside."""
        query = """
            select count(*) as files, cast(coalesce(sum(rows_in), 0) as bigint) as rows_in,
                cast(coalesce(sum(rows_out), 0) as bigint) as rows_out,
                cast(coalesce(sum(quarantined), 0) as bigint) as quarantined, cast(coalesce(sum(duplicates), 0) as bigint) as duplicates,
                cast(coalesce(sum(filtered), 0) as bigint) as filtered
            from marts.input_file where first_day < ? and last_day >= ?
        """
        return self.rows(query, self.week.end, self.week.first)[0]

    @cached_property
    def set_aside(self) -> list[Row]:
        """Input files with rows of the week of which records were set aside, the worst first."""
        query = """
            select file, quarantined from marts.input_file where first_day < ? and last_day >= ? and quarantined > 0
            order by quarantined desc, file
        """
        return self.rows(query, self.week.end, self.week.first)

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
        return self.week.end - self.week.first
