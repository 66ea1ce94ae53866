/*
Every request attempt in the common shape: with its owner, whether it is billed, and estimates where its log counts no tokens.

grain: one row per request attempt
key: request_id
daily: true
must:
  - coalesce(input_tokens, 0) >= 0 and coalesce(output_tokens, 0) >= 0
  - coalesce(cache_read_tokens, 0) >= 0 and coalesce(cache_write_5m_tokens, 0) >= 0 and coalesce(cache_write_1h_tokens, 0) >= 0
should:
  - team is not null
*/
with request as (
    select
        seen.*, coalesce(log.logs, 1) as logs, coalesce(log.attempt, 1) as place,
        coalesce(seen.input_tokens, 0) + coalesce(seen.cache_read_tokens, 0) + coalesce(seen.output_tokens, 0) > 0 as has_tokens,
        -- Few calls use what core.request_meter prices; the others are not looked for there.
        case when seen.audio_input_tokens > 0 or seen.audio_cache_read_tokens > 0 or seen.audio_output_tokens > 0 or seen.quantity > 0
            or seen.image_input_tokens > 0 or seen.image_cache_read_tokens > 0 or seen.image_output_tokens > 0
            or seen.video_input_tokens > 0 or seen.cache_write_12h_tokens > 0 or seen.searches > 0 then seen.request_id end as metered_id,
        -- A call that is billed by something else than tokens has none.
        case when seen.quantity > 0 then 0 end as no_tokens
    from staging.request as seen
    left join book.source as source on source.source = seen.source
    left join core.call_log as log on log.day = seen.day and log.request_id = seen.request_id and log.file_id = seen.file_id
    where seen.day >= getvariable('from_day') and seen.day < getvariable('to_day') and coalesce(source.is_counted, true)
        and coalesce(log.is_counted, true)
)
select
    request.request_id, coalesce(request.operation_id, request.request_id) as operation_id,
    coalesce(request.attempt, cast(request.place as integer)) as attempt,
    request.day, coalesce(local.book_day, request.day) as book_day, request.started_at, request.source, request.provider, request.model,
    request.requested_model, coalesce(request.served_tier, 'standard') as served_tier, held.commitment, request.region,
    -- One key instead of four, by which each call finds its price.
    coalesce(request.provider, '') || '|' || coalesce('commitment ' || held.commitment, request.served_tier, 'standard') || '|'
        || coalesce(request.region, '') || '|' || coalesce(request.model, '') as priced_as,
    -- The whole input, which thresholds are held against.
    coalesce(usual.input_tokens, request.input_tokens, request.no_tokens) + coalesce(usual.cache_read_tokens, request.cache_read_tokens, 0)
        + coalesce(usual.cache_write_5m_tokens, request.cache_write_5m_tokens, 0)
        + coalesce(usual.cache_write_1h_tokens, request.cache_write_1h_tokens, 0) + coalesce(request.cache_write_12h_tokens, 0)
        + coalesce(request.audio_input_tokens, 0) + coalesce(request.audio_cache_read_tokens, 0) + coalesce(request.image_input_tokens, 0)
        + coalesce(request.image_cache_read_tokens, 0) + coalesce(request.video_input_tokens, 0) as prompt_tokens,
    coalesce(usual.input_tokens, request.input_tokens, request.no_tokens) as input_tokens,
    coalesce(usual.cache_read_tokens, request.cache_read_tokens) as cache_read_tokens,
    coalesce(usual.cache_write_5m_tokens, request.cache_write_5m_tokens) as cache_write_5m_tokens,
    coalesce(usual.cache_write_1h_tokens, request.cache_write_1h_tokens) as cache_write_1h_tokens,
    coalesce(usual.output_tokens, request.output_tokens, request.no_tokens) as output_tokens,
    coalesce(usual.reasoning_tokens, request.reasoning_tokens) as reasoning_tokens,
    request.cache_write_12h_tokens, request.audio_input_tokens, request.audio_cache_read_tokens, request.audio_output_tokens,
    request.image_input_tokens, request.image_cache_read_tokens, request.image_output_tokens, request.video_input_tokens, request.searches,
    request.quantity, request.quantity_unit, case when policy.fee_usd > 0 then request.request_id else request.metered_id end as metered_id,
    request.latency_ms, request.time_to_first_token_ms, coalesce(request.status, 'success') as status, request.error_class, request.finish_reason,
    coalesce(request.is_cache_hit, false) as is_cache_hit, coalesce(request.is_free, false) as is_free,
    coalesce(request.is_estimated, false) or usual.day is not null as is_estimated,
    coalesce(usual.basis, case when request.is_estimated then 'its source' end) as estimate_basis,
    case when request.is_cache_hit or request.is_free then 'not billed' when coalesce(request.status, 'success') = 'success' then 'billed'
        else coalesce(policy.verdict, case when request.has_tokens or request.input_tokens + request.output_tokens is null then 'unknown'
            else 'not billed' end) end as billing,
    case when request.is_cache_hit then 'gateway cache' when request.is_free then 'its source'
        when request.status = 'failure' then coalesce(policy.rule, 'no policy') end as billing_rule,
    policy.fee_usd, request.key_id, request.key_alias, request.project_id, request.account_id, request.user_id, request.session_id,
    coalesce(owner.owner_team, request.team) as team, owner.cost_centre, coalesce(owner.owner_tenant, request.tenant) as tenant,
    coalesce(owner.owner_feature, request.feature) as feature, coalesce(owner.owner_environment, request.environment) as environment,
    request.experiment_arm, request.response_id, request.prompt_hash, request.prefix_hash, request.prefix_ratio, request.context_ratio,
    request.max_output_tokens, request.temperature, request.is_streaming, request.has_tools, request.routing_reason, request.is_deferrable,
    request.logs, coalesce(request.cost_basis, 'computed') as cost_basis, request.reported_cost_usd, request.file_id
