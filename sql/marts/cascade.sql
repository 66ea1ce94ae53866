/*
What asking a smaller model first would cost: c_small + c_guard + (1 - a) * c_large for the same tokens, and the share of accepted
answers from
which it pays, (c_small + c_guard) / c_large. One route by itself; marts.lever has it after the levers before it.

grain: one row per UTC day, feature, model and tier with a route
key: [day, feature, provider, model, served_tier]
daily: true
must:
  - requests > 0
*/
with spent as (
    select
        spent.day, spent.feature, spent.provider, spent.model, spent.served_tier, sum(spent.requests) as requests,
        sum(spent.cost_usd) as cost_usd,
        sum(spent.input_tokens) as input_tokens, sum(spent.cache_read_tokens) as reads, sum(spent.cache_write_5m_tokens) as writes_5m,
        sum(spent.cache_write_1h_tokens) as writes_1h, sum(spent.output_tokens) as output_tokens,
        sum(spent.reasoning_tokens) as reasoning_tokens
    from core.route_day as spent
    where spent.day >= getvariable('from_day') and spent.day < getvariable('to_day')
    group by spent.day, spent.feature, spent.provider, spent.model, spent.served_tier
),
costed as (
    select
        offer.*, spent.requests, to_pico(spent.cost_usd) as large,
        cast(offer.guard_pico as decimal(18,0)) * cast(spent.requests as decimal(18,0)) as guard,
        calls_cost(spent.input_tokens, spent.reads, spent.writes_5m, spent.writes_1h, spent.output_tokens, spent.reasoning_tokens,
            spent.requests,
            rate.input_pico, rate.cache_read_pico, rate.cache_write_5m_pico, rate.cache_write_1h_pico, rate.output_pico,
            rate.reasoning_extra_pico,
            rate.request_pico) as small
    from core.route_offer as offer
    inner join spent on spent.day = offer.day and spent.feature = offer.feature and spent.provider = offer.provider
        and spent.model = offer.model
        and spent.served_tier = offer.served_tier and spent.cost_usd > 0
    inner join core.lever_price as rate on rate.day = offer.day and rate.rate_id = offer.to_rate_id
    where offer.day >= getvariable('from_day') and offer.day < getvariable('to_day')
)
select
    day, feature, provider, model, served_tier, to_provider, to_model, is_stated, is_not_worse, tried_operations,
    cast(requests as bigint) as requests,
    low_accept_ppm, point_accept_ppm, high_accept_ppm, cast(div_trunc((small + guard) * 1000000, large) as bigint) as break_even_ppm,
    to_usd(large) as large_cost_usd, to_usd(small) as small_cost_usd, to_usd(guard) as guard_cost_usd,
    to_usd(small + guard + div_trunc(micro_pico(large, 1000000 - low_accept_ppm), 1000000)) as low_cost_usd,
    to_usd(small + guard + div_trunc(micro_pico(large, 1000000 - point_accept_ppm), 1000000)) as point_cost_usd,
    to_usd(small + guard + div_trunc(micro_pico(large, 1000000 - high_accept_ppm), 1000000)) as high_cost_usd
from costed
