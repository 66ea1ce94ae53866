/*
What models cost by day and every dimension: requests, and provider usage where no request log covers the provider that day.

grain: one row per day and combination of owner and model dimensions
key: [day, basis, team, cost_centre, tenant, feature, environment, source, provider, model]
daily: true
*/
with line as (
    select
        request.day, 'requests' as basis, request.team, request.cost_centre, request.tenant, request.feature, request.environment,
        request.source, request.provider, request.model, 1 as requests,
        case when request.status = 'failure' then 1 else 0 end as failed_requests,
        case when cost.unpriced_reason is not null then 1 else 0 end as unpriced_requests,
        case when request.attempt > 1 then 1 else 0 end as repeated_attempts,
        request.input_tokens, request.cache_read_tokens, request.cache_write_5m_tokens, request.cache_write_1h_tokens,
        request.output_tokens, request.reasoning_tokens,
        cast(cost.cost_usd as decimal(38,12)) as cost_usd, cast(request.reported_cost_usd as decimal(38,12)) as reported_cost_usd
    from core.request as request
    inner join core.request_cost as cost on cost.request_id = request.request_id and cost.day = request.day
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day')
    union all
    select
        usage.day, 'usage' as basis, usage.team, usage.cost_centre, usage.tenant, usage.feature, usage.environment,
        usage.source, usage.provider, usage.model, coalesce(usage.requests, 0) as requests, 0 as failed_requests,
        case when cost.unpriced_reason is not null then coalesce(usage.requests, 0) else 0 end as unpriced_requests, 0 as repeated_attempts,
        usage.input_tokens, usage.cache_read_tokens, usage.cache_write_5m_tokens, usage.cache_write_1h_tokens,
        usage.output_tokens, cast(null as bigint) as reasoning_tokens, cost.cost_usd, cost.reported_cost_usd
    from core.usage as usage
    inner join core.usage_cost as cost on cost.usage_id = usage.usage_id and cost.day = usage.day
    left join (
        select distinct day, coalesce(provider, '') as provider from core.request
    ) as logged on logged.day = usage.day and logged.provider = coalesce(usage.provider, '')
    where usage.day >= getvariable('from_day') and usage.day < getvariable('to_day') and logged.day is null
)
select
    day, basis, coalesce(team, 'unowned') as team, coalesce(cost_centre, '(none)') as cost_centre, coalesce(tenant, '(none)') as tenant,
    coalesce(feature, '(none)') as feature, coalesce(environment, '(none)') as environment, coalesce(source, '(none)') as source,
    coalesce(provider, '(none)') as provider, coalesce(model, '(none)') as model,
    cast(sum(requests) as bigint) as requests, cast(sum(failed_requests) as bigint) as failed_requests,
    cast(sum(unpriced_requests) as bigint) as unpriced_requests, cast(sum(repeated_attempts) as bigint) as repeated_attempts,
    cast(sum(coalesce(input_tokens, 0)) as bigint) as input_tokens,
    cast(sum(coalesce(cache_read_tokens, 0)) as bigint) as cache_read_tokens,
    cast(sum(coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)) as bigint) as cache_write_tokens,
    cast(sum(coalesce(output_tokens, 0)) as bigint) as output_tokens,
    cast(sum(coalesce(reasoning_tokens, 0)) as bigint) as reasoning_tokens,
    cast(sum(cost_usd) as decimal(38,12)) as cost_usd, cast(sum(reported_cost_usd) as decimal(38,12)) as reported_cost_usd
from line
group by day, basis, coalesce(team, 'unowned'), coalesce(cost_centre, '(none)'), coalesce(tenant, '(none)'), coalesce(feature, '(none)'),
    coalesce(environment, '(none)'), coalesce(source, '(none)'), coalesce(provider, '(none)'), coalesce(model, '(none)')
