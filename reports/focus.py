"""A month as FOCUS 1.2 Cost and Usage: typed Parquet, the same rows as CSV, and a manifest with control totals.

The Parquet file is the truth. The CSV is a rendering of it for machines by RFC 4180: CRLF, UTF-8 without BOM, decimals in full with a
point, instants as `2026-10-01T00:00:00Z`, an empty cell for NULL, and values as they are: no guard characters. docs/focus.md says what
a row is.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb

from meterbook.reports.focus_columns import COLUMNS, FLAG, INSTANT
from meterbook.reports.periods import days_of, is_month
from meterbook.sql.lake import COPY, TEMPORARY, quoted, sha256_of, write_atomically
from meterbook.sql.models import ROOT

VERSION = "1.2"
PARQUET, CSV, MANIFEST = "focus.parquet", "focus.csv", "manifest.json"
PROOF = ROOT / "marts" / "focus_total.sql"
_BATCH = 10_000
_SUMS = ("billed_cost", "list_cost", "contracted_cost", "effective_cost")
_LEFT_OUT = {
    "calls without a known cost": """
        select coalesce(provider, '(none)') as provider, coalesce(model, '(none)') as model, unpriced_reason as reason,
            count(*) as requests, cast(sum(coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0)
                + coalesce(cache_write_1h_tokens, 0) + coalesce(output_tokens, 0)) as bigint) as tokens
        from core.request_cost where cost_usd is null and day >= $first and day < $end group by all order by all""",
    "provider usage without a known cost": """
        select coalesce(cost.provider, '(none)') as provider, coalesce(cost.model, '(none)') as model, cost.unpriced_reason as reason,
            count(*) as buckets
        from core.usage_cost as cost
        left join (select distinct day, provider from core.model_spend where basis = 'requests') as logged
            on logged.day = cost.day and logged.provider = coalesce(cost.provider, '(none)')
        where cost.cost_usd is null and logged.day is null and cost.day >= $first and cost.day < $end group by all order by all""",
    "GPU hours without a known cost": """
        select coalesce(pool, '(none)') as pool, coalesce(gpu_model, '(none)') as gpu_model,
            cast(sum(capacity_seconds) as bigint) as gpu_seconds
        from core.gpu_hour where cost_usd is null and day >= $first and day < $end group by all order by all""",
    "charges that are no AI spend": """
        select coalesce(provider, '(none)') as provider, currency, count(*) as lines, cast(sum(billed_cost) as varchar) as billed_cost
        from core.charge where billed_as is null and coalesce(billing_period, strftime(day, '%Y-%m')) = $period
        group by all order by all""",
}
"""What is not in the file, by what it is: FOCUS has no row for an unknown cost."""


class FocusError(ValueError):
    """There is nothing to export, or it is not what the lake says; the message is one line."""


class PartialError(FocusError):
    """The rows do not add up to what meterbook reports: nothing was written."""


@dataclass(frozen=True)
class FocusFacts:
    """What the file says beside the rows.

    Args:
        company: name of the book, FOCUS BillingAccountName.
        state: of the month: a closed one no longer changes.
    """

    company: str
    state: Literal["open", "closed"]


def bounds(period: str) -> tuple[date, date]:
    """Half-open days of a month.

    Raises:
        FocusError: no month.
    """
    if not is_month(period):
        raise FocusError(f"{period!r} is no month; say one such as 2026-10")
    return days_of(period)


def write_focus(folder: Path, period: str, con: duckdb.DuckDBPyConnection, facts: FocusFacts) -> list[Path]:
    """Write the rows of a billing period to `folder/<period>/`; files that say this already are left alone.

    Both files are made and read back beside their targets before either is replaced; the manifest goes first and comes last, so that it
    never describes other files than those that lie there.

    Args:
        folder: where the months lie.
        period: the billing period, YYYY-MM.
        con: a connection with the marts.
        facts: name of the book, state of the month.

    Returns:
        Parquet, CSV and manifest.

    Raises:
        FocusError: no month, or nothing in it.
        PartialError: the rows are not the cost of their days, not all of them were written, or the month is closed and has changed since.
    """
    span = bounds(period)
    [(rows,)] = con.execute("select count(*) from marts.focus where billing_period = ?", [period]).fetchall()
    if not rows:
        raise FocusError(f"there is nothing of {period} in the lake; `meterbook run` first, or name another month")
    if facts.state == "closed" and con.execute("select 1 from core.closed_gap where period = ?", [period]).fetchall():
        raise PartialError(
            f"{period} is closed and would come out otherwise now: what changed is corrected in the open month; files of it stay"
        )
    _prove(con, period, span)
    target = folder / period
    target.mkdir(parents=True, exist_ok=True)
    beside = {name: target / f".{name}{TEMPORARY}" for name in (PARQUET, CSV)}
    _write_parquet(con, period, facts, beside[PARQUET])
    _write_csv(con, beside[PARQUET], beside[CSV])
    _read_back(con, beside[PARQUET], period, rows)
    manifest = _manifest(con, period, facts, rows, beside)
    _settle(target, beside, json.dumps(manifest, indent=2) + "\n")
    return [target / name for name in (PARQUET, CSV, MANIFEST)]


def _prove(con: duckdb.DuckDBPyConnection, period: str, span: tuple[date, date]) -> None:
    """Hold the rows against the costs of their days once more: a day whose table is missing or stale would be missing here."""
    [(lowest, highest)] = con.execute("select min(day), max(day) + 1 from marts.focus where billing_period = ?", [period]).fetchall()
    con.execute(f"set variable from_day = date '{min(span[0], lowest)}'; set variable to_day = date '{max(span[1], highest)}'")
    query = f"select day, kind, effective_cost_usd, cost_usd from ({PROOF.read_text('utf-8')}) as total"
    broken = con.execute(f"{query} where effective_cost_usd <> cost_usd or billed_cost <> charged_cost order by day, kind").fetchall()
    if broken:
        day, kind, exported, cost = broken[0]
        more = f" (and {len(broken) - 1:,} more)" if broken[1:] else ""
        raise PartialError(
            f"{period} is not whole: {kind} of {day} costs {cost:f}, its FOCUS rows say {exported:f}{more}; `meterbook run` first"
        )


def _write_parquet(con: duckdb.DuckDBPyConnection, period: str, facts: FocusFacts, path: Path) -> None:
    listed = ", ".join(f'cast({made} as {dtype}) as "{name}"' for name, (made, dtype) in COLUMNS.items())
    con.execute(f"set variable company = {quoted(facts.company)}")
    query = f"select {listed} from marts.focus where billing_period = {quoted(period)} order by day, line_id"
    con.execute(f"copy ({query}) to {quoted(str(path))} ({COPY})")


def _write_csv(con: duckdb.DuckDBPyConnection, parquet: Path, path: Path) -> None:
    listed = ", ".join(_text(name, dtype) for name, (_, dtype) in COLUMNS.items())
    cursor = con.execute(f"select {listed} from read_parquet({quoted(str(parquet))})")
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        while batch := cursor.fetchmany(_BATCH):
            writer.writerows(batch)


def _text(name: str, dtype: str) -> str:
    if dtype == INSTANT:
        return f"strftime(timezone('UTC', \"{name}\"), '%Y-%m-%dT%H:%M:%SZ')"
    return f'cast("{name}" as varchar)' if dtype != FLAG else f"case when \"{name}\" then 'true' else 'false' end"


def _read_back(con: duckdb.DuckDBPyConnection, parquet: Path, period: str, rows: int) -> None:
    sums = ", ".join(f'sum("{name}")' for name in ("BilledCost", "EffectiveCost", "ListCost"))
    written = con.execute(f"select count(*), {sums} from read_parquet({quoted(str(parquet))})").fetchall()
    held = con.execute(
        "select count(*), sum(billed_cost), sum(effective_cost), sum(list_cost) from marts.focus where billing_period = ?", [period]
    ).fetchall()
    if written != held or written[0][0] != rows:
        raise PartialError(f"{period}: the file holds other rows than the lake; nothing was replaced")


def _manifest(con: duckdb.DuckDBPyConnection, period: str, facts: FocusFacts, rows: int, beside: Mapping[str, Path]) -> dict[str, Any]:
    sums = ", ".join(f"cast(sum({name}) as varchar) as {name}" for name in _SUMS)
    totals = f"""select kind, billing_currency, count(*) as rows, {sums}, cast(sum(effective_cost_usd) as varchar) as effective_cost_usd,
        cast(sum(billed_cost_usd) as varchar) as billed_cost_usd, count(unconverted_reason) as unconverted_rows
        from marts.focus where billing_period = $period group by all order by all"""
    first, end = bounds(period)
    given = {"period": period, "first": first, "end": end}
    left_out = {what: _records(con, query, given) for what, query in _LEFT_OUT.items()}
    return {
        "period": period,
        "state": facts.state,
        "specification": f"FOCUS {VERSION}",
        "dataset": "CostAndUsage",
        "rows": rows,
        "files": [{"file": name, "rows": rows, "bytes": path.stat().st_size, "sha256": sha256_of(path)} for name, path in beside.items()],
        "totals": _records(con, totals, given),
        "left_out": {what: found for what, found in left_out.items() if found},
    }


def _records(con: duckdb.DuckDBPyConnection, query: str, given: Mapping[str, object]) -> list[dict[str, Any]]:
    cursor = con.execute(query, {name: value for name, value in given.items() if f"${name}" in query})
    names: Sequence[str] = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _settle(target: Path, beside: Mapping[str, Path], manifest: str) -> None:
    told = target / MANIFEST
    if told.is_file() and told.read_text("utf-8") == manifest and all(_is_same(target / name, path) for name, path in beside.items()):
        for path in beside.values():
            path.unlink()
        return
    told.unlink(missing_ok=True)
    for name, path in beside.items():
        path.replace(target / name)
    write_atomically(told, manifest)


def _is_same(path: Path, other: Path) -> bool:
    return path.is_file() and path.stat().st_size == other.stat().st_size and sha256_of(path) == sha256_of(other)
