/*
What a bucket of provider usage holds, meter by meter, each at the rates of its day; long-context rates need single requests.

grain: one row per bucket of a usage export and meter
key: [usage_id, meter]
daily: true
*/
with used as (
    select usage.usage_id, 'input' as meter, cast(usage.input_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'cache_read' as meter, cast(usage.cache_read_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'cache_write_5m' as meter, cast(usage.cache_write_5m_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'cache_write_1h' as meter, cast(usage.cache_write_1h_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'output' as meter, cast(usage.output_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'cache_write_12h' as meter, cast(usage.cache_write_12h_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'audio_input' as meter, cast(usage.audio_input_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'audio_cache_read' as meter, cast(usage.audio_cache_read_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'audio_output' as meter, cast(usage.audio_output_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'image_input' as meter, cast(usage.image_input_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'image_cache_read' as meter, cast(usage.image_cache_read_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'image_output' as meter, cast(usage.image_output_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'video_input' as meter, cast(usage.video_input_tokens as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'search' as meter, cast(usage.searches as decimal(18,6)) as quantity from core.usage as usage
    union all
    select usage.usage_id, 'request' as meter, cast(usage.requests as decimal(18,6)) as quantity from core.usage as usage
    union all
    select
        usage.usage_id,
        meter_of(usage.quantity_unit) as meter,
        cast(usage.quantity as decimal(18,6)) as quantity
    from core.usage as usage
),
summed as (
    select used.usage_id, used.meter, cast(sum(used.quantity) as decimal(18,6)) as quantity
    from used
    where used.quantity > 0
    group by used.usage_id, used.meter
),
found as (
    select summed.usage_id, usage.day, summed.meter, summed.quantity, rate.rate_id, rate.unpriced_reason
    from summed
    inner join core.usage as usage on usage.usage_id = summed.usage_id
    left join core.rate_in_force as rate
        on rate.day = usage.day and rate.provider = coalesce(usage.provider, '') and rate.model = coalesce(usage.model, '')
        and rate.served_tier = usage.served_tier and rate.region = coalesce(usage.region, '')
        and usage.starts_at >= rate.holds_from and usage.starts_at < rate.holds_to and rate.input_above = -1 and rate.uncached_above = -1
    where usage.day >= getvariable('from_day') and usage.day < getvariable('to_day')
)
select
    found.usage_id, found.day, found.meter, found.quantity, found.rate_id,
    cast(found.quantity * price.list_usd as decimal(38,12)) as list_cost_usd,
    cast(found.quantity * price.contracted_usd as decimal(38,12)) as contracted_cost_usd,
    cast(found.quantity * price.effective_usd as decimal(38,12)) as effective_cost_usd,
    case when price.effective_usd is not null then null when found.unpriced_reason is not null then found.unpriced_reason
        when found.rate_id is null then 'no date' else 'no meter' end as unpriced_reason
from found
left join rate_cards.unit_rate as price
    on price.rate_id = found.rate_id and price.meter = found.meter and found.day >= price.priced_from and found.day < price.priced_to
