/*
Requests of files a mapping describes, each once.

grain: one row per record and day
key: request_id
daily: true
kind: request
conserves: raw.mapped_request
*/
with ranked as (
    select
        record.*,
        row_number() over (
            partition by record.day, record.request_id
            order by coalesce(record.input_tokens, 0) + coalesce(record.cache_read_tokens, 0) + coalesce(record.output_tokens, 0)
                + coalesce(record.audio_input_tokens, 0) + coalesce(record.audio_output_tokens, 0) + coalesce(record.image_input_tokens, 0)
                + coalesce(record.image_output_tokens, 0) desc, coalesce(record.quantity, 0) desc, record.file_id, record.line
        ) as place,
        count(*) over (partition by record.day, record.request_id) as copies
    from raw.mapped_request as record
    where record.day >= getvariable('from_day') and record.day < getvariable('to_day')
)
select
    ranked.request_id, ranked.response_id, ranked.operation_id, ranked.attempt, ranked.day, ranked.started_at, ranked.source,
    ranked.provider, ranked.model, ranked.requested_model, ranked.served_tier, ranked.region, ranked.input_tokens,
    ranked.cache_read_tokens, ranked.cache_write_5m_tokens, ranked.cache_write_1h_tokens, ranked.cache_write_12h_tokens,
    ranked.audio_input_tokens, ranked.audio_cache_read_tokens, ranked.image_input_tokens, ranked.image_cache_read_tokens,
    ranked.video_input_tokens, ranked.output_tokens, ranked.audio_output_tokens, ranked.image_output_tokens, ranked.reasoning_tokens,
    ranked.searches, ranked.quantity, ranked.quantity_unit, ranked.latency_ms, ranked.time_to_first_token_ms, ranked.status,
    ranked.error_class, ranked.finish_reason, ranked.is_cache_hit, ranked.is_free, ranked.is_estimated, ranked.key_id, ranked.key_alias,
    ranked.project_id, ranked.account_id, ranked.user_id, ranked.session_id, ranked.team, ranked.tenant, ranked.feature,
    ranked.environment, ranked.tags, ranked.experiment_arm,
    ranked.prompt_hash, ranked.prefix_hash, ranked.prefix_ratio, ranked.context_ratio, ranked.max_output_tokens,
    ranked.temperature, ranked.is_streaming, ranked.has_tools,
    ranked.routing_reason, ranked.is_deferrable, ranked.reported_cost_usd,
    case when ranked.reported_cost_usd is not null then 'reported' end as cost_basis, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
