/*
What each lever would leave of the cost, in the published order, each of what those before it leave (docs/levers.md): low, point and high.

grain: one row per day of the book, scenario, lever and group that a lever touches; `(no lever)` is what the others of the day cost together
key: [day, scenario, lever, team, tenant, feature, provider, model]
daily: true
book_days: true
must:
  - day_difference_usd = 0
*/
with spent as (
    select
        spend.book_day, spend.team, spend.tenant, spend.feature, spend.provider, spend.model,
        cast(coalesce(sum(spend.cost_usd), 0) as decimal(38,12)) as cost_usd
    from core.model_spend as spend
    where spend.basis = 'requests' and spend.book_day >= getvariable('from_day') and spend.book_day < getvariable('to_day')
    group by spend.book_day, spend.team, spend.tenant, spend.feature, spend.provider, spend.model
),
priced as (
    select cost.book_day, cast(coalesce(sum(cost.cost_usd), 0) as decimal(38,12)) as cost_usd
    from core.request_cost as cost
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day')
    group by cost.book_day
),
line as (
    select
        spent.book_day, one.scenario, lever.place, lever.lever, spent.cost_usd,
        case when saving.day is null then '(no lever)' else spent.team end as team,
        case when saving.day is null then '(no lever)' else spent.tenant end as tenant,
        case when saving.day is null then '(no lever)' else spent.feature end as feature,
        case when saving.day is null then '(no lever)' else spent.provider end as provider,
        case when saving.day is null then '(no lever)' else spent.model end as model,
        case lever.place when 1 then saving.duplicates_requests when 2 then saving.retries_requests when 3 then saving.caps_requests
            when 4 then saving.routing_requests when 5 then saving.prompt_cache_requests else saving.batch_requests end as requests,
        case lever.place when 1 then saving.duplicates_usd when 2 then saving.retries_usd when 3 then saving.caps_usd
            when 4 then saving.routing_usd when 5 then saving.prompt_cache_usd else saving.batch_usd end as saving_usd
    from spent
    cross join (values ('low'), ('point'), ('high')) as one (scenario)
    cross join (values (1, 'duplicates'), (2, 'retries'), (3, 'caps'), (4, 'routing'), (5, 'prompt cache'), (6,
        'batch')) as lever (place, lever)
    left join core.lever_saving as saving on saving.day = spent.book_day and saving.scenario = one.scenario and saving.team = spent.team
        and saving.tenant = spent.tenant and saving.feature = spent.feature and saving.provider = spent.provider
        and saving.model = spent.model
),
summed as (
    select
        line.book_day, line.scenario, line.place, line.lever, line.team, line.tenant, line.feature, line.provider, line.model,
        cast(coalesce(sum(line.requests), 0) as bigint) as requests, cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd,
        cast(coalesce(sum(line.saving_usd), 0) as decimal(38,12)) as saving_usd
    from line
    group by line.book_day, line.scenario, line.place, line.lever, line.team, line.tenant, line.feature, line.provider, line.model
),
chained as (
    select
        summed.*, cast(sum(summed.saving_usd) over (
            partition by summed.book_day, summed.scenario, summed.team, summed.tenant, summed.feature, summed.provider, summed.model
            order by summed.place rows between unbounded preceding and current row
        ) as decimal(38,12)) as saved_usd,
        cast(sum(summed.cost_usd) over (partition by summed.book_day, summed.scenario, summed.place) as decimal(38,12)) as day_usd
    from summed
)
select
    chained.book_day as day, chained.scenario, chained.lever, chained.team, chained.tenant, chained.feature, chained.provider,
    chained.model,
    chained.requests, cast(chained.cost_usd - chained.saved_usd + chained.saving_usd as decimal(38,12)) as before_usd,
    cast(chained.cost_usd - chained.saved_usd as decimal(38,12)) as after_usd,
    cast(chained.day_usd - priced.cost_usd as decimal(38,12)) as day_difference_usd
from chained
inner join priced on priced.book_day = chained.book_day
