/*
What models cost by day and every dimension: requests, and provider usage where no request log covers the provider that day.

grain: one row per day, day of the book and combination of owner and model dimensions
key: [day, book_day, basis, team, cost_centre, tenant, feature, environment, source, provider, model]
daily: true
*/
-- Summed before names are given to what is missing: over millions of rows that takes half as long.
with spent as (
    select
        cost.day, cost.book_day, cost.team, cost.cost_centre, cost.tenant, cost.feature, cost.environment, cost.source, cost.provider,
        cost.model, count(*) as requests, count(case when cost.status = 'failure' then 1 end) as failed_requests,
        count(cost.unpriced_reason) as unpriced_requests, count(case when cost.attempt > 1 then 1 end) as repeated_attempts,
        sum(cost.input_tokens) as input_tokens, sum(cost.cache_read_tokens) as cache_read_tokens,
        sum(coalesce(cost.cache_write_5m_tokens, 0) + coalesce(cost.cache_write_1h_tokens, 0)) as cache_write_tokens,
        sum(cost.output_tokens) as output_tokens, sum(cost.reasoning_tokens) as reasoning_tokens,
        sum(cost.list_cost_usd) as list_cost_usd, sum(cost.contracted_cost_usd) as contracted_cost_usd,
        sum(cost.cost_usd) as cost_usd, sum(cost.uncertain_cost_usd) as uncertain_cost_usd,
        sum(cost.reported_cost_usd) as reported_cost_usd
    from core.request_cost as cost
    where cost.day >= getvariable('from_day') and cost.day < getvariable('to_day')
    group by cost.day, cost.book_day, cost.team, cost.cost_centre, cost.tenant, cost.feature, cost.environment, cost.source,
        cost.provider, cost.model
),
line as (
    select 'requests' as basis, spent.* from spent
    union all
    select
        'usage' as basis, usage.day, usage.book_day, usage.team, usage.cost_centre, usage.tenant, usage.feature, usage.environment,
        usage.source, usage.provider, usage.model, coalesce(usage.requests, 0) as requests, 0 as failed_requests,
        case when cost.unpriced_reason is not null then coalesce(usage.requests, 0) else 0 end as unpriced_requests, 0 as repeated_attempts,
        usage.input_tokens, usage.cache_read_tokens,
        coalesce(usage.cache_write_5m_tokens, 0) + coalesce(usage.cache_write_1h_tokens, 0) as cache_write_tokens, usage.output_tokens,
        cast(null as bigint) as reasoning_tokens, cost.list_cost_usd, cost.contracted_cost_usd, cost.cost_usd,
        cast(0 as decimal(38,12)) as uncertain_cost_usd, cost.reported_cost_usd
    from core.usage as usage
    inner join core.usage_cost as cost on cost.usage_id = usage.usage_id and cost.day = usage.day
    left join (select distinct day, coalesce(provider, '') as provider from spent) as logged
        on logged.day = usage.day and logged.provider = coalesce(usage.provider, '')
    where usage.day >= getvariable('from_day') and usage.day < getvariable('to_day') and logged.day is null
)
select
    day, book_day, basis, coalesce(team, 'unowned') as team, coalesce(cost_centre, '(none)') as cost_centre,
    coalesce(tenant, '(none)') as tenant,
    coalesce(feature, '(none)') as feature, coalesce(environment, '(none)') as environment, coalesce(source, '(none)') as source,
    coalesce(provider, '(none)') as provider, coalesce(model, '(none)') as model,
    cast(sum(requests) as bigint) as requests, cast(sum(failed_requests) as bigint) as failed_requests,
    cast(sum(unpriced_requests) as bigint) as unpriced_requests, cast(sum(repeated_attempts) as bigint) as repeated_attempts,
    cast(sum(coalesce(input_tokens, 0)) as bigint) as input_tokens,
    cast(sum(coalesce(cache_read_tokens, 0)) as bigint) as cache_read_tokens,
    cast(sum(coalesce(cache_write_tokens, 0)) as bigint) as cache_write_tokens,
    cast(sum(coalesce(output_tokens, 0)) as bigint) as output_tokens,
    cast(sum(coalesce(reasoning_tokens, 0)) as bigint) as reasoning_tokens,
    cast(sum(list_cost_usd) as decimal(38,12)) as list_cost_usd, cast(sum(contracted_cost_usd) as decimal(38,12)) as contracted_cost_usd,
    cast(sum(cost_usd) as decimal(38,12)) as cost_usd, cast(coalesce(sum(uncertain_cost_usd), 0) as decimal(38,12)) as uncertain_cost_usd,
    cast(sum(reported_cost_usd) as decimal(38,12)) as reported_cost_usd
from line
group by day, book_day, basis, coalesce(team, 'unowned'), coalesce(cost_centre, '(none)'), coalesce(tenant, '(none)'),
    coalesce(feature, '(none)'), coalesce(environment, '(none)'), coalesce(source, '(none)'),
    coalesce(provider, '(none)'), coalesce(model, '(none)')
