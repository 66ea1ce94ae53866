/*
Tokens by hour, of which the busiest hour of whoever is watched is found.

grain: one row per hour of a day of the book and owner with tokens
key: [day, started_at, team, tenant, feature]
daily: true
book_days: true
*/
with hour as (
    select
        request.book_day, date_trunc('hour', request.started_at) as started_at, request.team, request.tenant, request.feature,
        sum(coalesce(request.input_tokens, 0) + coalesce(request.cache_read_tokens, 0) + coalesce(request.cache_write_5m_tokens, 0)
            + coalesce(request.cache_write_1h_tokens, 0) + coalesce(request.output_tokens, 0)) as tokens
    from core.request as request
    where request.book_day >= getvariable('from_day') and request.book_day < getvariable('to_day')
    group by request.book_day, date_trunc('hour', request.started_at), request.team, request.tenant, request.feature
)
select
    hour.book_day as day, cast(hour.started_at as timestamp) as started_at, coalesce(hour.team, 'unowned') as team,
    coalesce(hour.tenant, '(none)') as tenant, coalesce(hour.feature, '(none)') as feature, cast(sum(hour.tokens) as bigint) as tokens
from hour
where hour.tokens > 0
group by hour.book_day, hour.started_at, coalesce(hour.team, 'unowned'), coalesce(hour.tenant, '(none)'), coalesce(hour.feature, '(none)')
