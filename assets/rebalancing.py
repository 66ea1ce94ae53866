"""Who is starved of quota and who sits on it: moves between budgets of one kind that sum to zero, for people to decide on.

Pure: given what each budget used, it proposes; nothing is applied. Budgets of one measure, one period and the same fields of scope (teams
with teams, features with features) are a pool, so that no amount moves between a whole and its part.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from itertools import groupby

from meterbook.assets.budgets import Budget
from meterbook.reports.numbers import percent
from meterbook.reports.quota_use import IDLE, PERIODS, STARVED

ROOM = Decimal("1.1")
"""What is starved is to get its use and a tenth more."""
SCOPE = ("team", "tenant", "feature", "environment", "model", "model_class")
_WHOLE, _CENT, _SMALL = Decimal(1), Decimal("0.01"), Decimal(100)


@dataclass(frozen=True)
class Return:
    """What a scope's cost brings: cost per successful unit over the periods looked at, and its change from the first half to the second."""

    unit: str
    cost_per_unit_usd: Decimal
    change: Decimal | None = None

    def __str__(self) -> str:
        """For people."""
        said = f"{self.cost_per_unit_usd.quantize(Decimal('0.0001')).normalize():f} USD per {self.unit}"
        if self.change is None:
            return said
        rounded = percent(abs(self.change))
        return f"{said}, {rounded} {'less' if self.change < 0 else 'more'} than before"


@dataclass(frozen=True)
class Seen:
    """A budget and what was used of it.

    Args:
        budget: the budget.
        amount: of one period, in force at the end of the days looked at.
        used: of each whole period, in order.
        amounts: in force in each of them.
        landing: the point forecast of the current period; None where it is not known or there is none.
        gained: what its cost brings; None where no unit of value is its.
    """

    budget: Budget
    amount: Decimal
    used: Sequence[Decimal]
    amounts: Sequence[Decimal]
    landing: Decimal | None = None
    gained: Return | None = None

    @property
    def peak(self) -> Decimal:
        """The most that a period used, or is expected to."""
        return max((*self.used, self.landing or Decimal(0)))

    @property
    def step(self) -> Decimal:
        """What amounts are rounded to: whole units, hundredths where the amount is small and may have them."""
        return _CENT if self.amount < _SMALL and self.budget.measure in {"dollars", "gpu_hours"} else _WHOLE

    @property
    def lack(self) -> Decimal:
        """How much it is short of; nothing where it is not starved."""
        is_short = self.peak_share >= STARVED
        wanted = (self.recent * ROOM).quantize(self.step, ROUND_CEILING)
        return max(wanted - self.amount, Decimal(0)) if is_short else Decimal(0)

    @property
    def spare(self) -> Decimal:
        """How much it can give so that its largest use is half of what it keeps; nothing where it was ever used more."""
        is_idle = len(self.used) >= PERIODS and all(use < limit * IDLE for use, limit in zip(self.used, self.amounts, strict=True))
        kept = (self.peak / IDLE).quantize(self.step, ROUND_CEILING)
        return max((self.amount - kept).quantize(self.step, ROUND_FLOOR), Decimal(0)) if is_idle else Decimal(0)

    @property
    def recent(self) -> Decimal:
        """The last whole period or what the current one is expected to use, whichever is more."""
        return max(self.used[-1] if self.used else Decimal(0), self.landing or Decimal(0))

    @property
    def peak_share(self) -> Decimal:
        """The same as a share of the amount; a budget of nothing that is used is over it."""
        return self.recent / self.amount if self.amount else (Decimal(2) if self.recent else Decimal(0))

    def why(self) -> str:
        """What is seen, in words."""
        shares = [use / limit if limit else None for use, limit in zip(self.used, self.amounts, strict=True)]
        said = [f"used {', '.join(percent(one) for one in shares)} of the last {len(shares)} {self.budget.period}s"] if shares else []
        if self.landing is not None:
            said.append(f"lands at {percent(self.landing / self.amount)}" if self.amount else "will be used, and has nothing")
        return "; ".join([*said, str(self.gained)] if self.gained else said)


@dataclass(frozen=True)
class Move:
    """What one budget gives or gets, of one period."""

    seen: Seen
    by: Decimal
    reason: str = field(default="")

    @property
    def after(self) -> Decimal:
        """The amount that is proposed."""
        return self.seen.amount + self.by


def propose(seen: Sequence[Seen]) -> list[Move]:
    """Moves within each pool, in the order of pools and names; those of a pool sum to zero.

    What is starved is served in the order of its return: whose cost per unit fell most comes first, what has no return last.
    """
    pools = sorted(seen, key=lambda one: (*_pool(one), one.budget.budget))
    return [move for _, members in groupby(pools, key=_pool) for move in _moves(list(members))]


def _pool(one: Seen) -> tuple[str, str, tuple[str, ...]]:
    fields = tuple(name for name in SCOPE if getattr(one.budget, name) is not None)
    return one.budget.measure, one.budget.period, fields


def _moves(members: Sequence[Seen]) -> Iterator[Move]:
    step = max((one.step for one in members), default=_WHOLE)
    spare = {one.budget.budget: one.spare.quantize(step, ROUND_FLOOR) for one in members}
    left = total = sum(spare.values(), Decimal(0))
    given: dict[str, Decimal] = {}
    for one in sorted((one for one in members if one.lack), key=_rank):
        given[one.budget.budget] = min(one.lack.quantize(step, ROUND_CEILING), left)
        left -= given[one.budget.budget]
    taken = _shared(total - left, spare, step)
    for one in members:
        name = one.budget.budget
        by = given.get(name, Decimal(0)) - taken[name]
        if by:
            yield Move(one, by, f"{'starved' if by > 0 else 'unused'}: {one.why()}")


def _rank(one: Seen) -> tuple[bool, Decimal, Decimal, str]:
    change = one.gained.change if one.gained else None
    return change is None, change or Decimal(0), -one.peak_share, one.budget.budget


def _shared(total: Decimal, spare: Mapping[str, Decimal], step: Decimal) -> dict[str, Decimal]:
    """A total taken from what is spare in proportion, in whole steps; by largest remainder, ties by name."""
    whole = sum(spare.values(), Decimal(0))
    if not whole:
        return dict.fromkeys(spare, Decimal(0))
    with localcontext(prec=80):
        exact = {name: total * amount / whole for name, amount in spare.items()}
        taken = {name: amount.quantize(step, ROUND_FLOOR) for name, amount in exact.items()}
    places = int((total - sum(taken.values(), Decimal(0))) / step)
    for name in sorted(exact, key=lambda one: (taken[one] - exact[one], one))[:places]:
        taken[name] += step
    return taken
