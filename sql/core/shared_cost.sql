/*
What each team pays of each shared pool: split by the pool's key in the order in which pools stand, parts of a pool passed on to later ones.

grain: one row per day, pool, cost line it took, pool it came through and team ('unallocated' where nobody has any weight)
key: [day, pool, line, through, team]
daily: true
then: allocate
must:
  - cost_usd is not null
*/
-- Every pool that holds on a day is there, also for what others pass on to it.
with pool as (
    select calendar.day, calendar.days_in_month, pool.place, pool.pool, pool.allocation_key, pool.cap_share
    from book.day as calendar
    inner join book.pool as pool on calendar.day >= pool.starts_on and calendar.day < pool.ends_on
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
)
select pool.day, pool.place, pool.pool, 'amount' as part, '' as name, cast(0 as decimal(38,0)) as value from pool
union all
select cost.day, cost.place, cost.pool, 'amount' as part, cost.line as name, to_pico(sum(cost.cost_usd)) as value
from core.pool_cost as cost
where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
group by cost.day, cost.place, cost.pool, cost.line
union all
select weight.day, weight.place, pool.pool, 'weight' as part, weight.team as name, weight.weight as value
from core.pool_weight as weight
inner join pool on pool.day = weight.day and pool.place = weight.place
where weight.day >= getvariable('from_day') and weight.day < getvariable('to_day')
union all
select pool.day, pool.place, pool.pool, 'grows' as part, '' as name, cast(1 as decimal(38,0)) as value
from pool
where pool.allocation_key = 'full_cost'
union all
select pool.day, pool.place, pool.pool, 'cap_share' as part, '' as name, to_pico(pool.cap_share) as value
from pool
where pool.cap_share is not null
union all
select
    pool.day, pool.place, pool.pool, part.part, part.name,
    case when part.part = 'cap' then div_trunc(to_pico(part.value), pool.days_in_month) else to_pico(part.value) end as value
from pool
inner join book.pool_part as part on part.place = pool.place and part.part in ('cap', 'pass')
