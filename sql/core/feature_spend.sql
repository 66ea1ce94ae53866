/*
What requests of each feature cost by everything units of value are cut by: requests, and provider usage where no request log covers it.

grain: one row per UTC day, day of the book, team, tenant, feature, environment, model and experiment arm
key: [day, book_day, team, tenant, feature, environment, model, experiment_arm]
daily: true
must:
  - requests >= successes
*/
with spent as (
    select
        cost.day, cost.book_day, cost.team, cost.tenant, cost.feature, cost.environment, cost.model, cost.experiment_arm,
        count(*) as requests, count(case when cost.status = 'success' then 1 end) as successes, sum(cost.cost_usd) as cost_usd
    from core.request_cost as cost
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
    group by cost.day, cost.book_day, cost.team, cost.tenant, cost.feature, cost.environment, cost.model, cost.experiment_arm
    union all
    -- Provider usage has no failures and no arms.
    select
        spend.day, spend.book_day, spend.team, spend.tenant, spend.feature, spend.environment, spend.model,
        cast(null as varchar) as experiment_arm, spend.requests, spend.requests as successes, spend.cost_usd
    from core.model_spend as spend
    where spend.day >= getvariable('from_day') and spend.day < getvariable('to_day') and spend.basis = 'usage'
)
select
    spent.day, spent.book_day, coalesce(spent.team, 'unowned') as team, coalesce(spent.tenant, '(none)') as tenant,
    coalesce(spent.feature, '(none)') as feature, coalesce(spent.environment, '(none)') as environment,
    coalesce(spent.model, '(none)') as model, coalesce(spent.experiment_arm, '(none)') as experiment_arm,
    cast(sum(spent.requests) as bigint) as requests, cast(sum(spent.successes) as bigint) as successes,
    cast(coalesce(sum(spent.cost_usd), 0) as decimal(38,12)) as cost_usd
from spent
group by spent.day, spent.book_day, coalesce(spent.team, 'unowned'), coalesce(spent.tenant, '(none)'), coalesce(spent.feature, '(none)'),
    coalesce(spent.environment, '(none)'), coalesce(spent.model, '(none)'), coalesce(spent.experiment_arm, '(none)')
