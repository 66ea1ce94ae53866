/*
What a request used beyond plain tokens - audio, images, video, long caches, searches, seconds - each at its own rate; and what is paid
for having failed.

grain: one row per request attempt and meter
key: [request_id, meter]
daily: true
*/
with request as (
    select
        request.request_id, request.day, request.started_at, request.priced_as, request.commitment,
        coalesce(request.prompt_tokens, 0) as prompt_tokens, coalesce(request.input_tokens, 0) as input_tokens,
        request.cache_write_12h_tokens, request.audio_input_tokens,
        request.audio_cache_read_tokens, request.audio_output_tokens, request.image_input_tokens, request.image_cache_read_tokens,
        request.image_output_tokens, request.video_input_tokens, request.searches, request.quantity, request.quantity_unit, request.fee_usd
    from core.request as request
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day') and request.metered_id is not null
),
used as (
    select request.request_id, 'cache_write_12h' as meter, cast(request.cache_write_12h_tokens as decimal(18,6)) as quantity from request
    union all
    select request.request_id, 'audio_input' as meter, cast(request.audio_input_tokens as decimal(18,6)) as quantity from request
    union all
    select request.request_id, 'audio_cache_read' as meter, cast(request.audio_cache_read_tokens as decimal(18,6)) as quantity from request
    union all
    select request.request_id, 'audio_output' as meter, cast(request.audio_output_tokens as decimal(18,6)) as quantity from request
    union all
    select request.request_id, 'image_input' as meter, cast(request.image_input_tokens as decimal(18,6)) as quantity from request
    union all
    select request.request_id, 'image_cache_read' as meter, cast(request.image_cache_read_tokens as decimal(18,6)) as quantity from request
    union all
    select request.request_id, 'image_output' as meter, cast(request.image_output_tokens as decimal(18,6)) as quantity from request
    union all
    select request.request_id, 'video_input' as meter, cast(request.video_input_tokens as decimal(18,6)) as quantity from request
    union all
    select request.request_id, 'search' as meter, cast(request.searches as decimal(18,6)) as quantity from request
    union all
    select request.request_id, meter_of(request.quantity_unit) as meter, request.quantity
    from request
),
summed as (
    select used.request_id, used.meter, cast(sum(used.quantity) as decimal(18,6)) as quantity
    from used
    where used.quantity > 0
    group by used.request_id, used.meter
),
found as (
    select
        summed.request_id, request.day, summed.meter, summed.quantity, rate.rate_id, rate.unpriced_reason, weight.commitment
    from summed
    inner join request on request.request_id = summed.request_id
    -- What a commitment weighs, it serves; searches and the like are paid beside it.
    left join book.commitment_weight as weight on weight.commitment = request.commitment and weight.meter = summed.meter
    left join core.rate_in_force as rate
        on rate.day = request.day and rate.priced_as = request.priced_as
        and request.started_at >= rate.holds_from and request.started_at < rate.holds_to
        and request.prompt_tokens > rate.input_above and request.prompt_tokens <= rate.input_up_to
        and request.input_tokens > rate.uncached_above and request.input_tokens <= rate.uncached_up_to
)
select
    found.request_id, found.day, found.meter, found.quantity, found.rate_id,
    cast(found.quantity * price.list_usd as decimal(18,12)) as list_cost_usd,
    cast(case when found.commitment is not null then 0 else found.quantity * price.contracted_usd end as decimal(18,12)) as contracted_cost_usd,
    cast(case when found.commitment is not null then 0 else found.quantity * price.effective_usd end as decimal(18,12)) as effective_cost_usd,
    case when price.effective_usd is not null or found.commitment is not null then null when found.unpriced_reason is not null then found.unpriced_reason
        when found.rate_id is null then 'no date' else 'no meter' end as unpriced_reason
from found
left join rate_cards.unit_rate as price
    on price.rate_id = found.rate_id and price.meter = found.meter and found.day >= price.priced_from and found.day < price.priced_to
union all
select
    request.request_id, request.day, 'fee' as meter, cast(1 as decimal(18,6)) as quantity, cast(null as varchar) as rate_id,
    request.fee_usd as list_cost_usd, request.fee_usd as contracted_cost_usd, request.fee_usd as effective_cost_usd,
    cast(null as varchar) as unpriced_reason
from request
where request.fee_usd > 0
