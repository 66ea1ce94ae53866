"""Commitments of a book over some days: how far each was used, what it spared against list, and when which part of it ends.

Utilisation is use over capacity. Coverage is what a commitment served of all that it could have served: of GPUs in their time, of tokens in
dollars at list. The effective savings rate (FinOps Foundation) is what was spared over what the same use costs at list; what was not used
is in it, so that it is negative where list would have been cheaper.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from meterbook.reports.figures import ZERO, Row, Span
from meterbook.reports.numbers import ratio

OPEN = date(9999, 12, 31)
"""The end of what has none."""
TOKENS, RESERVED, OWNED = "provisioned_throughput", "reserved_gpu", "owned_gpu"
RECENT = timedelta(days=28)
"""Today's use is that of so many days."""
MONTH = Decimal(365) / 12
_USED = "select * from marts.commitment where day >= ? and day < ? order by commitment, day"
_SPENT = "select * from marts.minimum_spend where day >= ? and day < ? order by minimum, day"
_TERMS = (
    "select commitment, kind, provider, owner, capacity, starts_on, ends_on from book.commitment order by commitment, starts_on, ends_on"
)
_PRICES = (
    "select commitment, starts_on, max(ends_on) as ends_on from book.commitment_price where hour_usd > 0 group by commitment, starts_on"
)
_LEAST = """
    select minimum as commitment, max(provider) as provider, max(owner) as owner, max(monthly_usd) as monthly_usd,
        min(starts_on) as starts_on, max(ends_on) as ends_on
    from book.minimum_spend group by minimum order by minimum
"""


@dataclass(frozen=True)
class Use:
    """What became of a commitment over some days.

    Args:
        days: rows of marts.commitment.
    """

    days: Sequence[Row]

    def sum(self, column: str) -> Decimal:
        """A column over the days."""
        return sum((row[column] for row in self.days), ZERO)

    @property
    def used(self) -> Decimal | None:
        """Utilisation."""
        return ratio(self.sum("used"), self.sum("capacity"))

    @property
    def covered(self) -> Decimal | None:
        """Coverage; None where there was nothing to serve."""
        if self.days and self.days[0]["kind"] == TOKENS:
            return ratio(self.sum("list_usd"), self.sum("list_usd") + self.sum("open_list_usd"))
        return ratio(self.sum("used"), self.sum("used") + self.sum("overflow"))

    @property
    def list_usd(self) -> Decimal | None:
        """What it served at list; None where a part of that has no price."""
        return None if self.sum("unlisted") or not self.days else self.sum("list_usd")

    @property
    def savings_rate(self) -> Decimal | None:
        """The effective savings rate; None where nothing was served, or not all of it has a price at list."""
        return None if self.list_usd is None else ratio(self.list_usd - self.sum("cost_usd"), self.list_usd)

    @property
    def never_used(self) -> Decimal | None:
        """The share of an hour's capacity that no hour used."""
        hours = [ratio(row["least_unused"] * row["hours"], row["capacity"]) for row in self.days]
        return min((one for one in hours if one is not None), default=None)

    def monthly(self, column: str) -> Decimal:
        """A column of dollars as an average month has it."""
        return self.sum(column) * MONTH / len(self.days) if self.days else ZERO

    @property
    def spared_monthly_usd(self) -> Decimal:
        """What it spares of a month against list, negative where list is cheaper."""
        return self.monthly("list_usd") - self.monthly("cost_usd")


@dataclass(frozen=True)
class End:
    """A day on which a commitment, or a part of it, ends.

    Args:
        on: the first day without it.
        share: of what is in force the day before.
        is_written_off: machines of one's own stay, and their purchase costs nothing more.
    """

    on: date
    share: Decimal
    is_written_off: bool = False


@dataclass(frozen=True)
class Commitment:
    """A commitment with its use and its terms.

    Args:
        use: of the days that are shown.
        recent: of the last days of these.
        ends: of what is in force after them, the next one first.
        ended: the first day without any of it, where that is past.
    """

    name: str
    kind: str
    provider: str
    owner: str | None
    starts_on: date
    use: Use
    recent: Use
    ends: Sequence[End]
    ended: date | None = None

    @property
    def list_after_usd(self) -> Decimal | None:
        """What a month costs at list where its next end is over, at today's use and in proportion to what ends; None where unknown."""
        if not self.ends or self.ends[0].is_written_off or self.recent.list_usd is None:
            return None
        return self.recent.monthly("list_usd") * self.ends[0].share

    @property
    def freed_usd(self) -> Decimal | None:
        """What of a month's cost its next end takes away; None where it has no end, or more than its price goes on."""
        return None if not self.ends or self.ends[0].is_written_off else self.recent.monthly("cost_usd") * self.ends[0].share


