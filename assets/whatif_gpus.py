"""Calls of a scenario that move to GPUs of one's own: what they spare at the API, less what the GPUs cost, hour by hour."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

import duckdb

from meterbook.assets.book import BookError
from meterbook.assets.whatif import OwnGpuChange
from meterbook.assets.whatif_lakes import SCENARIOS
from meterbook.assets.whatif_outcome import PICO, Found, Group
from meterbook.rate_cards.patterns import like
from meterbook.reports.frame import Row, rows_of
from meterbook.reports.saving_ledger import Range
from meterbook.sql.lake import quoted

HOURS = 24
_HOUR_SECONDS, _PPM = 3600, 1_000_000


def moved(
    con: duckdb.DuckDBPyConnection, calls: str, one: OwnGpuChange, left: Mapping[Group, Range], *, paid_usd: Decimal, days: Sequence[str]
) -> Found:
    """What moving saves by group, signed: the GPUs are paid every hour, and are borne by a day's groups as the tokens they move.

    Args:
        con: any connection.
        calls: priced calls, as SQL.
        one: the change.
        left: what the other changes leave of each group's cost, in USD.
        paid_usd: what the GPUs cost on a day.
        days: the days that are looked at; on one without such calls the last group bears what is paid.

    Raises:
        BookError: none of the calls costs anything.
    """
    found: dict[Group, dict[str, Decimal]] = {}
    for place, name in enumerate(SCENARIOS):
        capacity = int(one.gpus * one.tokens_per_second[place] * one.utilization[place] * _HOUR_SECONDS)
        of_day: dict[str, list[Row]] = defaultdict(list)
        for row in rows_of(con, _query(calls, one, capacity)):
            of_day[row["day"]].append(row)
        if not of_day:
            raise BookError(f"own_gpus: no call of {one.model} costs anything on these days, so that nothing could be spared")
        idle = {**next(reversed(of_day.values()))[-1], "moved_tokens": 0, "moved_ppm": 0}
        for day in days:
            rows = of_day.get(day, [{**idle, "day": day}])
            for row, part in zip(rows, _borne(paid_usd, [row["moved_tokens"] for row in rows]), strict=True):
                group = (day, row["feature"], row["provider"], row["model"])
                spared = getattr(left[group], name) * row["moved_ppm"] / _PPM if row["moved_ppm"] else Decimal(0)
                found.setdefault(group, {})[name] = spared.quantize(PICO, ROUND_DOWN) - part
    return {(group, "own GPUs"): Range(*(of[name] for name in SCENARIOS)) for group, of in found.items()}


def _borne(paid: Decimal, tokens: Sequence[int]) -> list[Decimal]:
    """An amount split as tokens; the last one bears what is left, so that the parts are the whole."""
    whole = sum(tokens)
    parts = [(paid * one / whole if whole else Decimal(0)).quantize(PICO, ROUND_DOWN) for one in tokens[:-1]]
    return [*parts, paid - sum(parts, Decimal(0))]


def _query(calls: str, one: OwnGpuChange, capacity: int) -> str:
    """By day and group: tokens that fit into the hours' capacity, and the share of its cost that goes with them, in millionths."""
    feature = "" if one.feature is None else f"and coalesce(feature, '(none)') = {quoted(one.feature)}"
    tokens = "coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0)"
    return f"""
        with call as (
            select cast(book_day as varchar) as day, coalesce(feature, '(none)') as feature, coalesce(provider, '(none)') as provider,
                coalesce(model, '(none)') as model,
                date_trunc('hour', started_at) as hour, row_pico(cost_usd) as cost,
                {tokens} + coalesce(cache_write_1h_tokens, 0) + coalesce(output_tokens, 0) as tokens
            from {calls}
            where lower(model) like {quoted(like(one.model.lower()))} escape '!' {feature} and not is_cache_hit and cost_usd > 0
        ),
        hour as (
            select hour, case when sum(tokens) <= {capacity} then {_PPM} else {capacity} * cast({_PPM} as hugeint) // sum(tokens) end as ppm
            from call group by hour
        )
        select call.day, call.feature, call.provider, call.model, cast(sum(call.cost * hour.ppm) // sum(call.cost) as bigint) as moved_ppm,
            cast(sum(call.tokens * hour.ppm) // {_PPM} as bigint) as moved_tokens
        from call inner join hour on hour.hour = call.hour
        group by all order by all
    """
