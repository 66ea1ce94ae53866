"""Whether a team can move from showback to chargeback: what of its cost is known to be its own, disputed, and reconciled with bills.

Coverage is the lower of two shares: of its requests, those with a price; of its cost without shared pools, that of use which was
observed (GPU hours nobody saw are not). Shared pools are split by a key the team can read, and are shown beside it. The reconciliation
difference is what no cause explains of what the providers of its models billed in the month. What is not known is None, with a reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import duckdb

from meterbook.reports.charges import CHARGED, ZERO, Charge, Month, cost_of, total
from meterbook.reports.codes import NOBODY
from meterbook.reports.frame import rows_of
from meterbook.reports.numbers import plural, ratio

UNSEEN = "GPU unknown"
"""The line of GPU hours that no sample covers."""


@dataclass(frozen=True)
class Thresholds:
    """What a team needs, as `readiness:` of meterbook.yaml says it."""

    coverage: Decimal
    unexplained: Decimal
    open_disputes: int
    months: int


@dataclass(frozen=True)
class Disputed:
    """A dispute that is not settled."""

    id: str
    period: str
    team: str
    amount_usd: Decimal
    note: str


@dataclass(frozen=True)
class Bill:
    """What a provider billed in a month, and what of it no cause explains, without sign."""

    billed_usd: Decimal
    unexplained_usd: Decimal


@dataclass(frozen=True)
class Ready:
    """What a month says of a team.

    Args:
        team: the team.
        mode: of the month.
        cost_usd: all its cost.
        shared_usd: of it, shares of pools.
        priced: share of its requests with a price; None where it has none.
        observed: share of its cost without pools that was observed; None where it has none.
        disputes: what it does not accept of this month's statement or an earlier one.
        bills: of each provider whose models it used; None where there is no bill.
        months: how many it has been in showback, this one included.
        needed: what it needs.
    """

    team: str
    mode: str
    cost_usd: Decimal
    shared_usd: Decimal
    priced: Decimal | None
    observed: Decimal | None
    disputes: Sequence[Disputed]
    bills: Mapping[str, Bill | None]
    months: int
    needed: Thresholds

    @property
    def coverage(self) -> Decimal | None:
        """The lower of what is priced and what was observed; None where it has no use of its own."""
        return min((share for share in (self.priced, self.observed) if share is not None), default=None)

    @property
    def unexplained(self) -> Decimal | None:
        """Share of what its providers billed that no cause explains; None while any of them has no bill, or none billed anything."""
        bills = [bill for bill in self.bills.values() if bill]
        if len(bills) < len(self.bills):
            return None
        return ratio(total(bill.unexplained_usd for bill in bills), abs(total(bill.billed_usd for bill in bills)))

    @property
    def reasons(self) -> list[str]:
        """Why it cannot be charged yet; nothing where it can."""
        return [*self._of_coverage(), *self._of_bills(), *self._of_disputes(), *self._of_months()]

    @property
    def verdict(self) -> str:
        """In words."""
        said = "; ".join(self.reasons)
        if self.mode == CHARGED:
            return f"is charged, though {said}" if said else "is charged"
        return f"not yet: {said}" if said else "ready"

    def as_json(self) -> dict[str, Any]:
        """Exact, with amounts and shares as text; null is unknown."""
        bills = {name: None if bill is None else _texts(asdict(bill)) for name, bill in self.bills.items()}
        said = {"coverage": self.coverage, "unexplained": self.unexplained, "reasons": self.reasons, "verdict": self.verdict}
        disputes = [_texts(asdict(one)) for one in self.disputes]
        return {
            **_texts(asdict(self)),
            **_texts(said),
            "bills": bills,
            "disputes": disputes,
            "needed": _texts(asdict(self.needed)),
            "is_ready": not self.reasons,
        }

    def _of_coverage(self) -> Iterator[str]:
        if self.coverage is None:
            yield "it has no use of its own to be covered"
        elif self.coverage < self.needed.coverage:
            yield f"coverage is {shown(self.coverage)}, {shown(self.needed.coverage)} is needed"

    def _of_bills(self) -> Iterator[str]:
        """A bill that is not there says nothing of what it would explain."""
        without = [provider for provider, bill in self.bills.items() if bill is None]
        if without:
            yield f"what is unexplained is not known: no bill of {', '.join(without)}"
        elif self.bills and self.unexplained is None:
            yield "what is unexplained is not known: nothing was billed"
        elif self.unexplained is not None and self.unexplained > self.needed.unexplained:
            allowed = shown(self.needed.unexplained)
            yield f"{shown(self.unexplained, up=True)} of what its providers billed is unexplained, {allowed} is allowed"

    def _of_disputes(self) -> Iterator[str]:
        if len(self.disputes) > self.needed.open_disputes:
            amount = total(one.amount_usd for one in self.disputes)
            yield f"{plural(len(self.disputes), 'open dispute')} over ${amount:,.2f} ({', '.join(one.id for one in self.disputes)})"

    def _of_months(self) -> Iterator[str]:
        if self.mode != CHARGED and self.months < self.needed.months:
            yield f"{plural(self.months, 'month')} of showback, {self.needed.months} are needed"


def _texts(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in values.items()}


def last_period(con: duckdb.DuckDBPyConnection) -> str | None:
    """The last month that has statements; None where none has."""
    [(found,)] = con.execute("select max(period) from marts.chargeback").fetchall()
    return str(found) if found else None


def readiness(con: duckdb.DuckDBPyConnection, period: str, disputes: Iterable[Disputed], needed: Thresholds) -> list[Ready]:
    """What a month says of every team with cost in it; not of what nobody owns.

    Args:
        con: a connection in which the marts are views.
        period: the month, YYYY-MM.
        disputes: those that are not settled.
        needed: thresholds.
    """
    month = Month(con, period)
    use, bills, months = _use(con, month), _bills(con, period), _months(con, period)
    unsettled = [one for one in disputes if one.period <= period]
    found = []
    for team in month.teams:
        if team in NOBODY:
            continue
        charges, calls = month.of(team), use.get(team, [])
        found.append(
            Ready(
                team=team,
                mode=month.mode_of(team),
                cost_usd=cost_of(charges),
                shared_usd=cost_of(charge for charge in charges if charge.is_shared),
                priced=ratio(sum(row["priced"] for row in calls), sum(row["requests"] for row in calls)),
                observed=_observed(charges),
                disputes=[one for one in unsettled if one.team == team],
                bills={row["provider"]: bills.get(row["provider"]) for row in calls},
                months=months.get(team, 0),
                needed=needed,
            )
        )
    return found


def _observed(charges: Sequence[Charge]) -> Decimal | None:
    own = [charge for charge in charges if not charge.is_shared]
    # Credits are no use: they make nothing more, or less, observed.
    whole = total(charge.cost_usd for charge in own if charge.cost_usd > 0)
    unseen = total(charge.cost_usd for charge in own if charge.line == UNSEEN and charge.cost_usd > 0)
    return 1 - unseen / whole if whole else None


def _use(con: duckdb.DuckDBPyConnection, month: Month) -> Mapping[str, list[dict[str, Any]]]:
    """Requests of a month by team and provider, and those of them with a price."""
    query = """
        select team, provider, cast(sum(requests) as bigint) as requests, cast(sum(requests - unpriced_requests) as bigint) as priced
        from marts.spend where day >= ? and day <= ? group by team, provider order by team, provider
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(con, query, month.first, month.last):
        found.setdefault(row["team"], []).append(row)
    return found


