/*
The whole cost of a day and who answers for it, each kind of cost on its own line.

grain: one row per day, line and owner
key: [day, line, basis, team, cost_centre, tenant, feature]
daily: true
must:
  - cost_usd is not null
*/
with centre as (
    select calendar.day, owner.team, min(owner.cost_centre) as cost_centre
    from book.day as calendar
    inner join book.owner as owner on calendar.day >= owner.starts_on and calendar.day < owner.ends_on
    where owner.team is not null and owner.cost_centre is not null
        and calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
    group by calendar.day, owner.team
),
priced as (
    select spend.day, spend.provider, sum(spend.cost_usd) as priced_usd
    from core.model_spend as spend
    group by spend.day, spend.provider
    union all
    select hour.day, 'gpu instances', sum(hour.cost_usd)
    from core.gpu_hour as hour
    left join book.gpu_pool as pool on pool.pool = hour.pool
    where coalesce(pool.is_billed, true)
    group by hour.day
),
billed as (
    select charge.day, charge.billed_as as provider, sum(charge.cost_usd) as billed_usd
    from core.charge as charge
    where charge.billed_as is not null
    group by charge.day, charge.billed_as
),
hour as (
    select
        hour.day, case when hour.team = 'unassigned' then pool.owner else hour.team end as holder, pool.owner,
        hour.used_cost_usd, hour.warm_idle_cost_usd, hour.free_idle_cost_usd, hour.unknown_cost_usd
    from core.gpu_hour as hour
    left join book.gpu_pool as pool on pool.pool = hour.pool
    where hour.cost_usd is not null
),
line as (
    select
        spend.day, 'Model usage' as line,
        case spend.basis when 'requests' then 'requests at their rates' else 'provider usage at its rates' end as basis,
        spend.team, spend.cost_centre, spend.tenant, spend.feature,
        spend.cost_usd
    from core.model_spend as spend
    where spend.cost_usd is not null
    union all
    select hour.day, 'GPU used', 'GPU hours held', coalesce(hour.holder, 'unowned'), null, '(none)', '(none)', hour.used_cost_usd from hour
    union all
    select hour.day, 'GPU warm idle', 'GPU hours held', coalesce(hour.holder, 'unowned'), null, '(none)', '(none)', hour.warm_idle_cost_usd
    from hour
    union all
    select hour.day, 'GPU free idle', 'owner of the pool', coalesce(hour.owner, 'unallocated'), null, '(none)', '(none)', hour.free_idle_cost_usd
    from hour
    union all
    select hour.day, 'GPU unknown', 'owner of the pool', coalesce(hour.owner, 'unallocated'), null, '(none)', '(none)', hour.unknown_cost_usd
    from hour
    union all
    select shared.day, 'Shared: ' || shared.pool, 'by ' || pool.allocation_key, shared.team, null, '(none)', '(none)', shared.cost_usd
    from core.shared_cost as shared
    inner join book.pool as pool on pool.pool = shared.pool and shared.day >= pool.starts_on and shared.day < pool.ends_on
    union all
    select
        billed.day, 'Billed minus priced', 'bill of ' || billed.provider, 'unallocated', null, '(none)', '(none)',
        billed.billed_usd - coalesce(priced.priced_usd, 0)
    from billed
    left join priced on priced.day = billed.day and priced.provider = billed.provider
)
select
    line.day, line.line, line.basis, line.team, coalesce(line.cost_centre, centre.cost_centre, '(none)') as cost_centre, line.tenant, line.feature,
    cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from line
left join centre on centre.day = line.day and centre.team = line.team
where line.day >= getvariable('from_day') and line.day < getvariable('to_day') and line.cost_usd <> 0
group by line.day, line.line, line.basis, line.team, coalesce(line.cost_centre, centre.cost_centre, '(none)'), line.tenant, line.feature
