"""What models on the book's own pools cost on both bases, beside an API; and how busy a pool must be to be worth it.

Break-even is u* = u x C / A: at utilisation u the hours of the pool cost C and the API would have cost A for its tokens, which are taken to
grow with the time it works. A pool is safely worth it where the tenth percentile of its hours lies above u*. Hours of which no state is
known may have been work or not: u and u* are given for none of them, for all, and for the known ones alone; what these disagree on is not
told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from math import ceil

from meterbook.reports.figures import Row, Span
from meterbook.reports.numbers import ratio

NOBODY = "(none)"
"""The model of the hours in which a pool served none."""
MILLION = Decimal(1_000_000)
_TENTH = Decimal("0.1")
_MODELS = """
    select pool, model, api, cast(sum(tokens) as bigint) as tokens, cast(sum(costed_tokens) as bigint) as costed_tokens,
        cast(sum(priced_tokens) as bigint) as priced_tokens, cast(sum(uncounted_requests) as bigint) as uncounted_requests,
        coalesce(sum(allocation_cost_usd), 0) as allocation_cost_usd, coalesce(sum(usage_cost_usd), 0) as usage_cost_usd,
        coalesce(sum(api_cost_usd), 0) as api_cost_usd
    from marts.self_hosted where day >= ? and day < ? group by pool, model, api order by pool, tokens desc, model, api
"""
_HOURS = """
    select pool, day, cast(extract(hour from started_at) as integer) as hour, capacity_seconds, used_seconds, unknown_seconds, tokens,
        allocation_cost_usd, api_cost_usd
    from marts.self_hosted_load where day >= ? and day < ? and capacity_seconds > 0 order by pool, started_at
