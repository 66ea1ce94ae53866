"""Why cost changed between two spans of days, of the rollups of a lake: effects that add up, what stands out, and sentences."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import polars as pl

from meterbook.assets.book import BookError
from meterbook.reports.periods import days_of, days_of_quarter, is_month, is_quarter
from meterbook.sql import lmdi
from meterbook.sql.lake import quoted

READ = ("core.cost_driver", "core.gpu_driver", "marts.cost", "marts.priced_use")
"""What is read: one row per day and leaf each, never requests."""
_DAY = timedelta(days=1)
_WEEK = re.compile(r"(20\d{2})-W(\d{2})", re.ASCII)


@dataclass(frozen=True)
class Span:
    """Days that are compared.

    Args:
        name: as it was asked for.
        first: the first day.
        end: the day after the last.
    """

    name: str
    first: date
    end: date


def span_of(text: str) -> Span:
    """A month `2026-09`, an ISO week `2026-W36`, a quarter `2026-Q3`, a day, or a range `2026-09-01..2026-09-30` with both ends.

    Raises:
        BookError: anything else, or a range that ends before it begins.
    """
    try:
        first, end = _bounds(text)
    except ValueError as error:
        forms = "2026-09, 2026-W36, 2026-Q3, 2026-09-01 or 2026-09-01..2026-09-30"
        raise BookError(f"{text!r} is no period such as {forms}") from error
    if end <= first:
        raise BookError(f"{text!r} ends before it begins")
    return Span(text, first, end)


def _bounds(text: str) -> tuple[date, date]:
    if is_month(text):
        return days_of(text)
    if week := _WEEK.fullmatch(text):
        first = date.fromisocalendar(int(week[1]), int(week[2]), 1)
        return first, first + 7 * _DAY
    if is_quarter(text):
        return days_of_quarter(text)
    one, _, other = text.partition("..")
    return date.fromisoformat(one), date.fromisoformat(other or one) + _DAY


@dataclass(frozen=True)
class Asked:
    """A question.

    Args:
        before: what is compared with.
        after: what is explained.
        by: dimensions by which effects are told apart.
        where: only what has these values, by dimension.
        per_day: compare averages of a day, so that a longer span is not dearer for that.
    """

    before: Span
    after: Span
    by: Sequence[str] = ()
    where: Mapping[str, str] | None = None
    per_day: bool = False


def pairs_of(con: duckdb.DuckDBPyConnection, asked: Asked, days: tuple[int, int]) -> pl.DataFrame:
    """What both spans used and cost, a row per leaf, as `lmdi.decompose` takes it.

    Args:
        con: a connection in which `READ` are views.
        asked: the question.
        days: how many each span has, as `days_of_spans` counts them.

    Raises:
        BookError: the lake does not say yet what has a price.
    """
    [(known,)] = con.execute("select count(*) from (describe core.cost_driver) where column_name = 'is_priced'").fetchall()
    if not known:
        raise BookError("the lake does not say yet what has a price; `meterbook run` first")
    queries = (_query(part, asked, side, days[side]) for part in _SOURCES for side in (0, 1))
    return lmdi.paired(pl.DataFrame(pl.from_arrow(con.sql(" union all ".join(queries)).to_arrow_table())))


def days_of_spans(con: duckdb.DuckDBPyConnection, asked: Asked) -> tuple[int, int]:
    """How many days with cost each span has.

    Raises:
        BookError: one of them has none.
    """
    query = "select count(distinct day) from marts.cost where day >= ? and day < ?"
    found = []
    for span in (asked.before, asked.after):
        [(days,)] = con.execute(query, [span.first, span.end]).fetchall()
        if not days:
            [(first, last)] = con.execute("select min(day), max(day) from marts.cost").fetchall()
            has = f"{first} to {last}" if first else "no days; `meterbook run` first"
            raise BookError(f"there is no cost of {span.name}: the lake has {has}")
        found.append(days)
    return found[0], found[1]


_NO_NAME = f"'{lmdi.NONE}'"
_TEXTS = {"served_tier": "''", "meter": "''", "is_counted": "false"}
_SOURCES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    lmdi.USE: ("core.cost_driver", {}),
    lmdi.GPU: ("core.gpu_driver", {"provider": "pool", "model": "gpu_model", **_TEXTS, "meter": "line", "units": "seconds"}),
    lmdi.LINE: ("marts.cost", {"provider": _NO_NAME, "model": _NO_NAME, **_TEXTS, "meter": "line", "is_priced": "true", "units": "0"}),
}
"""Each part with its table and what its columns are called, or are, there."""


def _query(part: str, asked: Asked, side: int, days: int) -> str:
    """The sums of one span of one part; of averages a day counts as one."""
    table, named = _SOURCES[part]
    span, per = (asked.before, asked.after)[side], days if asked.per_day else 1
    keys = [f"'{part}' as part", *(f"{named.get(name, name)} as {name}" for name in lmdi.KEYS[1:])]
    given = lmdi.MEASURES if part == lmdi.USE else ("units", "cost_usd")
    sums = [f"{_sum(named.get(name, name) if name in given else '0', name, per)} as {name}" for name in lmdi.MEASURES]
    wanted = [f"day >= date '{span.first}' and day < date '{span.end}'"]
    wanted += [f"{named.get(name, name)} = {quoted(value)}" for name, value in (asked.where or {}).items()]
    grouped = ", ".join(str(place) for place in range(3, len(keys) + 3))
    listed = ", ".join((f"{side} as side", f"{days // per} as days", *keys, *sums))
    return f"select {listed} from {table} where {' and '.join(wanted)} group by {grouped}"


def _sum(value: str, name: str, per: int) -> str:
    """A sum over a span, divided by its days where those are not one: dollars to the pico-dollar, counts as floats."""
    kind = "decimal(38,12)" if name.endswith("_usd") else "double"
    if value == "0":
        return f"cast(0 as {kind})"
    if per != 1 and name.endswith("_usd"):
        return f"to_usd(div_trunc(to_pico(sum({value})), {per}))"
    return f"cast(sum({value}) as {kind})" if per == 1 else f"cast(sum({value}) as double) / {per}"


def totals(pairs: pl.DataFrame) -> tuple[Decimal, Decimal]:
    """What both spans cost, exactly."""
    lines = pairs.filter(pl.col("part") == lmdi.LINE)
    before, after = (lines.get_column(f"cost_usd{side}").sum() for side in (lmdi.BEFORE, lmdi.AFTER))
    return Decimal(before or 0), Decimal(after or 0)
