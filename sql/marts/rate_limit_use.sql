/*
How near calls came to the limits of budgets.yaml: minutes over them, and the busiest minute of each day.

grain: one row per limit and day with calls in its scope
key: [day, limit_name]
daily: true
book_days: true
must:
  - minutes_over <= minutes
*/
-- Minutes of the clock, as gateways count them; every attempt counts, and its whole input and output.
with minute as (
    select
        request.book_day as day, date_trunc('minute', request.started_at) as minute, request.team, request.tenant, request.feature,
        request.environment, request.model, count(*) as requests,
        sum(coalesce(request.prompt_tokens, 0) + coalesce(request.output_tokens, 0)) as tokens
    from core.request as request
    where request.book_day >= getvariable('from_day') and request.book_day < getvariable('to_day')
    group by request.book_day, date_trunc('minute', request.started_at), request.team, request.tenant, request.feature, request.environment,
        request.model
),
classed as (
    select seen.model, class.model_class, row_number() over (partition by seen.model order by class.place) as choice
    from (select distinct minute.model from minute) as seen
    inner join book.model_class as class on lower(seen.model) like class.pattern escape '!'
),
counted as (
    select
        rate.limit_name, rate.scope, rate.owner, rate.requests_per_minute, rate.tokens_per_minute, minute.day, minute.minute,
        cast(sum(minute.requests) as bigint) as requests, cast(sum(minute.tokens) as bigint) as tokens
    from book.rate_limit as rate
    inner join minute
        on minute.day >= rate.starts_on and minute.day < rate.ends_on
        and (rate.team is null or minute.team = rate.team) and (rate.tenant is null or minute.tenant = rate.tenant)
        and (rate.feature is null or minute.feature = rate.feature) and (rate.environment is null or minute.environment = rate.environment)
        and (rate.model is null or minute.model = rate.model)
    left join classed on classed.model = minute.model and classed.choice = 1
    where rate.model_class is null or classed.model_class = rate.model_class
    group by rate.limit_name, rate.scope, rate.owner, rate.requests_per_minute, rate.tokens_per_minute, minute.day, minute.minute
),
ranked as (
    select
        counted.*, row_number() over (
            partition by counted.limit_name, counted.day
            -- The larger share of its limit, both of them times both limits.
            order by greatest(
                case when counted.requests_per_minute > 0
                    then cast(counted.requests as decimal(18,0)) * cast(coalesce(counted.tokens_per_minute, 1) as decimal(13,0)) else 0 end,
                case when counted.tokens_per_minute > 0
                    then cast(counted.tokens as decimal(18,0)) * cast(coalesce(counted.requests_per_minute, 1) as decimal(13,0)) else 0 end
            ) desc, counted.minute
        ) as place
    from counted
)
select
    ranked.day, ranked.limit_name, ranked.scope, ranked.owner, ranked.requests_per_minute, ranked.tokens_per_minute,
    cast(count(*) as bigint) as minutes,
    cast(count(case when ranked.requests > ranked.requests_per_minute or ranked.tokens > ranked.tokens_per_minute then 1 end) as bigint)
        as minutes_over,
    max(case when ranked.place = 1 then ranked.minute end) as busiest_minute,
    max(case when ranked.place = 1 then ranked.requests end) as busiest_requests,
    max(case when ranked.place = 1 then ranked.tokens end) as busiest_tokens
from ranked
group by ranked.day, ranked.limit_name, ranked.scope, ranked.owner, ranked.requests_per_minute, ranked.tokens_per_minute
