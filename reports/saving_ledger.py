"""The ledger of savings as a month left it: each idea with its state, what it could save, what it saved, and whether its quality held.

What is identified is estimated, what is realised is measured against the old behaviour; the two are never added.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from meterbook.reports.actions import OF_LEVER
from meterbook.reports.figures import ZERO, Row, Span
from meterbook.reports.intervals import Comparison, Moments, Verdict, mean_not_worse
from meterbook.reports.periods import days_of
from meterbook.reports.saving_states import STATES

Rows = Callable[..., list[Row]]
"""Rows of a query with its values, by column name."""
SCENARIOS = ("low", "point", "high")
PICO = Decimal("1e-12")
FELL, UNTOLD = "live, not verified: quality fell", "live, not verified: quality cannot be told"
_SCOPE = ("feature", "team", "tenant")


@dataclass(frozen=True)
class Range:
    """Low, point and high in USD; signed."""

    low: Decimal
    point: Decimal
    high: Decimal

    def __add__(self, other: "Range") -> "Range":
        """Sum by scenario."""
        return Range(self.low + other.low, self.point + other.point, self.high + other.high)


@dataclass(frozen=True)
class Quality:
    """The means of a signal before an idea was live and since, and the verdict within its margin."""

    signal: str
    before: Decimal | None
    since: Decimal | None
    compared: Comparison
    margin: Decimal

    @property
    def held(self) -> bool:
        """Whether it did not fall by more than the margin, as far as that can be told."""
        return self.compared.verdict == Verdict.NOT_WORSE

    @property
    def fell(self) -> bool:
        """Whether it fell: beyond chance, or by more than the margin."""
        gap = self.compared.difference
        return self.compared.verdict == Verdict.WORSE or (gap is not None and gap.point < -float(self.margin))


@dataclass(frozen=True)
class Entry:
    """One idea as a month left it; amounts are USD, exact."""

    saving: str
    lever: str
    owner: str
    state: str
    """By its dates, at the end of the month."""
    status: str
    """The same, unless quality refuses it."""
    identified: Range | None
    """Of a month; of an idea that is not live."""
    estimated_by: str
    realised_usd: Decimal | None
    """Of the month's days; None where nothing is known of them."""
    total_usd: Decimal | None
    """Since it is live, to the end of the month."""
    unknown_requests: int
    unknown_reason: str | None
    basis: str
    quality: Quality | None

    @property
    def is_live(self) -> bool:
        """Whether it was live at the end of the month, or had been."""
        return self.state not in {"idea", "committed"}


