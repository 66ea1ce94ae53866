/*
What prompts took: whole input by day, the part of it that instructions and context are where the log tells it, and instructions that were
sent again and not read from the cache.

grain: one row per day, feature, provider and model with prompts
key: [day, feature, provider, model]
daily: true
book_days: true
must:
  - requests > 0 and prompt_tokens > 0
  - repeated_requests <= prefix_requests and prefixes <= prefix_requests
  - repeated_cost_usd <= coalesce(input_cost_usd, 0)
*/
with told as (
    select
        request.day, request.request_id, request.book_day, coalesce(request.provider, '(none)') as provider,
        coalesce(request.model, '(none)') as model, request.prefix_hash, request.started_at,
        cast(request.prefix_ratio * 1000000 as bigint) as prefix_ppm, cast(request.context_ratio * 1000000 as bigint) as context_ppm
    from core.request as request
    where request.book_day >= getvariable('from_day') and request.book_day < getvariable('to_day')
        and (request.prefix_hash is not null or request.context_ratio is not null) and not request.is_cache_hit
),
-- Caches are kept by model, so the same instructions to another model are not a repeat.
begun as (
    select told.book_day, told.provider, told.model, told.prefix_hash, min(told.started_at) as first_at
    from told
    where told.prefix_hash is not null
    group by told.book_day, told.provider, told.model, told.prefix_hash
),
prompt as (
    select
        cost.book_day, coalesce(cost.feature, '(none)') as feature, coalesce(cost.provider, '(none)') as provider,
        coalesce(cost.model, '(none)') as model, told.prefix_hash, told.prefix_ppm, told.context_ppm,
        coalesce(told.started_at > begun.first_at, false) as is_repeated, coalesce(cost.input_tokens, 0) as uncached,
        coalesce(cost.cache_read_tokens, 0) + coalesce(cost.cache_write_5m_tokens, 0) + coalesce(cost.cache_write_1h_tokens, 0) as cached,
        cost.input_cost_usd as uncached_usd,
        cast(cost.input_cost_usd + cost.cache_read_cost_usd + cost.cache_write_cost_usd as decimal(18,12)) as input_usd
    from core.request_cost as cost
    left join told on told.day = cost.day and told.request_id = cost.request_id
    left join begun
        on begun.book_day = told.book_day and begun.provider = told.provider and begun.model = told.model
        and begun.prefix_hash = told.prefix_hash
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day') and not cost.is_cache_hit
        and not cost.is_estimated and cost.status = 'success'
),
paid as (
    select
        prompt.*, uncached + cached as tokens,
        -- Caches hold the beginning of a prompt: what of the instructions lies beyond was paid as input.
        case when is_repeated and prefix_ppm is not null then greatest(least(
            cast(div_trunc((uncached + cached) * prefix_ppm, 1000000) as bigint) - cached, uncached), 0) end as again_tokens
    from prompt
    where uncached + cached > 0
)
select
    paid.book_day as day, paid.feature, paid.provider, paid.model, count(*) as requests, cast(sum(paid.tokens) as bigint) as prompt_tokens,
    count(paid.input_usd) as priced_requests,
    cast(coalesce(sum(case when paid.input_usd is not null then paid.tokens end), 0) as bigint) as priced_tokens,
    cast(sum(paid.input_usd) as decimal(38,12)) as input_cost_usd, count(paid.context_ppm) as context_requests,
    cast(div_trunc(coalesce(sum(paid.tokens * paid.context_ppm), 0), 1000000) as bigint) as context_tokens,
    cast(coalesce(sum(case when paid.context_ppm is not null then paid.tokens end), 0) as bigint) as context_known_tokens,
    count(paid.prefix_hash) as prefix_requests, count(distinct paid.prefix_hash) as prefixes,
    cast(div_trunc(coalesce(sum(case when paid.prefix_hash is not null then paid.tokens * paid.prefix_ppm end), 0), 1000000) as bigint)
        as prefix_tokens,
    count(case when paid.is_repeated then 1 end) as repeated_requests,
    cast(coalesce(sum(paid.again_tokens), 0) as bigint) as repeated_tokens,
    to_usd(coalesce(sum(case when paid.again_tokens > 0 then div_trunc(
        cast(row_pico(paid.uncached_usd) as decimal(19,0)) * cast(paid.again_tokens as decimal(18,0)), paid.uncached) end), 0))
        as repeated_cost_usd
from paid
group by paid.book_day, paid.feature, paid.provider, paid.model
