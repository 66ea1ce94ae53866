"""What of two spans has no price: `meterbook explain` says how much, since when and what to do, where it cannot say dollars."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from meterbook.assets.explaining import Asked
from meterbook.reports.coverage import Coverage, advice
from meterbook.reports.explanations import unpriced_text
from meterbook.sql.lake import quoted

_OF_GPUS = "a rate of its GPU in rate_cards/ prices them"
_CALLS, _HOURS = "core.cost_driver", "core.gpu_driver"
_UNITS = ("call", "token", "GPU hour")
_COUNTED = {
    _CALLS: ("provider", "model", "attempts", "input_tokens + cache_read_tokens + cache_write_tokens + output_tokens"),
    _HOURS: ("pool", "gpu_model", "0", "seconds / 3600.0"),
}
"""Each table with its columns for a provider and a model, and what is counted: calls, and where nobody counts them tokens, or hours."""


@dataclass(frozen=True)
class Unpriced:
    """A model, or a pool, of which something has no price.

    Args:
        provider: as logs name it, or the pool.
        model: as logs name it, or the pool's GPU.
        unit: what is counted: call, token, GPU hour.
        before: how many of the first span.
        after: how many of the second.
        since: the first day, where there are none of the first span.
        todo: why, and what would price them; empty where the lake does not say.
    """

    provider: str
    model: str
    unit: str
    before: int
    after: int
    since: date | None
    todo: str

    @property
    def text(self) -> str:
        """In words."""
        name = f"pool {self.provider}" if self.unit == "GPU hour" else self.model
        said = f"{unpriced_text(self.unit, name, self.before, self.after, self.since)}: what they cost is unknown, and in no effect."
        return f"{said} {self.todo[:1].upper()}{self.todo[1:]}." if self.todo else said


def unpriced_of(con: duckdb.DuckDBPyConnection, asked: Asked) -> list[Unpriced]:
    """What has no price in either span, the most of the second span first.

    Args:
        con: a connection in which `explaining.READ` are views.
        asked: the question.
    """
    rows = con.execute(" union all ".join(_query(asked, table) for table in _COUNTED)).fetchall()
    todo = _todo(con, asked) if rows else {}
    found = list(_told(rows, todo))
    return sorted(found, key=lambda one: (_UNITS.index(one.unit), -one.after, -one.before, one.provider, one.model))


def _query(asked: Asked, table: str) -> str:
    provider, model, *counted = _COUNTED[table]
    within = [f"day >= date '{span.first}' and day < date '{span.end}'" for span in (asked.before, asked.after)]
    sums = ", ".join(f"sum(case when {held} then {one} else 0 end)" for one in counted for held in within)
    where = "".join(f" and {name} = {quoted(value)}" for name, value in (asked.where or {}).items())
    return (
        f"select '{table}', {provider}, {model}, {sums}, min(day) from {table} "
        f"where not is_priced and ({' or '.join(within)}){where} group by {provider}, {model}"
    )


def _told(rows: list[tuple[Any, ...]], todo: Mapping[tuple[str, str], str]) -> Iterator[Unpriced]:
    for table, provider, model, *counts, since in rows:
        calls, amounts = counts[:2], counts[2:]
        unit = "GPU hour" if table == _HOURS else "call" if any(calls) else "token"
        before, after = (round(one) for one in (calls if any(calls) else amounts))
        if before or after:
            why = _OF_GPUS if table == _HOURS else todo.get((provider, model), "")
            yield Unpriced(provider, model, unit, before, after, None if before else since, why)


def _todo(con: duckdb.DuckDBPyConnection, asked: Asked) -> dict[tuple[str, str], str]:
    """Why a model of a provider has no price, and what gives it one: of what most is used."""
    spans = (asked.before, asked.after)
    lacking = Coverage(con, min(span.first for span in spans), max(span.end for span in spans)).lacking
    return {(row["provider"], row["model"]): f"{row['reason']}: {advice(row)}" for row in reversed(lacking)}
