/*
Proof that the FOCUS rows of a day are what meterbook says the day cost, and what was billed: no dollar is lost or there twice.

grain: one row per day and kind of row
key: [day, kind]
daily: true
on_demand: true
must:
  - effective_cost_usd = cost_usd
  - billed_cost = charged_cost
*/
with part as (
    select
        line.day, case when line.kind = 'beyond prices' then 'charge' else line.kind end as kind, line.effective_cost_usd,
        line.billed_cost, cast(0 as decimal(38,12)) as cost_usd, cast(0 as decimal(38,12)) as charged_cost
    from marts.focus as line
    union all
    select spend.day, 'api', 0, 0, spend.cost_usd, 0 from core.model_spend as spend
    union all
    select hour.day, 'gpu', 0, 0, hour.cost_usd, 0 from core.gpu_hour as hour
    union all
    select adjustment.day, 'adjustment', 0, 0, adjustment.cost_usd, 0 from core.adjustment as adjustment
    union all
    select late.posts_on, 'adjustment', 0, 0, late.cost_usd, 0 from core.closed_correction as late
    union all
    select line.day, 'charge', 0, 0, line.cost_usd, 0
    from core.cost_line as line
    where line.line in ('Billed minus priced', 'Tax', 'Credit')
    union all
    select charge.day, 'charge', 0, 0, 0, charge.billed_cost from core.charge as charge where charge.billed_as is not null
)
select
    part.day, part.kind, cast(coalesce(sum(part.effective_cost_usd), 0) as decimal(38,12)) as effective_cost_usd,
    cast(coalesce(sum(part.cost_usd), 0) as decimal(38,12)) as cost_usd,
    -- In whatever currencies a day was billed in: sums of them are no amount of money, and are equal all the same.
    cast(sum(part.billed_cost) as decimal(38,12)) as billed_cost, cast(sum(part.charged_cost) as decimal(38,12)) as charged_cost
from part
where part.day >= getvariable('from_day') and part.day < getvariable('to_day')
group by part.day, part.kind
