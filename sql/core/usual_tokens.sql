/*
What calls of which the log counts no tokens are taken to have used: the mean, in whole tokens, of the calls it counted on the same day of
the same source, model and feature; of the model, where it counted none of the feature. Answered calls, and those that broke off at work.

grain: one row per request attempt with unknown tokens that has counted ones to go by
key: [request_id, source]
daily: true
must:
  - input_tokens >= 0 and output_tokens >= 0
*/
with lacking as (
    select distinct day, coalesce(source, '') as source, coalesce(provider, '') as provider, coalesce(model, '') as model
    from staging.request
    where day >= getvariable('from_day') and day < getvariable('to_day') and (input_tokens is null or output_tokens is null)
),
call as (
    select
        request.*, lacking.source as of_source, lacking.provider as of_provider, lacking.model as of_model,
        coalesce(owner.owner_feature, request.feature, '') as of_feature,
        request.input_tokens is null or request.output_tokens is null as is_unknown,
        coalesce(request.status, 'success') = 'success' as is_success,
        coalesce(request.input_tokens, 0) + coalesce(request.cache_read_tokens, 0) + coalesce(request.output_tokens, 0) > 0 as has_tokens
    from lacking
    inner join staging.request as request
        on request.day = lacking.day and coalesce(request.source, '') = lacking.source
        and coalesce(request.provider, '') = lacking.provider and coalesce(request.model, '') = lacking.model
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
        and owner.model = lacking.model and owner.provider = lacking.provider and owner.source = lacking.source
    where not coalesce(request.is_cache_hit, false) and not coalesce(request.is_free, false) and not coalesce(request.is_estimated, false)
        and coalesce(request.quantity, 0) = 0
),
usual as (
    select
        call.day, call.of_source, call.of_provider, call.of_model, scope.scope,
        case when scope.scope = 'feature' then call.of_feature end as of_feature,
        'mean of ' || cast(count(*) as varchar) || ' calls of the ' || scope.scope || ' that day' as basis,
        cast(div_trunc(sum(call.input_tokens), count(*)) as bigint) as usual_input,
        cast(div_trunc(sum(coalesce(call.cache_read_tokens, 0)), count(*)) as bigint) as usual_read,
        cast(div_trunc(sum(coalesce(call.cache_write_5m_tokens, 0)), count(*)) as bigint) as usual_write_5m,
        cast(div_trunc(sum(coalesce(call.cache_write_1h_tokens, 0)), count(*)) as bigint) as usual_write_1h,
        cast(div_trunc(sum(call.output_tokens), count(*)) as bigint) as usual_output,
        cast(div_trunc(sum(coalesce(call.reasoning_tokens, 0)), count(*)) as bigint) as usual_reasoning
    from call
    cross join (select 'feature' as scope union all select 'model' as scope) as scope
    where not call.is_unknown and call.is_success
    group by
        call.day, call.of_source, call.of_provider, call.of_model, scope.scope, case when scope.scope = 'feature' then call.of_feature end
),
found as (
    select
        call.*, usual.basis, usual.usual_input, usual.usual_read, usual.usual_write_5m, usual.usual_write_1h, usual.usual_output,
        usual.usual_reasoning,
        row_number() over (partition by call.day, call.request_id, call.of_source order by usual.scope, usual.basis) as choice
    from call
    left join core.policy_in_force as policy
        on policy.is_dispatched and policy.day = call.day and policy.provider = call.of_provider
        and policy.error_class = coalesce(call.error_class, '') and policy.has_tokens = call.has_tokens and not call.is_success
    inner join usual
        on usual.day = call.day and usual.of_source = call.of_source and usual.of_provider = call.of_provider
        and usual.of_model = call.of_model and (usual.scope = 'model' or usual.of_feature = call.of_feature)
    where call.is_unknown and (call.is_success or policy.day is not null)
)
select
    request_id, of_source as source, day, basis,
    -- An input of unknown size is taken as usual whole, with what of it is cached.
    coalesce(input_tokens, usual_input) as input_tokens,
    case when input_tokens is null then usual_read else cache_read_tokens end as cache_read_tokens,
    case when input_tokens is null then usual_write_5m else cache_write_5m_tokens end as cache_write_5m_tokens,
    case when input_tokens is null then usual_write_1h else cache_write_1h_tokens end as cache_write_1h_tokens,
    coalesce(output_tokens, usual_output) as output_tokens,
    case when output_tokens is null then usual_reasoning else reasoning_tokens end as reasoning_tokens
from found
where choice = 1
