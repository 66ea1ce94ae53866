/*
What each lever would spare of the calls it touches, of what the levers before it leave: at the prices of their day, low, point and high.

grain: one row per day of the book, scenario and group with a call that any lever touches
key: [day, scenario, team, tenant, feature, provider, model]
daily: true
book_days: true
*/
with side as (
    select
        pooled.*, one.scenario, side.own, case side.own when 1 then pooled.rate_id else pooled.to_rate_id end as side_rate_id,
        of_scenario(one.place, low_hit, point_hit, high_hit) as hit_ppm,
        of_scenario(one.place, low_spared, point_spared, high_spared) as spared_ppm,
        of_scenario(one.place, low_retry, point_retry, high_retry) as retry_ppm,
        of_scenario(one.place, low_accept, point_accept, high_accept) as accept_ppm,
        of_scenario(one.place, low_batch, point_batch, high_batch) as batch_ppm,
        of_scenario(one.place, low_read_tokens, point_read_tokens, high_read_tokens) as gained,
        of_scenario(one.place, low_write_tokens, point_write_tokens, high_write_tokens) as stored
    from core.lever_call as pooled
    cross join (values (1, 'low'), (2, 'point'), (3, 'high')) as one (place, scenario)
    cross join (values (1), (0)) as side (own)
    where pooled.day >= getvariable('from_day') and pooled.day < getvariable('to_day')
),
-- Calls on their own model and, where they have one, on that of their route: capped, then with more of their input from the cache, then
-- by batch.
priced as (
    select
        side.*, ppm_of(1000000 - hit_ppm, 1000000 - spared_ppm) as left_ppm, to_pico(cost_usd) as whole,
        meter_cost(cut_tokens, rate.output_pico) + meter_cost(cut_reasoning_tokens, rate.reasoning_extra_pico) as cut,
        calls_cost(input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, requests,
            rate.input_pico, rate.cache_read_pico, rate.cache_write_5m_pico, rate.cache_write_1h_pico, rate.output_pico,
            rate.reasoning_extra_pico, rate.request_pico) as capped,
        meter_cost(gained, rate.input_pico - rate.cache_read_pico) + meter_cost(stored, rate.input_pico - rate.cache_write_5m_pico) as gain,
        calls_cost(input_tokens - gained - stored, cache_read_tokens + gained, cache_write_5m_tokens + stored, cache_write_1h_tokens,
            output_tokens, reasoning_tokens, requests, rate.batch_input_pico, rate.batch_cache_read_pico, rate.batch_cache_write_5m_pico,
            rate.batch_cache_write_1h_pico, rate.batch_output_pico, rate.batch_reasoning_extra_pico, rate.batch_request_pico) as batched
    from side
    inner join core.lever_price as rate on rate.day = side.priced_on and rate.rate_id = side.side_rate_id
),
-- How often each call is then made, with those that are asked again; and how often it is made on this side.
weighed as (select priced.*, left_ppm + ppm_of(left_ppm, retry_ppm) as times_ppm from priced),
made as (
    select weighed.*, case own when 1 then times_ppm - ppm_of(times_ppm, accept_ppm) else times_ppm end as made_ppm from weighed
)
select
    day, scenario, team, tenant, feature, provider, model,
    to_usd(div_trunc(sum(micro_pico(own * whole, hit_ppm)), 1000000)) as duplicates_usd,
    to_usd(div_trunc(sum(micro_pico(own * whole, ppm_of(1000000 - hit_ppm, spared_ppm))), 1000000)) as retries_usd,
    to_usd(div_trunc(sum(micro_pico(own * cut, left_ppm) + micro_pico(own * capped, left_ppm - times_ppm)), 1000000)) as caps_usd,
    to_usd(div_trunc(sum(micro_pico(own * capped, times_ppm) - micro_pico(capped + (1 - own) * guard_pico * requests, made_ppm)), 1000000))
        as routing_usd,
    to_usd(div_trunc(sum(micro_pico(gain, made_ppm)), 1000000)) as prompt_cache_usd,
    to_usd(div_trunc(coalesce(sum(micro_pico(capped - gain - batched, ppm_of(made_ppm, batch_ppm))), 0), 1000000)) as batch_usd,
    cast(sum(case when hit_ppm > 0 then own * requests else 0 end) as bigint) as duplicates_requests,
    cast(sum(case when spared_ppm > 0 then own * requests else 0 end) as bigint) as retries_requests,
    cast(sum(case when is_cut then own * requests else 0 end) as bigint) as caps_requests,
    cast(sum((1 - own) * requests) as bigint) as routing_requests,
    cast(sum(case when gained + stored > 0 then own * prefix_requests else 0 end) as bigint) as prompt_cache_requests,
    cast(sum(case when batch_ppm > 0 then own * requests else 0 end) as bigint) as batch_requests
from made
group by day, scenario, team, tenant, feature, provider, model
