/*
What bills say beyond prices: by provider and UTC day the bill less what was priced, and its taxes and credits, which prices do not know.

grain: one row per day, line and provider as it is billed
key: [day, line, provider]
daily: true
must:
  - cost_usd is not null
*/
with expected as (
    -- What the bill of a UTC day should say: prices, and the adjustments that are on it.
    select spend.day, spend.provider, sum(spend.cost_usd) as cost_usd
    from core.model_spend as spend
    where spend.day >= getvariable('from_day') and spend.day < getvariable('to_day')
    group by spend.day, spend.provider
    union all
    select hour.day, 'gpu instances' as provider, sum(hour.cost_usd) as cost_usd
    from core.gpu_hour as hour
    left join book.gpu_pool as pool on pool.pool = hour.pool
    where coalesce(pool.is_billed, true) and hour.day >= getvariable('from_day') and hour.day < getvariable('to_day')
    group by hour.day
    union all
    select adjustment.day, adjustment.billed_as as provider, sum(adjustment.cost_usd) as cost_usd
    from core.adjustment as adjustment
    where adjustment.billed_as is not null and adjustment.day >= getvariable('from_day') and adjustment.day < getvariable('to_day')
    group by adjustment.day, adjustment.billed_as
),
billed as (
    select
        charge.day, charge.billed_as as provider, sum(case when charge.charge_category in ('Tax', 'Credit') then 0 else charge.cost_usd end) as cost_usd,
        sum(case when charge.charge_category = 'Tax' then charge.cost_usd else 0 end) as tax_usd,
        sum(case when charge.charge_category = 'Credit' then charge.cost_usd else 0 end) as credit_usd
    from core.charge as charge
    where charge.billed_as is not null and charge.day >= getvariable('from_day') and charge.day < getvariable('to_day')
    group by charge.day, charge.billed_as
    having count(charge.cost_usd) = count(*) -- while any line of it is not known in dollars, a bill does not say what the day cost
)
select
    billed.day, 'Billed minus priced' as line, billed.provider,
    cast(billed.cost_usd - coalesce(sum(expected.cost_usd), 0) as decimal(38,12)) as cost_usd
from billed
left join expected on expected.day = billed.day and expected.provider = billed.provider
group by billed.day, billed.provider, billed.cost_usd
union all
select billed.day, 'Tax', billed.provider, cast(billed.tax_usd as decimal(38,12)) from billed
union all
select billed.day, 'Credit', billed.provider, cast(billed.credit_usd as decimal(38,12)) from billed
