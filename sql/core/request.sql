/*
Every request attempt in the common shape, with the owner it had on that day.

grain: one row per request attempt
key: request_id
daily: true
must:
  - coalesce(input_tokens, 0) >= 0 and coalesce(output_tokens, 0) >= 0
  - coalesce(cache_read_tokens, 0) >= 0 and coalesce(cache_write_5m_tokens, 0) >= 0 and coalesce(cache_write_1h_tokens, 0) >= 0
should:
  - team is not null
*/
-- One answer of a provider is one call, however many tools logged it: the log that knows most of it counts.
with seen as (
    select
        staged.*,
        row_number() over (
            partition by staged.day, coalesce(staged.response_id, staged.request_id)
            order by case when staged.reported_cost_usd is null then 1 else 0 end, case when staged.team is null then 1 else 0 end,
                coalesce(staged.input_tokens, 0) + coalesce(staged.cache_read_tokens, 0) + coalesce(staged.output_tokens, 0) desc, staged.source,
                staged.request_id
        ) as choice,
        count(*) over (partition by staged.day, coalesce(staged.response_id, staged.request_id)) as logs
    from staging.request as staged
    left join book.source as source on source.source = staged.source
    where staged.day >= getvariable('from_day') and staged.day < getvariable('to_day') and coalesce(source.is_counted, true)
),
request as (
    select seen.*, row_number() over (partition by seen.day, seen.operation_id order by seen.started_at, seen.request_id) as place
    from seen
    where seen.choice = 1
),
-- Rules meet each combination of owner fields once, not each request.
profile as (
    select distinct day, key_id, key_alias, project_id, user_id, team, tenant, feature, environment, model, provider, source
    from request
),
matched as (
    select
        profile.*, owner.team as owner_team, owner.cost_centre, owner.tenant as owner_tenant, owner.feature as owner_feature,
        owner.environment as owner_environment,
        row_number() over (
            partition by profile.day, profile.key_id, profile.key_alias, profile.project_id, profile.user_id, profile.team, profile.tenant,
                profile.feature, profile.environment, profile.model, profile.provider, profile.source
            order by owner.priority desc, owner.rule_id
        ) as choice
    from profile
    inner join book.owner as owner
        on profile.day >= owner.starts_on and profile.day < owner.ends_on
        and case owner.field
            when 'key_id' then profile.key_id when 'key_alias' then profile.key_alias when 'project_id' then profile.project_id
            when 'user_id' then profile.user_id when 'team' then profile.team when 'tenant' then profile.tenant
            when 'feature' then profile.feature when 'environment' then profile.environment when 'model' then profile.model
            when 'provider' then profile.provider when 'source' then profile.source
        end like owner.pattern escape '!'
)
select
    request.request_id, coalesce(request.operation_id, request.request_id) as operation_id,
    coalesce(request.attempt, case when request.operation_id is null then 1 else cast(request.place as integer) end) as attempt,
    request.day, request.started_at, request.source, request.provider, request.model, request.requested_model,
    coalesce(request.served_tier, 'standard') as served_tier,
    request.input_tokens, request.cache_read_tokens, request.cache_write_5m_tokens, request.cache_write_1h_tokens,
    request.output_tokens, request.reasoning_tokens, request.latency_ms, request.time_to_first_token_ms,
    coalesce(request.status, 'success') as status, request.error_class, request.finish_reason,
    coalesce(request.is_cache_hit, false) as is_cache_hit, coalesce(request.is_free, false) as is_free, coalesce(request.is_estimated, false) as is_estimated,
    request.key_id, request.key_alias, request.project_id, request.user_id, request.session_id,
    coalesce(matched.owner_team, request.team) as team, matched.cost_centre,
    coalesce(matched.owner_tenant, request.tenant) as tenant,
    coalesce(matched.owner_feature, request.feature) as feature,
    coalesce(matched.owner_environment, request.environment) as environment,
    request.experiment_arm, request.response_id, request.prompt_hash, request.logs, coalesce(request.cost_basis, 'computed') as cost_basis,
    request.reported_cost_usd, request.file_id
from request
left join matched on matched.choice = 1 and matched.day = request.day
    and matched.key_id is not distinct from request.key_id and matched.key_alias is not distinct from request.key_alias
    and matched.project_id is not distinct from request.project_id and matched.user_id is not distinct from request.user_id
    and matched.team is not distinct from request.team and matched.tenant is not distinct from request.tenant
    and matched.feature is not distinct from request.feature and matched.environment is not distinct from request.environment
    and matched.model is not distinct from request.model and matched.provider is not distinct from request.provider
    and matched.source is not distinct from request.source
