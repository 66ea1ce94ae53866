/*
What drives the cost of GPUs on the cost lines they are on: seconds and dollars by what was done with them, who held them and which they were.

grain: one row per day, cost line, owner, pool, GPU model and whether the hours have a price
key: [day, line, team, tenant, feature, pool, gpu_model, is_priced]
daily: true
book_days: true
must:
  - seconds >= 0
*/
with hour as (
    select
        hour.book_day as day, coalesce(hour.pool, '(none)') as pool, coalesce(hour.gpu_model, '(none)') as gpu_model,
        coalesce(case when hour.team = 'unassigned' then pool.owner else hour.team end, 'unowned') as holder,
        coalesce(pool.owner, 'unallocated') as owner, hour.tenant, hour.feature, hour.used_seconds, hour.warm_idle_seconds,
        hour.free_idle_seconds, hour.unknown_seconds, hour.used_cost_usd, hour.warm_idle_cost_usd, hour.free_idle_cost_usd,
        hour.unknown_cost_usd, hour.cost_usd is not null as is_priced
    from core.gpu_hour as hour
    left join book.gpu_pool as pool on pool.pool = hour.pool
    where hour.book_day >= getvariable('from_day') and hour.book_day < getvariable('to_day')
),
line as (
    select
        hour.day, 'GPU used' as line, hour.holder as team, hour.tenant, hour.feature, hour.pool, hour.gpu_model, hour.is_priced,
        hour.used_seconds as seconds, hour.used_cost_usd as cost_usd
    from hour
    union all
    select hour.day, 'GPU warm idle', hour.holder, hour.tenant, hour.feature, hour.pool, hour.gpu_model, hour.is_priced,
        hour.warm_idle_seconds, hour.warm_idle_cost_usd
    from hour
    union all
    select hour.day, 'GPU free idle', hour.owner, '(none)', '(none)', hour.pool, hour.gpu_model, hour.is_priced, hour.free_idle_seconds,
        hour.free_idle_cost_usd
    from hour
    union all
    select hour.day, 'GPU unknown', hour.owner, '(none)', '(none)', hour.pool, hour.gpu_model, hour.is_priced, hour.unknown_seconds,
        hour.unknown_cost_usd
    from hour
)
select
    line.day, line.line, line.team, line.tenant, line.feature, line.pool, line.gpu_model, line.is_priced,
    cast(sum(line.seconds) as bigint) as seconds, cast(coalesce(sum(line.cost_usd), 0) as decimal(38,12)) as cost_usd
from line
where line.seconds > 0 or line.cost_usd <> 0
group by line.day, line.line, line.team, line.tenant, line.feature, line.pool, line.gpu_model, line.is_priced
