/*
Helicone requests in the common shape: no reported cost where Helicone knew no price, no tokens where it counted none.

grain: one row per call and day; of several copies the one updated last counts, of several shapes the one that counts most tokens
key: request_id
daily: true
kind: request
conserves: raw.helicone
*/
with latest as (
    select
        log.*,
        row_number() over (
            partition by log.day, log.request_id
            order by coalesce(log.updated_at, log.started_at) desc, log.cost_basis, log.all_tokens desc,
                coalesce(log.reported_cost_usd, 0) desc, log.file_id, log.line
        ) as place,
        count(*) over (partition by log.day, log.request_id) as versions
    from raw.helicone as log
    where log.day >= getvariable('from_day') and log.day < getvariable('to_day')
),
-- The CLI's CSV knows a call by its response only.
ranked as (
    select
        latest.*,
        latest.status = 'success' and not latest.is_cache_hit and latest.all_tokens = 0 as is_uncounted,
        row_number() over (
            partition by latest.day, coalesce(latest.response_id, latest.request_id)
            order by latest.cost_basis, latest.all_tokens desc, coalesce(latest.updated_at, latest.started_at) desc, latest.file_id, latest.line
        ) as choice,
        cast(sum(latest.versions) over (partition by latest.day, coalesce(latest.response_id, latest.request_id)) as bigint) as copies
    from latest
    where latest.place = 1
)
select
    ranked.request_id, ranked.response_id, ranked.day, ranked.started_at, ranked.source, ranked.provider, ranked.model,
    -- A success that counted nothing is one whose tokens nobody knows.
    case when not ranked.is_uncounted then ranked.input_tokens end as input_tokens,
    ranked.cache_read_tokens, ranked.cache_write_5m_tokens, ranked.audio_input_tokens,
    case when not ranked.is_uncounted then ranked.output_tokens end as output_tokens, ranked.audio_output_tokens,
    ranked.reasoning_tokens, ranked.latency_ms, ranked.time_to_first_token_ms, ranked.status, ranked.error_class, ranked.is_cache_hit,
    ranked.key_id, ranked.project_id, ranked.project_id as account_id, ranked.user_id, ranked.session_id, ranked.team,
    ranked.tenant, ranked.feature, ranked.environment,
    ranked.experiment_arm, ranked.tags,
    ranked.prompt_hash, ranked.prefix_hash, ranked.prefix_ratio, ranked.context_ratio, ranked.max_output_tokens,
    ranked.temperature, ranked.is_streaming, ranked.has_tools, ranked.is_deferrable,
    cast(ranked.rating as decimal(18,6)) as quality_score, ranked.cost_basis,
    case when ranked.reported_cost_usd > 0 or ranked.is_cache_hit or (ranked.status = 'failure' and ranked.input_tokens is not null)
        then ranked.reported_cost_usd end as reported_cost_usd,
    ranked.file_id, ranked.copies
from ranked
where ranked.choice = 1
