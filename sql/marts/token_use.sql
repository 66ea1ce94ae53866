/*
Tokens by kind, and what the provider's cache saved: the same tokens at the uncached rate, less what reading and writing the cache cost.

grain: one row per day, feature, provider and model
key: [day, feature, provider, model]
daily: true
*/
with used as (
    select
        request.day, coalesce(request.feature, '(none)') as feature, coalesce(request.provider, '(none)') as provider,
        coalesce(request.model, '(none)') as model, cost.rate_id, count(*) as requests,
        cast(sum(coalesce(request.input_tokens, 0)) as bigint) as input_tokens,
        cast(sum(coalesce(request.cache_read_tokens, 0)) as bigint) as cache_read_tokens,
        cast(sum(coalesce(request.cache_write_5m_tokens, 0)) as bigint) as cache_write_5m_tokens,
        cast(sum(coalesce(request.cache_write_1h_tokens, 0)) as bigint) as cache_write_1h_tokens,
        cast(sum(coalesce(request.output_tokens, 0)) as bigint) as output_tokens,
        cast(sum(coalesce(request.reasoning_tokens, 0)) as bigint) as reasoning_tokens,
        cast(sum(cost.cost_usd) as decimal(38,12)) as cost_usd
    from core.request as request
    inner join core.request_cost as cost on cost.request_id = request.request_id and cost.day = request.day
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day') and not request.is_cache_hit
    group by request.day, coalesce(request.feature, '(none)'), coalesce(request.provider, '(none)'), coalesce(request.model, '(none)'), cost.rate_id
),
saved as (
    select
        used.*,
        cast(used.cache_read_tokens as decimal(19,0)) * cast(to_pico(rate.input_usd) - to_pico(rate.cache_read_usd) as decimal(18,0))
        - case when used.cache_write_5m_tokens = 0 then 0 else cast(used.cache_write_5m_tokens as decimal(19,0))
            * cast(to_pico(rate.cache_write_5m_usd) - to_pico(rate.input_usd) as decimal(18,0)) end
        - case when used.cache_write_1h_tokens = 0 then 0 else cast(used.cache_write_1h_tokens as decimal(19,0))
            * cast(to_pico(rate.cache_write_1h_usd) - to_pico(rate.input_usd) as decimal(18,0)) end as saving
    from used
    left join rate_cards.rate as rate on rate.rate_id = used.rate_id
)
select
    saved.day, saved.feature, saved.provider, saved.model, cast(sum(saved.requests) as bigint) as requests,
    cast(sum(saved.input_tokens) as bigint) as input_tokens, cast(sum(saved.cache_read_tokens) as bigint) as cache_read_tokens,
    cast(sum(saved.cache_write_5m_tokens + saved.cache_write_1h_tokens) as bigint) as cache_write_tokens,
    cast(sum(saved.output_tokens) as bigint) as output_tokens, cast(sum(saved.reasoning_tokens) as bigint) as reasoning_tokens,
    cast(sum(saved.cost_usd) as decimal(38,12)) as cost_usd, to_usd(sum(saved.saving)) as cache_saving_usd
from saved
group by saved.day, saved.feature, saved.provider, saved.model
