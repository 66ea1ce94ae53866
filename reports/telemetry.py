"""The telemetry contract: which fields a call should carry, what each gap makes impossible, and what closes it.

One reading of it for the command, the quality page and docs/telemetry.md. What of a day carries a field is counted in marts.telemetry; what
a format can carry is told from the columns of its staging model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import duckdb

from meterbook.reports.frame import Row, rows_of
from meterbook.reports.telemetry_fields import FIELDS, Field

DAYS = 28


@dataclass(frozen=True)
class Carried:
    """How many calls carry a field.

    Args:
        field: the field.
        carried: calls that carry it.
        calls: calls that should: all of them, or those that were answered.
    """

    field: Field
    carried: int
    calls: int

    @property
    def share(self) -> Decimal | None:
        """From 0 to 1; None where no call should carry it."""
        return Decimal(self.carried) / self.calls if self.calls else None

    @property
    def is_gap(self) -> bool:
        """Whether fewer calls carry it than what is computed from it needs."""
        return self.calls > 0 and (self.carried < self.field.enough * self.calls or not self.carried)


@dataclass(frozen=True)
class Feature:
    """The calls of a feature that a source gave."""

    source: str
    feature: str
    calls: int
    carried: Sequence[Carried]

    @property
    def gaps(self) -> list[Carried]:
        """Fields that too few of its calls carry."""
        return [one for one in self.carried if one.is_gap]


class Telemetry:
    """What the calls of the last days carry.

    Args:
        con: a connection in which marts.telemetry is a view.
        days: days, up to the last one with calls.
        feature: only this one; all where not given.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, days: int = DAYS, feature: str | None = None) -> None:
        self._con, self._days, self._feature = con, days, feature

    @cached_property
    def last_day(self) -> date | None:
        """The last UTC day with calls."""
        [(day,)] = self._con.execute("select max(day) from marts.telemetry").fetchall()
        return day if isinstance(day, date) else None

    @cached_property
    def features(self) -> list[Feature]:
        """By source and feature, the most calls first."""
        if self.last_day is None:
            return []
        counted = ", ".join(f"cast(sum({name}) as bigint) as {name}" for name in ("requests", "answered_requests", *_columns()))
        query = f"""
            select source, feature, {counted} from marts.telemetry
            where day > ? and day <= ? and (? is null or feature = ?)
            group by source, feature order by requests desc, source, feature
        """
        found = rows_of(self._con, query, self.last_day - timedelta(days=self._days), self.last_day, self._feature, self._feature)
        return [Feature(row["source"], row["feature"], row["requests"], _carried(row)) for row in found]

    @cached_property
    def total(self) -> list[Carried]:
        """Each field over all of them."""
        return _summed([one.carried for one in self.features])

    def by_source(self) -> Mapping[str, list[Carried]]:
        """Each field over the features of a source."""
        sources = dict.fromkeys(one.source for one in self.features)
        return {source: _summed([one.carried for one in self.features if one.source == source]) for source in sources}


def can_carry(columns: Mapping[str, Mapping[str, Any]], kinds: Mapping[str, str]) -> dict[str, list[Field]]:
    """The fields each format of calls can carry, by the columns of its staging model.

    Args:
        columns: of every table, as `meterbook.sql.schemas.columns_of` gives them.
        kinds: the kind of record of each format.
    """
    formats = sorted(name for name, kind in kinds.items() if kind == "request")
    return {name: [field for field in FIELDS if field.is_in(columns[f"staging.{name}"])] for name in formats}


def remedy(field: Field, form: str | None, carries: Mapping[str, Sequence[Field]]) -> str:
    """What closes a gap, in the words of the format it is in.

    Args:
        field: what is missing.
        form: the format of the source; None where it has several.
        carries: what each format can carry.
    """
    if form is None:
        return field.remedy
    if form in carries and field not in carries[form]:
        named = f" as {field.gen_ai}" if field.gen_ai else ""
        return f"{form} cannot carry it: {field.elsewhere or f'write it to OpenTelemetry spans{named}, or map it from a file of your own'}"
    return field.settings.get(form, field.remedy)


def _columns() -> list[str]:
    return [field.column for field in FIELDS]


def _carried(row: Row) -> list[Carried]:
    return [Carried(field, row[field.column], row["answered_requests" if field.is_of_answers else "requests"]) for field in FIELDS]


def _summed(found: Sequence[Sequence[Carried]]) -> list[Carried]:
    by_field = zip(*found, strict=True)
    return [Carried(some[0].field, sum(one.carried for one in some), sum(one.calls for one in some)) for some in by_field]
