/*
Bedrock model invocations as requests: tokens without a price.

grain: one row per request id and day; of several copies the one with the most tokens counts
key: request_id
daily: true
kind: request
conserves: raw.bedrock_invocation_logs
*/
with ranked as (
    select
        log.*,
        row_number() over (
            partition by log.day, log.request_id
            order by log.all_tokens desc, log.cache_write_1h_tokens desc, coalesce(log.quantity, 0) desc, log.started_at desc, log.file_id,
                log.line
        ) as place,
        count(*) over (partition by log.day, log.request_id) as copies
    from raw.bedrock_invocation_logs as log
    where log.day >= getvariable('from_day') and log.day < getvariable('to_day')
)
select
    ranked.request_id, ranked.day, ranked.started_at, ranked.source, ranked.provider, ranked.model, ranked.requested_model,
    ranked.served_tier, ranked.input_tokens, ranked.cache_read_tokens, ranked.cache_write_5m_tokens, ranked.cache_write_1h_tokens,
    ranked.output_tokens, ranked.quantity, ranked.quantity_unit, ranked.region, ranked.latency_ms, ranked.status, ranked.error_class,
    ranked.finish_reason, ranked.key_id, ranked.key_alias, ranked.project_id, ranked.project_id as account_id,
    ranked.user_id, ranked.session_id, ranked.team, ranked.tenant,
    ranked.feature, ranked.environment, ranked.experiment_arm, ranked.tags,
    ranked.prompt_hash, ranked.prefix_hash, ranked.prefix_ratio, ranked.context_ratio, ranked.max_output_tokens,
    ranked.temperature, ranked.is_streaming, ranked.has_tools, ranked.is_deferrable, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
