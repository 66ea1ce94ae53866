/*
Which commitment serves each combination of model, tier, key and project that calls of a day have, so that they are not priced one by one.

grain: one row per day and combination that a commitment serves
key: [day, provider, model, served_tier, region, key_id, project_id]
daily: true
*/
with held as (
    -- Days without a commitment are not read.
    select distinct calendar.day
    from book.day as calendar
    inner join book.commitment_match as match on calendar.day >= match.starts_on and calendar.day < match.ends_on
    where match.kind = 'provisioned_throughput' and calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
),
profile as (
    select distinct
        request.day, coalesce(request.provider, '') as provider, coalesce(request.model, '') as model,
        coalesce(request.served_tier, 'standard') as served_tier, coalesce(request.region, '') as region,
        coalesce(request.key_id, '') as key_id, coalesce(request.project_id, '') as project_id
    from staging.request as request
    inner join held on held.day = request.day
    where request.day >= getvariable('from_day') and request.day < getvariable('to_day')
),
matched as (
    select
        profile.*, match.commitment,
        row_number() over (
            partition by profile.day, profile.provider, profile.model, profile.served_tier, profile.region, profile.key_id,
                profile.project_id
            order by match.place
        ) as choice
    from profile
    inner join book.commitment_match as match
        on match.kind = 'provisioned_throughput' and profile.day >= match.starts_on and profile.day < match.ends_on
        and lower(profile.provider) = match.provider and lower(profile.model) like match.model escape '!'
        and profile.served_tier like match.served_tier escape '!'
        and profile.key_id like match.key_id escape '!' and profile.project_id like match.project_id escape '!'
)
select
    matched.day, matched.provider, matched.model, matched.served_tier, matched.region, matched.key_id, matched.project_id,
    matched.commitment
from matched
where matched.choice = 1