from request
cross join (
    select count(case when field = 'user_id' then 1 end) as user_rules, count(case when field like 'tags.%' then 1 end) as tag_rules
    from book.owner_condition
) as asked
left join book.local_day as local
    on local.day = request.day and request.started_at >= local.starts_at and request.started_at < local.ends_at
left join core.owner_in_force as owner
    on owner.kind = 'call' and owner.day = request.day and owner.book_day = coalesce(local.book_day, request.day)
    and owner.key_id = coalesce(request.key_id, '') and owner.key_alias = coalesce(request.key_alias, '')
    and owner.project_id = coalesce(request.project_id, '') and owner.account_id = coalesce(request.account_id, '')
    and owner.user_id = case when asked.user_rules > 0 then coalesce(request.user_id, '') else '' end
    and owner.tags = case when asked.tag_rules > 0 then coalesce(request.tags, '') else '' end
    and owner.team = coalesce(request.team, '') and owner.tenant = coalesce(request.tenant, '')
    and owner.feature = coalesce(request.feature, '') and owner.environment = coalesce(request.environment, '')
    and owner.model = coalesce(request.model, '') and owner.provider = coalesce(request.provider, '')
    and owner.source = coalesce(request.source, '')
left join core.commitment_in_force as held
    on not coalesce(request.is_cache_hit, false) and held.day = request.day and held.provider = coalesce(request.provider, '')
    and held.model = coalesce(request.model, '') and held.served_tier = coalesce(request.served_tier, 'standard')
    and held.region = coalesce(request.region, '') and held.key_id = coalesce(request.key_id, '')
    and held.project_id = coalesce(request.project_id, '')
left join core.policy_in_force as policy
    on request.status = 'failure' and policy.day = request.day and policy.provider = coalesce(request.provider, '')
    and policy.error_class = coalesce(request.error_class, '') and policy.has_tokens = request.has_tokens
left join core.usual_tokens as usual on usual.day = request.day and usual.request_id = request.request_id and usual.source = request.source
