/*
Calls that could have gone by batch, at standard tier and with a batch price for all of their tokens, and how much of each can be moved.
Low: tagged as deferrable, and known neither to stream nor to be part of a loop of tools. Point: tagged, and nothing speaks against it.
High: tagged ones wholly, and also calls without a tag that look as if nobody waited. Low and point are times the share that is feasible.

grain: one row per call with a share above nothing
key: request_id
daily: true
must:
  - low_ppm >= 0 and low_ppm <= point_ppm and point_ppm <= high_ppm and high_ppm > 0 and high_ppm <= 1000000
  - batch_tokens_usd >= 0
*/
with looped as (
    select request.day, coalesce(request.session_id, request.operation_id) as thread
    from core.request as request
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day') and request.has_tools
    group by request.day, coalesce(request.session_id, request.operation_id)
    having count(*) > 1
),
call as (
    select
        request.day, request.request_id, coalesce(request.session_id, request.operation_id) as thread, request.is_streaming,
        request.has_tools,
        coalesce(request.is_deferrable, false) or lane.feature is not null as is_tagged,
        -- What of them can be moved is an assumption: 80 % where levers.yaml does not say.
        coalesce(lane.feasible_ppm, 800000) as feasible,
        request.session_id is null and request.user_id is null and request.time_to_first_token_ms is null
            and request.operation_id = request.request_id as is_alone,
        cost_of(request.input_tokens, batch.input_pico) + cost_of(coalesce(request.cache_read_tokens, 0), batch.cache_read_pico)
            + cost_of(coalesce(request.cache_write_5m_tokens, 0), batch.cache_write_5m_pico)
            + cost_of(coalesce(request.cache_write_1h_tokens, 0), batch.cache_write_1h_pico)
            + cost_of(request.output_tokens, batch.output_pico)
            + cost_of(coalesce(request.reasoning_tokens, 0), batch.reasoning_extra_pico) as batch_pico
    from core.request as request
    inner join core.tier_price as batch
        on batch.other_tier = 'batch' and batch.day = request.day and batch.priced_as = request.priced_as
        and request.started_at >= batch.holds_from and request.started_at < batch.holds_to
        and coalesce(request.prompt_tokens, 0) > batch.input_above and coalesce(request.prompt_tokens, 0) <= batch.input_up_to
        and coalesce(request.input_tokens, 0) > batch.uncached_above and coalesce(request.input_tokens, 0) <= batch.uncached_up_to
    left join book.batch_lane as lane on lane.feature = request.feature and lane.tolerance_hours >= 24
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day') and request.status = 'success'
        and request.billing = 'billed' and request.served_tier = 'standard' and request.commitment is null
        -- What a call says of itself goes before what is said of its feature.
        and coalesce(request.is_deferrable, true) and not coalesce(request.is_streaming, false)
        and (request.is_deferrable or lane.feature is not null or not request.is_streaming)
),
shared as (
    select
        call.*, case when is_tagged and is_streaming is not null and has_tools is not null then feasible else 0 end as low_ppm,
        case when is_tagged then feasible else 0 end as point_ppm,
        case when is_tagged then 1000000 when is_alone and not coalesce(has_tools, false) then feasible else 0 end as high_ppm
    from call
)
select
    shared.request_id, shared.day, cast(shared.low_ppm as integer) as low_ppm, cast(shared.point_ppm as integer) as point_ppm,
    cast(shared.high_ppm as integer) as high_ppm, shared.is_tagged, row_usd(shared.batch_pico) as batch_tokens_usd
from shared
left join looped on shared.has_tools and looped.day = shared.day and looped.thread = shared.thread
where shared.high_ppm > 0 and looped.day is null and shared.batch_pico is not null
