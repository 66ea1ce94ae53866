/*
Langfuse observations as requests: a trace is an operation, its calls are no attempts at one.

grain: one row per observation and day; of several copies the one updated last counts
key: request_id
daily: true
kind: request
conserves: raw.langfuse_observations
*/
with ranked as (
    select
        seen.*,
        row_number() over (
            partition by seen.day, seen.request_id
            order by case when seen.updated_at is null then 1 else 0 end, seen.updated_at desc,
                coalesce(seen.input_tokens, 0) + coalesce(seen.cache_read_tokens, 0) + coalesce(seen.cache_write_5m_tokens, 0)
                + coalesce(seen.cache_write_1h_tokens, 0) + coalesce(seen.output_tokens, 0) desc,
                coalesce(seen.reported_cost_usd, 0) desc, seen.file_id, seen.line
        ) as place,
        count(*) over (partition by seen.day, seen.request_id) as copies
    from raw.langfuse_observations as seen
    where seen.day >= getvariable('from_day') and seen.day < getvariable('to_day')
)
select
    ranked.request_id, ranked.operation_id, 1 as attempt, ranked.day, ranked.started_at, ranked.source, ranked.model, ranked.input_tokens,
    ranked.cache_read_tokens, ranked.cache_write_5m_tokens, ranked.cache_write_1h_tokens, ranked.output_tokens, ranked.reasoning_tokens,
    ranked.latency_ms, ranked.time_to_first_token_ms, ranked.status, ranked.project_id, ranked.user_id, ranked.session_id, ranked.team,
    ranked.tenant, ranked.feature, ranked.environment, ranked.experiment_arm, ranked.prompt_hash, ranked.reported_cost_usd,
    ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
