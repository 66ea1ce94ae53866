/*
What the models of APIs that self-hosted ones are held against cost on a day at list, standard tier, in whole pico-dollars per token.

grain: one row per day, provider, model and rate that held on part of the day
key: [day, api_provider, api_model, rate_id]
daily: true
must:
  - holds_from < holds_to
*/
select
    calendar.day, rate.provider as api_provider, rate.model as api_model, rate.rate_id, rate.input_above, rate.input_up_to,
    rate.counted_input = 'uncached input' as is_uncached,
    -- The part of the day it holds.
    greatest(rate.starts_at, cast(cast(calendar.day as varchar) || ' ' || rate.clock_from as timestamp)) as holds_from,
    least(rate.ends_at, case when rate.clock_to is null then cast(calendar.day + 1 as timestamp)
        else cast(cast(calendar.day as varchar) || ' ' || rate.clock_to as timestamp) end) as holds_to,
    -- A bucket that the API has no price for is input there.
    row_pico(rate.input_usd) as input_pico, row_pico(coalesce(rate.cache_read_usd, rate.input_usd)) as cache_read_pico,
    row_pico(coalesce(rate.cache_write_5m_usd, rate.input_usd)) as cache_write_5m_pico,
    row_pico(coalesce(rate.cache_write_1h_usd, rate.input_usd)) as cache_write_1h_pico, row_pico(rate.output_usd) as output_pico,
    -- Reasoning is inside of output: what a token of it costs beyond a token of output.
    row_pico(coalesce(rate.reasoning_usd, rate.output_usd)) - row_pico(rate.output_usd) as reasoning_extra_pico,
    row_pico(coalesce(rate.request_usd, 0)) as request_pico, row_pico(coalesce(rate.minimum_usd, 0)) as minimum_pico
from book.day as calendar
inner join rate_cards.rate as rate
    on rate.layer = 'list' and rate.served_tier = 'standard' and rate.region = ''
    and calendar.day >= rate.priced_from and calendar.day < rate.priced_to
    and rate.starts_at < cast(calendar.day + 1 as timestamp) and rate.ends_at > cast(calendar.day as timestamp)
    and rate.weekdays like '%' || cast(calendar.weekday as varchar) || '%'
inner join (select distinct api_provider, api_model from book.self_hosted) as served
    on served.api_provider = rate.provider and served.api_model = rate.model
-- Not where its hours of the day lie before it begins, or after it ends.
where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
    and greatest(rate.starts_at, cast(cast(calendar.day as varchar) || ' ' || rate.clock_from as timestamp))
        < least(rate.ends_at, case when rate.clock_to is null then cast(calendar.day + 1 as timestamp)
            else cast(cast(calendar.day as varchar) || ' ' || rate.clock_to as timestamp) end)
