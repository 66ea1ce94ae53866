/*
Every cost of a day by kind and owner before any is shared: models, GPUs, adjustments, and what bills say beyond all that.

grain: one row per day of the book, line and owner; an empty cost centre is that of the team
key: [day, line, basis, team, cost_centre, tenant, feature]
daily: true
book_days: true
must:
  - cost_usd is not null
*/
with hour as (
    select
        hour.book_day as day, coalesce(case when hour.team = 'unassigned' then pool.owner else hour.team end, 'unowned') as holder,
        coalesce(pool.owner, 'unallocated') as owner, hour.tenant, hour.feature, hour.used_cost_usd, hour.warm_idle_cost_usd, hour.free_idle_cost_usd,
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
    select hour.day, 'GPU used', 'GPU hours held', hour.holder, '', hour.tenant, hour.feature, hour.used_cost_usd from hour
    union all
    select hour.day, 'GPU warm idle', 'GPU hours held', hour.holder, '', hour.tenant, hour.feature, hour.warm_idle_cost_usd from hour
    union all
    select hour.day, 'GPU free idle', 'owner of the pool', hour.owner, '', '(none)', '(none)', hour.free_idle_cost_usd from hour
    union all
    select hour.day, 'GPU unknown', 'owner of the pool', hour.owner, '', '(none)', '(none)', hour.unknown_cost_usd from hour
    union all
    select
        adjustment.book_day as day, adjustment.line, adjustment.basis, adjustment.team, adjustment.cost_centre, adjustment.tenant,
        adjustment.feature, adjustment.cost_usd
    from core.adjustment as adjustment
    union all
    -- What an internal rate card charges beyond cost, and who bears it.
    select charge.day, 'Rate card', charge.card, charge.team, charge.cost_centre, charge.tenant, charge.feature, charge.difference_usd
    from core.rate_card_charge as charge
    union all
    select charge.day, 'Rate card', charge.card, charge.difference_to, '', '(none)', '(none)', -charge.difference_usd
    from core.rate_card_charge as charge
    union all
    select bill.day, bill.line, 'bill of ' || bill.provider, 'unallocated', '', '(none)', '(none)', bill.cost_usd
    from core.bill_line as bill
)
select
    line.day, line.line, line.basis, line.team, line.cost_centre, line.tenant, line.feature,
    cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from line
where line.day >= getvariable('from_day') and line.day < getvariable('to_day') and line.cost_usd <> 0
group by line.day, line.line, line.basis, line.team, line.cost_centre, line.tenant, line.feature
