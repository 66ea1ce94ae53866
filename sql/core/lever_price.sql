/*
What a token costs at each rate that holds on a day, in pico-dollars, and at its batch tier: the prices by which levers are reckoned.

grain: one row per day with priced calls and rate of a token price without a minimum that holds on a part of it
key: [day, rate_id]
daily: true
*/
with ranked as (
    select
        calendar.day, rate.rate_id, rate.provider, rate.model, rate.region, rate.served_tier, rate.starts_at, rate.input_above,
        rate.input_up_to,
        row_pico(rate.input_usd) as input_pico, row_pico(rate.cache_read_usd) as cache_read_pico,
        row_pico(rate.cache_write_5m_usd) as cache_write_5m_pico, row_pico(rate.cache_write_1h_usd) as cache_write_1h_pico,
        row_pico(rate.output_usd) as output_pico,
        row_pico(coalesce(rate.reasoning_usd, rate.output_usd)) - row_pico(rate.output_usd) as reasoning_extra_pico,
        row_pico(coalesce(rate.request_usd, 0)) as request_pico, coalesce(rate.minimum_usd, 0) as minimum_usd,
        -- The effective price, where a contract makes one.
        row_number() over (partition by calendar.day, rate.rate_id order by rate.layer) as choice
    from (select distinct found.day from core.price_in_force as found) as calendar
    inner join rate_cards.rate as rate on calendar.day >= rate.priced_from and calendar.day < rate.priced_to
        and rate.starts_at < cast(calendar.day + 1 as timestamp) and rate.ends_at > cast(calendar.day as timestamp)
    where calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day') and rate.layer in ('effective', 'list')
),
price as (
    select ranked.* from ranked where ranked.choice = 1 and ranked.minimum_usd = 0 and ranked.input_pico is not null
        and ranked.output_pico is not null
),
paired as (
    select
        own.*, batch.rate_id as batch_rate_id, batch.input_pico as batch_input_pico, batch.output_pico as batch_output_pico,
        batch.reasoning_extra_pico as batch_reasoning_extra_pico, batch.request_pico as batch_request_pico,
        batch.cache_read_pico as batch_read_pico, batch.cache_write_5m_pico as batch_write_5m_pico,
        batch.cache_write_1h_pico as batch_write_1h_pico,
        row_number() over (partition by own.day, own.rate_id order by batch.starts_at desc, batch.rate_id) as place
    from price as own
    left join price as batch on batch.day = own.day and batch.provider = own.provider and batch.model = own.model
        and batch.region = own.region
        and own.served_tier = 'standard' and batch.served_tier = 'batch'
        and batch.input_above <= own.input_above and batch.input_up_to >= own.input_up_to
)
-- A card without a price for its cache takes those tokens as input; a batch tier without one takes them as its standard tier does.
select
    day, rate_id, provider, model, region, served_tier, input_above, input_up_to, input_pico,
    coalesce(cache_read_pico, input_pico) as cache_read_pico, coalesce(cache_write_5m_pico, input_pico) as cache_write_5m_pico,
    coalesce(cache_write_1h_pico, input_pico) as cache_write_1h_pico, output_pico, reasoning_extra_pico, request_pico, batch_rate_id,
    batch_input_pico,
    case when batch_rate_id is not null then coalesce(batch_read_pico, cache_read_pico, input_pico) end as batch_cache_read_pico,
    case when batch_rate_id is not null
        then coalesce(batch_write_5m_pico, cache_write_5m_pico, input_pico) end as batch_cache_write_5m_pico,
    case when batch_rate_id is not null
        then coalesce(batch_write_1h_pico, cache_write_1h_pico, input_pico) end as batch_cache_write_1h_pico,
    batch_output_pico, batch_reasoning_extra_pico, batch_request_pico,
    -- Of the model's rates in this tier the usual one: outside of any region, of short requests.
    row_number() over (
        partition by day, provider, model, served_tier order by length(region), region, input_above, rate_id
    ) = 1 as is_usual
from paired
where place = 1
