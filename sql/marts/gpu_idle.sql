/*
Whose idle GPU time it was and what it cost: warm idle of the team that held the GPU, free idle of the owner of its pool.

grain: one row per day, pool, owner and state
key: [day, pool, owner, idle_state]
daily: true
book_days: true
must:
  - idle_seconds > 0 and unpriced_seconds <= idle_seconds
*/
with idle as (
    select
        hour.book_day, hour.pool, 'warm idle' as idle_state, hour.team as owner, hour.warm_idle_seconds as seconds,
        hour.warm_idle_cost_usd as cost_usd, hour.cost_usd is null as is_unpriced
    from core.gpu_hour as hour
    where hour.book_day >= getvariable('from_day') and hour.book_day < getvariable('to_day') and hour.warm_idle_seconds > 0
    union all
    select
        hour.book_day, hour.pool, 'free idle', pool.owner, hour.free_idle_seconds, hour.free_idle_cost_usd, hour.cost_usd is null
    from core.gpu_hour as hour
    left join book.gpu_pool as pool on pool.pool = hour.pool
    where hour.book_day >= getvariable('from_day') and hour.book_day < getvariable('to_day') and hour.free_idle_seconds > 0
)
select
    idle.book_day as day, coalesce(idle.pool, '(none)') as pool, coalesce(nullif(idle.owner, 'unassigned'), 'unallocated') as owner,
    idle.idle_state, cast(sum(idle.seconds) as bigint) as idle_seconds,
    cast(sum(case when idle.is_unpriced then idle.seconds else 0 end) as bigint) as unpriced_seconds,
    cast(sum(case when not idle.is_unpriced then idle.cost_usd end) as decimal(38,12)) as cost_usd
from idle
group by idle.book_day, coalesce(idle.pool, '(none)'), coalesce(nullif(idle.owner, 'unassigned'), 'unallocated'), idle.idle_state
