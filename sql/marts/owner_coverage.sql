/*
What calls, usage and GPU hours cost with and without an owner; without one by what identifies it best, so that a rule can be written.

grain: one row per day of the book, basis and, where nobody owns it, identifying field and value
key: [day, basis, is_owned, field, value]
daily: true
book_days: true
must:
  - cost_usd >= 0
*/
with use as (
    -- Usage counts on days of providers that no request log covers, as in core.model_spend.
    select distinct spend.day, spend.provider from core.model_spend as spend where spend.basis = 'usage'
),
unowned as (
    select
        request.book_day as day, 'requests' as basis, request.key_id, request.key_alias, request.project_id, request.account_id,
        request.user_id, request.feature, request.source, cost.cost_usd
    from core.request as request
    inner join core.request_cost as cost on cost.day = request.day and cost.request_id = request.request_id
    where request.team is null and cost.cost_usd > 0
    union all
    select
        usage.book_day, 'usage', usage.key_id, usage.key_alias, usage.project_id, usage.account_id, usage.user_id, usage.feature,
        usage.source, cost.cost_usd
    from core.usage as usage
    inner join core.usage_cost as cost on cost.day = usage.day and cost.usage_id = usage.usage_id
    inner join use on use.day = usage.day and use.provider = coalesce(usage.provider, '(none)')
    where usage.team is null and cost.cost_usd > 0
),
hour as (
    select
        hour.book_day as day, coalesce(hour.pool, '(none)') as pool, pool.owner is not null as is_known,
        pool.owner is not null or hour.team <> 'unassigned' as is_held, hour.used_cost_usd + hour.warm_idle_cost_usd as held_usd,
        hour.free_idle_cost_usd + hour.unknown_cost_usd as idle_usd
    from core.gpu_hour as hour
    left join book.gpu_pool as pool on pool.pool = hour.pool
    where hour.cost_usd is not null
),
line as (
    select
        spend.book_day as day, spend.basis, true as is_owned, '' as field, '' as value, '' as known_as, spend.requests as events,
        spend.cost_usd
    from core.model_spend as spend
    where spend.team <> 'unowned' and spend.cost_usd > 0
    union all
    select
        unowned.day, unowned.basis, false,
        case when unowned.key_id is not null then 'key_id' when unowned.key_alias is not null then 'key_alias'
            when unowned.project_id is not null then 'project_id' when unowned.account_id is not null then 'account_id'
            when unowned.user_id is not null then 'user_id' when unowned.feature is not null then 'feature' else 'source' end,
        coalesce(unowned.key_id, unowned.key_alias, unowned.project_id, unowned.account_id, unowned.user_id, unowned.feature,
            unowned.source, '(none)'),
        coalesce(unowned.key_alias, ''), 1, unowned.cost_usd
    from unowned
    union all
    select hour.day, 'gpu held', hour.is_held, case when hour.is_held then '' else 'pool' end,
        case when hour.is_held then '' else hour.pool end, '', 1, hour.held_usd
    from hour
    where hour.held_usd > 0
    union all
    select hour.day, 'gpu idle', hour.is_known, case when hour.is_known then '' else 'pool' end,
        case when hour.is_known then '' else hour.pool end, '', 1, hour.idle_usd
    from hour
    where hour.idle_usd > 0
)
select
    line.day, line.basis, line.is_owned, line.field, line.value, max(line.known_as) as known_as, cast(sum(line.events) as bigint) as events,
    cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd
from line
where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
group by line.day, line.basis, line.is_owned, line.field, line.value