@dataclass(frozen=True)
class Minimum:
    """A minimum spend with what was reached of it.

    Args:
        months: the last day of each month that is shown, rows of marts.minimum_spend.
        ends_on: the first day without it.
    """

    name: str
    provider: str
    owner: str | None
    months: Sequence[Row]
    ends_on: date

    @property
    def due_usd(self) -> Decimal:
        """What was due of the days that are shown."""
        return sum((row["due_usd"] for row in self.months), ZERO)

    @property
    def short_usd(self) -> Decimal:
        """What of it was not reached, and is paid nonetheless."""
        return sum((row["shortfall_usd"] for row in self.months), ZERO)

    @property
    def used(self) -> Decimal | None:
        """What was reached, at most all of it."""
        return ratio(self.due_usd - self.short_usd, self.due_usd)


class Commitments:
    """The commitments that hold in some days.

    Args:
        rows: reads rows of a query.
        span: the half-open days.
    """

    def __init__(self, rows: Callable[..., list[Row]], span: Span) -> None:
        self._rows, self._span = rows, span

    @cached_property
    def days(self) -> list[Row]:
        """Rows of marts.commitment."""
        return self._rows(_USED, *self._span)

    @cached_property
    def spent(self) -> list[Row]:
        """Rows of marts.minimum_spend."""
        return self._rows(_SPENT, *self._span)

    @cached_property
    def terms(self) -> list[Row]:
        """Orders of book.commitment; machines of one's own end where they are written off."""
        lives = {(row["commitment"], row["starts_on"]): row["ends_on"] for row in self._rows(_PRICES)}
        return [
            row | {"ends_on": min(row["ends_on"], lives.get((row["commitment"], row["starts_on"]), OPEN))} if row["kind"] == OWNED else row
            for row in self._rows(_TERMS)
        ]

    @cached_property
    def all(self) -> list[Commitment]:
        """Those of capacity, the dearest first: all that cost in these days, and those that begin after them."""
        names = dict.fromkeys(row["commitment"] for row in self.terms)
        found = [self._one(name, [row for row in self.terms if row["commitment"] == name]) for name in names]
        shown = [one for one in found if one.use.days or one.ends or one.ended is None]
        return sorted(shown, key=lambda one: (-one.use.sum("cost_usd"), one.name))

    @cached_property
    def minimums(self) -> list[Minimum]:
        """The minimum spends that were due in these days."""
        found = []
        for row in self._rows(_LEAST):
            days = [one for one in self.spent if one["minimum"] == row["commitment"]]
            months = {one["day"].replace(day=1): one for one in days}
            if months:
                found.append(Minimum(row["commitment"], row["provider"], row["owner"], list(months.values()), row["ends_on"]))
        return found

    def _one(self, name: str, terms: Sequence[Row]) -> Commitment:
        days, end = [row for row in self.days if row["commitment"] == name], self._span[1]
        ends = _ends(terms, end)
        return Commitment(
            name=name,
            kind=terms[0]["kind"],
            provider=terms[0]["provider"],
            owner=terms[-1]["owner"],
            starts_on=min(row["starts_on"] for row in terms),
            use=Use(days),
            recent=Use([row for row in days if row["day"] >= end - RECENT]),
            ends=[replace(one, is_written_off=terms[0]["kind"] == OWNED) for one in ends],
            ended=None if any(row["ends_on"] > end for row in terms) or ends else max(row["ends_on"] for row in terms),
        )


def ending(found: Sequence[Commitment], until: date) -> list[Commitment]:
    """Those whose next end lies no later than a day, the soonest first."""
    return sorted((one for one in found if one.ends and one.ends[0].on <= until), key=lambda one: (one.ends[0].on, one.name))


def _ends(terms: Sequence[Row], after: date) -> list[End]:
    """The days from one on, on which less of a commitment is in force than the day before: what is renewed does not end."""
    found = []
    for day in sorted({row["ends_on"] for row in terms if after <= row["ends_on"] < OPEN}):
        before, now = (
            sum((row["capacity"] for row in terms if row["starts_on"] <= one < row["ends_on"]), ZERO)
            for one in (day - timedelta(days=1), day)
        )
        if now < before:
            found.append(End(day, (before - now) / before))
    return found
