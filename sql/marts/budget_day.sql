/*
What each day adds to each budget whose scope it falls in.

grain: one row per budget and day with cost
key: [budget, day]
daily: true
*/
with line as (
    select budget.budget, cost.day, sum(cost.cost_usd) as cost_usd
    from book.budget as budget
    inner join marts.cost as cost
        on budget.model is null and budget.environment is null and cost.team = coalesce(budget.team, cost.team)
        and cost.tenant = coalesce(budget.tenant, cost.tenant) and cost.feature = coalesce(budget.feature, cost.feature)
    group by budget.budget, cost.day
    union all
    select budget.budget, spend.day, sum(spend.cost_usd) as cost_usd
    from book.budget as budget
    inner join marts.spend as spend
        on (budget.model is not null or budget.environment is not null)
        and spend.team = coalesce(budget.team, spend.team) and spend.tenant = coalesce(budget.tenant, spend.tenant)
        and spend.feature = coalesce(budget.feature, spend.feature) and spend.model = coalesce(budget.model, spend.model)
        and spend.environment = coalesce(budget.environment, spend.environment)
    group by budget.budget, spend.day
)
select line.budget, line.day, cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from line
where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
group by line.budget, line.day
