/*
Who owns each combination of owner fields of a day: rules meet a combination once, not each row of it, and one rule wins it.

grain: one row per UTC day, day of the book and combination with an owner
key: [kind, day, book_day, key_id, key_alias, user_id, project_id, account_id, tags, job_id, host, pool, feature, tenant, environment, team,
  model, provider, source]
daily: true
*/
with profile as (
    select profile.*, row_number() over (
            order by kind, day, book_day, key_id, key_alias, user_id, project_id, account_id, tags, job_id, host, pool, feature, tenant,
                environment, team, model, provider, source
        ) as place
    from core.owner_profile as profile
    where day >= getvariable('from_day') and day < getvariable('to_day')
),
fact as (
    select profile.place, profile.book_day, field.field, nullif(case field.field
            when 'key_id' then key_id when 'key_alias' then key_alias when 'user_id' then user_id when 'project_id' then project_id
            when 'account_id' then account_id when 'job_id' then job_id when 'host' then host when 'pool' then pool
            when 'feature' then feature when 'tenant' then tenant when 'environment' then environment when 'team' then team
            when 'model' then model when 'provider' then provider when 'source' then source else tag_of(tags, substr(field.field, 6))
        end, '') as value
    from profile
    cross join (select distinct condition.field from book.owner_condition as condition) as field
),
value as (select distinct fact.field, fact.value from fact where fact.value is not null),
condition as (
    select condition.*, owner.starts_on, owner.ends_on
    from book.owner_condition as condition
    inner join book.owner as owner on owner.rule_id = condition.rule_id
),
hit as (
    select value.field, value.value, condition.rule_id, condition.is_first, condition.starts_on, condition.ends_on
    from value
    inner join condition on condition.is_exact and condition.field = value.field and condition.pattern = value.value
    union all
    select value.field, value.value, condition.rule_id, condition.is_first, condition.starts_on, condition.ends_on
    from value
    inner join condition
        on not condition.is_exact and condition.field = value.field and value.value like condition.pattern escape '!'
),
candidate as (
    -- By one condition of each rule, and of what that finds by the others: many rules may share a broad one.
    select fact.place, hit.rule_id
    from fact
    inner join hit
        on hit.field = fact.field and hit.value = fact.value and fact.book_day >= hit.starts_on and fact.book_day < hit.ends_on
    where hit.is_first
),
other as (
    select candidate.place, candidate.rule_id, count(*) as met
    from candidate
    inner join book.owner_condition as condition on condition.rule_id = candidate.rule_id and not condition.is_first
    inner join fact on fact.place = candidate.place and fact.field = condition.field
    inner join hit on hit.rule_id = candidate.rule_id and hit.field = fact.field and hit.value = fact.value
    group by candidate.place, candidate.rule_id
),
ranked as (
    select
        candidate.place, owner.rule_id, owner.team, owner.cost_centre, owner.tenant, owner.feature, owner.environment, row_number() over (
            partition by candidate.place order by owner.priority desc, owner.conditions desc, owner.rank desc, owner.rule_id
        ) as choice
    from candidate
    inner join book.owner as owner on owner.rule_id = candidate.rule_id
    left join other on other.place = candidate.place and other.rule_id = candidate.rule_id
    where owner.conditions = 1 + coalesce(other.met, 0)
)
select
    profile.kind, profile.day, profile.book_day, profile.key_id, profile.key_alias, profile.user_id, profile.project_id, profile.account_id,
    profile.tags, profile.job_id, profile.host, profile.pool, profile.feature, profile.tenant, profile.environment, profile.team,
    profile.model, profile.provider, profile.source, ranked.rule_id, ranked.team as owner_team, ranked.cost_centre,
    ranked.tenant as owner_tenant, ranked.feature as owner_feature, ranked.environment as owner_environment
from ranked
inner join profile on profile.place = ranked.place
where ranked.choice = 1
