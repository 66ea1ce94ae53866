"""Caches of whole answers: what the gateway's own spared, what one could still spare, and what would wrongly be claimed of it."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.frame import Row
from meterbook.reports.lever_text import SHOWN, spread, spread_of, summed
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import count, dollars, plural, share
from meterbook.reports.section import Section

_COUNTS = ("requests", "eligible_requests", "point_repeats", "late_repeats", "foreign_repeats", "claimed_repeats", "unpriced_repeats")
_HITS = ("cache_hits", "foreign_hits")
_COSTS = ("low_saving_usd", "point_saving_usd", "high_saving_usd", "cache_hit_value_usd")
_ROWS = f"""
    select feature, model, {", ".join(f"cast(sum({name}) as bigint) as {name}" for name in (*_COUNTS, *_HITS))},
        {", ".join(f"sum({name}) as {name}" for name in _COSTS)}
    from marts.response_cache where day >= ? and day < ? group by feature, provider, model
    order by coalesce(sum(point_saving_usd), 0) desc, sum(eligible_requests) desc, feature, model
"""
_SEMANTIC = """
    select feature, cast(sum(requests) as bigint) as requests, cast(sum(cache_hits) as bigint) as cache_hits,
        cast(sum(rated_hits) as bigint) as rated_hits, cast(sum(wrong_hits) as bigint) as wrong_hits,
        cast(sum(foreign_hits) as bigint) as foreign_hits, sum(cache_hit_value_usd) as cache_hit_value_usd,
        case when count(*) = count(embedding_usd) then sum(lookup_usd + embedding_usd) end as cost_usd,
        case when count(*) = count(saving_usd) then sum(saving_usd) end as saving_usd
    from marts.semantic_cache where day >= ? and day < ? group by feature order by sum(cache_hits) desc, feature
"""


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    rows = frame.rows(_ROWS, *frame.span)
    totals = {name: sum(row[name] for row in rows) for name in (*_COUNTS, *_HITS)}
    if not totals["eligible_requests"] and not totals["cache_hits"]:
        return None
    shown = [row for row in rows if row["claimed_repeats"] or row["cache_hits"]]
    return {
        "realised": _realised(rows, totals),
        "eligible": plural(totals["eligible_requests"], "call"),
        "eligible_share": share(totals["eligible_requests"], totals["requests"]),
        "true": share(totals["point_repeats"], totals["eligible_requests"]),
        "claimed": share(totals["claimed_repeats"], totals["eligible_requests"]),
        "late": count(totals["late_repeats"]),
        "foreign": count(totals["foreign_repeats"]),
        "saving": spread_of(rows),
        "unpriced": plural(totals["unpriced_repeats"], "repeat") if totals["unpriced_repeats"] else "",
        "crossed": plural(totals["foreign_hits"], "hit") if totals["foreign_hits"] else "",
        "rows": [_row(row) for row in shown[:SHOWN]],
        "more": max(0, len(shown) - SHOWN),
        "semantic": [_semantic(row) for row in frame.rows(_SEMANTIC, *frame.span)[:SHOWN]],
    }


def _realised(rows: list[Row], totals: Mapping[str, int]) -> str:
    hits = totals["cache_hits"]
    if not hits:
        return "The gateway's own cache answered no call."
    value = dollars(summed(rows, "cache_hit_value_usd"))
    return f"The gateway's own cache answered {share(hits, totals['requests'])} of the calls ({count(hits)}) and spared {value}."


def _row(row: Row) -> Mapping[str, str]:
    return {
        "feature": row["feature"],
        "model": row["model"],
        "hits": share(row["cache_hits"], row["requests"]),
        "eligible": share(row["eligible_requests"], row["requests"]),
        "true": share(row["point_repeats"], row["eligible_requests"]),
        "claimed": share(row["claimed_repeats"], row["eligible_requests"]),
        "saving": spread(row["low_saving_usd"], row["point_saving_usd"], row["high_saving_usd"]),
    }


def _semantic(row: Row) -> Mapping[str, str]:
    wrong, rated = row["wrong_hits"], row["rated_hits"]
    return {
        "feature": row["feature"],
        "hits": share(row["cache_hits"], row["requests"]),
        "value": dollars(row["cache_hit_value_usd"]),
        "cost": dollars(row["cost_usd"]),
        "saving": dollars(row["saving_usd"]),
        "wrong": f"{share(wrong, rated)} of {count(rated)} rated" if rated else "none rated",
        "crossed": count(row["foreign_hits"]),
    }


SECTION = Section(
    "response_cache", _build, "No call of this month could be answered from a cache of answers, as far as logs tell.", "Response cache"
)
