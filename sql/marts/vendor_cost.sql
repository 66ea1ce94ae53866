/*
What each provider of models costs, by model and by line: calls, commitments, allowances, minimum spends, and what its bills say beyond that.

grain: one row per day, provider, model and line; '(none)' has the lines that are of no single model
key: [day, provider, model, line]
daily: true
book_days: true
must:
  - cost_usd is not null
*/
-- Hours of GPUs are of no provider of models: they are in marts.gpu_use. A provider is one, in whatever letter case it is logged.
with line as (
    select spend.book_day as day, lower(spend.provider) as provider, spend.model, 'Model usage' as line, spend.cost_usd
    from core.model_spend as spend
    where spend.cost_usd is not null
    union all
    select adjustment.book_day as day, lower(adjustment.provider) as provider, '(none)' as model, adjustment.line, adjustment.cost_usd
    from core.adjustment as adjustment
    where adjustment.provider not in ('gpu', '(none)')
    union all
    select bill.day, lower(bill.provider) as provider, '(none)' as model, bill.line, bill.cost_usd
    from core.bill_line as bill
    where bill.provider <> 'gpu instances'
)
select line.day, line.provider, line.model, line.line, cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from line
where line.day >= getvariable('from_day') and line.day < getvariable('to_day') and line.cost_usd <> 0
group by line.day, line.provider, line.model, line.line
