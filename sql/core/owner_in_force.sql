/*
Who owns each combination of owner fields that requests of a day have: rules meet a combination once, not each request.

grain: one row per day and combination with an owner
key: [day, key_id, key_alias, project_id, user_id, team, tenant, feature, environment, model, provider, source]
daily: true
*/
with asked as (
    -- Users are many; they are told apart only where a rule asks for them.
    select coalesce(max(case when owner.field = 'user_id' then 1 else 0 end), 0) as by_user from book.owner as owner
),
profile as (
    select distinct
        day, coalesce(key_id, '') as key_id, coalesce(key_alias, '') as key_alias, coalesce(project_id, '') as project_id,
        case when asked.by_user = 1 then coalesce(user_id, '') else '' end as user_id, coalesce(team, '') as team,
        coalesce(tenant, '') as tenant, coalesce(feature, '') as feature,
        coalesce(environment, '') as environment, coalesce(model, '') as model, coalesce(provider, '') as provider,
        coalesce(source, '') as source
    from staging.request
    cross join asked
    where day >= getvariable('from_day') and day < getvariable('to_day')
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
        and nullif(case owner.field
            when 'key_id' then profile.key_id when 'key_alias' then profile.key_alias when 'project_id' then profile.project_id
            when 'user_id' then profile.user_id when 'team' then profile.team when 'tenant' then profile.tenant
            when 'feature' then profile.feature when 'environment' then profile.environment when 'model' then profile.model
            when 'provider' then profile.provider when 'source' then profile.source
        end, '') like owner.pattern escape '!'
)
select
    matched.day, matched.key_id, matched.key_alias, matched.project_id, matched.user_id, matched.team, matched.tenant, matched.feature,
    matched.environment, matched.model, matched.provider, matched.source, matched.owner_team, matched.cost_centre, matched.owner_tenant,
    matched.owner_feature, matched.owner_environment
from matched
where matched.choice = 1
