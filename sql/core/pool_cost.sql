/*
What each shared pool costs on a day: its monthly amount, spread evenly, and the cost lines nobody owns that it takes.

grain: one row per day, pool and cost line it takes; an empty line is its monthly amount
key: [day, place, line, basis, cost_centre, tenant, feature]
daily: true
must:
  - cost_usd is not null
*/
with pool as (
    select
        calendar.day, calendar.days_in_month, calendar.day_of_month, pool.place, pool.pool, pool.monthly_usd, pool.basis
    from book.day as calendar
    inner join book.pool as pool on calendar.day >= pool.starts_on and calendar.day < pool.ends_on
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
),
-- A line goes to the first pool that asks for it.
taken as (
    select line.day, line.line, line.basis, line.cost_centre, line.tenant, line.feature, line.cost_usd, min(pool.place) as place
    from core.cost_line as line
    inner join pool on pool.day = line.day and pool.monthly_usd is null and line.basis like pool.basis escape '!'
    inner join book.pool_line as wanted on wanted.place = pool.place and line.line like wanted.pattern escape '!'
    where line.day >= getvariable('from_day') and line.day < getvariable('to_day') and line.team = 'unallocated'
    group by line.day, line.line, line.basis, line.cost_centre, line.tenant, line.feature, line.cost_usd
)
select
    pool.day, pool.place, pool.pool, '' as line, '' as basis, '' as cost_centre, '(none)' as tenant, '(none)' as feature,
    -- The pico-dollars a month does not divide into go to its first days.
    to_usd(div_trunc(to_pico(pool.monthly_usd), pool.days_in_month)
        + case when cast(pool.day_of_month as decimal(38,0)) <= to_pico(pool.monthly_usd) % pool.days_in_month then 1 else 0 end) as cost_usd
from pool
where pool.monthly_usd is not null
union all
select
    taken.day, taken.place, pool.pool, taken.line, taken.basis, taken.cost_centre, taken.tenant, taken.feature,
    cast(taken.cost_usd as decimal(38,12)) as cost_usd
from taken
inner join pool on pool.day = taken.day and pool.place = taken.place
