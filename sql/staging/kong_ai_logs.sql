/*
Model calls in Kong's log entries as requests: no reported cost where no price was configured, no tokens where none were counted.

grain: one row per model call of an entry and day; of several copies the one with the most tokens counts
key: request_id
daily: true
kind: request
conserves: raw.kong_ai_logs
*/
with ranked as (
    select
        log.*, log.status = 'success' and not log.is_cache_hit and log.all_tokens = 0 and log.quantity is null as is_uncounted,
        row_number() over (
            partition by log.day, log.request_id
            order by log.all_tokens desc, log.started_at desc, coalesce(log.reported_cost_usd, 0) desc, log.file_id, log.line
        ) as place,
        count(*) over (partition by log.day, log.request_id) as copies
    from raw.kong_ai_logs as log
    where log.day >= getvariable('from_day') and log.day < getvariable('to_day')
)
select
    ranked.request_id, ranked.operation_id, ranked.day, ranked.started_at, ranked.source, ranked.provider, ranked.model,
    ranked.requested_model,
    -- A success that counted nothing is one whose tokens nobody knows.
    case when not ranked.is_uncounted then ranked.input_tokens end as input_tokens,
    ranked.cache_read_tokens, ranked.cache_write_5m_tokens, ranked.cache_write_1h_tokens, ranked.cache_write_12h_tokens,
    ranked.audio_input_tokens, ranked.audio_cache_read_tokens, ranked.image_input_tokens, ranked.image_cache_read_tokens,
    ranked.video_input_tokens,
    case when not ranked.is_uncounted then ranked.output_tokens end as output_tokens,
    ranked.audio_output_tokens, ranked.image_output_tokens, ranked.reasoning_tokens, ranked.searches, ranked.quantity, ranked.quantity_unit,
    ranked.latency_ms, ranked.time_to_first_token_ms, ranked.status, ranked.error_class, ranked.is_cache_hit, ranked.key_id,
    ranked.key_alias, ranked.project_id, ranked.feature,
    ranked.prompt_hash, ranked.prefix_hash, ranked.prefix_ratio, ranked.context_ratio, ranked.max_output_tokens,
    ranked.temperature, ranked.is_streaming, ranked.has_tools,
    -- What the gateway's cache answered was not paid for, whatever the answer had cost before.
    case when ranked.is_cache_hit then cast(0 as decimal(18,12))
        when ranked.reported_cost_usd > 0 then ranked.reported_cost_usd end as reported_cost_usd,
    ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
