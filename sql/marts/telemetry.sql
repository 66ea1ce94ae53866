/*
How many calls of a day carry each field that the telemetry contract asks for (docs/telemetry.md), by source and feature.

grain: one row per UTC day, source, provider and feature
key: [day, source, provider, feature]
daily: true
must:
  - answered_requests <= requests
*/
-- What a user, a judge or a task said of a call or of the operation it belongs to, on the same UTC day. That a call fell back on another
-- model is no judgement.
with judgement as (
    select quality.day, quality.request_id, quality.operation_id
    from core.quality as quality
    where quality.day >= getvariable('from_day') and quality.day < getvariable('to_day') and quality.signal <> 'fallback'
),
judged as (
    select distinct judgement.day, judgement.request_id from judgement where judgement.request_id is not null
),
tasked as (
    select distinct judgement.day, judgement.operation_id from judgement where judgement.operation_id is not null
),
call as (
    select request.*, request.status = 'success' as answered, judged.request_id is not null or tasked.operation_id is not null as is_judged
    from core.request as request
    left join judged on judged.day = request.day and judged.request_id = request.request_id
    left join tasked on tasked.day = request.day and tasked.operation_id = request.operation_id
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day')
)
select
    call.day, call.source, coalesce(call.provider, '(none)') as provider, coalesce(call.feature, '(none)') as feature,
    count(*) as requests,
    -- What only an answer has is counted of these: tokens, the first of them, what a cache gave, why it ended, and how good it was.
    count(case when call.answered then 1 end) as answered_requests,
    count(case when call.model is not null then 1 end) as model_requests,
    count(case when call.answered and call.input_tokens is not null
        and call.output_tokens is not null and not call.is_estimated then 1 end) as tokens_requests,
    count(case when call.answered and call.cache_read_tokens is not null then 1 end) as cache_requests,
    count(case when call.latency_ms is not null then 1 end) as latency_requests,
    count(case when call.answered
        and (call.time_to_first_token_ms is not null or not call.is_streaming) then 1 end) as first_token_requests,
    count(case when call.answered and call.finish_reason is not null then 1 end) as finish_reason_requests,
    count(case when call.max_output_tokens is not null then 1 end) as output_cap_requests,
    count(case when call.temperature is not null then 1 end) as temperature_requests,
    count(case when call.is_streaming is not null then 1 end) as streaming_requests,
    count(case when call.has_tools is not null then 1 end) as tools_requests,
    count(case when call.routing_reason is not null then 1 end) as routing_reason_requests,
    count(case when call.is_deferrable is not null then 1 end) as deferrable_requests,
    count(case when call.prompt_hash is not null then 1 end) as prompt_hash_requests,
    count(case when call.prefix_ratio is not null then 1 end) as prefix_hash_requests,
    count(case when call.operation_id <> call.request_id then 1 end) as operation_requests,
    count(case when call.session_id is not null then 1 end) as session_requests,
    count(case when call.team is not null then 1 end) as team_requests,
    count(case when call.tenant is not null then 1 end) as tenant_requests,
    count(case when call.feature is not null then 1 end) as feature_requests,
    count(case when call.experiment_arm is not null then 1 end) as experiment_arm_requests,
    count(case when call.answered and call.is_judged then 1 end) as quality_requests
from call
group by call.day, call.source, coalesce(call.provider, '(none)'), coalesce(call.feature, '(none)')
