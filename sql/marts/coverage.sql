/*
How much of what was used has a price, and why the rest has none.

grain: one row per day, source and reason ('priced' where there is a price)
key: [day, source, reason]
daily: true
*/
with line as (
    select
        cost.day, cost.source, coalesce(cost.unpriced_reason, 'priced') as reason, 1 as requests, cost.reported_cost_usd,
        coalesce(request.input_tokens, 0) + coalesce(request.cache_read_tokens, 0) + coalesce(request.cache_write_5m_tokens, 0)
        + coalesce(request.cache_write_1h_tokens, 0) + coalesce(request.output_tokens, 0) as tokens
    from core.request_cost as cost
    inner join core.request as request on request.request_id = cost.request_id and request.day = cost.day
    union all
    select
        cost.day, cost.source, coalesce(cost.unpriced_reason, 'priced') as reason, coalesce(usage.requests, 0) as requests, null as reported_cost_usd,
        coalesce(usage.input_tokens, 0) + coalesce(usage.cache_read_tokens, 0) + coalesce(usage.cache_write_5m_tokens, 0)
        + coalesce(usage.cache_write_1h_tokens, 0) + coalesce(usage.output_tokens, 0) as tokens
    from core.usage_cost as cost
    inner join core.usage as usage on usage.usage_id = cost.usage_id and usage.day = cost.day
    -- Usage of a provider whose requests are logged that day is the same requests again.
    left join (select distinct day, coalesce(provider, '') as provider from core.request) as logged
        on logged.day = usage.day and logged.provider = coalesce(usage.provider, '')
    where logged.day is null
)
select
    line.day, coalesce(line.source, '(none)') as source, line.reason, cast(sum(line.requests) as bigint) as requests,
    cast(sum(line.tokens) as bigint) as tokens, cast(sum(line.reported_cost_usd) as decimal(38,12)) as reported_cost_usd
from line
where line.day >= getvariable('from_day') and line.day < getvariable('to_day')
group by line.day, coalesce(line.source, '(none)'), line.reason
