/*
Cloudflare AI Gateway logs as requests: no reported cost where the gateway knew no price, no tokens where it counted none.

grain: one row per log id and day; of several copies the one with the most tokens counts
key: request_id
daily: true
kind: request
conserves: raw.cloudflare_logs
*/
with ranked as (
    select
        log.*,
        log.status = 'success' and not log.is_cache_hit and coalesce(log.input_tokens, 0) + coalesce(log.output_tokens, 0) = 0 as is_uncounted,
        row_number() over (
            partition by log.day, log.request_id
            order by coalesce(log.input_tokens, 0) + coalesce(log.output_tokens, 0) desc, log.started_at desc,
                coalesce(log.reported_cost_usd, 0) desc, log.file_id, log.line
        ) as place,
        count(*) over (partition by log.day, log.request_id) as copies
    from raw.cloudflare_logs as log
    where log.day >= getvariable('from_day') and log.day < getvariable('to_day')
)
select
    ranked.request_id, ranked.day, ranked.started_at, ranked.source, ranked.provider, ranked.model,
    -- A success that counted nothing is one whose tokens nobody knows.
    case when not ranked.is_uncounted then ranked.input_tokens end as input_tokens,
    case when not ranked.is_uncounted then ranked.output_tokens end as output_tokens,
    ranked.latency_ms, ranked.status, ranked.error_class, ranked.is_cache_hit, ranked.user_id, ranked.session_id, ranked.team,
    ranked.tenant, ranked.feature, ranked.environment, ranked.experiment_arm, ranked.tags, ranked.is_deferrable,
    case when ranked.reported_cost_usd > 0 or ranked.is_custom_cost or ranked.is_cache_hit or ranked.status = 'failure'
        then ranked.reported_cost_usd end as reported_cost_usd,
    ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
