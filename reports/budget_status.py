"""How budgets and quotas stand on a day: used, landing, exhaustion, who drives them; and how that is written for people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from meterbook.reports.numbers import NONE, count, dollars, head, ratio, share_used

Row = Mapping[str, Any]
Ask = Callable[..., Sequence[Row]]
"""Rows of a query with its values."""
TABLES = (
    "book.budget", "marts.budget_use", "marts.budget_outlook", "marts.budget_event", "marts.budget_driver", "marts.rate_limit_use",
)  # fmt: skip
"""What all of this is read from."""
_UNITS = {"tokens": "tokens", "requests": "requests", "gpu_hours": "GPU hours"}
_FINER = (("team", ("team", "feature")), ("feature", ("feature",)), ("tenant", ("tenant",)), ("model", ("model", "model_class")))
"""Dimensions by which drivers are told, and what of a scope holds each to one value or has told it."""
_STATUS = """
    with last as (select max(day) as day from marts.budget_use where day >= ? and day < ?)
    select use.budget, use.day, use.period, use.period_start, use.period_end, use.measure, use.scope, use.owner, use.amount, use.used,
        use.peak, use.unpriced_requests, use.day_of_period, use.days_in_period, use.level_percent, use.at_limit,
        coalesce(use.team, use.owner) as of_team,
        cast(outlook.low as decimal(38,12)) as low, cast(outlook.point as decimal(38,12)) as point,
        cast(outlook.high as decimal(38,12)) as high, outlook.reached_low, outlook.reached_point, outlook.reached_high, outlook.method,
        outlook.error, outlook.tests, outlook.covered
    from marts.budget_use as use
    inner join last on last.day = use.day
    left join marts.budget_outlook as outlook on outlook.series = use.budget and outlook.day = use.day
    order by use.budget
"""
_PERIODS = """
    select period_start, period_end, amount, used, level_percent from marts.budget_use
    where budget = ? and day <= ? and day = least(period_end - 1, ?) order by period_start desc limit ?
"""
_EVENTS = """
    select budget, period_start, level_percent, kind, day, period, period_end, measure, owner, scope, amount, used, share_percent,
        reached_low, reached_point, reached_high, at_limit
    from marts.budget_event where day >= ? and day < ? order by day, budget, kind, level_percent
"""
_RATES = """
    select limit_name, max(scope) as scope, max(owner) as owner, max(requests_per_minute) as requests_per_minute,
        max(tokens_per_minute) as tokens_per_minute, cast(sum(minutes_over) as bigint) as minutes_over, count(*) as days,
        cast(sum(minutes) as bigint) as minutes, max(busiest_requests) as busiest_requests, max(busiest_tokens) as busiest_tokens
    from marts.rate_limit_use where day >= ? and day < ? group by limit_name order by limit_name
"""


@dataclass(frozen=True)
class Status:
    """One budget at the end of a day."""

    row: Row

    @property
    def share(self) -> Decimal | None:
        """Used, of the amount; None of a budget of nothing."""
        return ratio(self.row["used"], self.row["amount"])

    @property
    def elapsed(self) -> Decimal:
        """How much of the period is gone."""
        return Decimal(self.row["day_of_period"]) / Decimal(self.row["days_in_period"])

    @property
    def is_spent(self) -> bool:
        """Whether it is used up; a budget of nothing by the first of anything."""
        return bool(self.row["peak"] > 0 and self.row["peak"] >= self.row["amount"])

    @property
    def is_expected_to_be(self) -> bool:
        """Whether its landing is above the amount."""
        return not self.is_spent and self.row["point"] is not None and self.row["point"] > self.row["amount"]

    @property
    def needs_a_look(self) -> bool:
        """Whether a level is reached for which less of the period is gone, or it is expected to be used up."""
        level = self.row["level_percent"]
        return self.is_spent or self.is_expected_to_be or (level is not None and level > self.elapsed * 100)

    @property
    def used(self) -> str:
        """What is used, of what: `$4,120 of $9,000`."""
        return f"{amount(self.row['used'], self.row['measure'])} of {amount(self.row['amount'], self.row['measure'], named=True)}"

    @property
    def band(self) -> str:
        """The 80 % band of its landing; empty where there is none, or nothing is left of the period."""
        low, high = (self.row[name] for name in ("low", "high"))
        return "" if low is None or low == high else f"{amount(low, self.row['measure'])} to {amount(high, self.row['measure'])}"

    @property
    def landing(self) -> str:
        """Where it lands, with its band."""
        if self.row["point"] is None:
            return NONE
        text = amount(self.row["point"], self.row["measure"])
        return f"{text} ({self.band})" if self.band else text

    @property
    def exhaustion(self) -> str:
        """When it is used up, for a table."""
        if self.is_spent:
            return "used up"
        if self.row["point"] is None:
            return NONE
        point = self.row["reached_point"]
        low = self.row["reached_low"]
        return f"on {day_of(point)}" if point else f"from {day_of(low)} at worst" if low else "not in this period"

    @property
    def sentence(self) -> str:
        """The forecast as a sentence without its end, or that there is none."""
        if self.is_spent:
            return "is used up"
        if self.row["point"] is None:
            return "ends with the day" if self.row["period"] == "day" else "has too little history for a forecast"
        if not self.row["reached_low"] and not self.row["reached_point"]:
            return f"will not be reached in this {self.row['period']}"
        return expected(self.row)


def statuses(ask: Ask, span: tuple[date, date]) -> list[Status]:
    """Every budget at the end of the last day of a span."""
    return [Status(row) for row in ask(_STATUS, *span)]


def periods_of(ask: Ask, budget: str, day: date, most: int = 6) -> Sequence[Row]:
    """A budget's last periods as they ended, the running one as it stands on a day first."""
    return ask(_PERIODS, budget, day, day, most)