def _bills(con: duckdb.DuckDBPyConnection, period: str) -> Mapping[str, Bill]:
    """Of each provider with a bill for any of a month."""
    billed = "select provider, sum(billed_usd) as usd from marts.reconciliation_cell where period = ? group by provider"
    residual = """
        select provider, sum(abs(amount_usd)) as usd from marts.reconciliation_cause
        where period = ? and comparison = 'billed - computed' and cause = 'unexplained' group by provider
    """
    unexplained = {row["provider"]: row["usd"] for row in rows_of(con, residual, period)}
    found = {row["provider"]: row["usd"] for row in rows_of(con, billed, period)}
    return {provider: Bill(usd, unexplained.get(provider, ZERO)) for provider, usd in found.items() if usd is not None}


def _months(con: duckdb.DuckDBPyConnection, period: str) -> Mapping[str, int]:
    query = "select team, count(distinct period) from marts.chargeback where mode <> ? and period <= ? group by team"
    return dict(con.execute(query, [CHARGED, period]).fetchall())


def shown(share: Decimal, *, up: bool = False) -> str:
    """A share in percent, rounded down to a tenth, or up: what is not all never reads 100 %, what is not nothing never 0 %."""
    tenths = (share * 1000).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR)
    return f"{tenths / 10:f} %"
