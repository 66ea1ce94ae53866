/*
What the providers' prompt caches spared, net of writing and keeping, and what they still could: the same tokens at the uncached price, signed.

grain: one row per day, team, feature, provider and model
key: [day, team, feature, provider, model]
daily: true
book_days: true
must:
  - low_read_tokens <= point_read_tokens and point_read_tokens <= high_read_tokens
*/
with price as (
    select distinct rate.day, rate.rate_id, rate.input_pico, rate.cache_read_pico, rate.cache_write_5m_pico, rate.cache_write_1h_pico
    from core.price_in_force as rate
    where rate.rate_id is not null
),
stored as (
    select used.request_id, used.day, cast(sum(used.effective_cost_usd) as decimal(38,12)) as storage_usd
    from core.request_meter as used
    where used.meter = 'storage_token_hour'
    group by used.request_id, used.day
),
used as (
    select
        cost.book_day, coalesce(cost.team, 'unowned') as team, coalesce(cost.feature, '(none)') as feature,
        coalesce(cost.provider, '(none)') as provider, coalesce(cost.model, '(none)') as model, cost.day, cost.rate_id,
        count(*) as requests, sum(coalesce(cost.input_tokens, 0)) as input_tokens, sum(coalesce(cost.cache_read_tokens, 0)) as read_tokens,
        sum(coalesce(cost.cache_write_5m_tokens, 0)) as write_5m_tokens, sum(coalesce(cost.cache_write_1h_tokens, 0)) as write_1h_tokens,
        sum(case when coalesce(cost.cache_read_tokens, 0) + coalesce(cost.cache_write_5m_tokens, 0) + coalesce(cost.cache_write_1h_tokens, 0) > 0
            or reuse.request_id is not null then 1 else 0 end) as cached_requests, sum(stored.storage_usd) as storage_usd,
        sum(case when stored.request_id is not null and stored.storage_usd is null then 1 else 0 end) as unpriced_stores,
        sum(coalesce(reuse.low_read_tokens, 0)) as low_read, sum(coalesce(reuse.point_read_tokens, 0)) as point_read,
        sum(coalesce(reuse.high_read_tokens, 0)) as high_read, sum(coalesce(reuse.low_write_tokens, 0)) as low_write,
        sum(coalesce(reuse.point_write_tokens, 0)) as point_write, sum(coalesce(reuse.high_write_tokens, 0)) as high_write
    from core.request_cost as cost
    left join core.prefix_reuse as reuse on reuse.day = cost.day and reuse.request_id = cost.request_id
    left join stored on stored.day = cost.day and stored.request_id = cost.request_id
    where cost.book_day >= getvariable('from_day') and cost.book_day < getvariable('to_day') and not cost.is_cache_hit
        and cost.billing is distinct from 'not billed'
    group by cost.book_day, coalesce(cost.team, 'unowned'), coalesce(cost.feature, '(none)'), coalesce(cost.provider, '(none)'),
        coalesce(cost.model, '(none)'), cost.day, cost.rate_id
),
-- What a token read is cheaper by, and what a token written is dearer by; a card without a price of writing charges it as input.
priced as (
    select
        used.*, cast(price.input_pico - price.cache_read_pico as decimal(18,0)) as less,
        cast(coalesce(price.cache_write_5m_pico, price.input_pico) - price.input_pico as decimal(18,0)) as more_5m,
        cast(coalesce(price.cache_write_1h_pico, price.input_pico) - price.input_pico as decimal(18,0)) as more_1h
    from used
    left join price on price.day = used.day and price.rate_id = used.rate_id
),
money as (
    select
        priced.*, cost_of(cast(read_tokens as decimal(19,0)), less) as read_saving,
        cost_of(cast(write_5m_tokens as decimal(19,0)), more_5m) + cost_of(cast(write_1h_tokens as decimal(19,0)), more_1h) as premium,
        cost_of(cast(low_read as decimal(19,0)), less) - cost_of(cast(low_write as decimal(19,0)), more_5m) as low,
        cost_of(cast(point_read as decimal(19,0)), less) - cost_of(cast(point_write as decimal(19,0)), more_5m) as point,
        cost_of(cast(high_read as decimal(19,0)), less) - cost_of(cast(high_write as decimal(19,0)), more_5m) as high
    from priced
)
select
    money.book_day as day, money.team, money.feature, money.provider, money.model, cast(sum(requests) as bigint) as requests,
    cast(sum(input_tokens) as bigint) as input_tokens, cast(sum(read_tokens) as bigint) as cache_read_tokens,
    cast(sum(write_5m_tokens + write_1h_tokens) as bigint) as cache_write_tokens,
    cast(sum(unpriced_stores + case when less is null then cached_requests else 0 end) as bigint) as unpriced_requests,
    to_usd(sum(read_saving)) as read_saving_usd, to_usd(sum(premium)) as write_premium_usd,
    cast(coalesce(sum(storage_usd), 0) as decimal(38,12)) as storage_usd,
    cast(to_usd(sum(read_saving - premium)) - coalesce(sum(storage_usd), 0) as decimal(38,12)) as saving_usd,
    cast(sum(low_read) as bigint) as low_read_tokens, cast(sum(point_read) as bigint) as point_read_tokens,
    cast(sum(high_read) as bigint) as high_read_tokens, cast(sum(low_write) as bigint) as low_write_tokens,
    cast(sum(point_write) as bigint) as point_write_tokens, cast(sum(high_write) as bigint) as high_write_tokens,
    to_usd(sum(low)) as low_saving_usd, to_usd(sum(point)) as point_saving_usd, to_usd(sum(high)) as high_saving_usd
from money
group by money.book_day, money.team, money.feature, money.provider, money.model
