/*
How far each watched figure is from what its own past makes expected (docs/anomalies.md gives the formulas).

grain: one row per day, dimension, scope and measure; of cost until a scope has not been seen for 60 days, of ratios where they are known
key: [day, dimension, scope, measure]
daily: true
lookback_days: 150
then: watch
*/
-- A ratio is known only where at least so much was counted of what it is made of: a ratio of few is chance. Ratios of a team, a tenant or
-- the whole move with the mix of their features: those are watched.
with measure as (
    select watched.* from (values
        ('cost', 'total', 0), ('cost', 'team', 0), ('cost', 'tenant', 0), ('cost', 'feature', 0), ('cost', 'model', 0),
        ('cost', 'gpu pool', 0), ('cost', 'team, feature', 0), ('cost', 'tenant, feature', 0),
        ('cost', 'feature, model', 0), ('cost', 'team, model', 0),
        ('cost per request', 'feature', 20), ('cost per request', 'model', 20), ('cost per request', 'feature, model', 20),
        ('tokens per request', 'feature', 20), ('tokens per request', 'tenant, feature', 20),
        ('attempts per operation', 'feature', 20), ('attempts per operation', 'model', 20),
        ('cache read share', 'feature', 20), ('cache read share', 'model', 20),
        ('requests per session', 'feature', 20), ('requests per session', 'tenant, feature', 20),
        ('swapped share', 'feature', 20), ('truncated share', 'feature', 20), ('truncated share', 'model', 20),
        ('busiest hour', 'total', 200), ('busiest hour', 'tenant', 200), ('busiest hour', 'feature', 200),
        ('weekend share', 'total', 1), ('weekend share', 'team', 1), ('weekend share', 'gpu pool', 1),
        ('idle share', 'gpu pool', 3600), ('cost per unit', 'unit', 20)
    ) as watched (measure, dimension, least)
),
seen as (
    select
        series.*, cast(coalesce(cost_usd, 0) as double) as cost, cast(requests - repeated_attempts as double) as operations,
        least(lead(day) over (partition by dimension, scope order by day rows between current row and 1 following), day + 60) as seen_to,
        -- What use without a price before costs now, it costs because of the change alone.
        case when change_usd = 0 or cost_usd <= 0 then 0 when cost_usd <= change_usd then 30
            else ln(cast(cost_usd as double) / cast(cost_usd - change_usd as double)) end as card_log
    from marts.series as series
    where day >= getvariable('from_day') - 150 and day < getvariable('to_day')
),
chained as (
    select
        seen.*, calendar.weekday, sum(card_log) over (
            partition by dimension, scope order by seen.day rows between unbounded preceding and current row
        ) as chained_log
    from seen
    inner join book.day as calendar on calendar.day = seen.day
    where seen.dimension in ('total', 'team', 'gpu pool')
),
-- What the five weekdays before a weekend day cost on the mean, at the prices of that day.
week as (
    select weekend.day, weekend.dimension, weekend.scope, sum(past.cost * exp(weekend.chained_log - past.chained_log)) / 5 as weekday_cost
    from chained as weekend
    inner join chained as past on past.dimension = weekend.dimension and past.scope = weekend.scope
        and past.day >= weekend.day - 6 and past.day < weekend.day and past.weekday <= 5
    where weekend.weekday > 5
    group by weekend.day, weekend.dimension, weekend.scope
),
figure as (
    select
        seen.day, seen.dimension, seen.scope, measure.measure,
        case when measure.measure in ('cost', 'cost per request', 'cost per unit') then seen.card_log else 0 end as card_log, seen.cost,
        case measure.measure when 'cost' then 0 when 'requests per session' then session_requests
            when 'swapped share' then compared_requests when 'truncated share' then finished_requests
            when 'weekend share' then week.weekday_cost when 'idle share' then known_seconds when 'cost per unit' then units
            when 'busiest hour' then requests when 'attempts per operation' then operations else used_requests
            end >= measure.least as is_known,
        case measure.measure when 'cost' then seen.cost
            -- Of requests that used anything: attempts that came to nothing have a ratio of their own. What has no price is not cheap.
            when 'cost per request' then seen.cost / nullif(greatest(used_requests - unpriced_requests, 0), 0)
            when 'tokens per request' then tokens / nullif(used_requests, 0)
            when 'attempts per operation' then requests / nullif(operations, 0)
            when 'cache read share' then cache_read_tokens / nullif(prompt_tokens, 0)
            when 'requests per session' then session_requests / nullif(sessions, 0)
            when 'swapped share' then swapped_requests / nullif(compared_requests, 0)
            when 'truncated share' then truncated_requests / nullif(finished_requests, 0)
            when 'busiest hour' then 24 * busiest_hour_tokens / nullif(tokens, 0)
            when 'idle share' then idle_seconds / nullif(known_seconds, 0)
            when 'weekend share' then seen.cost / week.weekday_cost when 'cost per unit' then seen.cost / nullif(units, 0) end as value
    from seen
    inner join measure on measure.dimension = seen.dimension
    left join week on week.day = seen.day and week.dimension = seen.dimension and week.scope = seen.scope
)
select
    figure.day, figure.dimension, figure.scope, figure.measure, figure.measure <> 'cost' as is_ratio, figure.value, figure.cost as spend,
    figure.card_log, figure.day >= getvariable('from_day') as is_wanted
from figure
where figure.is_known and (figure.value is not null or figure.measure = 'cost')
union all
-- A day that is asked for has a row also where a scope that is alive was not seen on it.
select calendar.day, seen.dimension, seen.scope, measure.measure, false, null, null, 0, true
from seen
inner join measure on measure.dimension = seen.dimension and measure.measure = 'cost'
inner join book.day as calendar
    on calendar.day > seen.day and calendar.day < seen.seen_to and calendar.day >= getvariable('from_day')
    and calendar.day < getvariable('to_day')
where seen.seen_to > getvariable('from_day')
