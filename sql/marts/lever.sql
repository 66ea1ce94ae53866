/*
What each lever would spare, place by place in the published order: potentials, which are never added to what was realised.

grain: one row per day of the book, scenario, lever and group that a lever touches; `(no lever)` is the rest of the day
key: [day, scenario, lever, team, tenant, feature, provider, model]
daily: true
*/
select
    cost.day, cost.scenario,
    case cost.lever when 'duplicates' then 1 when 'retries' then 2 when 'caps' then 3 when 'routing' then 4 when 'prompt cache'
        then 5 else 6 end as place,
    cost.lever, cost.team, cost.tenant, cost.feature, cost.provider, cost.model, cost.requests, cost.before_usd, cost.after_usd,
    cast(cost.before_usd - cost.after_usd as decimal(38,12)) as saving_usd
from core.lever_cost as cost
where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
