"""How much of what was used has a price, what is estimated, and what is uncertain: one reading of the lake for runs, pages and the gate."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from functools import cached_property

import duckdb

from meterbook.reports.frame import Row, rows_of
from meterbook.reports.quality import brief

PRICED = "priced"
NONE = "(none)"
ZERO = Decimal(0)
ADVICE: Mapping[str, str] = {
    "no model": "a rate card for it in rate_cards/ prices it; `meterbook prices seed{provider}` writes those that are known",
    "no tier": "its card needs a rate of tier {tier}",
    "no date": "its card needs a rate that holds on {day}",
    "no meter": "its card needs a price for everything it counts, 0 for what is free",
    "no tokens": "its log counts no tokens: log usage with every answer, or map what the provider reports",
}
"""What prices the rest, by the reason in marts.priced_use."""


@dataclass(frozen=True)
class Measure:
    """One way to say how much is priced: by tokens, by requests, or by the dollars that sources report.

    Args:
        name: what is counted, in the plural.
        priced: how much of it has a price.
        total: how much there is.
    """

    name: str
    priced: Decimal
    total: Decimal

    @property
    def share(self) -> Decimal:
        """From 0 to 1, exact where it is compared; everything where there is nothing."""
        return self.priced / self.total if self.total else Decimal(1)

    def misses(self, target: Decimal) -> bool:
        """Whether less than a share of it is priced."""
        return self.priced < target * self.total

    @property
    def said(self) -> str:
        """The share in words: 97.21 % of tokens."""
        return f"{shown(self.share)} of {self.name}"


class Coverage:
    """Coverage of a span of days.

    Args:
        con: a connection in which the marts are views.
        first: first day; from the beginning where not given.
        end: first day after; to the end where not given.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, first: date | None = None, end: date | None = None) -> None:
        self._con, self._span = con, (first or date.min, end or date.max)

    @cached_property
    def rows(self) -> Sequence[Row]:
        """What was used, by reason and model."""
        query = """
            select reason, provider, model, served_tier, min(day) as day, cast(sum(requests) as bigint) as requests,
                cast(sum(tokens) as bigint) as tokens, coalesce(sum(reported_cost_usd), 0) as reported_usd,
                coalesce(sum(cost_usd), 0) as cost_usd, cast(sum(estimated_requests) as bigint) as estimated_requests,
                cast(sum(estimated_tokens) as bigint) as estimated_tokens, coalesce(sum(estimated_cost_usd), 0) as estimated_usd
            from marts.priced_use where day >= ? and day < ?
            group by reason, provider, model, served_tier order by reason, provider, model, served_tier
        """
        return rows_of(self._con, query, *self._span)

    @property
    def measures(self) -> list[Measure]:
        """By tokens, by requests and by reported dollars, each where there are any."""
        found = [
            Measure(name, self.total(column, PRICED), self.total(column))
            for name, column in (("tokens", "tokens"), ("requests", "requests"), ("reported dollars", "reported_usd"))
        ]
        return [one for one in found if one.total > 0]

    def total(self, column: str, reason: str | None = None) -> Decimal:
        """Sum of a column of `rows`, of one reason where one is named."""
        return sum((Decimal(row[column]) for row in self.rows if reason in {None, row["reason"]}), ZERO)

    @property
    def lowest(self) -> Measure | None:
        """The measure of which the least is priced; None where nothing was used."""
        return min(self.measures, key=lambda one: one.share, default=None)

    @property
    def lacking(self) -> list[Row]:
        """What has no price, the largest share of anything first."""
        without = (row for row in self.rows if row["reason"] != PRICED)
        return sorted(without, key=lambda row: (-self._weight(row)[0], row["reason"], row["provider"], row["model"], row["served_tier"]))

    def lines(self) -> Iterator[str]:
        """Each thing without a price in a line: why, what it is, how much of everything, and what to do."""
        for row in self.lacking:
            share, name = self._weight(row)
            yield f"{row['reason']}: {named(row)}, {shown(share, up=True)} of {name}: {advice(row)}"

    def _weight(self, row: Row) -> tuple[Decimal, str]:
        columns = {"tokens": "tokens", "requests": "requests", "reported dollars": "reported_usd"}
        shares = ((Decimal(row[columns[one.name]]) / one.total, one.name) for one in self.measures)
        return max(shares, key=lambda found: found[0], default=(ZERO, "requests"))

    @cached_property
    def uncertain(self) -> Row:
        """Failed calls, those of them that may have been billed, and what retries cost."""
        query = """
            select cast(coalesce(sum(failed_attempts), 0) as bigint) as failed, coalesce(sum(failed_attempt_cost_usd), 0) as failed_usd,
                coalesce(sum(uncertain_cost_usd), 0) as uncertain_usd, coalesce(sum(cost_usd), 0) as cost_usd,
                coalesce(sum(repeated_attempt_cost_usd), 0) as repeated_usd,
                cast(coalesce(sum(retried_operations), 0) as bigint) as retried,
                cast(coalesce(sum(cache_hits), 0) as bigint) as hits, coalesce(sum(cache_hit_value_usd), 0) as hits_usd
            from marts.attempt_use where day >= ? and day < ?
        """
        return rows_of(self._con, query, *self._span)[0]


def named(row: Row) -> str:
    """A model and its provider: gpt-x of openai."""
    model = "a call without a model" if row["model"] == NONE else brief(row["model"], 80)
    return model if row["provider"] == NONE else f"{model} of {brief(row['provider'], 80)}"


def advice(row: Row) -> str:
    """What gives a model its price."""
    provider = "" if row["provider"] == NONE else f" --provider {brief(row['provider'], 80)}"
    return ADVICE.get(row["reason"], "docs/cost.md says when a call has a price").format(
        provider=provider, tier=row["served_tier"], day=row["day"]
    )


def shown(share: Decimal, *, up: bool = False) -> str:
    """A share in per cent to two decimals, never better than it is: cut, or raised where it is a share of what is missing."""
    return f"{(share * 100).quantize(Decimal('0.01'), ROUND_UP if up else ROUND_DOWN)} %"
