/*
Entries of an Envoy AI Gateway access log as requests: no tokens where none were counted.

grain: one row per entry (x-request-id and start) and day; of several copies the one with the most tokens counts
key: request_id
daily: true
kind: request
conserves: raw.envoy_ai_gateway
*/
with judged as (
    select
        log.*,
        coalesce(log.input_tokens, 0) + coalesce(log.cache_read_tokens, 0) + coalesce(log.cache_write_5m_tokens, 0)
            + coalesce(log.output_tokens, 0) as all_tokens
    from raw.envoy_ai_gateway as log
    where log.day >= getvariable('from_day') and log.day < getvariable('to_day')
),
ranked as (
    select
        judged.*, judged.status = 'success' and judged.all_tokens = 0 as is_uncounted,
        row_number() over (
            partition by judged.day, judged.request_id
            order by judged.all_tokens desc, judged.started_at desc, judged.file_id, judged.line
        ) as place,
        count(*) over (partition by judged.day, judged.request_id) as copies
    from judged
)
select
    ranked.request_id, ranked.response_id, ranked.operation_id, ranked.day, ranked.started_at, ranked.source, ranked.provider, ranked.model,
    ranked.requested_model,
    -- A success that counted nothing is one whose tokens nobody knows.
    case when not ranked.is_uncounted then ranked.input_tokens end as input_tokens,
    ranked.cache_read_tokens, ranked.cache_write_5m_tokens,
    case when not ranked.is_uncounted then ranked.output_tokens end as output_tokens,
    ranked.reasoning_tokens, ranked.latency_ms, ranked.time_to_first_token_ms, ranked.status, ranked.error_class, ranked.session_id,
    ranked.user_id, ranked.key_id, ranked.key_alias, ranked.project_id, ranked.team, ranked.tenant, ranked.feature, ranked.environment,
    ranked.experiment_arm, ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
