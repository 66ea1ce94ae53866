/*
Tokens by kind, and what the provider's cache saved: the same tokens at the uncached list rate, less what reading and writing the cache cost.

grain: one row per day, team, feature, provider and model
key: [day, team, feature, provider, model]
daily: true
book_days: true
*/
with used as (
    select
        cost.book_day as day, coalesce(cost.team, 'unowned') as team, coalesce(cost.feature, '(none)') as feature, coalesce(cost.provider, '(none)') as provider,
        coalesce(cost.model, '(none)') as model, cost.rate_id, count(*) as requests,
        cast(sum(coalesce(cost.input_tokens, 0)) as bigint) as input_tokens,
        cast(sum(coalesce(cost.cache_read_tokens, 0)) as bigint) as cache_read_tokens,
        cast(sum(coalesce(cost.cache_write_5m_tokens, 0)) as bigint) as cache_write_5m_tokens,
        cast(sum(coalesce(cost.cache_write_1h_tokens, 0)) as bigint) as cache_write_1h_tokens,
        cast(sum(coalesce(cost.output_tokens, 0)) as bigint) as output_tokens,
        cast(sum(coalesce(cost.reasoning_tokens, 0)) as bigint) as reasoning_tokens,
        cast(sum(cost.cost_usd) as decimal(38,12)) as cost_usd
    from core.request_cost as cost
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day') and not cost.is_cache_hit
    group by cost.book_day, coalesce(cost.team, 'unowned'), coalesce(cost.feature, '(none)'), coalesce(cost.provider, '(none)'),
        coalesce(cost.model, '(none)'), cost.rate_id
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
    left join rate_cards.rate as rate
        on rate.layer = 'list' and rate.rate_id = used.rate_id and used.day >= rate.priced_from and used.day < rate.priced_to
)
select
    saved.day, saved.team, saved.feature, saved.provider, saved.model, cast(sum(saved.requests) as bigint) as requests,
    cast(sum(saved.input_tokens) as bigint) as input_tokens, cast(sum(saved.cache_read_tokens) as bigint) as cache_read_tokens,
    cast(sum(saved.cache_write_5m_tokens + saved.cache_write_1h_tokens) as bigint) as cache_write_tokens,
    cast(sum(saved.output_tokens) as bigint) as output_tokens, cast(sum(saved.reasoning_tokens) as bigint) as reasoning_tokens,
    cast(sum(saved.cost_usd) as decimal(38,12)) as cost_usd, to_usd(sum(saved.saving)) as cache_saving_usd
from saved
group by saved.day, saved.team, saved.feature, saved.provider, saved.model
