/*
What GPUs did and cost by pool: used, warm idle (memory held), free idle, unknown.

grain: one row per day, pool and GPU model
key: [day, pool, gpu_model]
daily: true
book_days: true
must:
  - used_seconds + warm_idle_seconds + free_idle_seconds + unknown_seconds = capacity_seconds
*/
select
    hour.book_day as day, coalesce(hour.pool, '(none)') as pool, coalesce(hour.gpu_model, '(none)') as gpu_model, max(pool.owner) as owner,
    cast(sum(hour.capacity_seconds) as bigint) as capacity_seconds, cast(sum(hour.used_seconds) as bigint) as used_seconds,
    cast(sum(hour.warm_idle_seconds) as bigint) as warm_idle_seconds, cast(sum(hour.free_idle_seconds) as bigint) as free_idle_seconds,
    cast(sum(hour.unknown_seconds) as bigint) as unknown_seconds,
    cast(sum(hour.cost_usd) as decimal(38,12)) as cost_usd, cast(sum(hour.used_cost_usd) as decimal(38,12)) as used_cost_usd,
    cast(sum(hour.warm_idle_cost_usd) as decimal(38,12)) as warm_idle_cost_usd,
    cast(sum(hour.free_idle_cost_usd) as decimal(38,12)) as free_idle_cost_usd,
    cast(sum(hour.unknown_cost_usd) as decimal(38,12)) as unknown_cost_usd
from core.gpu_hour as hour
left join book.gpu_pool as pool on pool.pool = hour.pool
where hour.book_day >= getvariable('from_day') and hour.book_day < getvariable('to_day')
group by hour.book_day, coalesce(hour.pool, '(none)'), coalesce(hour.gpu_model, '(none)')
