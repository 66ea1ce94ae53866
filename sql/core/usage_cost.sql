/*
What each bucket of provider usage costs at list rates of its day, else as its source reports it; long-context rates need single requests.

grain: one row per bucket and group of a usage export
key: usage_id
daily: true
must:
  - cost_usd >= 0 or cost_usd is null
  - (cost_usd is null) = (unpriced_reason is not null)
*/
with rated as (
    select
        usage.usage_id, usage.day, usage.source, usage.provider, usage.model, usage.input_tokens, usage.output_tokens, usage.quantity,
        usage.reported_cost_usd,
        rate.rate_id, rate.card_model, rate.unpriced_reason as no_rate,
        cast(usage.input_tokens as decimal(19,0)) * cast(rate.input_pico as decimal(18,0)) as input_cost,
        cast(usage.output_tokens as decimal(19,0)) * cast(rate.output_pico as decimal(18,0)) as output_cost,
        case when coalesce(usage.cache_read_tokens, 0) = 0 then 0
            else cast(usage.cache_read_tokens as decimal(19,0)) * cast(rate.cache_read_pico as decimal(18,0)) end as cache_read_cost,
        case when coalesce(usage.cache_write_5m_tokens, 0) = 0 then 0
            else cast(usage.cache_write_5m_tokens as decimal(19,0)) * cast(rate.cache_write_5m_pico as decimal(18,0)) end as cache_write_5m_cost,
        case when coalesce(usage.cache_write_1h_tokens, 0) = 0 then 0
            else cast(usage.cache_write_1h_tokens as decimal(19,0)) * cast(rate.cache_write_1h_pico as decimal(18,0)) end as cache_write_1h_cost
    from core.usage as usage
    left join core.rate_in_force as rate
        on rate.day = usage.day and rate.provider = coalesce(usage.provider, '') and rate.model = coalesce(usage.model, '')
        and rate.served_tier = usage.served_tier
        and (rate.rate_id is null or (usage.starts_at >= rate.starts_at and usage.starts_at < rate.ends_at and rate.input_above = -1))
    where usage.day >= getvariable('from_day') and usage.day < getvariable('to_day')
),
costed as (
    select rated.*, to_usd(input_cost + output_cost + cache_read_cost + cache_write_5m_cost + cache_write_1h_cost) as computed_cost_usd
    from rated
)
select
    usage_id, day, source, provider, model, card_model, rate_id, computed_cost_usd, reported_cost_usd,
    coalesce(computed_cost_usd, reported_cost_usd) as cost_usd,
    case when computed_cost_usd is not null then 'computed' when reported_cost_usd is not null then 'reported' end as cost_basis,
    case when coalesce(computed_cost_usd, reported_cost_usd) is not null then null
        when input_tokens is null and quantity is not null then 'no meter'
        when input_tokens is null or output_tokens is null then 'no tokens'
        when no_rate is not null then no_rate
        when rate_id is null then 'no rate on that day'
        else 'no meter' end as unpriced_reason
from costed
