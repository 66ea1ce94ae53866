/*
How busy each pool that serves models was hour by hour, what the hour cost, and what its tokens would have cost at an API.

grain: one row per pool and UTC hour
key: [day, started_at, pool]
daily: true
book_days: true
must:
  - used_seconds + unknown_seconds <= capacity_seconds
*/
select
    hour.book_day as day, hour.started_at, hour.pool, cast(sum(hour.capacity_seconds) as bigint) as capacity_seconds,
    cast(sum(hour.used_seconds) as bigint) as used_seconds, cast(sum(hour.unknown_seconds) as bigint) as unknown_seconds,
    cast(sum(hour.input_tokens + hour.cache_read_tokens + hour.cache_write_tokens + hour.output_tokens) as bigint) as tokens,
    -- Unknown where a part of it is.
    cast(case when count(hour.allocation_cost_usd) = count(*) then sum(hour.allocation_cost_usd) end as decimal(38,12))
        as allocation_cost_usd,
    cast(case when count(hour.api_cost_usd) = count(*) then sum(hour.api_cost_usd) end as decimal(38,12)) as api_cost_usd
from core.self_hosted_hour as hour
where hour.book_day >= getvariable('from_day') and hour.book_day < getvariable('to_day')
group by hour.book_day, hour.started_at, hour.pool
