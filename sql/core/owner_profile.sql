/*
The combinations of owner fields that calls (requests and usage) and GPU samples of a day have: what owner rules are held against.

grain: one row per UTC day, day of the book and combination; kind is call or sample; empty is a field that is not there, or not asked for
key: [kind, day, book_day, key_id, key_alias, user_id, project_id, account_id, tags, job_id, host, pool, feature, tenant, environment, team,
  model, provider, source]
daily: true
*/
with asked as (
    -- Users, tags, jobs and hosts are many; they are told apart only where a rule asks for them.
    select count(case when field = 'user_id' then 1 end) as user_rules, count(case when field like 'tags.%' then 1 end) as tag_rules,
        count(case when field = 'job_id' then 1 end) as job_rules, count(case when field = 'host' then 1 end) as host_rules
    from book.owner_condition
),
seen as (
    select distinct
        'call' as kind, request.day, coalesce(local.book_day, request.day) as book_day, key_id, key_alias,
        case when asked.user_rules > 0 then user_id end as user_id, project_id, account_id,
        case when asked.tag_rules > 0 then tags end as tags, '' as job_id, '' as host, '' as pool, feature, tenant, environment, team,
        model, provider, source
    from staging.request as request
    cross join asked
    left join book.local_day as local
        on local.day = request.day and request.started_at >= local.starts_at and request.started_at < local.ends_at
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day')
    union all
    select distinct
        'call', usage.day, case when usage.starts_at = cast(usage.day as timestamp) and usage.ends_at >= cast(usage.day + 1 as timestamp)
            then usage.day else coalesce(local.book_day, usage.day) end,
        key_id, key_alias, case when asked.user_rules > 0 then user_id end, project_id, account_id, '', '', '', '',
        feature, tenant, environment, team, model, provider, source
    from staging.usage as usage
    cross join asked
    left join book.local_day as local on local.day = usage.day and usage.starts_at >= local.starts_at and usage.starts_at < local.ends_at
    where usage.day >= getvariable('from_day') and usage.day < getvariable('to_day')
    union all
    select distinct
        'sample', sample.day, coalesce(hour.book_day, sample.day), '', '', '', '', '', '', case when asked.job_rules > 0 then job_id end,
        case when asked.host_rules > 0 then host end, pool, feature, tenant, '', team, gpu_model, 'gpu', source
    from staging.gpu_sample as sample
    cross join asked
    left join book.hour as hour on hour.day = sample.day and hour.hour_second = sample.sampled_second - sample.sampled_second % 3600
    where sample.day >= getvariable('from_day') and sample.day < getvariable('to_day')
)
select distinct
    seen.kind, seen.day, seen.book_day, coalesce(seen.key_id, '') as key_id, coalesce(seen.key_alias, '') as key_alias,
    coalesce(seen.user_id, '') as user_id, coalesce(seen.project_id, '') as project_id, coalesce(seen.account_id, '') as account_id,
    coalesce(seen.tags, '') as tags, coalesce(seen.job_id, '') as job_id, coalesce(seen.host, '') as host, coalesce(seen.pool, '') as pool,
    coalesce(seen.feature, '') as feature, coalesce(seen.tenant, '') as tenant, coalesce(seen.environment, '') as environment,
    coalesce(seen.team, '') as team, coalesce(seen.model, '') as model, coalesce(seen.provider, '') as provider,
    coalesce(seen.source, '') as source
from seen
