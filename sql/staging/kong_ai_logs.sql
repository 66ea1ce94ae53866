/*
Model calls in Kong's log entries as requests: no reported cost where no price was configured, no tokens where none were counted.

grain: one row per model call of an entry and day; of several copies the one with the most tokens counts
key: request_id
daily: true
kind: request
conserves: raw.kong_ai_logs
*/
with judged as (
    select
        log.*,
        coalesce(log.input_tokens, 0) + coalesce(log.cache_read_tokens, 0) + coalesce(log.cache_write_5m_tokens, 0)
            + coalesce(log.output_tokens, 0) as all_tokens
    from raw.kong_ai_logs as log
    where log.day >= getvariable('from_day') and log.day < getvariable('to_day')
),
ranked as (
    select
        judged.*, judged.status = 'success' and not judged.is_cache_hit and judged.all_tokens = 0 as is_uncounted,
        row_number() over (
            partition by judged.day, judged.request_id
            order by judged.all_tokens desc, judged.started_at desc, coalesce(judged.reported_cost_usd, 0) desc, judged.file_id, judged.line
        ) as place,
        count(*) over (partition by judged.day, judged.request_id) as copies
    from judged
)
select
    ranked.request_id, ranked.operation_id, ranked.day, ranked.started_at, ranked.source, ranked.provider, ranked.model,
    ranked.requested_model,
    -- A success that counted nothing is one whose tokens nobody knows.
    case when not ranked.is_uncounted then ranked.input_tokens end as input_tokens,
    ranked.cache_read_tokens, ranked.cache_write_5m_tokens,
    case when not ranked.is_uncounted then ranked.output_tokens end as output_tokens,
    ranked.reasoning_tokens, ranked.latency_ms, ranked.time_to_first_token_ms, ranked.status, ranked.error_class, ranked.is_cache_hit,
    ranked.key_id, ranked.key_alias, ranked.project_id, ranked.feature, ranked.prompt_hash,
    -- What the gateway's cache answered was not paid for, whatever the answer had cost before.
    case when ranked.is_cache_hit then cast(0 as decimal(18,12))
        when ranked.reported_cost_usd > 0 then ranked.reported_cost_usd end as reported_cost_usd,
    ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
