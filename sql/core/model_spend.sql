/*
What models cost by day and every dimension: requests, and provider usage where no request log covers the provider that day.

grain: one row per day, day of the book and combination of owner and model dimensions
key: [day, book_day, basis, team, cost_centre, tenant, feature, environment, source, provider, model]
daily: true
*/
with spent as (
    select
        cost.day, cost.book_day, coalesce(cost.team, 'unowned') as team, coalesce(cost.cost_centre, '(none)') as cost_centre,
        coalesce(cost.tenant, '(none)') as tenant, coalesce(cost.feature, '(none)') as feature,
        coalesce(cost.environment, '(none)') as environment, coalesce(cost.source, '(none)') as source,
        coalesce(cost.provider, '(none)') as provider, coalesce(cost.model, '(none)') as model,
        count(*) as requests, count(case when cost.status = 'failure' then 1 end) as failed_requests,
        count(cost.unpriced_reason) as unpriced_requests, count(case when cost.attempt > 1 then 1 end) as repeated_attempts,
        cast(coalesce(sum(cost.input_tokens), 0) as bigint) as input_tokens,
        cast(coalesce(sum(cost.cache_read_tokens), 0) as bigint) as cache_read_tokens,
        cast(sum(coalesce(cost.cache_write_5m_tokens, 0) + coalesce(cost.cache_write_1h_tokens, 0)) as bigint) as cache_write_tokens,
        cast(coalesce(sum(cost.output_tokens), 0) as bigint) as output_tokens,
        cast(coalesce(sum(cost.reasoning_tokens), 0) as bigint) as reasoning_tokens,
        cast(sum(cost.list_cost_usd) as decimal(38,12)) as list_cost_usd,
        cast(sum(cost.contracted_cost_usd) as decimal(38,12)) as contracted_cost_usd, cast(sum(cost.cost_usd) as decimal(38,12)) as cost_usd,
        cast(coalesce(sum(cost.uncertain_cost_usd), 0) as decimal(38,12)) as uncertain_cost_usd,
        cast(sum(cost.reported_cost_usd) as decimal(38,12)) as reported_cost_usd
    from core.request_cost as cost
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
    group by cost.day, cost.book_day, coalesce(cost.team, 'unowned'), coalesce(cost.cost_centre, '(none)'), coalesce(cost.tenant, '(none)'),
        coalesce(cost.feature, '(none)'), coalesce(cost.environment, '(none)'), coalesce(cost.source, '(none)'),
        coalesce(cost.provider, '(none)'), coalesce(cost.model, '(none)')
)
select
    day, book_day, 'requests' as basis, team, cost_centre, tenant, feature, environment, source, provider, model, requests, failed_requests,
    unpriced_requests, repeated_attempts, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    list_cost_usd, contracted_cost_usd, cost_usd, uncertain_cost_usd, reported_cost_usd
from spent
union all
select
    usage.day, usage.book_day, 'usage' as basis, coalesce(usage.team, 'unowned') as team, coalesce(usage.cost_centre, '(none)') as cost_centre,
    coalesce(usage.tenant, '(none)') as tenant, coalesce(usage.feature, '(none)') as feature,
    coalesce(usage.environment, '(none)') as environment, coalesce(usage.source, '(none)') as source,
    coalesce(usage.provider, '(none)') as provider, coalesce(usage.model, '(none)') as model,
    cast(sum(coalesce(usage.requests, 0)) as bigint) as requests, cast(0 as bigint) as failed_requests,
    cast(sum(case when cost.unpriced_reason is not null then coalesce(usage.requests, 0) else 0 end) as bigint) as unpriced_requests,
    cast(0 as bigint) as repeated_attempts, cast(coalesce(sum(usage.input_tokens), 0) as bigint) as input_tokens,
    cast(coalesce(sum(usage.cache_read_tokens), 0) as bigint) as cache_read_tokens,
    cast(sum(coalesce(usage.cache_write_5m_tokens, 0) + coalesce(usage.cache_write_1h_tokens, 0)) as bigint) as cache_write_tokens,
    cast(coalesce(sum(usage.output_tokens), 0) as bigint) as output_tokens, cast(0 as bigint) as reasoning_tokens,
    cast(sum(cost.list_cost_usd) as decimal(38,12)) as list_cost_usd,
    cast(sum(cost.contracted_cost_usd) as decimal(38,12)) as contracted_cost_usd, cast(sum(cost.cost_usd) as decimal(38,12)) as cost_usd,
    cast(0 as decimal(38,12)) as uncertain_cost_usd, cast(sum(cost.reported_cost_usd) as decimal(38,12)) as reported_cost_usd
from core.usage as usage
inner join core.usage_cost as cost on cost.usage_id = usage.usage_id and cost.day = usage.day
left join (select distinct day, provider from spent) as logged on logged.day = usage.day and logged.provider = coalesce(usage.provider, '(none)')
where usage.day >= getvariable('from_day') and usage.day < getvariable('to_day') and logged.day is null
group by usage.day, usage.book_day, coalesce(usage.team, 'unowned'), coalesce(usage.cost_centre, '(none)'),
    coalesce(usage.tenant, '(none)'), coalesce(usage.feature, '(none)'), coalesce(usage.environment, '(none)'),
    coalesce(usage.source, '(none)'), coalesce(usage.provider, '(none)'), coalesce(usage.model, '(none)')
