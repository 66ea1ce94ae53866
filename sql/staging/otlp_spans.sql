/*
OpenTelemetry spans of model calls as requests: a trace is an operation, its calls are no attempts at one.

grain: one row per span and day; of several copies the one with the most tokens counts
key: request_id
daily: true
kind: request
conserves: raw.otlp_spans
*/
with ranked as (
    select
        span.*,
        row_number() over (
            partition by span.day, span.request_id
            order by span.all_tokens desc, coalesce(span.latency_ms, 0) desc, span.file_id, span.line
        ) as place,
        count(*) over (partition by span.day, span.request_id) as copies
    from raw.otlp_spans as span
    where span.day >= getvariable('from_day') and span.day < getvariable('to_day')
)
select
    ranked.request_id, ranked.response_id, ranked.operation_id, 1 as attempt, ranked.day, ranked.started_at, ranked.source, ranked.provider,
    ranked.model, ranked.requested_model,
    ranked.served_tier, ranked.region, ranked.input_tokens, ranked.cache_read_tokens, ranked.cache_write_5m_tokens,
    ranked.audio_input_tokens, ranked.image_input_tokens, ranked.video_input_tokens, ranked.output_tokens, ranked.audio_output_tokens,
    ranked.image_output_tokens, ranked.reasoning_tokens,
    ranked.latency_ms, ranked.time_to_first_token_ms, ranked.status, ranked.error_class, ranked.finish_reason, ranked.key_alias,
    ranked.project_id, ranked.account_id, ranked.user_id, ranked.session_id, ranked.team, ranked.tenant, ranked.feature,
    ranked.environment, ranked.experiment_arm, ranked.tags, ranked.prompt_hash, ranked.prefix_hash, ranked.prefix_ratio,
    ranked.context_ratio, ranked.max_output_tokens, ranked.temperature, ranked.is_streaming, ranked.has_tools, ranked.routing_reason,
    ranked.is_deferrable, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