"""
Rows = Callable[..., list[Row]]
Share = Callable[[int, int, int], Decimal | None]
"""Utilisation of used, unknown and all seconds."""
SCENARIOS: Mapping[str, Share] = {
    "low": lambda used, _unknown, whole: ratio(used, whole),
    "point": lambda used, unknown, whole: ratio(used, whole - unknown),
    "high": lambda used, unknown, whole: ratio(used + unknown, whole),
}


@dataclass(frozen=True)
class ModelCost:
    """A model of a pool over some days; dollars are of the tokens they stand with.

    Args:
        api: provider and model that it is held against.
        allocation_cost_usd: with its part of the hours in which the pool served no model.
        costed_tokens: those of hours whose cost is known.
        priced_tokens: those that the API has a price for.
        uncounted_requests: calls without tokens: they are in no figure.
    """

    pool: str
    model: str
    api: str
    tokens: int
    costed_tokens: int
    priced_tokens: int
    uncounted_requests: int
    allocation_cost_usd: Decimal
    usage_cost_usd: Decimal
    api_cost_usd: Decimal

    @property
    def usage_usd(self) -> Decimal | None:
        """USD per million tokens on the usage basis; None where it is not known."""
        return ratio(self.usage_cost_usd * MILLION, self.costed_tokens)

    @property
    def allocation_usd(self) -> Decimal | None:
        """USD per million tokens on the allocation basis; None where it is not known."""
        return ratio(self.allocation_cost_usd * MILLION, self.costed_tokens)

    @property
    def beside_usd(self) -> Decimal | None:
        """USD per million tokens at the API; None where it has no price."""
        return ratio(self.api_cost_usd * MILLION, self.priced_tokens)


def model_costs(rows: Rows, span: Span) -> list[ModelCost]:
    """Every model that was served in a span of days, by pool, the one with most tokens first."""
    found = [ModelCost(**row) for row in rows(_MODELS, *span)]
    return [_with_idle(one, found) for one in found if one.model != NOBODY]


def _with_idle(one: ModelCost, found: Sequence[ModelCost]) -> ModelCost:
    mates = [mate for mate in found if mate.pool == one.pool]
    own = sum((mate.allocation_cost_usd for mate in mates if mate.model != NOBODY), Decimal(0))
    idle = sum((mate.allocation_cost_usd for mate in mates if mate.model == NOBODY), Decimal(0))
    # Models bear the hours in which their pool served none as they share the others.
    return replace(one, allocation_cost_usd=one.allocation_cost_usd * (own + idle) / own if own else Decimal(0))


@dataclass(frozen=True)
class Judged:
    """A pool as one of `SCENARIOS` takes its unknown time: the verdict; utilisation, that of nine of ten hours, and what breaks even."""

    verdict: str
    used: Decimal | None = None
    quiet: Decimal | None = None
    even: Decimal | None = None


@dataclass(frozen=True)
class Load:
    """The hours of a pool that serves models, over some days.

    Args:
        pool: its name.
        hours: rows of marts.self_hosted_load, in order.
    """

    pool: str
    hours: Sequence[Row]

    @cached_property
    def known(self) -> Sequence[Row]:
        """Hours with both prices: a break-even needs both."""
        return [row for row in self.hours if row["allocation_cost_usd"] is not None and row["api_cost_usd"] is not None]

    @property
    def left_out(self) -> int:
        """Hours without a known cost or price."""
        return len(self.hours) - len(self.known)

    @property
    def cost_usd(self) -> Decimal:
        """What the known hours cost, on the allocation basis."""
        return sum((row["allocation_cost_usd"] for row in self.known), Decimal(0))

    @property
    def api_usd(self) -> Decimal:
        """What the API would have cost for the tokens of the known hours."""
        return sum((row["api_cost_usd"] for row in self.known), Decimal(0))

    @property
    def tokens(self) -> int:
        """Tokens of the known hours."""
        return sum(row["tokens"] for row in self.known)

    @property
    def gpu_hours(self) -> Decimal:
        """GPU hours of the known hours."""
        return Decimal(sum(row["capacity_seconds"] for row in self.known)) / 3600

    @cached_property
    def judged(self) -> Mapping[str, Judged]:
        """The pool in each of `SCENARIOS`."""
        return {name: judged(self.known, share) for name, share in SCENARIOS.items()}

    @property
    def verdict(self) -> str:
        """What all scenarios say of it; `unknown` where they do not say the same."""
        verdicts = {one.verdict for one in self.judged.values()}
        return self.judged["point"].verdict if len(verdicts) == 1 else "unknown"

    def within(self, span: Span) -> "Load":
        """The same pool over some of its days."""
        return Load(self.pool, [row for row in self.hours if span[0] <= row["day"] < span[1]])

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day on which it had GPUs; None where there is none."""
        return (self.hours[0]["day"], self.hours[-1]["day"]) if self.hours else None


def loads(rows: Rows, span: Span, pools: Sequence[str]) -> list[Load]:
    """The hours of some pools in a span of days, in the order of their names as given."""
    hours = rows(_HOURS, *span)
    return [Load(pool, [row for row in hours if row["pool"] == pool]) for pool in pools]


def judged(hours: Sequence[Row], share: Share) -> Judged:
    """Whether a pool was worth it over some hours that have both prices.

    Args:
        hours: rows of marts.self_hosted_load.
        share: how its unknown time is taken.

    Returns:
        `worth it`, `on the whole`, `api`, `never`; `unknown` where no time is known, `unpriced` where the API has no price.
    """
    used = utilisation(hours, share)
    each = sorted(value for row in hours if (value := utilisation([row], share)) is not None)
    if used is None or not each:
        return Judged("unknown")
    quiet = each[ceil(_TENTH * len(each)) - 1]
    cost, beside = (sum((row[name] for row in hours), Decimal(0)) for name in ("allocation_cost_usd", "api_cost_usd"))
    if not beside:
        return Judged("unpriced", used, quiet)
    even = used * cost / beside
    return Judged(_verdict(used, quiet, even), used, quiet, even)


def _verdict(used: Decimal, quiet: Decimal, even: Decimal) -> str:
    if even > 1:
        return "never"
    if used <= even:
        return "api"
    return "worth it" if quiet > even else "on the whole"


def utilisation(hours: Sequence[Row], share: Share) -> Decimal | None:
    """Share of the seconds of some hours in which GPUs worked."""
    return share(*(sum(row[f"{name}_seconds"] for row in hours) for name in ("used", "unknown", "capacity")))
