"""Answers against the cap that nearly all accepted ones would have fitted under: what was cut off, and what that cap would have saved."""

from collections.abc import Mapping, Sequence
from typing import Any

from meterbook.reports.frame import Row
from meterbook.reports.lever_text import SHOWN, spread, spread_of, summed
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import NONE, count, dollars, plural
from meterbook.reports.section import Section

_ROWS = """
    select feature, model, cast(sum(requests) as bigint) as requests, arg_max(median_tokens, day) as median_tokens,
        arg_max(p95_tokens, day) as p95_tokens, arg_max(p995_tokens, day) as p995_tokens, arg_max(cap_tokens, day) as cap_tokens,
        coalesce(bool_or(is_stated), false) as is_stated, arg_max(asked_cap_tokens, day) as asked_cap_tokens,
        cast(sum(truncated_requests) as bigint) as truncated_requests, cast(sum(asked_again_requests) as bigint) as asked_again_requests,
        sum(truncated_cost_usd) as truncated_cost_usd, sum(asked_again_cost_usd) as asked_again_cost_usd,
        cast(sum(over_cap_requests) as bigint) as over_cap_requests, cast(sum(unpriced_requests) as bigint) as unpriced_requests,
        sum(low_saving_usd) as low_saving_usd, sum(point_saving_usd) as point_saving_usd, sum(high_saving_usd) as high_saving_usd
    from marts.output_use where day >= ? and day < ? group by feature, provider, model
    order by coalesce(sum(high_saving_usd), 0) desc, requests desc, feature, model
"""


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    rows = frame.rows(_ROWS, *frame.span)
    if not rows:
        return None
    return {
        "saving": spread_of(rows),
        "pays": summed(rows, "point_saving_usd") >= 0,
        "cut": _cut(rows),
        "rows": [_row(row) for row in rows[:SHOWN]],
        "more": max(0, len(rows) - SHOWN),
        "lacking": plural(sum(row["cap_tokens"] is None for row in rows), "pair"),
        "has_lacking": any(row["cap_tokens"] is None for row in rows),
    }


def _cut(rows: Sequence[Row]) -> str:
    cut, again = (sum(row[f"{name}_requests"] for row in rows) for name in ("truncated", "asked_again"))
    if not cut:
        return "No answer is known to have been cut off."
    said = f"{plural(cut, 'answer')} {'was' if cut == 1 else 'were'} cut off and cost {dollars(summed(rows, 'truncated_cost_usd'))}; "
    if not again:
        return f"{said}none is known to have been asked for again."
    return (
        f"{said}"
        f"{again:,} of them {'is' if again == 1 else 'are'} known to have been asked for again, "
        f"so that {dollars(summed(rows, 'asked_again_cost_usd'))} bought nothing."
    )


def _row(row: Row) -> Mapping[str, str]:
    names = ("median", "p95", "p995", "asked_cap")
    cap = NONE if row["cap_tokens"] is None else f"{row['cap_tokens']:,}" + (" (stated)" if row["is_stated"] else "")
    return {
        "feature": row["feature"],
        "model": row["model"],
        "answers": count(row["requests"]),
        **{name: NONE if row[f"{name}_tokens"] is None else f"{row[f'{name}_tokens']:,}" for name in names},
        "cap": cap,
        "cut": count(row["truncated_requests"]),
        "saving": spread(row["low_saving_usd"], row["point_saving_usd"], row["high_saving_usd"]),
    }


SECTION = Section("output_use", _build, "No answers in this month.", "Output against a cap")
