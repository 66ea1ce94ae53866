/*
What each hour of a pool that serves models cost, by model and on two bases, beside what an API would have cost for the same tokens.

grain: one row per UTC hour, pool and model; '(none)' has the hours in which the pool served none
key: [started_at, pool, model, api]
daily: true
must:
  - (allocation_cost_usd is null) = (cost_reason is not null)
  - (usage_cost_usd is null) = (cost_reason is not null)
  - usage_cost_usd <= allocation_cost_usd or cost_reason is not null
should:
  - cost_reason is null
*/
-- Allocation: all hours of the pool - used, warm idle, free idle, unknown - and operations on top. Usage: the used seconds alone.
with ops as (
    select calendar.day, served.pool, max(cast(served.ops_ratio * 1000000 as decimal(12,0))) as millionths
    from book.day as calendar
    inner join book.self_hosted as served on calendar.day >= served.starts_on and calendar.day < served.ends_on
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
    group by calendar.day, served.pool
),
pool as (
    select
        hour.day, hour.book_day, hour.started_at, hour.pool, max(ops.millionths) as ops,
        cast(sum(hour.capacity_seconds) as decimal(18,0)) as capacity, cast(sum(hour.used_seconds) as decimal(18,0)) as used,
        cast(sum(hour.unknown_seconds) as decimal(18,0)) as unknown,
        -- One device without a price, and the pool's cost is unknown.
        case when count(hour.cost_usd) = count(*) then cast(sum(to_pico(hour.cost_usd)) as decimal(19,0)) end as pico,
        case when count(hour.cost_usd) = count(*) then cast(sum(to_pico(hour.used_cost_usd)) as decimal(19,0)) end as used_pico
    from core.gpu_hour as hour
    inner join ops on ops.day = hour.day and ops.pool = hour.pool
    where hour.day >= getvariable('from_day') and hour.day < getvariable('to_day')
    group by hour.day, hour.book_day, hour.started_at, hour.pool
),
-- Each model takes what the weight up to its own costs less that before it, so that parts sum to the whole.
part as (
    select
        coalesce(pool.day, used.day) as day, coalesce(pool.book_day, used.book_day) as book_day,
        coalesce(pool.started_at, used.started_at) as started_at, coalesce(pool.pool, used.pool) as pool, used.model, used.api,
        used.requests, used.uncounted_requests, used.unpriced_requests, used.input_tokens, used.cache_read_tokens, used.cache_write_tokens,
        used.output_tokens, used.api_cost_usd, coalesce(used.weight_from, 0) as low, coalesce(used.weight_to, 1) as high,
        coalesce(used.weight_whole, 1) as whole, pool.pool is not null as is_seen, pool.used_pico,
        pool.pico + div_trunc(pool.pico * pool.ops, 1000000) as pico, coalesce(pool.capacity, 0) as capacity,
        coalesce(pool.used, 0) as used, coalesce(pool.unknown, 0) as unknown
    from pool
    full join (
        select * from core.self_hosted_use where day >= getvariable('from_day') and day < getvariable('to_day')
    ) as used on used.pool = pool.pool and used.started_at = pool.started_at
)
select
    day, book_day, started_at, pool, coalesce(model, '(none)') as model, coalesce(api, '(none)') as api, coalesce(requests, 0) as requests,
    coalesce(uncounted_requests, 0) as uncounted_requests, coalesce(unpriced_requests, 0) as unpriced_requests,
    coalesce(input_tokens, 0) as input_tokens, coalesce(cache_read_tokens, 0) as cache_read_tokens,
    coalesce(cache_write_tokens, 0) as cache_write_tokens, coalesce(output_tokens, 0) as output_tokens,
    cast(div_trunc(capacity * high, whole) - div_trunc(capacity * low, whole) as bigint) as capacity_seconds,
    cast(div_trunc(used * high, whole) - div_trunc(used * low, whole) as bigint) as used_seconds,
    cast(div_trunc(unknown * high, whole) - div_trunc(unknown * low, whole) as bigint) as unknown_seconds,
    to_usd(div_trunc(pico * high, whole) - div_trunc(pico * low, whole)) as allocation_cost_usd,
    to_usd(div_trunc(used_pico * high, whole) - div_trunc(used_pico * low, whole)) as usage_cost_usd,
    case when not is_seen then 'no GPU hours of the pool' when pico is null then 'no price of its GPU hours' end as cost_reason,
    case when model is null then to_usd(0) else api_cost_usd end as api_cost_usd
from part
