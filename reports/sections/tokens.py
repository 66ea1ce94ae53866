"""Tokens, and what the provider's cache saved."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.frame import Frame
from meterbook.reports.numbers import change, count, dollars, percent, points, ratio
from meterbook.reports.section import Section


def _build(frame: Frame) -> Mapping[str, Any] | None:
    now, before = frame.caching(frame.span), frame.caching(frame.week.before)
    if not now["requests"]:
        return None
    share, was = _share(now), _share(before)
    names = (("requests", "Requests"), ("input_tokens", "Input tokens, uncached"), ("cache_read_tokens", "Input tokens, read from cache"))
    more = (("cache_write_tokens", "Input tokens, written to cache"), ("output_tokens", "Output tokens"))
    rows = [
        {
            "name": label,
            "now": count(now[key]),
            "before": count(before[key]),
            "change": percent(change(now[key], before[key]) if before[key] else None, plus=True),
        }
        for key, label in (*names, *more)
    ]
    return {
        "rows": rows,
        "share": percent(share),
        "share_change": points(None if share is None or was is None else share - was),
        "saving": dollars(now["cache_saving_usd"]),
        "basis": frame.week.basis,
    }


def _share(row: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- Decimal or None
    return ratio(row["cache_read_tokens"], row["input_tokens"] + row["cache_read_tokens"] + row["cache_write_tokens"])


SECTION = Section("tokens", _build, "No requests in this week.", "Tokens and caching")
