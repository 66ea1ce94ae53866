/*
Cloudflare AI Gateway events of Logpush as requests: tokens and cost unknown where they were not in clear.

grain: one row per event and day; the same event of two files counts once
key: request_id
daily: true
kind: request
conserves: raw.cloudflare_logpush
*/
with ranked as (
    select
        event.*,
        event.status = 'success' and not event.is_cache_hit and coalesce(event.input_tokens, 0) + coalesce(event.output_tokens, 0) = 0
            as is_uncounted,
        row_number() over (
            partition by event.day, event.request_id
            order by coalesce(event.input_tokens, 0) + coalesce(event.output_tokens, 0) desc, event.started_at desc,
                coalesce(event.reported_cost_usd, 0) desc, event.file_id, event.line
        ) as place,
        count(*) over (partition by event.day, event.request_id) as copies
    from raw.cloudflare_logpush as event
    where event.day >= getvariable('from_day') and event.day < getvariable('to_day')
)
select
    ranked.request_id, ranked.day, ranked.started_at, ranked.source, ranked.provider, ranked.model, ranked.requested_model,
    -- A success that counted nothing is one whose tokens nobody knows.
    case when not ranked.is_uncounted then ranked.input_tokens end as input_tokens,
    case when not ranked.is_uncounted then ranked.output_tokens end as output_tokens,
    ranked.latency_ms, ranked.status, ranked.error_class, ranked.is_cache_hit,
    ranked.project_id, ranked.user_id, ranked.session_id, ranked.team, ranked.tenant, ranked.feature, ranked.environment,
    ranked.experiment_arm, ranked.tags, ranked.routing_reason, ranked.is_deferrable,
    case when ranked.reported_cost_usd > 0 or ranked.is_cache_hit then ranked.reported_cost_usd end as reported_cost_usd,
    ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
