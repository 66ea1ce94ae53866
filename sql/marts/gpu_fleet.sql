/*
How many GPUs each pool had and how many of them a commitment covered, what they cost, and how the book wants the pool sized.

grain: one row per day and pool
key: [day, pool]
daily: true
book_days: true
must:
  - covered_seconds <= capacity_seconds
  - unpriced_seconds <= capacity_seconds
*/
with part as (
    select
        price.book_day, coalesce(device.pool, '(none)') as pool, price.started_at, cast(sum(price.seconds) as bigint) as seconds,
        cast(sum(price.covered_seconds) as bigint) as covered_seconds, cast(sum(price.cost_usd) as decimal(38,12)) as cost_usd,
        -- What is not covered of hours with a price; what a reservation covers is paid whether it is used or not.
        cast(sum(case when price.cost_usd is not null then price.seconds - price.covered_seconds else 0 end) as bigint) as open_seconds,
        cast(sum(price.cost_usd - price.covered_cost_usd) as decimal(38,12)) as open_cost_usd,
        cast(sum(case when price.cost_usd is null then price.seconds else 0 end) as bigint) as unpriced_seconds
    from core.gpu_price as price
    inner join core.gpu_device as device on device.day = price.day and device.device_id = price.device_id
    where price.book_day >= getvariable('from_day') and price.book_day < getvariable('to_day')
    group by price.book_day, coalesce(device.pool, '(none)'), price.started_at
),
seen as (
    select demand.book_day, demand.pool, max(demand.seen_seconds) as seconds
    from core.gpu_demand as demand
    where demand.book_day >= getvariable('from_day') and demand.book_day < getvariable('to_day')
    group by demand.book_day, demand.pool
)
select
    part.book_day as day, part.pool, max(pool.owner) as owner, cast(div_trunc(coalesce(max(seen.seconds), 0) + 299, 300) as bigint) as gpus,
    cast(div_trunc(max(part.covered_seconds) + 3599, 3600) as bigint) as committed_gpus,
    cast(sum(part.seconds) as bigint) as capacity_seconds, cast(sum(part.covered_seconds) as bigint) as covered_seconds,
    cast(sum(part.open_seconds) as bigint) as open_seconds, cast(sum(part.unpriced_seconds) as bigint) as unpriced_seconds,
    cast(sum(part.cost_usd) as decimal(38,12)) as cost_usd, cast(sum(part.open_cost_usd) as decimal(38,12)) as open_cost_usd,
    coalesce(max(pool.served_tier), 'standard') as served_tier, coalesce(max(pool.target_utilization), 0.7) as target_utilization,
    coalesce(max(pool.spare_gpus), 1) as spare_gpus, coalesce(max(pool.unit_gpus), 1) as unit_gpus,
    coalesce(max(pool.lead_days), 30) as lead_days
from part
left join seen on seen.book_day = part.book_day and seen.pool = part.pool
left join book.gpu_pool as pool on pool.pool = part.pool
group by part.book_day, part.pool
