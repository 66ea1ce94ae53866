/*
LiteLLM standard logging payloads as requests: no reported cost where the gateway knew no price, no tokens where it counted none.

grain: one row per payload id and day; of several copies the one with the most tokens counts
key: request_id
daily: true
kind: request
conserves: raw.litellm_standard_logging
*/
with ranked as (
    select
        log.*,
        log.status = 'success' and not log.is_cache_hit and log.all_tokens = 0 and log.quantity is null as is_uncounted,
        row_number() over (
            partition by log.day, log.request_id
            order by log.all_tokens desc, coalesce(log.quantity, 0) desc, log.started_at desc, coalesce(log.reported_cost_usd, 0) desc,
                log.file_id, log.line
        ) as place,
        count(*) over (partition by log.day, log.request_id) as copies
    from raw.litellm_standard_logging as log
    where log.day >= getvariable('from_day') and log.day < getvariable('to_day')
)
select
    ranked.request_id, ranked.response_id, ranked.operation_id, ranked.day, ranked.started_at, ranked.source, ranked.provider, ranked.model,
    ranked.requested_model, ranked.served_tier,
    -- A success that counted nothing (speech, a stream without usage) is one whose tokens nobody knows.
    case when not ranked.is_uncounted then ranked.input_tokens end as input_tokens,
    ranked.cache_read_tokens, ranked.cache_write_5m_tokens, ranked.cache_write_1h_tokens, ranked.cache_write_12h_tokens,
    ranked.audio_input_tokens, ranked.audio_cache_read_tokens, ranked.image_input_tokens, ranked.image_cache_read_tokens,
    ranked.video_input_tokens,
    case when not ranked.is_uncounted then ranked.output_tokens end as output_tokens,
    ranked.audio_output_tokens, ranked.image_output_tokens, ranked.reasoning_tokens, ranked.searches, ranked.quantity, ranked.quantity_unit,
    ranked.region, ranked.latency_ms, ranked.time_to_first_token_ms, ranked.status, ranked.error_class, ranked.is_cache_hit, ranked.key_id,
    ranked.key_alias, ranked.project_id, ranked.account_id, ranked.user_id, ranked.session_id, ranked.team, ranked.tenant, ranked.feature,
    ranked.environment, ranked.experiment_arm, ranked.tags,
    ranked.prompt_hash, ranked.prefix_hash, ranked.prefix_ratio, ranked.context_ratio, ranked.max_output_tokens,
    ranked.temperature, ranked.is_streaming, ranked.has_tools, ranked.routing_reason, ranked.is_deferrable, ranked.finish_reason,
    case when ranked.reported_cost_usd > 0 or ranked.is_cache_hit or (ranked.status = 'failure' and ranked.input_tokens is not null)
        then ranked.reported_cost_usd end as reported_cost_usd,
    ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
