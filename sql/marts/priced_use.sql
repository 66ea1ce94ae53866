/*
What was used of each model, and whether it has a price; how much of it is estimated because its log counted no tokens.

grain: one row per day, source, provider, model, tier and reason ('priced' where there is a price, or its source knows the cost better)
key: [day, source, provider, model, served_tier, reason]
daily: true
book_days: true
must:
  - estimated_requests <= requests and estimated_tokens <= tokens
*/
with other as (
    select used.request_id, used.day, sum(used.quantity) as tokens
    from core.request_meter as used
    where used.meter in ('cache_write_12h', 'audio_input', 'audio_cache_read', 'audio_output', 'image_input', 'image_cache_read',
        'image_output', 'video_input')
    group by used.request_id, used.day
),
bucket as (
    select used.usage_id, used.day, sum(used.quantity) as tokens
    from core.usage_meter as used
    where used.meter in ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'cache_write_12h', 'output', 'audio_input',
        'audio_cache_read', 'audio_output', 'image_input', 'image_cache_read', 'image_output', 'video_input')
    group by used.usage_id, used.day
),
line as (
    select
        cost.book_day, cost.source, cost.provider, cost.model, cost.served_tier,
        case when cost.is_source_priced then 'priced' else coalesce(cost.unpriced_reason, 'priced') end as reason, 1 as requests,
        coalesce(cost.input_tokens, 0) + coalesce(cost.cache_read_tokens, 0) + coalesce(cost.cache_write_5m_tokens, 0)
        + coalesce(cost.cache_write_1h_tokens, 0) + coalesce(cost.output_tokens, 0) + cast(coalesce(other.tokens, 0) as bigint) as tokens,
        cost.reported_cost_usd, cost.cost_usd, case when cost.is_estimated then 1 else 0 end as estimated
    from core.request_cost as cost
    left join other on other.request_id = cost.request_id and other.day = cost.day
    union all
    select
        usage.book_day, usage.source, usage.provider, usage.model, usage.served_tier, coalesce(cost.unpriced_reason, 'priced') as reason,
        coalesce(usage.requests, 0) as requests, cast(coalesce(bucket.tokens, 0) as bigint) as tokens, null as reported_cost_usd,
        cost.cost_usd, 0 as estimated
    from core.usage_cost as cost
    inner join core.usage as usage on usage.usage_id = cost.usage_id and usage.day = cost.day
    left join bucket on bucket.usage_id = usage.usage_id and bucket.day = usage.day
    -- Usage of a provider whose requests are logged that day is the same requests again.
    left join (select distinct day, coalesce(provider, '') as provider from core.request_cost) as logged
        on logged.day = usage.day and logged.provider = coalesce(usage.provider, '')
    where logged.day is null
)
select
    line.book_day as day, coalesce(line.source, '(none)') as source, coalesce(line.provider, '(none)') as provider,
    coalesce(line.model, '(none)') as model, coalesce(line.served_tier, 'standard') as served_tier, line.reason,
    cast(sum(line.requests) as bigint) as requests, cast(sum(line.tokens) as bigint) as tokens,
    cast(sum(line.reported_cost_usd) as decimal(38,12)) as reported_cost_usd, cast(sum(line.cost_usd) as decimal(38,12)) as cost_usd,
    cast(sum(line.estimated) as bigint) as estimated_requests, cast(sum(line.estimated * line.tokens) as bigint) as estimated_tokens,
    cast(sum(case when line.estimated = 1 then line.cost_usd else 0 end) as decimal(38,12)) as estimated_cost_usd
from line
where line.book_day >= getvariable('from_day') and line.book_day < getvariable('to_day')
group by line.book_day, coalesce(line.source, '(none)'), coalesce(line.provider, '(none)'), coalesce(line.model, '(none)'),
    coalesce(line.served_tier, 'standard'), line.reason
