/*
Every cost of a day by kind and owner: models, GPUs, shared pools, adjustments, and what bills say beyond all that.

grain: one row per day of the book, line and owner; an empty cost centre is that of the team
key: [day, line, basis, team, cost_centre, tenant, feature]
daily: true
book_days: true
must:
  - cost_usd is not null
*/
with expected as (
    -- What the bill of a UTC day should say: prices, and the adjustments that are on it.
    select spend.day, spend.provider, sum(spend.cost_usd) as cost_usd
    from core.model_spend as spend
    group by spend.day, spend.provider
    union all
    select hour.day, 'gpu instances' as provider, sum(hour.cost_usd) as cost_usd
    from core.gpu_hour as hour
    left join book.gpu_pool as pool on pool.pool = hour.pool
    where coalesce(pool.is_billed, true)
    group by hour.day
    union all
    select adjustment.day, adjustment.billed_as as provider, sum(adjustment.cost_usd) as cost_usd
    from core.adjustment as adjustment
    where adjustment.billed_as is not null
    group by adjustment.day, adjustment.billed_as
),
billed as (
    select charge.day, charge.billed_as as provider, sum(charge.cost_usd) as cost_usd
    from core.charge as charge
    where charge.billed_as is not null
    group by charge.day, charge.billed_as
    having count(charge.cost_usd) = count(*) -- while any line of it is not known in dollars, a bill does not say what the day cost
),
hour as (
    select
        hour.book_day as day, coalesce(case when hour.team = 'unassigned' then pool.owner else hour.team end, 'unowned') as holder,
        coalesce(pool.owner, 'unallocated') as owner, hour.used_cost_usd, hour.warm_idle_cost_usd, hour.free_idle_cost_usd,
        hour.unknown_cost_usd
    from core.gpu_hour as hour
    left join book.gpu_pool as pool on pool.pool = hour.pool
    where hour.cost_usd is not null
),
line as (
    select
        spend.book_day as day, 'Model usage' as line,
        case spend.basis when 'requests' then 'requests at their rates' else 'provider usage at its rates' end as basis,
        spend.team, spend.cost_centre, spend.tenant, spend.feature, spend.cost_usd
    from core.model_spend as spend
    where spend.cost_usd is not null
    union all
    select hour.day, 'GPU used', 'GPU hours held', hour.holder, '', '(none)', '(none)', hour.used_cost_usd from hour
    union all
    select hour.day, 'GPU warm idle', 'GPU hours held', hour.holder, '', '(none)', '(none)', hour.warm_idle_cost_usd from hour
    union all
    select hour.day, 'GPU free idle', 'owner of the pool', hour.owner, '', '(none)', '(none)', hour.free_idle_cost_usd from hour
    union all
    select hour.day, 'GPU unknown', 'owner of the pool', hour.owner, '', '(none)', '(none)', hour.unknown_cost_usd from hour
    union all
    select shared.day, 'Shared: ' || shared.pool, 'by ' || pool.allocation_key, shared.team, '', '(none)', '(none)', shared.cost_usd
    from core.shared_cost as shared
    inner join book.pool as pool on pool.pool = shared.pool and shared.day >= pool.starts_on and shared.day < pool.ends_on
    union all
    select
        adjustment.book_day as day, adjustment.line, adjustment.basis, adjustment.team, adjustment.cost_centre, adjustment.tenant,
        adjustment.feature, adjustment.cost_usd
    from core.adjustment as adjustment
    union all
    select billed.day, 'Billed minus priced', 'bill of ' || billed.provider, 'unallocated', '', '(none)', '(none)',
        billed.cost_usd - coalesce(sum(expected.cost_usd), 0)
    from billed
    left join expected on expected.day = billed.day and expected.provider = billed.provider
    group by billed.day, billed.provider, billed.cost_usd
)
select
    line.day, line.line, line.basis, line.team, line.cost_centre, line.tenant, line.feature,
    cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from line
where line.day >= getvariable('from_day') and line.day < getvariable('to_day') and line.cost_usd <> 0
group by line.day, line.line, line.basis, line.team, line.cost_centre, line.tenant, line.feature