def events_of(ask: Ask, span: tuple[date, date]) -> Sequence[Row]:
    """What fired on the days of a span, in the order in which it did."""
    return ask(_EVENTS, *span)


def rates_of(ask: Ask, span: tuple[date, date]) -> Sequence[Row]:
    """How near calls came to each limit of rate over a span."""
    return ask(_RATES, *span)


def drivers_of(ask: Ask, status: Status, scope: Row, most: int = 5) -> tuple[str, Sequence[Row]]:
    """Who uses most of a budget in its running period: the dimension told, and its values with what they used and used before.

    Args:
        ask: of the lake.
        status: of the budget.
        scope: its row of book.budget: the next finer dimension is one that its scope leaves open.
        most: how many are told.
    """
    kept = [name for name, fixed_by in _FINER if not any(scope[field] for field in fixed_by)]
    name = next((one for one in kept if one != "model" or _has_models(scope)), "feature")
    start, days = status.row["period_start"], timedelta(days=status.row["day_of_period"])
    before = start - timedelta(days=status.row["days_in_period"])
    query = f"""
        select {name} as driver, sum(case when day >= ? then used end) as used, sum(case when day < ? then used end) as used_before,
            sum(case when day >= ? then cost_usd end) as cost_usd
        from marts.budget_driver
        where budget = ? and ((day >= ? and day < ?) or (day >= ? and day < least(?, ?)))
        group by {name} having sum(case when day >= ? then used end) <> 0
        order by used desc, driver limit ?
    """
    spans = (start, start + days, before, before + days, start)
    return name, ask(query, start, start, start, status.row["budget"], *spans, start, most)


def _has_models(scope: Row) -> bool:
    """Whether its use is told by model: the whole cost of an owner, and GPU hours, are not."""
    of_calls = any(scope[field] for field in ("environment", "model", "model_class"))
    return scope["measure"] in {"tokens", "requests"} or (scope["measure"] == "dollars" and of_calls)


def amount(value: Decimal | None, measure: str, *, named: bool = False) -> str:
    """An amount of a measure: $4,120, 1.3B, 742, with its unit where it is named."""
    if value is None:
        return NONE
    if measure == "dollars":
        return dollars(value) if abs(value) < 10**6 else head(value)
    return f"{count(value)} {_UNITS[measure]}" if named else count(value)


def day_of(value: date) -> str:
    """A day as people write it: 24 October."""
    return f"{value.day} {value:%B}"


def expected(row: Row) -> str:
    """A forecast of a level as a clause: `will be reached on 24 October, between 21 and 29 October`."""
    low, point, high = row["reached_low"], row["reached_point"], row["reached_high"]
    if point is None:
        return f"may be reached from {day_of(low)} on" if low else "will not be reached"
    if low == high == point:
        return f"will be reached on {day_of(point)}"
    if high is None:
        early = f" as early as {day_of(low)}," if low and low < point else ""
        return f"will be reached on {day_of(point)},{early} or not in this period"
    same = low is not None and (low.year, low.month) == (high.year, high.month)
    return f"will be reached on {day_of(point)}, between {low.day if same else day_of(low)} and {day_of(high)}"


def told(event: Row) -> str:
    """An event as a sentence."""
    whole = f"{event['level_percent']} % of {event['budget']} ({amount(event['amount'], event['measure'], named=True)} a {event['period']})"
    used = f"{amount(event['used'], event['measure'])} used"
    if event["kind"] == "forecast":
        return f"{whole} {expected(event)}; {used} by {day_of(event['day'])}."
    share = f", {share_used(ratio(event['used'], event['amount']))}" if event["amount"] else ""
    limit = f"; at the limit {event['at_limit']}" if event["level_percent"] >= 100 else ""  # noqa: PLR2004 -- percent
    return f"{whole} is reached: {used}{share}{limit}."
