/*
Proof that no dollar is lost or made between the steps of a day.

grain: one row per day
key: day
daily: true
book_days: true
must:
  - spend_usd = request_usd + usage_usd
  - model_usd = spend_usd
  - allocated_usd = spend_usd + gpu_usd + shared_usd + adjustment_usd + billed_minus_priced_usd
  - split_usd = shared_usd + taken_usd
  - rate_card_usd = 0
  - cost_usd = kept_usd
  - difference_usd = 0
*/
with part as (
    select cost.book_day as day, 'request' as part, cost.cost_usd from core.request_cost as cost
    union all
    select spend.book_day as day, 'usage' as part, spend.cost_usd from core.model_spend as spend where spend.basis = 'usage'
    union all
    select spend.day, 'spend' as part, spend.cost_usd from marts.spend as spend
    union all
    select hour.book_day as day, 'gpu' as part, hour.cost_usd from core.gpu_hour as hour
    union all
    select pool.day, case when pool.line = '' then 'shared' else 'taken' end as part, pool.cost_usd from core.pool_cost as pool
    union all
    select shared.day, 'split' as part, shared.cost_usd from core.shared_cost as shared
    union all
    select adjustment.book_day as day, 'adjustment' as part, adjustment.cost_usd from core.adjustment as adjustment
    union all
    select line.day, 'rate card' as part, line.cost_usd from core.cost_line as line where line.line = 'Rate card'
    union all
    select reconciliation.day, 'difference' as part, reconciliation.difference_usd from marts.reconciliation as reconciliation
    union all
    select owned.day, 'allocated' as part, owned.cost_usd from core.owned_line as owned
    union all
    select owned.day, 'model' as part, owned.cost_usd from core.owned_line as owned where owned.line = 'Model usage'
    union all
    -- Closed days keep what they were closed with; what they lack is on the first open day.
    select frozen.day, 'frozen' as part, frozen.cost_usd from raw.closed_line as frozen
    union all
    select correction.posts_on as day, 'corrected' as part, correction.cost_usd from core.closed_correction as correction
    union all
    select cost.day, 'cost' as part, cost.cost_usd from marts.cost as cost
),
total as (
    select
        calendar.day,
        cast(coalesce(sum(case when part.part = 'request' then part.cost_usd end), 0) as decimal(38,12)) as request_usd,
        cast(coalesce(sum(case when part.part = 'usage' then part.cost_usd end), 0) as decimal(38,12)) as usage_usd,
        cast(coalesce(sum(case when part.part = 'spend' then part.cost_usd end), 0) as decimal(38,12)) as spend_usd,
        cast(coalesce(sum(case when part.part = 'model' then part.cost_usd end), 0) as decimal(38,12)) as model_usd,
        cast(coalesce(sum(case when part.part = 'gpu' then part.cost_usd end), 0) as decimal(38,12)) as gpu_usd,
        cast(coalesce(sum(case when part.part = 'shared' then part.cost_usd end), 0) as decimal(38,12)) as shared_usd,
        cast(coalesce(sum(case when part.part = 'taken' then part.cost_usd end), 0) as decimal(38,12)) as taken_usd,
        cast(coalesce(sum(case when part.part = 'split' then part.cost_usd end), 0) as decimal(38,12)) as split_usd,
        cast(coalesce(sum(case when part.part = 'adjustment' then part.cost_usd end), 0) as decimal(38,12)) as adjustment_usd,
        cast(coalesce(sum(case when part.part = 'rate card' then part.cost_usd end), 0) as decimal(38,12)) as rate_card_usd,
        cast(coalesce(sum(case when part.part = 'difference' then part.cost_usd end), 0) as decimal(38,12)) as billed_minus_priced_usd,
        cast(coalesce(sum(case when part.part = 'allocated' then part.cost_usd end), 0) as decimal(38,12)) as allocated_usd,
        cast(coalesce(sum(case when part.part = 'frozen' or (closed.period is null and part.part in ('allocated', 'corrected'))
            then part.cost_usd end), 0) as decimal(38,12)) as kept_usd,
        cast(coalesce(sum(case when part.part = 'cost' then part.cost_usd end), 0) as decimal(38,12)) as cost_usd
    from book.day as calendar
    inner join part on part.day = calendar.day
    left join book.closed_period as closed on calendar.day >= closed.starts_on and calendar.day < closed.ends_on
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
    group by calendar.day
)
select
    total.day, total.request_usd, total.usage_usd, total.spend_usd, total.model_usd, total.gpu_usd, total.shared_usd, total.taken_usd,
    total.split_usd, total.adjustment_usd, total.rate_card_usd, total.billed_minus_priced_usd, total.allocated_usd, total.kept_usd, total.cost_usd,
    total.allocated_usd - (total.request_usd + total.usage_usd + total.gpu_usd + total.shared_usd + total.adjustment_usd
        + total.billed_minus_priced_usd) as difference_usd
from total
