/*
What ideas about attempts and GPUs saved a day against the days before they were live: an estimate, for what did not happen is in no log.

grain: one row per day and idea; days without what it is measured by have a reason
key: [day, saving]
daily: true
book_days: true
must:
  - (was_usd is null) = (unknown_reason is not null)
*/
with base as (
    select
        baseline.saving, max(baseline.days) as days, cast(sum(baseline.repeated_attempts) as bigint) as again,
        cast(sum(baseline.requests - baseline.repeated_attempts) as bigint) as asked, cast(sum(baseline.gpu_seconds) as bigint) as gpu_seconds
    from core.saving_baseline as baseline
    group by baseline.saving
),
idea as (
    select calendar.day, saving.*
    from book.saving as saving
    inner join book.day as calendar on calendar.day >= saving.live_since and calendar.day < saving.ends_on
    where saving.lever in ('retries', 'gpu') and calendar.day >= getvariable('from_day') and calendar.day < getvariable('to_day')
),
used as (
    select
        idea.day, idea.saving, cast(sum(spend.requests) as bigint) as requests, cast(sum(spend.repeated_attempts) as bigint) as again,
        cast(sum(spend.unpriced_requests) as bigint) as unpriced_requests, cast(0 as bigint) as gpu_seconds,
        cast(sum(spend.cost_usd) as decimal(38,12)) as cost_usd
    from idea
    inner join core.model_spend as spend
        on idea.lever = 'retries' and spend.basis = 'requests' and spend.book_day = idea.day
        and (idea.feature is null or idea.feature = spend.feature) and (idea.team is null or idea.team = spend.team)
        and (idea.tenant is null or idea.tenant = spend.tenant) and (idea.environment is null or idea.environment = spend.environment)
        and (idea.model is null or lower(spend.model) like idea.model escape '!')
    group by idea.day, idea.saving
    union all
    select
        idea.day, idea.saving, cast(0 as bigint) as requests, cast(0 as bigint) as again, cast(0 as bigint) as unpriced_requests,
        cast(sum(hour.capacity_seconds) as bigint) as gpu_seconds,
        cast(case when count(hour.cost_usd) = count(*) then sum(hour.cost_usd) end as decimal(38,12)) as cost_usd
    from idea
    inner join core.gpu_hour as hour on idea.lever = 'gpu' and hour.pool = idea.pool and hour.book_day = idea.day
    group by idea.day, idea.saving
),
told as (
    select
        idea.day, idea.saving, idea.lever, used.requests, used.cost_usd, to_pico(used.cost_usd) as cost,
        -- Attempts spared, in millionths, and what an attempt of the day cost.
        div_trunc((cast(base.again as decimal(18,0)) * cast(used.requests - used.again as decimal(12,0))
            - cast(used.again as decimal(18,0)) * cast(base.asked as decimal(12,0))) * 1000000, nullif(base.asked, 0)) as spared,
        div_trunc(to_pico(used.cost_usd), nullif(used.requests, 0)) as each_cost,
        coalesce(idea.gpu_seconds_per_day, cast(div_trunc(base.gpu_seconds, base.days) as bigint)) as seconds_before, used.gpu_seconds,
        case when used.saving is null then case idea.lever when 'gpu' then 'no samples of the pool' else 'no requests' end
            when used.cost_usd is null then 'no price' when idea.lever = 'gpu' and idea.gpu_seconds_per_day is not null then null
            when base.saving is null or (idea.lever = 'retries' and base.asked = 0) then 'no baseline' end as unknown_reason
    from idea
    left join used on used.day = idea.day and used.saving = idea.saving
    left join base on base.saving = idea.saving
)
select
    told.day, told.saving, coalesce(told.requests, 0) as requests,
    case when told.unknown_reason is not null then null
        when told.lever = 'gpu' then to_usd(div_trunc(cast(told.cost as decimal(18,0)) * cast(told.seconds_before as decimal(19,0)), told.gpu_seconds))
        else to_usd(told.cost + div_trunc(cast(told.spared as decimal(19,0)) * cast(told.each_cost as decimal(18,0)), 1000000)) end as was_usd,
    case when told.unknown_reason is null then told.cost_usd end as cost_usd, told.unknown_reason
from told
