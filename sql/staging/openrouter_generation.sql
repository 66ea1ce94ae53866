/*
Answers of the OpenRouter generation API as requests, at what OpenRouter charged; of several copies the one with the larger cost counts.

grain: one row per generation and day
key: request_id
daily: true
kind: request
conserves: raw.openrouter_generation
*/
with ranked as (
    select
        call.*,
        row_number() over (
            partition by call.day, call.request_id
            order by coalesce(call.reported_cost_usd, 0) desc, call.all_tokens desc, call.started_at desc, call.file_id, call.line
        ) as place,
        count(*) over (partition by call.day, call.request_id) as copies
    from raw.openrouter_generation as call
    where call.day >= getvariable('from_day') and call.day < getvariable('to_day')
)
select
    ranked.request_id, ranked.request_id as response_id, ranked.day, ranked.started_at, ranked.source, 'openrouter' as provider,
    ranked.model, ranked.served_tier, ranked.region, ranked.input_tokens, ranked.cache_read_tokens, ranked.output_tokens,
    ranked.image_output_tokens, ranked.reasoning_tokens, ranked.searches, ranked.latency_ms, ranked.time_to_first_token_ms, ranked.status,
    ranked.finish_reason, ranked.is_cache_hit, ranked.is_estimated, ranked.key_alias, ranked.project_id, ranked.user_id, ranked.session_id,
    ranked.feature, ranked.is_streaming, ranked.routing_reason, 'reported' as cost_basis,
    -- OpenRouter is who bills; still, a zero without a reason is a price nobody knew.
    coalesce(ranked.is_free and ranked.reported_cost_usd = 0, false) as is_free,
    case when ranked.reported_cost_usd > 0 or ranked.is_free or ranked.is_cache_hit or ranked.status = 'failure'
        then ranked.reported_cost_usd end as reported_cost_usd,
    ranked.file_id, ranked.copies
from ranked
where ranked.place = 1
