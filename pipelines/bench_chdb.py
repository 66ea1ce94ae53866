"""Pricing and roll-up in chDB, which is ClickHouse in the process: one query over the files, money in whole pico-dollars."""

from collections.abc import Sequence
from pathlib import Path

import chdb

from meterbook.pipelines.bench_job import BANDS, CALL, DIMENSIONS, FREE, METER, PRICE, PRICED, Files


def price(files: Files, threads: int) -> tuple[int, int]:
    """Price and group all requests.

    Args:
        files: Parquet of core.request, core.price_in_force and core.request_meter.
        threads: of the query.

    Returns:
        Requests, and what they cost in pico-dollars.
    """
    requests, pico = str(chdb.query(_query(files, threads), "TSV")).split()
    return int(requests), int(pico)


def _query(files: Files, threads: int) -> str:
    tokens = " + ".join(f"ifNull(call.{name} * rate.{pico}, 0)" for name, pico in PRICED.items())
    bands = (
        f"call.{value} >= rate.{low} and call.{value} < rate.{high}"
        if is_half_open
        else f"ifNull(call.{value}, 0) > rate.{low} and ifNull(call.{value}, 0) <= rate.{high}"
        for value, low, high, is_half_open in BANDS
    )
    whole = f"{tokens} + rate.request_pico + ifNull(other.other, 0)"
    cost = f"multiIf(ifNull(call.billing, '') = '{FREE}', 0, other.unpriced > 0, null, {whole})"
    return f"""
        select sum(requests), sum(cost) from (
            select {", ".join(f"call.{name} as {name}" for name in DIMENSIONS)}, count(*) as requests,
                countIf(call.status = 'failure') as failed, countIf(call.attempt > 1) as repeated,
                {", ".join(f"sum(call.{name}) as {name}" for name in PRICED)}, sum({cost}) as cost
            from (select {", ".join(CALL)} from {_files(files["core.request"])}) as call
            inner join (select {", ".join(PRICE)} from {_files(files["core.price_in_force"])}) as rate
                on rate.day = call.day and rate.priced_as = call.priced_as
            left join (
                select day, request_id, toInt64(sum(effective_cost_usd) * 1000000000000) as other,
                    countIf(effective_cost_usd is null) as unpriced
                from (select {", ".join(METER)} from {_files(files["core.request_meter"])}) group by day, request_id
            ) as other on other.day = call.day and other.request_id = call.metered_id
            where {" and ".join(bands)}
            group by {", ".join(DIMENSIONS)}
        ) settings max_threads = {threads}
    """


def _files(paths: Sequence[Path]) -> str:
    """All files of a table lie in one folder."""
    return f"file('{paths[0].parent.resolve()}/*.parquet', Parquet)"
