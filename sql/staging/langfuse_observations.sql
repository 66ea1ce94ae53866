/*
Langfuse observations as requests: a trace is an operation, its calls are no attempts at one; it says whose they are where they do not.

grain: one row per observation and day; of several copies the one updated last counts
key: request_id
daily: true
lookback_days: 1
kind: request
conserves: raw.langfuse_observations
*/
with ranked as (
    select
        seen.*,
        row_number() over (
            partition by seen.day, seen.request_id
            order by case when seen.updated_at is null then 1 else 0 end, seen.updated_at desc, seen.all_tokens desc,
                coalesce(seen.reported_cost_usd, 0) desc, seen.file_id, seen.line
        ) as place,
        count(*) over (partition by seen.day, seen.request_id) as copies
    from raw.langfuse_observations as seen
    where seen.day >= getvariable('from_day') and seen.day < getvariable('to_day')
),
trace as (
    select
        seen.*,
        row_number() over (
            partition by seen.day, seen.operation_id
            order by case when seen.updated_at is null then 1 else 0 end, seen.updated_at desc, seen.started_at desc, seen.file_id, seen.line
        ) as place
    from raw.langfuse_traces as seen
    where seen.day >= getvariable('from_day') - 1 and seen.day < getvariable('to_day')
)
select
    ranked.request_id, ranked.operation_id, 1 as attempt, ranked.day, ranked.started_at, ranked.source, ranked.model, ranked.input_tokens,
    ranked.cache_read_tokens, ranked.cache_write_5m_tokens, ranked.cache_write_1h_tokens, ranked.cache_write_12h_tokens,
    ranked.audio_input_tokens, ranked.audio_cache_read_tokens, ranked.image_input_tokens, ranked.image_cache_read_tokens,
    ranked.video_input_tokens, ranked.output_tokens, ranked.audio_output_tokens, ranked.image_output_tokens, ranked.reasoning_tokens,
    ranked.searches, ranked.latency_ms, ranked.time_to_first_token_ms, ranked.status,
    coalesce(ranked.project_id, trace.project_id, before.project_id) as project_id,
    coalesce(ranked.user_id, trace.user_id, before.user_id) as user_id,
    coalesce(ranked.session_id, trace.session_id, before.session_id) as session_id,
    coalesce(ranked.team, trace.team, before.team) as team, coalesce(ranked.tenant, trace.tenant, before.tenant) as tenant,
    coalesce(ranked.feature, trace.feature, before.feature) as feature,
    coalesce(ranked.environment, trace.environment, before.environment) as environment,
    coalesce(ranked.experiment_arm, trace.experiment_arm, before.experiment_arm) as experiment_arm,
    -- Each tag, as each owner: of the call, else of its trace.
    merged_tags(ranked.tags, merged_tags(trace.tags, before.tags)) as tags,
    ranked.prompt_hash, ranked.prefix_hash, ranked.prefix_ratio, ranked.context_ratio, ranked.max_output_tokens,
    ranked.temperature, ranked.is_streaming, ranked.has_tools, ranked.is_deferrable,
    ranked.reported_cost_usd,
    ranked.file_id, ranked.copies
from ranked
left join trace on trace.place = 1 and trace.operation_id = ranked.operation_id and trace.day = ranked.day
-- A trace that began before midnight speaks for its calls after it.
left join trace as before on before.place = 1 and before.operation_id = ranked.operation_id and before.day = ranked.day - 1
where ranked.place = 1
