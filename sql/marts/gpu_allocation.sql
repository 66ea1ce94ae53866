/*
Who had GPUs, by job, on two bases: allocation (all the time they were held) and usage (the time work ran); what nobody held is its pool's.

grain: one row per day, pool, GPU model, team, tenant, feature and job; '(nobody)' is time no team held
key: [day, pool, gpu_model, team, tenant, feature, job_id]
daily: true
book_days: true
must:
  - used_seconds <= allocated_seconds
  - used_cost_usd <= allocated_cost_usd or allocated_cost_usd is null
*/
select
    hour.book_day as day, coalesce(hour.pool, '(none)') as pool, coalesce(hour.gpu_model, '(none)') as gpu_model,
    case when hour.team = 'unassigned' then '(nobody)' else hour.team end as team, hour.tenant, hour.feature, hour.job_id,
    count(distinct hour.device_id) as devices, cast(sum(hour.capacity_seconds) as bigint) as allocated_seconds,
    cast(sum(hour.used_seconds) as bigint) as used_seconds, cast(sum(hour.warm_idle_seconds) as bigint) as warm_idle_seconds,
    cast(sum(hour.free_idle_seconds) as bigint) as free_idle_seconds, cast(sum(hour.unknown_seconds) as bigint) as unknown_seconds,
    -- A sum without the hours whose cost is unknown would pass for the whole.
    cast(case when count(hour.cost_usd) = count(*) then sum(hour.cost_usd) end as decimal(38,12)) as allocated_cost_usd,
    cast(case when count(hour.cost_usd) = count(*) then sum(hour.used_cost_usd) end as decimal(38,12)) as used_cost_usd,
    cast(case when count(hour.cost_usd) = count(*) then sum(hour.warm_idle_cost_usd) end as decimal(38,12)) as warm_idle_cost_usd
from core.gpu_hour as hour
where hour.book_day >= getvariable('from_day') and hour.book_day < getvariable('to_day')
group by hour.book_day, coalesce(hour.pool, '(none)'), coalesce(hour.gpu_model, '(none)'),
    case when hour.team = 'unassigned' then '(nobody)' else hour.team end, hour.tenant, hour.feature, hour.job_id
