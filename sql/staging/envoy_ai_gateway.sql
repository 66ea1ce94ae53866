/*
Entries of an Envoy AI Gateway access log as requests: no tokens where none were counted.

grain: one row per entry (x-request-id and start) and day; of several copies the one with the most tokens counts
key: request_id
daily: true
kind: request
conserves: raw.envoy_ai_gateway
*/
with ranked as (
    select
        log.*, log.status = 'success' and log.all_tokens = 0 as is_uncounted,
        row_number() over (
            partition by log.day, log.request_id order by log.all_tokens desc, log.started_at desc, log.file_id, log.line
        ) as place,
        count(*) over (partition by log.day, log.request_id) as copies
    from raw.envoy_ai_gateway as log
    where log.day >= getvariable('from_day') and log.day < getvariable('to_day')
)
select
    ranked.request_id, ranked.response_id, ranked.operation_id, ranked.day, ranked.started_at, ranked.source, ranked.provider, ranked.model,
    ranked.requested_model, ranked.served_tier, ranked.region,
    -- A success that counted nothing is one whose tokens nobody knows.
    case when not ranked.is_uncounted then ranked.input_tokens end as input_tokens,
    ranked.cache_read_tokens, ranked.cache_write_5m_tokens, ranked.cache_write_1h_tokens, ranked.audio_input_tokens,
    ranked.image_input_tokens, ranked.video_input_tokens,
    case when not ranked.is_uncounted then ranked.output_tokens end as output_tokens,
    ranked.audio_output_tokens, ranked.image_output_tokens, ranked.reasoning_tokens, ranked.searches, ranked.latency_ms,
    ranked.time_to_first_token_ms, ranked.status, ranked.error_class, ranked.session_id, ranked.user_id, ranked.key_id, ranked.key_alias,
    ranked.project_id, ranked.team, ranked.tenant, ranked.feature, ranked.environment, ranked.experiment_arm, ranked.tags,
    ranked.max_output_tokens, ranked.temperature, ranked.is_streaming, ranked.has_tools, ranked.routing_reason, ranked.is_deferrable, ranked.file_id,
    ranked.copies
from ranked
where ranked.place = 1
