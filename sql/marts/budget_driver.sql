/*
What each day adds to each budget whose scope it falls in, by owner and model: in the measure of the budget, and in dollars.

grain: one row per budget, day, team, tenant, feature and model
key: [budget, day, team, tenant, feature, model]
daily: true
book_days: true
*/
-- Dollars of an owner are the whole cost, GPUs and shared pools too; of models, classes and environments they are those of calls alone.
with classed as (
    select seen.model, class.model_class, row_number() over (partition by seen.model order by class.place) as choice
    from (select distinct spend.model from marts.spend as spend) as seen
    inner join book.model_class as class on lower(seen.model) like class.pattern escape '!'
),
used as (
    select spend.day, spend.team, spend.tenant, spend.feature, spend.environment, spend.model, classed.model_class, spend.cost_usd,
        spend.requests, spend.unpriced_requests,
        spend.input_tokens + spend.cache_read_tokens + spend.cache_write_tokens + spend.output_tokens as tokens
    from marts.spend as spend
    left join classed on classed.model = spend.model and classed.choice = 1
    where spend.day >= getvariable('from_day') and spend.day < getvariable('to_day')
),
-- Which budgets an owner falls in is asked once of each owner, not of each line of each day.
owner as (
    select spend.team, spend.tenant, spend.feature from marts.spend as spend
    union
    select cost.team, cost.tenant, cost.feature from marts.cost as cost
),
owned as (
    select
        budget.budget, budget.measure, budget.environment, budget.model, budget.model_class, owner.team, owner.tenant, owner.feature,
        coalesce(budget.model, budget.model_class, budget.environment) is null as is_whole
    from book.budget as budget
    inner join owner
        on (budget.team is null or owner.team = budget.team) and (budget.tenant is null or owner.tenant = budget.tenant)
        and (budget.feature is null or owner.feature = budget.feature)
),
held as (
    select hour.book_day as day, hour.team, hour.tenant, hour.feature, sum(hour.used_seconds + hour.warm_idle_seconds) as seconds,
        sum(hour.used_cost_usd + hour.warm_idle_cost_usd) as cost_usd
    from core.gpu_hour as hour
    where hour.book_day >= getvariable('from_day') and hour.book_day < getvariable('to_day') and hour.team <> 'unassigned'
    group by hour.book_day, hour.team, hour.tenant, hour.feature
),
line as (
    select budget.budget, cost.day, cost.team, cost.tenant, cost.feature, '(none)' as model, cost.cost_usd as used,
        cast(0 as bigint) as gpu_seconds, cost.cost_usd, cast(0 as bigint) as unpriced_requests
    from owned as budget
    inner join marts.cost as cost on cost.team = budget.team and cost.tenant = budget.tenant and cost.feature = budget.feature
    where budget.measure = 'dollars' and budget.is_whole and cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
    union all
    -- Calls without a price are told of every budget of dollars; their dollars are in the line above where owners alone are asked.
    select budget.budget, used.day, used.team, used.tenant, used.feature, used.model,
        cast(case when budget.measure = 'tokens' then used.tokens when budget.measure = 'requests' then used.requests
            when not budget.is_whole then used.cost_usd end as decimal(38,12)) as used,
        cast(0 as bigint) as gpu_seconds, case when budget.measure <> 'dollars' or not budget.is_whole then used.cost_usd end as cost_usd,
        case when budget.measure = 'dollars' then used.unpriced_requests else 0 end as unpriced_requests
    from owned as budget
    inner join used
        on used.team = budget.team and used.tenant = budget.tenant and used.feature = budget.feature
        and (budget.environment is null or used.environment = budget.environment) and (budget.model is null or used.model = budget.model)
        and (budget.model_class is null or used.model_class = budget.model_class)
    where budget.measure <> 'gpu_hours' and (budget.measure <> 'dollars' or not budget.is_whole or used.unpriced_requests > 0)
    union all
    -- The hours of a day may be a third of one and the like: their seconds are what sums exactly.
    select budget.budget, held.day, held.team, held.tenant, held.feature, '(none)' as model,
        to_usd(div_trunc(cast(held.seconds as decimal(24,0)) * cast(1000000000000 as decimal(13,0)), 3600)) as used,
        cast(held.seconds as bigint) as gpu_seconds, held.cost_usd, cast(0 as bigint) as unpriced_requests
    from book.budget as budget
    inner join held
        on budget.measure = 'gpu_hours' and (budget.team is null or held.team = budget.team)
        and (budget.tenant is null or held.tenant = budget.tenant) and (budget.feature is null or held.feature = budget.feature)
    where held.seconds > 0
)
select
    line.budget, line.day, line.team, line.tenant, line.feature, line.model, cast(sum(line.used) as decimal(38,12)) as used,
    cast(sum(line.gpu_seconds) as bigint) as gpu_seconds, cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd,
    cast(sum(line.unpriced_requests) as bigint) as unpriced_requests
from line
group by line.budget, line.day, line.team, line.tenant, line.feature, line.model
having count(line.used) > 0 or sum(line.unpriced_requests) > 0
