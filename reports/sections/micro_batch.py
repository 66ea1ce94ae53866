"""Micro-batches of self-hosted models: how many calls would have been answered together, and what waiting for one another adds."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import Row
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import NBSP, NONE, count, percent, plural, ratio
from meterbook.reports.section import Section

_ROWS = """
    select pool, model, window_ms, cast(sum(case when batches is not null then calls else 0 end) as bigint) as calls,
        cast(coalesce(sum(batches), 0) as bigint) as batches, cast(coalesce(sum(calls_saved), 0) as bigint) as calls_saved,
        max(largest_batch) as largest_batch, max(added_p50_ms) as added_p50_ms, max(added_p95_ms) as added_p95_ms,
        cast(sum(case when batches is null then calls else 0 end) as bigint) as unknown_calls, min(unknown_reason) as unknown_reason,
        sum(gain_ratio * calls) / nullif(sum(case when gain_ratio is not null then calls end), 0) as gain_ratio
    from marts.micro_batch where day >= ? and day < ? group by pool, model, window_ms order by pool, model, window_ms
"""


_FEW = 100
"""A window that joins fewer than one call of so many gathers none worth waiting for."""
_ALONE = f"Calls hardly ever met: waiting {{}}{NBSP}ms for more would have joined fewer than one in {_FEW} to another."


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    rows = frame.rows(_ROWS, *frame.span)
    if not rows:
        return None
    known = [row for row in rows if row["calls"]]
    gathers = any(row["calls_saved"] * _FEW >= row["calls"] for row in known)
    return {
        "rows": [_row(row) for row in known] if gathers else [],
        "alone": "" if gathers or not known else _ALONE.format(known[-1]["window_ms"]),
        "has_gain": any(row["gain_ratio"] is not None for row in rows),
        # Each window has the same calls.
        "unknown": sorted(
            {
                f"Of {plural(row['unknown_calls'], 'call')} of {row['model']} it is not known: {row['unknown_reason']}."
                for row in rows
                if row["unknown_calls"]
            }
        ),
    }


def _row(row: Row) -> Mapping[str, str]:
    size = ratio(row["calls"], row["batches"])
    return {
        "pool": row["pool"],
        "model": row["model"],
        "window": f"{row['window_ms']}{NBSP}ms",
        "size": NONE if size is None else f"{size:.2f}",
        "largest": count(row["largest_batch"]),
        "saved": percent(ratio(row["calls_saved"], row["calls"])),
        "added": f"{row['added_p50_ms']} / {row['added_p95_ms']}{NBSP}ms",
        "gain": NONE if row["gain_ratio"] is None else percent(Decimal(str(row["gain_ratio"])), plus=True),
    }


SECTION = Section("micro_batch", _build, "No calls of self-hosted models in this month.", "Micro-batches of self-hosted models")