class Ledger:
    """The ledger of a month, or of a quarter.

    Args:
        rows: asks a connection that has book.saving and the marts.
        month: `2026-10`: what is identified is told of as many days.
        span: half-open days of it that have data, or of its quarter.
    """

    def __init__(self, rows: Rows, month: str, span: Span) -> None:
        self._rows, self._span, self._days = rows, span, days_of(month)

    @cached_property
    def read(self) -> list[Row]:
        """The rows of book.saving that were there at the end of the month."""
        return self._rows("select * from book.saving where idea_on < ? order by place", self._span[1])

    @cached_property
    def entries(self) -> list[Entry]:
        """Every idea that was there at the end of the month, in the order of savings.yaml."""
        return [self._entry(row) for row in self.read]

    @cached_property
    def realised_usd(self) -> Decimal:
        """What all ideas saved in the month, as far as it is known."""
        return sum((one.realised_usd for one in self.entries if one.realised_usd is not None), ZERO)

    @cached_property
    def owners(self) -> list[tuple[str, int, Range | None, Decimal | None]]:
        """Owners with their ideas, what is identified a month and not live yet, and what was realised; the largest first."""
        groups: dict[str, list[Entry]] = defaultdict(list)
        for one in self.entries:
            groups[one.owner].append(one)
        found = []
        for owner, entries in groups.items():
            ranges = [one.identified for one in entries if one.identified]
            known = [one.realised_usd for one in entries if one.realised_usd is not None]
            found.append(
                (owner, len(entries), sum(ranges, Range(ZERO, ZERO, ZERO)) if ranges else None, sum(known, ZERO) if known else None)
            )
        return sorted(found, key=lambda row: (-(row[3] or ZERO), row[0]))

    def _entry(self, row: Row) -> Entry:
        state = self._state(row)
        quality = self._quality(row) if row["quality_signal"] and row["live_since"] else None
        month, whole = self._saved.get(row["saving"], {}), self._saved_before.get(row["saving"], {})
        is_live = state not in {"idea", "committed"}
        identified, by = (None, "") if is_live else self._identified(row)
        return Entry(
            row["saving"],
            row["lever"],
            row["owner"],
            state,
            _status(state, quality),
            identified,
            by,
            month.get("saving_usd"),
            whole.get("saving_usd"),
            month.get("unknown_requests", 0),
            month.get("unknown_reason"),
            month.get("basis") or whole.get("basis", ""),
            quality,
        )

    def _state(self, row: Row) -> str:
        return [state for state, column in STATES.items() if row[column] and row[column] < self._span[1]][-1]

    @cached_property
    def _saved(self) -> Mapping[str, Row]:
        return self._summed("day >= ? and day < ?", *self._span)

    @cached_property
    def _saved_before(self) -> Mapping[str, Row]:
        return self._summed("day < ?", self._span[1])

    def _summed(self, where: str, *values: object) -> Mapping[str, Row]:
        query = f"""
            select saving, max(basis) as basis, sum(saving_usd) as saving_usd, cast(sum(unknown_requests) as bigint) as unknown_requests,
                max(unknown_reason) as unknown_reason
            from marts.savings where {where} group by saving
        """
        return {row["saving"]: row for row in self._rows(query, *values)}

    def _identified(self, row: Row) -> tuple[Range | None, str]:
        if row["point_usd"] is not None:
            return Range(*(row[f"{name}_usd"] for name in SCENARIOS)), "stated"
        scope = [name for name in _SCOPE if row[name] is not None]
        model = ["lower(model) like ? escape '!'"] if row["model"] else ["lower(model) = ?"] if row["was_model"] else []
        where = " and ".join(["day >= ?", "day < ?", "lever = ?", *(f"{name} = ?" for name in scope), *model])
        asked = [*self._span, OF_LEVER.get(row["lever"], row["lever"]), *(row[name] for name in scope)]
        asked += [row["model"]] if row["model"] else [row["was_model"].lower()] if row["was_model"] else []
        found = potential(self._rows, where, asked)
        if found is None or row["environment"]:
            return None, "no estimate"
        return of_a_month(found, self._span, self._days), "levers"

    def _quality(self, row: Row) -> Quality:
        query = """
            select is_before, cast(sum(judgements) as bigint) as judgements, sum(quality_sum) as total, sum(quality_square_sum) as squares
            from marts.saving_quality where saving = ? and (is_before or day < ?) group by is_before
        """
        sides = {found["is_before"]: found for found in self._rows(query, row["saving"], self._span[1])}
        before, since = _moments(sides.get(True)), _moments(sides.get(False))
        compared = mean_not_worse(since, before, float(row["quality_margin"]))
        return Quality(row["quality_signal"], _mean(before), _mean(since), compared, row["quality_margin"])


def potential(rows: Rows, where: str, values: Sequence[object]) -> Range | None:
    """What marts.lever says of some of its rows, summed by scenario; None where it has none."""
    query = f"select scenario, sum(saving_usd) as saving_usd from marts.lever where {where} group by scenario"
    found: Mapping[str, Decimal] = {row["scenario"]: row["saving_usd"] for row in rows(query, *values)}
    return Range(*(found.get(name, ZERO) for name in SCENARIOS)) if found else None


def of_a_month(found: Range, span: Span, whole: Span) -> Range:
    """What some days of a month say of all of it, in proportion."""
    days, all_days = (Decimal((end - first) / timedelta(days=1)) for first, end in (span, whole))
    return Range(*((value * all_days / days).quantize(PICO) for value in (found.low, found.point, found.high)))


def _status(state: str, quality: Quality | None) -> str:
    if state not in {"verified", "promoted"} or quality is None or quality.held:
        return state
    return FELL if quality.fell else UNTOLD


def _moments(row: Mapping[str, Any] | None) -> Moments:
    return Moments(row["judgements"], row["total"], row["squares"]) if row else Moments(0, 0, 0)


def _mean(side: Moments) -> Decimal | None:
    return abs(Decimal(side.total)) / side.count if side.count else None
