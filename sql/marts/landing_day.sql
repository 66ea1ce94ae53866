/*
What everything, each team, feature and provider cost on a day: the series whose months are forecast.

grain: one row per day, dimension and scope
key: [day, dimension, scope]
daily: true
*/
-- The whole cost, GPUs and shared pools too, but for providers, which are told from what models cost.
with line as (
    select
        cost.day, dimension.dimension,
        case dimension.dimension when 'total' then 'all' when 'team' then cost.team else cost.feature end as scope, cost.cost_usd
    from marts.cost as cost
    cross join (values ('total'), ('team'), ('feature')) as dimension (dimension)
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
    union all
    select spend.day, 'provider' as dimension, spend.provider as scope, coalesce(spend.cost_usd, 0) as cost_usd
    from marts.spend as spend
    where spend.day >= getvariable('from_day') and spend.day < getvariable('to_day')
)
select line.day, line.dimension, line.scope, cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from line
group by line.day, line.dimension, line.scope
