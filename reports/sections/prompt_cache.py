"""The providers' prompt caches: what they spared net of writing and keeping, when that pays, and what could still be read from them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import ZERO, Row
from meterbook.reports.lever_text import SHOWN, spread, spread_of, summed
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import NONE, dollars, plural, ratio, share
from meterbook.reports.section import Section

_COUNTS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "unpriced_requests", "point_read_tokens")
_COSTS = (
    *("read_saving_usd", "write_premium_usd", "storage_usd", "saving_usd"),
    *("low_saving_usd", "point_saving_usd", "high_saving_usd"),
)
_ROWS = f"""
    select feature, model, {", ".join(f"cast(sum({name}) as bigint) as {name}" for name in _COUNTS)},
        {", ".join(f"sum({name}) as {name}" for name in _COSTS)}
    from marts.prompt_cache where day >= ? and day < ? group by feature, provider, model
    order by abs(coalesce(sum(saving_usd), 0)) + abs(coalesce(sum(point_saving_usd), 0)) desc, feature, model
"""


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    rows = frame.rows(_ROWS, *frame.span)
    shown = [row for row in rows if row["cache_read_tokens"] or row["cache_write_tokens"] or row["storage_usd"] or row["point_read_tokens"]]
    if not shown:
        return None
    unpriced = sum(row["unpriced_requests"] for row in rows)
    losing = [row for row in shown if (row["saving_usd"] or ZERO) < 0]
    return {
        "saving": dollars(summed(rows, "saving_usd")),
        "read": dollars(summed(rows, "read_saving_usd")),
        "premium": dollars(summed(rows, "write_premium_usd")),
        "storage": dollars(summed(rows, "storage_usd")) if summed(rows, "storage_usd") else "",
        "potential": spread_of(rows),
        "losing": [f"{row['feature']} on {row['model']} ({dollars(row['saving_usd'])})" for row in losing[:SHOWN]],
        "unpriced": plural(unpriced, "call") if unpriced else "",
        "rows": [_row(row) for row in shown[:SHOWN]],
        "more": max(0, len(shown) - SHOWN),
    }


def _row(row: Row) -> Mapping[str, str]:
    read, written = row["cache_read_tokens"], row["cache_write_tokens"]
    return {
        "feature": row["feature"],
        "model": row["model"],
        "share": share(read, row["input_tokens"] + read + written),
        "reads": _times(ratio(read, written)),
        "needed": _times(break_even(row)),
        "saving": dollars(row["saving_usd"]),
        "mood": "over" if (row["saving_usd"] or ZERO) < 0 else "",
        "potential": spread(row["low_saving_usd"], row["point_saving_usd"], row["high_saving_usd"]),
    }


def break_even(row: Row) -> Decimal | None:
    """Reads of each written token that pay for having written it: (p_write - p_in) / (p_in - p_read), at the prices that were paid.

    Args:
        row: `cache_read_tokens`, `cache_write_tokens`, `read_saving_usd` and `write_premium_usd`.

    Returns:
        None where nothing was read or written, or no price is known.
    """
    more, less = row["write_premium_usd"], row["read_saving_usd"]
    if more is None or less is None:
        return None
    dearer, cheaper = ratio(more, row["cache_write_tokens"]), ratio(less, row["cache_read_tokens"])
    return None if dearer is None or cheaper is None else ratio(dearer, cheaper)


def _times(value: Decimal | None) -> str:
    return NONE if value is None else f"{value:,.2f}"


SECTION = Section(
    "prompt_cache", _build, "No prompt cache was used in this month, and no prefix repeats as far as logs tell.", "Prompt cache"
)
